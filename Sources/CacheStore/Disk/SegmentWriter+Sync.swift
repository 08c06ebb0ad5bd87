import Logging

/// Durability: syncing segments, letting the journal name their records, saving the index.
extension SegmentWriter {
  /// Syncs what was written, then lets the journal name it.
  /// - Parameter round: somebody waits for this one, until the journal is durable too.
  func sync(round: UInt64?) {
    do throws(DeviceError) {
      try syncSegments()
      release()
    } catch {
      // Whether these records are on disk is not known; they serve until the next start.
      withheld = []
      noteFailure(error)
    }
    if round == nil {
      if configuration.sync != .never { journal.requestSync() }
      return
    }
    _ = journal.synchronize()
    inbox.monitor.update { state in state.syncsDone = max(state.syncsDone, round ?? 0) }
  }

  private func syncSegments() throws(DeviceError) {
    let files = dirty
    dirty = [:]
    for entry in files.values where !entry.segment.isRemoved { try entry.file.file.sync() }
    if hasNewNames {
      try device.syncDirectory(directories.segments)
      hasNewNames = false
    }
  }

  /// Journals the insertions whose records are where the index says.
  func release() {
    for entry in withheld {
      index.ifStill(entry.insertion.hash, at: entry.place) { isMarkedStale in
        var insertion = entry.insertion
        insertion.isMarkedStale = isMarkedStale
        journal.append(JournalEntry.insertion(insertion).encoded())
      }
    }
    withheld = []
  }

  /// Saves the index and drops the journal files that it makes needless.
  func takeSnapshot() {
    let hadLost = journal.takeLostEntries()
    let requests = inbox.takeKeepRequests()
    let mark = keeper?.mark()
    do throws(DeviceError) {
      let saved = try writeSnapshot()
      counters.snapshots.add(1)
      if let mark { keeper?.keepIfDue(saved, mark: mark, for: requests) }
    } catch {
      counters.snapshotErrors.add(1)
      if hadLost { journal.noteLostEntries() }
      logger.warning("index snapshot failed", metadata: ["cause": "\(error)"])
      for request in requests { request.completed(.failure(.device(error))) }
      return
    }
    afterSnapshot()
  }

  private func writeSnapshot() throws(DeviceError) -> SnapshotKeeper.Saved {
    // First the journal's new file, then the copy: a change during the copy is in that file, and
    // replaying it over the copy gives the same end whether the copy has it or not.
    let number = journal.rotate()
    var snapshot = IndexSnapshot(journalNumber: number, segments: [], shards: [])
    snapshot.removals = removals.places
    for shard in 0..<DiskIndex.shardCount { snapshot.shards.append(index.copyShard(shard)) }
    for segment in table.all {
      snapshot.segments.append(
        IndexSnapshot.SavedSegment(
          generation: segment.generation, slot: segment.slot, kind: segment.kind,
          maxFetchSequence: segment.maxFetchSequence, dedicated: segment.dedicated))
    }
    if configuration.sync != .never { try syncSegments() }
    let bytes = snapshot.encoded()
    try device.replaceFile(
      IndexSnapshot.path(directories.root, number), in: directories.root, bytes)
    keptSnapshots.append(number)
    removeOutdated()
    return SnapshotKeeper.Saved(
      bytes: bytes, objectCount: snapshot.shards.reduce(0) { $0 + $1.count })
  }

  /// Keeps the two newest snapshots and the journal files from the older of them on: should the
  /// newest be damaged, nothing is lost.
  private func removeOutdated() {
    guard keptSnapshots.count > 2 else { return }
    let oldestKept = keptSnapshots[keptSnapshots.count - 2]
    for number in keptSnapshots.dropLast(2) {
      try? device.unlink(IndexSnapshot.path(directories.root, number))
    }
    keptSnapshots.removeFirst(keptSnapshots.count - 2)
    guard let names = try? device.list(directories.root) else { return }
    for name in names {
      if let number = CommitLog.number(fileName: name, prefix: DiskDirectories.journalPrefix),
        number < oldestKept
      {
        try? device.unlink(directories.root + "/" + name)
      }
    }
  }
}
