import Synchronization

/// A snapshot of the disk tier's counters; sums since start unless named otherwise.
public struct DiskStatistics: Sendable, Equatable {
  /// How far the saved index is loaded.
  public enum Recovery: Sendable, Equatable {
    /// The index is still loading; what is on disk is a miss until it is there.
    case loading
    /// All that was found is served.
    case complete
    /// The saved index or a journal was damaged: the tier started empty.
    case startedEmpty
  }

  /// Recovery of the index.
  public var recovery: Recovery = .loading
  /// True while the tier takes nothing in because the device failed or is full.
  public var isDegraded = false
  /// Objects in the index, now.
  public var objects = 0
  /// Bytes of all segments, now.
  public var usedBytes = 0
  /// The budget for these.
  public var limitBytes = 0
  /// Bytes of the index in memory, now.
  public var indexBytes = 0
  /// Segments, now.
  public var segments = 0
  /// Bytes waiting for the writer, now.
  public var queuedBytes = 0
  /// Bytes of large objects that were taken and are not written yet, now.
  public var spooledBytes = 0
  /// Objects written.
  public var writtenObjects: UInt64 = 0
  /// Bytes written to segments.
  public var writtenBytes: UInt64 = 0
  /// Objects not taken in because the queue was full or the device failed.
  public var shedObjects: UInt64 = 0
  /// Loads answered from the page cache without leaving the caller's thread.
  public var inlineReads: UInt64 = 0
  /// Loads that went to a reader thread.
  public var queuedReads: UInt64 = 0
  /// Loads turned away because too many waited.
  public var shedReads: UInt64 = 0
  /// Reads the device failed.
  public var readErrors: UInt64 = 0
  /// Writes, opens and syncs the device failed.
  public var writeErrors: UInt64 = 0
  /// Writes the device refused because it is full; counted in ``writeErrors`` too.
  public var fullErrors: UInt64 = 0
  /// Journal writes and syncs that failed.
  public var journalErrors: UInt64 = 0
  /// Group commits of the journals.
  public var journalSyncs: UInt64 = 0
  /// Records or chunks that did not verify.
  public var corruptRecords: UInt64 = 0
  /// Objects given up because the key they were sealed under is lost.
  public var lostKeyRecords: UInt64 = 0
  /// Segments reclaimed.
  public var reclaimedSegments: UInt64 = 0
  /// Objects written again at reclaim because they had been looked up.
  public var rewrittenObjects: UInt64 = 0
  /// Objects that left by reclaim.
  public var reclaimedObjects: UInt64 = 0
  /// Objects that sweeps removed.
  public var sweptObjects: UInt64 = 0
  /// Index snapshots written.
  public var snapshots: UInt64 = 0
  /// Index snapshots that failed.
  public var snapshotErrors: UInt64 = 0

  /// Zeroes.
  public init() {}
}

/// What a path of the disk tier is doing.
public struct DiskPathStatistics: Sendable, Equatable {
  /// The folder.
  public let path: String
  /// Its counters; nil when it could not be used at the start.
  public let statistics: DiskStatistics?
  /// True while it can't log invalidations: what it stores would be given up at the next start.
  public let isOut: Bool

  /// True while it takes nothing in, or can't log invalidations.
  public var isDegraded: Bool { isOut || statistics?.isDegraded ?? true }
}

extension DiskStatistics {
  /// The sum of no path.
  static var none: DiskStatistics {
    var none = DiskStatistics()
    none.recovery = .complete
    return none
  }

  /// Adds a path's counters.
  mutating func add(_ path: DiskPathStatistics) {
    if path.isDegraded { isDegraded = true }
    guard let other = path.statistics else { return }
    switch (recovery, other.recovery) {
    case (.loading, _), (_, .loading): recovery = .loading
    case (.startedEmpty, _), (_, .startedEmpty): recovery = .startedEmpty
    case (.complete, .complete): break
    }
    let sizes: [WritableKeyPath<DiskStatistics, Int>] = [
      \.objects, \.usedBytes, \.limitBytes, \.indexBytes, \.segments, \.queuedBytes, \.spooledBytes,
    ]
    for size in sizes { self[keyPath: size] += other[keyPath: size] }
    let counters: [WritableKeyPath<DiskStatistics, UInt64>] = [
      \.writtenObjects, \.writtenBytes, \.shedObjects, \.inlineReads, \.queuedReads, \.shedReads,
      \.readErrors, \.writeErrors, \.fullErrors, \.journalErrors, \.journalSyncs,
      \.corruptRecords, \.lostKeyRecords, \.reclaimedSegments, \.rewrittenObjects,
      \.reclaimedObjects, \.sweptObjects, \.snapshots, \.snapshotErrors,
    ]
    for counter in counters { self[keyPath: counter] += other[keyPath: counter] }
  }
}

/// A relaxed counter.
final class DiskCounter: Sendable {
  private let value = Atomic<UInt64>(0)
  func add(_ amount: Int) { value.add(UInt64(amount), ordering: .relaxed) }
  var current: UInt64 { value.load(ordering: .relaxed) }
}

/// The counters behind ``DiskStatistics``.
final class DiskCounters: Sendable {
  let writtenObjects = DiskCounter()
  let writtenBytes = DiskCounter()
  let shedObjects = DiskCounter()
  let inlineReads = DiskCounter()
  let queuedReads = DiskCounter()
  let shedReads = DiskCounter()
  let readErrors = DiskCounter()
  let writeErrors = DiskCounter()
  let fullErrors = DiskCounter()
  let journalErrors = DiskCounter()
  let journalSyncs = DiskCounter()
  let corruptRecords = DiskCounter()
  let lostKeyRecords = DiskCounter()
  let reclaimedSegments = DiskCounter()
  let rewrittenObjects = DiskCounter()
  let reclaimedObjects = DiskCounter()
  let sweptObjects = DiskCounter()
  /// Objects that went with dead segments since the last sweep asked.
  private let deadObjects = Atomic<Int>(0)
  let snapshots = DiskCounter()
  let snapshotErrors = DiskCounter()

  func addDeadObjects(_ count: Int) { deadObjects.add(count, ordering: .relaxed) }
  func takeDeadObjects() -> Int { deadObjects.exchange(0, ordering: .relaxed) }

  func fill(_ statistics: inout DiskStatistics) {
    statistics.writtenObjects = writtenObjects.current
    statistics.writtenBytes = writtenBytes.current
    statistics.shedObjects = shedObjects.current
    statistics.inlineReads = inlineReads.current
    statistics.queuedReads = queuedReads.current
    statistics.shedReads = shedReads.current
    statistics.readErrors = readErrors.current
    statistics.writeErrors = writeErrors.current
    statistics.fullErrors = fullErrors.current
    statistics.journalErrors = journalErrors.current
    statistics.journalSyncs = journalSyncs.current
    statistics.corruptRecords = corruptRecords.current
    statistics.lostKeyRecords = lostKeyRecords.current
    statistics.reclaimedSegments = reclaimedSegments.current
    statistics.rewrittenObjects = rewrittenObjects.current
    statistics.reclaimedObjects = reclaimedObjects.current
    statistics.sweptObjects = sweptObjects.current
    statistics.snapshots = snapshots.current
    statistics.snapshotErrors = snapshotErrors.current
  }
}
