import Glibc

/// Room: the oldest segment goes as a whole, what of it was looked up is written again.
extension SegmentWriter {
  /// Reclaims until `bytes` more fit the budget.
  /// - Throws: `ENOSPC` when nothing is left to reclaim.
  func makeRoom(_ bytes: Int) throws(DeviceError) {
    guard !isReclaiming, inbox.monitor.withLock({ $0.isIndexLoaded }) else { return }
    isReclaiming = true
    defer { isReclaiming = false }
    if mustFreeSegment {
      mustFreeSegment = false
      // The disk is full below the budget: others need it too. Give way, but not all.
      if used > configuration.sizeBytes / 2, let oldest = oldestSealed() { remove([oldest]) }
    }
    // One segment's room is kept back for what is written again meanwhile.
    let limit = configuration.sizeBytes - configuration.segmentBytes
    var sparesLeft = table.count
    while used + bytes > limit {
      guard let oldest = oldestSealed() else {
        throw DeviceError(operation: "reclaim", path: directories.segments, code: ENOSPC)
      }
      switch oldest.kind {
      case .shared: reclaimShared(oldest)
      case .dedicated:
        if sparesLeft > 0, spare(oldest) { sparesLeft -= 1 } else { reclaim(oldest) }
      }
    }
  }

  private var used: Int { usedBytes.load(ordering: .relaxed) }

  private func oldestSealed() -> Segment? {
    table.oldest { segment in segment.state.withLock { $0.isSealed } }
  }

  /// A dedicated segment whose object was looked up goes to the end of the line instead.
  private func spare(_ segment: Segment) -> Bool {
    guard let record = segment.dedicated, index.place(record.hash)?.slot == segment.slot,
      segment.maxFetchSequence >= floor.load(ordering: .relaxed), index.clearHit(record.hash)
    else { return false }
    table.moveToEnd(segment)
    return true
  }

  private func reclaimShared(_ segment: Segment) {
    if segment.maxFetchSequence >= floor.load(ordering: .relaxed) {
      do throws(DeviceError) {
        try rewriteHot(segment)
      } catch {
        // What was hot is lost; the room is needed all the more.
        noteFailure(error)
      }
    }
    reclaim(segment)
  }

  /// At most half a segment is written again, so that reclaiming always makes room.
  private func rewriteHot(_ segment: Segment) throws(DeviceError) {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME_COARSE, &now)
    let hot = index.entries(slot: segment.slot).filter(\.isHit)
      .map(\.place).sorted { $0.block < $1.block }
    var rest = configuration.segmentBytes / 2
    var count = 0
    for place in hot {
      rest -= Int(place.blockCount) * DiskFormat.blockBytes
      guard rest >= 0 else { break }
      guard let object = reader.loadWhole(segment, place),
        object.usefulUntilSeconds >= Int64(now.tv_sec)
      else { continue }
      try append(object, .moved(from: place))
      count += 1
    }
    try flush()
    counters.rewrittenObjects.add(count)
  }

  private func reclaim(_ segment: Segment) {
    remove([segment])
    counters.reclaimedSegments.add(1)
  }

  /// Removes segments with all that the index has in them. Readers keep their open files.
  /// - Returns: how many objects went with them.
  @discardableResult
  func remove(_ segments: [Segment]) -> Int {
    guard !segments.isEmpty else { return 0 }
    // Before the index: a sweep that no longer finds something there lets its rules go, and relies
    // on the journal to say the same.
    for segment in segments {
      journal.append(JournalEntry.segmentRemoved(generation: segment.generation).encoded())
    }
    let shared = segments.filter { $0.kind == .shared }
    var count = shared.isEmpty ? 0 : index.removeAll(slots: Set(shared.map(\.slot)))
    for segment in segments {
      if let record = segment.dedicated {
        let place = RecordPlace(slot: segment.slot, block: 0, blockCount: 0)
        if index.remove(record.hash, at: place, {}) { count += 1 }
      }
      segment.noteRemoved()
      table.remove(segment)
      dirty[segment.generation] = nil
      usedBytes.subtract(segment.byteCount, ordering: .relaxed)
      do throws(DeviceError) {
        try device.unlink(segment.path)
      } catch {
        // The journal says that it is gone; the next start removes the file.
        counters.writeErrors.add(1)
      }
    }
    counters.reclaimedObjects.add(count)
    return count
  }

  /// The floor rose: segments that hold only what is below it go without being read.
  func removeDeadSegments() {
    let floor = floor.load(ordering: .acquiring)
    let count = remove(
      table.all.filter { segment in
        segment.state.withLock { $0.isSealed && $0.maxFetchSequence < floor }
      })
    counters.addDeadObjects(count)
  }

  /// Removes what spools left behind that nobody ended.
  func removeOrphans(_ generations: [UInt64]) {
    let orphans = Set(generations)
    for (spool, entry) in spoolSegments where orphans.contains(entry.segment.generation) {
      spoolSegments[spool] = nil
      remove([entry.segment])
    }
  }
}
