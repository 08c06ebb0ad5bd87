/// The index as it was when a journal file began. All little-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | magic `SESN` |
/// | 4 | 2 | format version |
/// | 6 | 2 | 2: removals follow; 1: entries have a mark and 23 bits of slot; 0: 24 bits of slot |
/// | 8 | 8 | number of the first journal file to replay over it |
/// | 16 | 4 | segments |
/// | 20 | 4 | shards |
/// | 24 | 8 | checksum of bytes 0 ..< 24 |
/// | 32 | 64 each | segments |
/// | | 8 | checksum of the segments |
/// | | | shards: 8 bytes count, 8 bytes checksum, entries of 12 bytes, zeros up to 8 |
/// | | | removals: 8 bytes count, 8 bytes checksum, 8 bytes place and 8 bytes sequence each |
///
/// A segment: generation 8, slot 4, kind 4 (0 shared, 1 dedicated), highest fetch sequence 8, and
/// for a dedicated one its object's hash 16, record position 8, record count 8; zeros 8.
/// An entry is ``IndexEntry``'s three words.
struct IndexSnapshot {
  struct SavedSegment: Equatable {
    var generation: UInt64
    var slot: UInt32
    var kind: Segment.Kind
    var maxFetchSequence: UInt64
    var dedicated: Segment.DedicatedRecord?
  }

  private static let magic: UInt32 = 0x4E53_4553
  private static let headerBytes = 32
  private static let segmentBytes = 64
  private static let removalSeed: UInt64 = 0x7265_6D6F_7661_6C73

  var journalNumber: UInt64
  var segments: [SavedSegment]
  var shards: [[IndexEntry]]
  /// What ``RemovalSketch`` remembers.
  var removals: [(place: Int, sequence: UInt64)] = []

  static func path(_ directory: String, _ journalNumber: UInt64) -> String {
    directory + "/index-" + hexadecimal(journalNumber) + ".snapshot"
  }

  static func journalNumber(fileName: String) -> UInt64? {
    guard fileName.hasPrefix("index-"), fileName.hasSuffix(".snapshot"),
      fileName.utf8.count == 31
    else { return nil }
    return UInt64(fileName.dropFirst(6).prefix(16), radix: 16)
  }

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    let entries = shards.reduce(0) { $0 + $1.count }
    bytes.reserveCapacity(
      Self.headerBytes + segments.count * Self.segmentBytes + 8 + shards.count * 24
        + entries * IndexShard.entryBytes)
    bytes.append(littleEndian: Self.magic)
    bytes.append(littleEndian: DiskFormat.version)
    bytes.append(littleEndian: UInt16(2))
    bytes.append(littleEndian: journalNumber)
    bytes.append(littleEndian: UInt32(segments.count))
    bytes.append(littleEndian: UInt32(shards.count))
    Self.appendChecksum(to: &bytes, from: 0)
    for segment in segments { Self.encode(segment, into: &bytes) }
    Self.appendChecksum(to: &bytes, from: Self.headerBytes)
    for (number, shard) in shards.enumerated() {
      bytes.append(littleEndian: UInt64(shard.count))
      let checksum = shard.withUnsafeBytes { BlockChecksum.of($0, seed: UInt64(number)) }
      bytes.append(littleEndian: checksum)
      // The words are stored as they are: every host this runs on is little-endian.
      shard.withUnsafeBytes { bytes.append(contentsOf: $0) }
      bytes.pad(toMultipleOf: 8)
    }
    appendRemovals(to: &bytes)
    return bytes
  }

  private func appendRemovals(to bytes: inout [UInt8]) {
    let words = removals.flatMap { [UInt64($0.place).littleEndian, $0.sequence.littleEndian] }
    bytes.append(littleEndian: UInt64(removals.count))
    words.withUnsafeBytes { words in
      bytes.append(littleEndian: BlockChecksum.of(words, seed: Self.removalSeed))
      bytes.append(contentsOf: words)
    }
  }

  private static func appendChecksum(to bytes: inout [UInt8], from start: Int) {
    let checksum = bytes.withUnsafeBytes {
      BlockChecksum.of($0.slice(start, $0.count - start), seed: UInt64(start))
    }
    bytes.append(littleEndian: checksum)
  }

  private static func encode(_ segment: SavedSegment, into bytes: inout [UInt8]) {
    bytes.append(littleEndian: segment.generation)
    bytes.append(littleEndian: segment.slot)
    bytes.append(littleEndian: UInt32(segment.kind == .dedicated ? 1 : 0))
    bytes.append(littleEndian: segment.maxFetchSequence)
    bytes.append(littleEndian: segment.dedicated?.hash.high ?? 0)
    bytes.append(littleEndian: segment.dedicated?.hash.low ?? 0)
    bytes.append(littleEndian: UInt64(segment.dedicated?.position ?? 0))
    bytes.append(littleEndian: UInt64(segment.dedicated?.count ?? 0))
    bytes.append(littleEndian: UInt64(0))
  }

  /// Reads a snapshot; nil when any part of it does not verify.
  static func decode(_ bytes: [UInt8]) -> IndexSnapshot? {
    bytes.withUnsafeBytes { decode($0) }
  }

  private static func decode(_ bytes: UnsafeRawBufferPointer) -> IndexSnapshot? {
    guard bytes.count >= headerBytes, bytes.load(0, as: UInt32.self) == magic,
      bytes.load(4, as: UInt16.self) == DiskFormat.version,
      bytes.load(24, as: UInt64.self) == BlockChecksum.of(bytes.slice(0, 24), seed: 0)
    else { return nil }
    let segmentCount = Int(bytes.load(16, as: UInt32.self))
    let shardCount = Int(bytes.load(20, as: UInt32.self))
    let tableBytes = segmentCount * segmentBytes
    guard shardCount == DiskIndex.shardCount, bytes.count >= headerBytes + tableBytes + 8 else {
      return nil
    }
    let table = bytes.slice(headerBytes, tableBytes)
    let seed = UInt64(headerBytes)
    guard
      bytes.load(headerBytes + tableBytes, as: UInt64.self) == BlockChecksum.of(table, seed: seed)
    else { return nil }
    var snapshot = IndexSnapshot(journalNumber: bytes.load(8), segments: [], shards: [])
    for number in 0..<segmentCount {
      snapshot.segments.append(decodeSegment(table.slice(number * segmentBytes, segmentBytes)))
    }
    var offset = headerBytes + tableBytes + 8
    let hasMarks = bytes.load(6, as: UInt16.self) != 0
    for number in 0..<shardCount {
      guard let shard = decodeShard(bytes, number, &offset) else { return nil }
      // Without marks the bit was the slot's highest; what has it set is given up.
      snapshot.shards.append(hasMarks ? shard : shard.filter { !$0.isMarkedStale })
    }
    guard bytes.load(6, as: UInt16.self) > 1 else { return snapshot }
    guard let removals = decodeRemovals(bytes, offset) else { return nil }
    snapshot.removals = removals
    return snapshot
  }

  private static func decodeRemovals(
    _ bytes: UnsafeRawBufferPointer, _ offset: Int
  ) -> [(place: Int, sequence: UInt64)]? {
    guard bytes.count - offset >= 16,
      let count = Int(exactly: bytes.load(offset, as: UInt64.self)),
      count <= (bytes.count - offset - 16) / 16
    else { return nil }
    let words = bytes.slice(offset + 16, count * 16)
    guard bytes.load(offset + 8, as: UInt64.self) == BlockChecksum.of(words, seed: removalSeed)
    else { return nil }
    return (0..<count).map { number in
      (
        Int(truncatingIfNeeded: words.load(number * 16, as: UInt64.self)),
        words.load(number * 16 + 8, as: UInt64.self)
      )
    }
  }

  private static func decodeSegment(_ bytes: UnsafeRawBufferPointer) -> SavedSegment {
    let kind: Segment.Kind = bytes.load(12, as: UInt32.self) == 1 ? .dedicated : .shared
    let record = Segment.DedicatedRecord(
      hash: KeyHash(high: bytes.load(24), low: bytes.load(32)),
      position: Int(truncatingIfNeeded: bytes.load(40, as: UInt64.self)),
      count: Int(truncatingIfNeeded: bytes.load(48, as: UInt64.self)))
    return SavedSegment(
      generation: bytes.load(0), slot: bytes.load(8), kind: kind,
      maxFetchSequence: bytes.load(16), dedicated: record.count > 0 ? record : nil)
  }

  private static func decodeShard(
    _ bytes: UnsafeRawBufferPointer, _ number: Int, _ offset: inout Int
  ) -> [IndexEntry]? {
    guard bytes.count - offset >= 16 else { return nil }
    let rest = bytes.count - offset - 16
    guard let count = Int(exactly: bytes.load(offset, as: UInt64.self)),
      count <= rest / IndexShard.entryBytes
    else { return nil }
    let body = bytes.slice(offset + 16, count * IndexShard.entryBytes)
    guard
      bytes.load(offset + 8, as: UInt64.self) == BlockChecksum.of(body, seed: UInt64(number))
    else { return nil }
    offset = (offset + 16 + body.count).roundedUp(toMultipleOf: 8)
    return [IndexEntry](unsafeUninitializedCapacity: count) { target, initialized in
      // Both are exactly count * 12 bytes; IndexEntry is three 32-bit words.
      UnsafeMutableRawBufferPointer(target).copyMemory(from: body)
      initialized = count
    }
  }
}
