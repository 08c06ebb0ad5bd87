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

  /// Records that a segment holds.
  private static let perSegment =
    DiskFormat.largestSegmentBytes / DiskFormat.blockBytes / recordBlocks - 1

  /// Makes a store in new folders, one a disk.
  /// - Parameters:
  ///   - objectCount: objects in the index snapshots.
  ///   - journaledCount: further objects in the journals behind them.
  package static func make(
    paths: [String], objectCount: Int, journaledCount: Int
  ) throws {
    try DiskSet(paths.map { configuration($0) }, logger: logger).shutdown()
    let partitions = DiskPartitions(paths.map { ($0, configuration($0).sizeBytes) })
    for (disk, path) in paths.enumerated() {
      try fill(path, objectCount: objectCount, journaledCount: journaledCount) {
        partitions.owner(of: $0) == disk
      }
    }
  }

  private static func fill(
    _ path: String, objectCount: Int, journaledCount: Int, owns: (KeyHash) -> Bool
  ) throws {
    let device = PosixBlockDevice()
    let directories = DiskDirectories(path: path)
    for name in try device.list(path)
    where name.hasPrefix(DiskDirectories.journalPrefix) || name.hasPrefix("index-") {
      try device.unlink(path + "/" + name)
    }
    var generator = SplitMix(state: 1)
    var count = 0
    let tables = (0..<DiskIndex.shardCount).map { _ in LoadedShard() }
    for _ in 0..<objectCount {
      let hash = KeyHash(high: generator.next(), low: generator.next())
      guard owns(hash) else { continue }
      let place = RecordPlace(
        slot: UInt32(count / perSegment + 1),
        block: UInt32(1 + count % perSegment * recordBlocks), blockCount: UInt32(recordBlocks))
      tables[DiskIndex.shardNumber(hash)].table.insert(
        IndexEntry(fingerprint: DiskIndex.fingerprint(hash), place: place))
      count += 1
    }
    let journal = journal(journaledCount, &count, &generator, owns)
    var snapshot = IndexSnapshot(journalNumber: 1000, segments: [], shards: [])
    for number in 0...(count / perSegment) {
      let generation = UInt64(1 << 32 | (number + 1))
      try makeSegment(generation, directories, device)
      snapshot.segments.append(
        IndexSnapshot.SavedSegment(
          generation: generation, slot: UInt32(number + 1), kind: .shared, maxFetchSequence: 1))
    }
    snapshot.shards = tables.map { $0.table.entries.filter { !$0.isEmpty } }
    try device.replaceFile(IndexSnapshot.path(path, 1000), in: path, snapshot.encoded())
    try device.replaceFile(
      CommitLog.path(path, DiskDirectories.journalPrefix, 1000), in: path, journal)
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
    _ journaledCount: Int, _ count: inout Int, _ generator: inout SplitMix,
    _ owns: (KeyHash) -> Bool
  ) -> [UInt8] {
    var bytes = LogFormat.header(number: 1000)
    for _ in 0..<journaledCount {
      let hash = KeyHash(high: generator.next(), low: generator.next())
      guard owns(hash) else { continue }
      let insertion = JournalEntry.Insertion(
        hash: hash, generation: UInt64(1 << 32 | (count / perSegment + 1)),
        position: (1 + count % perSegment * recordBlocks) * DiskFormat.blockBytes,
        count: recordBlocks * DiskFormat.blockBytes, fetchSequence: 1)
      count += 1
      LogFormat.appendFrame(
        JournalEntry.insertion(insertion).encoded(), number: 1000, base: 0, syncedBytes: 0,
        to: &bytes)
    }
    return bytes
  }

  /// Opens the store as after a kill, waits for the index, and stops as if killed again.
  package static func round(paths: [String]) throws -> Round {
    let start = MonotonicTime.now
    let set = try DiskSet(paths.map { configuration($0) }, logger: logger)
    let opened = MonotonicTime.now
    set.waitUntilLoaded()
    let loaded = MonotonicTime.now
    let statistics = set.statistics
    set.abandon()
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
