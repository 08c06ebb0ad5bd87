/// The start of a record. All little-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | magic `SERC` |
/// | 4 | 2 | format version |
/// | 6 | 1 | seal identifier |
/// | 7 | 1 | flags; bit 0: the body lies elsewhere in the file (dedicated segment) |
/// | 8 | 16 | key hash, high then low |
/// | 24 | 8 | segment generation |
/// | 32 | 8 | body count |
/// | 40 | 8 | body position in the file |
/// | 48 | 4 | key count |
/// | 52 | 4 | head count |
/// | 56 | 4 | metadata count |
/// | 60 | 4 | chunk count |
/// | 64 | 16 | the envelope's tag, low then high |
/// | 80 | 8 | zero |
/// | 88 | 8 | checksum of bytes 0 ..< 88, seeded with the generation |
/// | 96 | | envelope: key, head, metadata, body chunk tags (16 bytes each) |
/// | | | shared segment: body chunks of 64 KiB, the last one shorter |
/// | | | zeros up to a multiple of 512 |
struct RecordHeader: Equatable {
  static let byteCount = 96
  private static let magic: UInt32 = 0x4352_4553

  var sealIdentifier: UInt8
  var isDedicated: Bool
  var hash: KeyHash
  var generation: UInt64
  var bodyCount: Int
  var bodyPosition: Int
  var keyCount: Int
  var headCount: Int
  var metadataCount: Int
  var chunkCount: Int
  var envelopeTag = ChunkTag(low: 0, high: 0)

  var envelopeCount: Int {
    keyCount + headCount + metadataCount + chunkCount * ChunkTag.byteCount
  }

  /// Where the record begins in its file: a shared segment's body follows its record's envelope, a
  /// dedicated one's stands before its record.
  var recordPosition: Int {
    isDedicated
      ? (bodyPosition + bodyCount).roundedUp(toMultipleOf: DiskFormat.blockBytes)
      : bodyPosition - envelopeCount - Self.byteCount
  }

  /// How the envelope is divided; what is not in it follows from the envelope's length.
  var layoutWord: UInt64 {
    UInt64(UInt32(truncatingIfNeeded: keyCount)) << 32
      | UInt64(UInt32(truncatingIfNeeded: headCount))
  }

  /// Bytes of the record without padding.
  var recordCount: Int {
    Self.byteCount + envelopeCount + (isDedicated ? 0 : bodyCount)
  }

  func encode(into bytes: UnsafeMutableRawBufferPointer) {
    precondition(bytes.count >= Self.byteCount)
    bytes.store(Self.magic, at: 0)
    bytes.store(DiskFormat.version, at: 4)
    bytes.store(sealIdentifier, at: 6)
    bytes.store(UInt8(isDedicated ? 1 : 0), at: 7)
    bytes.store(hash.high, at: 8)
    bytes.store(hash.low, at: 16)
    bytes.store(generation, at: 24)
    bytes.store(UInt64(bodyCount), at: 32)
    bytes.store(UInt64(bodyPosition), at: 40)
    bytes.store(UInt32(keyCount), at: 48)
    bytes.store(UInt32(headCount), at: 52)
    bytes.store(UInt32(metadataCount), at: 56)
    bytes.store(UInt32(chunkCount), at: 60)
    bytes.store(envelopeTag.low, at: 64)
    bytes.store(envelopeTag.high, at: 72)
    bytes.store(UInt64(0), at: 80)
    let covered = UnsafeRawBufferPointer(bytes.slice(0, 88))
    bytes.store(BlockChecksum.of(covered, seed: generation), at: 88)
  }

  /// The header at the start of `bytes` if it is whole and belongs to `generation`, with counts
  /// that fit each other; nil otherwise.
  static func decode(_ bytes: UnsafeRawBufferPointer, generation: UInt64) -> RecordHeader? {
    guard bytes.count >= byteCount, bytes.load(0, as: UInt32.self) == magic,
      bytes.load(4, as: UInt16.self) == DiskFormat.version,
      bytes.load(24, as: UInt64.self) == generation,
      bytes.load(88, as: UInt64.self) == BlockChecksum.of(bytes.slice(0, 88), seed: generation),
      let bodyCount = Int(exactly: bytes.load(32, as: UInt64.self)),
      let bodyPosition = Int(exactly: bytes.load(40, as: UInt64.self))
    else { return nil }
    let header = RecordHeader(
      sealIdentifier: bytes[6], isDedicated: bytes[7] & 1 == 1,
      hash: KeyHash(high: bytes.load(8), low: bytes.load(16)), generation: generation,
      bodyCount: bodyCount, bodyPosition: bodyPosition,
      keyCount: Int(bytes.load(48, as: UInt32.self)),
      headCount: Int(bytes.load(52, as: UInt32.self)),
      metadataCount: Int(bytes.load(56, as: UInt32.self)),
      chunkCount: Int(bytes.load(60, as: UInt32.self)),
      envelopeTag: ChunkTag(low: bytes.load(64), high: bytes.load(72)))
    guard bodyCount < 1 << 48, bodyPosition < 1 << 48,
      header.chunkCount == DiskFormat.chunkCount(bodyCount), header.recordPosition >= 0,
      StoredLengths.areValid(key: header.keyCount, head: header.headCount)
    else { return nil }
    return header
  }
}
