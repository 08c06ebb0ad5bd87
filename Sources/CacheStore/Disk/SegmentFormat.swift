/// A segment's first block. All little-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | magic `SESG` |
/// | 4 | 2 | format version |
/// | 6 | 2 | kind: 0 shared, 1 dedicated |
/// | 8 | 8 | generation |
/// | 16 | 8 | seal: 1 checksums, 2 AES-256-GCM |
/// | 24 | 8 | AES: identifier of the ring's key |
/// | 32 | 32 | AES: random salt of the segment's own key |
/// | 64 | 8 | checksum of bytes 0 ..< 64 |
/// | 72 | | zeros up to 512 |
///
/// The segment's key is HKDF-SHA-256 of the ring's key with this salt, for the store's seed and the
/// generation; ``ChunkContext`` says what its seals vouch for.
///
/// Records follow, in a dedicated segment the body's chunks and then its one record. A sealed
/// segment ends with its footer: one entry a record, then the trailer.
enum SegmentFormat {
  static let headerBytes = DiskFormat.blockBytes
  private static let magic: UInt32 = 0x4753_4553

  private static let coveredBytes = 64

  static func header(
    generation: UInt64, kind: Segment.Kind, sealing: SegmentSealing
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: magic)
    bytes.append(littleEndian: DiskFormat.version)
    bytes.append(littleEndian: UInt16(kind == .dedicated ? 1 : 0))
    bytes.append(littleEndian: generation)
    switch sealing {
    case .checksum: bytes.append(littleEndian: UInt64(1))
    case .aes256GCM(let identifier, let salt):
      precondition(salt.count == SegmentSealing.saltBytes)
      bytes.append(littleEndian: UInt64(2))
      bytes.append(littleEndian: identifier)
      bytes.append(contentsOf: salt)
    }
    bytes.pad(toMultipleOf: coveredBytes)
    let checksum = bytes.withUnsafeBytes { BlockChecksum.of($0, seed: 0) }
    bytes.append(littleEndian: checksum)
    bytes.pad(toMultipleOf: DiskFormat.blockBytes)
    return bytes
  }

  /// How a segment's chunks are sealed; nil when its header is damaged or another's.
  static func decodeHeader(
    _ bytes: UnsafeRawBufferPointer, generation: UInt64, kind: Segment.Kind
  ) -> SegmentSealing? {
    guard bytes.count >= headerBytes, bytes.load(0, as: UInt32.self) == magic,
      bytes.load(4, as: UInt16.self) == DiskFormat.version,
      bytes.load(6, as: UInt16.self) == (kind == .dedicated ? 1 : 0),
      bytes.load(8, as: UInt64.self) == generation,
      bytes.load(coveredBytes, as: UInt64.self)
        == BlockChecksum.of(bytes.slice(0, coveredBytes), seed: 0)
    else { return nil }
    switch bytes.load(16, as: UInt64.self) {
    case 1: return .checksum
    case 2:
      return .aes256GCM(
        keyIdentifier: bytes.load(24), salt: Array(bytes.slice(32, SegmentSealing.saltBytes)))
    default: return nil
    }
  }

  static func fileName(_ generation: UInt64, _ kind: Segment.Kind) -> String {
    hexadecimal(generation) + (kind == .shared ? ".segment" : ".object")
  }

  /// What a file's name says; nil when it is not a segment's.
  static func parse(fileName: String) -> (generation: UInt64, kind: Segment.Kind)? {
    guard fileName.utf8.count > 16, let number = UInt64(fileName.prefix(16), radix: 16) else {
      return nil
    }
    switch fileName.dropFirst(16) {
    case ".segment": return (number, .shared)
    case ".object": return (number, .dedicated)
    default: return nil
    }
  }
}

/// What a segment's footer says of one record: enough to sweep it without reading the record.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 16 | key hash, high then low |
/// | 16 | 8 | sequence at which the fetch began |
/// | 24 | 4 | record's place in the file, in blocks |
/// | 28 | 4 | key count; bit 31: attributes are there, as they are since there are tags |
/// | 32 | 8 | attributes: response time, Unix seconds |
/// | 40 | 2 | attributes: status |
/// | 42 | 2 | attributes: route |
/// | 44 | 1 | attributes: number of tags; 255: more than are kept |
/// | 45 | 3 | zero |
/// | 48 | 8 each | attributes: tag hashes |
/// | | | key, then zeros up to a multiple of 8 |
struct FooterEntry {
  static let fixedBytes = 32
  static let attributeBytes = 16
  private static let attributeBit: UInt32 = 1 << 31

  let hash: KeyHash
  let fetchSequence: UInt64
  let block: UInt32
  let key: UnsafeRawBufferPointer
  /// Nil in a footer from before there were tags: then there are none either.
  var attributes: InvalidationSubject.Attributes?
  var tags = TagList.none

  /// The record as invalidations see it.
  var subject: InvalidationSubject {
    InvalidationSubject(
      key: key, fetchSequence: fetchSequence, tags: tags, attributes: attributes)
  }

  static func count(keyCount: Int, tagBytes: Int) -> Int {
    (fixedBytes + attributeBytes + tagBytes + keyCount).roundedUp(toMultipleOf: 8)
  }

  static func append(
    hash: KeyHash, metadata: ObjectMetadata, block: UInt32, key: UnsafeRawBufferPointer,
    tagCount: UInt8, tags: UnsafeRawBufferPointer, to bytes: inout [UInt8]
  ) {
    bytes.append(littleEndian: hash.high)
    bytes.append(littleEndian: hash.low)
    bytes.append(littleEndian: metadata.fetchSequence)
    bytes.append(littleEndian: block)
    bytes.append(littleEndian: UInt32(key.count) | attributeBit)
    bytes.append(littleEndian: metadata.responseTimeSeconds)
    bytes.append(littleEndian: metadata.status)
    bytes.append(littleEndian: metadata.route)
    bytes.append(littleEndian: UInt32(tagCount))
    bytes.append(contentsOf: tags)
    bytes.append(contentsOf: key)
    bytes.pad(toMultipleOf: 8)
  }

  /// Calls `body` with each entry; false when the bytes do not end with an entry's end.
  static func forEach(
    in bytes: UnsafeRawBufferPointer, _ body: (FooterEntry) -> Void
  ) -> Bool {
    var offset = 0
    while offset < bytes.count {
      guard let (entry, count) = decode(in: bytes, at: offset) else { return false }
      body(entry)
      offset += count
    }
    return true
  }

  /// The entry at `offset` and its bytes; nil when it is not all there.
  private static func decode(
    in bytes: UnsafeRawBufferPointer, at offset: Int
  ) -> (FooterEntry, count: Int)? {
    guard bytes.count - offset >= fixedBytes else { return nil }
    let counts = bytes.load(offset + 28, as: UInt32.self)
    let hasAttributes = counts & attributeBit != 0
    let keyCount = Int(counts & ~attributeBit)
    var keyOffset = offset + fixedBytes
    var attributes: InvalidationSubject.Attributes?
    var tags = TagList.none
    if hasAttributes {
      guard bytes.count - keyOffset >= attributeBytes, let base = bytes.baseAddress else {
        return nil
      }
      attributes = InvalidationSubject.Attributes(
        status: bytes.load(keyOffset + 8), route: bytes.load(keyOffset + 10),
        responseTimeSeconds: bytes.load(keyOffset))
      let tagCount = bytes[keyOffset + 12]
      keyOffset += attributeBytes
      let tagBytes = TagList.byteCount(countByte: tagCount)
      guard bytes.count - keyOffset >= tagBytes else { return nil }
      tags = TagList(countByte: tagCount, start: base + keyOffset)
      keyOffset += tagBytes
    }
    let end = (keyOffset - offset + keyCount).roundedUp(toMultipleOf: 8)
    guard bytes.count - offset >= end else { return nil }
    let entry = FooterEntry(
      hash: KeyHash(high: bytes.load(offset), low: bytes.load(offset + 8)),
      fetchSequence: bytes.load(offset + 16), block: bytes.load(offset + 24),
      key: bytes.slice(keyOffset, keyCount), attributes: attributes, tags: tags)
    return (entry, end)
  }
}

/// The last bytes of a sealed segment.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | magic `SEFT` |
/// | 4 | 2 | format version |
/// | 6 | 2 | zero |
/// | 8 | 8 | generation |
/// | 16 | 8 | footer's place in the file |
/// | 24 | 8 | footer's bytes without this trailer |
/// | 32 | 16 | the sealed footer's tag |
/// | 48 | 8 | checksum of bytes 0 ..< 48 |
struct SegmentTrailer {
  static let byteCount = 56
  private static let magic: UInt32 = 0x5446_4553

  let generation: UInt64
  let footerPosition: Int
  let footerCount: Int
  let footerTag: ChunkTag

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Self.magic)
    bytes.append(littleEndian: DiskFormat.version)
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: generation)
    bytes.append(littleEndian: UInt64(footerPosition))
    bytes.append(littleEndian: UInt64(footerCount))
    bytes.append(littleEndian: footerTag.low)
    bytes.append(littleEndian: footerTag.high)
    let checksum = bytes.withUnsafeBytes { BlockChecksum.of($0, seed: generation) }
    bytes.append(littleEndian: checksum)
    return bytes
  }

  static func decode(_ bytes: UnsafeRawBufferPointer, generation: UInt64) -> SegmentTrailer? {
    guard bytes.count == byteCount, bytes.load(0, as: UInt32.self) == magic,
      bytes.load(4, as: UInt16.self) == DiskFormat.version,
      bytes.load(8, as: UInt64.self) == generation,
      bytes.load(48, as: UInt64.self) == BlockChecksum.of(bytes.slice(0, 48), seed: generation),
      let position = Int(exactly: bytes.load(16, as: UInt64.self)),
      let count = Int(exactly: bytes.load(24, as: UInt64.self))
    else { return nil }
    return SegmentTrailer(
      generation: generation, footerPosition: position, footerCount: count,
      footerTag: ChunkTag(low: bytes.load(32), high: bytes.load(40)))
  }
}

/// Sixteen lowercase hexadecimal digits, so names sort like numbers.
func hexadecimal(_ number: UInt64) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}
