import Logging

/// Times the start of a store with a synthetic index: real files in the real format, sparse
/// segments without records. For `edge-bench recover`.
package enum RecoveryBenchmark {
  /// What one start took.
  package struct Round: Sendable {
    /// From the call until look-ups are answered.
    package let openSeconds: Double
    /// From the call until the index is whole.
    package let loadSeconds: Double
    /// Objects in the index then.
    package let objectCount: Int
    /// Bytes of the index in memory.
    package let indexBytes: Int
  }

  /// Blocks of each synthetic record.
  private static let recordBlocks = 2

  /// Makes a store in a new folder.
  /// - Parameters:
  ///   - objectCount: objects in the index snapshot.
  ///   - journaledCount: further objects in the journal behind it.
  package static func make(
    path: String, objectCount: Int, journaledCount: Int
  ) throws {
    let device = PosixBlockDevice()
    try DiskTier(configuration: configuration(path), logger: logger).shutdown()
    let directories = DiskDirectories(path: path)
    for name in try device.list(path)
    where name.hasPrefix(DiskDirectories.journalPrefix) || name.hasPrefix("index-") {
      try device.unlink(path + "/" + name)
    }
    let perSegment = DiskFormat.largestSegmentBytes / DiskFormat.blockBytes / recordBlocks - 1
    let segmentCount = (objectCount + journaledCount) / perSegment + 1
    var generator = SplitMix(state: 1)
    var snapshot = IndexSnapshot(journalNumber: 1000, segments: [], shards: [])
    for number in 0..<segmentCount {
      let generation = UInt64(1 << 32 | (number + 1))
      try makeSegment(generation, directories, device)
      snapshot.segments.append(
        IndexSnapshot.SavedSegment(
          generation: generation, slot: UInt32(number + 1), kind: .shared, maxFetchSequence: 1))
    }
    let tables = (0..<DiskIndex.shardCount).map { _ in LoadedShard() }
    for number in 0..<objectCount {
      let hash = KeyHash(high: generator.next(), low: generator.next())
      let place = RecordPlace(
        slot: UInt32(number / perSegment + 1),
        block: UInt32(1 + number % perSegment * recordBlocks), blockCount: UInt32(recordBlocks))
      tables[DiskIndex.shardNumber(hash)].table.insert(
        IndexEntry(fingerprint: DiskIndex.fingerprint(hash), place: place))
    }
    snapshot.shards = tables.map { $0.table.entries.filter { !$0.isEmpty } }
    try device.replaceFile(IndexSnapshot.path(path, 1000), in: path, snapshot.encoded())
    try device.replaceFile(
      CommitLog.path(path, DiskDirectories.journalPrefix, 1000), in: path,
      journal(objectCount..<(objectCount + journaledCount), perSegment, &generator))
  }

  private static func makeSegment(
    _ generation: UInt64, _ directories: DiskDirectories, _ device: PosixBlockDevice
  ) throws {
    let name = SegmentFormat.fileName(generation, .shared)
    let file = try device.open(directories.segments + "/" + name, .create)
    try file.write(
      SegmentFormat.header(generation: generation, kind: .shared, sealing: .checksum), at: 0)
    try file.write([0], at: DiskFormat.largestSegmentBytes - 1)
  }

  private static func journal(
    _ numbers: Range<Int>, _ perSegment: Int, _ generator: inout SplitMix
  ) -> [UInt8] {
    var bytes = LogFormat.header(number: 1000)
    for number in numbers {
      let insertion = JournalEntry.Insertion(
        hash: KeyHash(high: generator.next(), low: generator.next()),
        generation: UInt64(1 << 32 | (number / perSegment + 1)),
        position: (1 + number % perSegment * recordBlocks) * DiskFormat.blockBytes,
        count: recordBlocks * DiskFormat.blockBytes, fetchSequence: 1)
      LogFormat.appendFrame(
        JournalEntry.insertion(insertion).encoded(), number: 1000, base: 0, syncedBytes: 0,
        to: &bytes)
    }
    return bytes
  }

  /// Opens the store as after a kill, waits for the index, and stops as if killed again.
  package static func round(path: String) throws -> Round {
    let start = MonotonicTime.now
    let tier = try DiskTier(configuration: configuration(path), logger: logger)
    let opened = MonotonicTime.now
    tier.waitUntilLoaded()
    let loaded = MonotonicTime.now
    let statistics = tier.statistics
    tier.abandon()
    func seconds(_ end: MonotonicTime) -> Double {
      Double(end.nanoseconds - start.nanoseconds) / 1e9
    }
    return Round(
      openSeconds: seconds(opened), loadSeconds: seconds(loaded),
      objectCount: statistics.objects, indexBytes: statistics.indexBytes)
  }

  private static func configuration(_ path: String) -> DiskTier.Configuration {
    var configuration = DiskTier.Configuration(path: path, sizeBytes: 1 << 46)
    configuration.snapshotInterval = .seconds(1 << 32)
    configuration.keptSnapshotInterval = nil
    return configuration
  }

  private static let logger = Logger(label: "bench", factory: { _ in SwiftLogNoOpLogHandler() })

  /// Numbers that look random and are the same each time.
  private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = state
      word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
      return word ^ word >> 31
    }
  }
}
