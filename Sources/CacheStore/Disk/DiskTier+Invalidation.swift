import Glibc

/// Invalidations: made durable, and swept off the disk.
extension DiskTier {
  /// Most bytes of one entry of the log; an invalidation of more is written as several.
  private static let mostEntryBytes = 256 << 10
  /// The log is written anew once it is longer than this.
  static let longestLogBytes = 1 << 20

  /// Makes an invalidation durable.
  /// - Returns: nil once it is synced; else why it is not. It is tried again by itself then, and
  ///   effective meanwhile.
  public func recordInvalidation(
    sequence: UInt64, selectors: [InvalidationSelector], kind: InvalidationKind = .hard
  ) async -> String? {
    await withCheckedContinuation { continuation in
      appendInvalidation(sequence: sequence, selectors: selectors, kind: kind) {
        continuation.resume(returning: $0)
      }
    }
  }

  /// The same for callers that don't wait.
  /// - Parameter acknowledged: told nil or the failure, perhaps before this returns.
  func appendInvalidation(
    sequence: UInt64, selectors: [InvalidationSelector], kind: InvalidationKind,
    acknowledged: @escaping @Sendable (String?) -> Void
  ) {
    let entries = Self.entries(sequence, selectors, kind).map(logSeal.seal)
    guard entries.allSatisfy({ $0.count <= LogFormat.mostPayloadBytes }) else {
      return acknowledged(
        "an invalidation of more than \(LogFormat.mostPayloadBytes) bytes can't be journaled")
    }
    // State and log change in one order, so that a shortened log says the same as the long one.
    invalidations.withLock { state in
      state.add(sequence: sequence, selectors: selectors, kind: kind)
      noteFloor(state.floor)
      invalidationLog.append(entries) { outcome in
        switch outcome {
        case .durable: acknowledged(nil)
        case .failed(let reason): acknowledged(reason)
        }
      }
    }
  }

  private static func entries(
    _ sequence: UInt64, _ selectors: [InvalidationSelector], _ kind: InvalidationKind
  ) -> [[UInt8]] {
    var groups: [[InvalidationSelector]] = [[]]
    var bytes = 0
    for selector in selectors {
      let count = SelectorFormat.byteCount(selector)
      if bytes + count > mostEntryBytes, bytes > 0 {
        groups.append([])
        bytes = 0
      }
      groups[groups.count - 1].append(selector)
      bytes += count
    }
    return groups.map {
      InvalidationEntry.invalidation(sequence: sequence, selectors: $0, kind: kind).encoded()
    }
  }

  private func noteFloor(_ floor: UInt64) {
    guard writer.floor.load(ordering: .relaxed) < floor else { return }
    writer.floor.store(floor, ordering: .releasing)
    inbox.monitor.update { $0.wantsDeadSegments = true }
  }

  /// Takes from disk what a set of rules matches, or marks it, and lets the rules go. Walks the
  /// segments' footers; waits, so not for loops.
  /// - Parameters:
  ///   - sequence: rules up to this number are worked off when this returns true.
  ///   - takes: true for a key, fetched under a sequence number, that has to go.
  /// - Returns: false when the tier was shut down meanwhile, or the removals could not be made
  ///   durable: the rules stay in the log then and come back at the next start.
  @discardableResult
  public func sweep(
    upTo sequence: UInt64,
    _ takes: @escaping @Sendable (UnsafeRawBufferPointer, UInt64) -> Bool
  ) -> Bool {
    var tally = InvalidationTally()
    return sweep(upTo: sequence, into: &tally) { subject in
      takes(subject.key, subject.fetchSequence)
        ? InvalidationMatch(kind: .hard, sequence: sequence) : nil
    }
  }

  /// Works a sweep off the disk and tells what each invalidation took.
  func sweep(_ sweep: InvalidationLog.Sweep) -> InvalidationTally {
    var tally = InvalidationTally()
    if sweep.isFloorNew {
      // The writer removes segments that are dead as a whole; then they are counted already.
      inbox.synchronize()
      tally.count(sweep.floor, counters.takeDeadObjects())
    }
    self.sweep(upTo: sweep.upTo, softFloor: sweep.softFloor, into: &tally) {
      sweep.match(onDisk: $0)
    }
    if sweep.isFloorNew { tally.count(sweep.floor, counters.takeDeadObjects()) }
    return tally
  }

  /// The same with the rules as a function; counts what was taken or marked.
  @discardableResult
  func sweep(
    upTo sequence: UInt64, softFloor: UInt64 = 0, into tally: inout InvalidationTally,
    _ match: @escaping @Sendable (InvalidationSubject) -> InvalidationMatch?
  ) -> Bool {
    waitUntilLoaded()
    // First for what is on its way, so that nothing enters the index behind the walk.
    inbox.remember(RememberedSweep(match: match))
    for segment in table.all {
      guard inbox.monitor.withLock({ $0.stop == nil }) else { return false }
      sweep(segment, match, &tally)
      if journal.pendingBytes > CommitLog.mostPendingBytes / 4 { _ = journal.synchronize() }
    }
    guard inbox.waitUntilWritten(), case .durable = journal.synchronize() else { return false }
    // Only now may the log forget the rules: the removals are durable.
    invalidations.withLock { state in
      // A soft floor that stands for rules which were too many: it must outlive them.
      if softFloor > state.softFloor {
        state.add(sequence: softFloor, selectors: [.everything], kind: .soft)
        invalidationLog.append(
          logSeal.seal(
            InvalidationEntry.invalidation(
              sequence: softFloor, selectors: [.everything], kind: .soft
            ).encoded()))
      }
      state.markSwept(through: sequence)
      invalidationLog.append(
        logSeal.seal(InvalidationEntry.swept(sequence: sequence).encoded()))
    }
    return true
  }

  private func sweep(
    _ segment: Segment, _ match: (InvalidationSubject) -> InvalidationMatch?,
    _ tally: inout InvalidationTally
  ) {
    let walk = SegmentWalk(segment: segment, reader: reader)
    let unknownFrom = walk.forEach { entry in
      guard let match = match(entry.subject) else { return }
      let place = RecordPlace(slot: segment.slot, block: entry.block, blockCount: 0)
      let isNew: Bool
      switch match.kind {
      case .hard:
        isNew = index.remove(entry.hash, at: place) {
          journal.append(JournalEntry.removal(entry.hash).encoded())
        }
        if isNew { counters.sweptObjects.add(1) }
      case .soft:
        isNew = index.markStale(entry.hash, at: place) {
          journal.append(JournalEntry.markedStale(entry.hash).encoded())
        }
      }
      if isNew { tally.count(match.sequence) }
    }
    // What can't be read can't be compared: it goes, lest something invalidated stays.
    guard let unknownFrom, !segment.isRemoved else { return }
    let removed = index.removeAll { $0.slot == segment.slot && $0.place.block >= unknownFrom }
    guard removed > 0 else { return }
    counters.corruptRecords.add(removed)
    // Their hashes are not known here; that the segment is gone says it for all.
    if index.entries(slot: segment.slot).isEmpty {
      journal.append(JournalEntry.segmentRemoved(generation: segment.generation).encoded())
    } else {
      journal.append(
        JournalEntry.segmentCut(generation: segment.generation, block: unknownFrom).encoded())
    }
  }

  /// Writes the invalidation log anew when it has grown long, and removes the old files.
  func shortenInvalidationLog() {
    if invalidationLog.appendedBytes > Self.longestLogBytes || invalidationLog.hasLostEntries {
      rewriteInvalidationLog()
    }
  }

  /// Waits until all invalidations so far are in the log; false when it can't be written.
  func isInvalidationLogWhole() -> Bool {
    if invalidationLog.hasLostEntries { rewriteInvalidationLog() }
    guard case .durable = invalidationLog.synchronize() else { return false }
    return true
  }

  /// Writes the invalidation log anew, under the current key, and removes the old files.
  func rewriteInvalidationLog() {
    let identifier = logSeal.currentIdentifier
    let number = invalidations.withLock { state in
      let entries = state.entries.flatMap { entry -> [[UInt8]] in
        guard case .invalidation(let sequence, let selectors, let kind) = entry else {
          return [logSeal.seal(entry.encoded())]
        }
        return Self.entries(sequence, selectors, kind).map(logSeal.seal)
      }
      return invalidationLog.rotate(first: entries)
    }
    guard case .durable = invalidationLog.synchronize(),
      let names = try? device.list(directories.root)
    else { return }
    logKeyIdentifier.withLock { $0 = identifier }
    for name in names {
      if let old = CommitLog.number(fileName: name, prefix: DiskDirectories.invalidationPrefix),
        old < number
      {
        try? device.unlink(directories.root + "/" + name)
      }
    }
  }
}
