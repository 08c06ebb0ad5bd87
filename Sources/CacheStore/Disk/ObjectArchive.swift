/// A file of whole objects, independent of segments, keys and key hashes: what one edge exports and
/// another imports. In clear: who wants it sealed sends it through a program that seals. All
/// little-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | magic `SEEX` |
/// | 4 | 2 | format version, 1 |
/// | 6 | 2 | zero |
/// | 8 | 8 | seed of the exporting store's key hash, which tells the store |
/// | 16 | 8 | when it was made, Unix seconds |
/// | 24 | 8 | checksum of bytes 0 ..< 24 |
/// | 32 | | frames |
///
/// A frame:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | type: 1 object, 2 part of its body, 3 its end, 4 its end when it was given up, |
/// | | | 5 end of the file |
/// | 4 | 4 | payload count |
/// | 8 | 8 | checksum of bytes 0 ..< 8 and the payload, seeded with the frame's number |
/// | 16 | | payload |
///
/// An object's payload: 4 bytes key count, 4 head count, 4 metadata count, 4 flags (bit 0: marked
/// stale), 8 body count, then key, head and metadata as ``RecordMetadata`` writes them. A file
/// without its end was cut off; what came before the cut is whole.
struct ObjectArchive {
  static let headerBytes = 32
  static let frameBytes = 16
  static let mostPayloadBytes = 4 << 20
  /// Body bytes of one frame.
  static let partBytes = 1 << 20
  private static let magic: UInt32 = 0x5845_4553
  private static let version: UInt16 = 1
  private static let objectBytes = 24

  enum FrameType: UInt32 {
    case object = 1
    case part = 2
    case end = 3
    case givenUp = 4
    case archiveEnd = 5
  }

  /// What the file begins with.
  struct Header: Equatable {
    var hashSeed: UInt64
    var createdSeconds: Int64

    func encoded() -> [UInt8] {
      var bytes: [UInt8] = []
      bytes.append(littleEndian: magic)
      bytes.append(littleEndian: version)
      bytes.append(littleEndian: UInt16(0))
      bytes.append(littleEndian: hashSeed)
      bytes.append(littleEndian: createdSeconds)
      let checksum = bytes.withUnsafeBytes { BlockChecksum.of($0, seed: 0) }
      bytes.append(littleEndian: checksum)
      return bytes
    }

    static func decode(_ bytes: [UInt8]) -> Header? {
      bytes.withUnsafeBytes { bytes in
        guard bytes.count == headerBytes, bytes.load(0, as: UInt32.self) == magic,
          bytes.load(4, as: UInt16.self) == version,
          bytes.load(24, as: UInt64.self) == BlockChecksum.of(bytes.slice(0, 24), seed: 0)
        else { return nil }
        return Header(hashSeed: bytes.load(8), createdSeconds: bytes.load(16))
      }
    }
  }

  /// One object without its body.
  struct Entry: Equatable {
    var key: [UInt8]
    var head: [UInt8]
    var metadata: ObjectMetadata
    /// Its cache tags' hashes; too many of them stand for tags that are not known.
    var tags: [UInt64]
    var isMarkedStale: Bool
    var bodyCount: Int

    func encoded() -> [UInt8] {
      let stored = RecordMetadata(metadata, tags: tags).encoded()
      var bytes: [UInt8] = []
      bytes.append(littleEndian: UInt32(key.count))
      bytes.append(littleEndian: UInt32(head.count))
      bytes.append(littleEndian: UInt32(stored.count))
      bytes.append(littleEndian: UInt32(isMarkedStale ? 1 : 0))
      bytes.append(littleEndian: UInt64(bodyCount))
      bytes += key
      bytes += head
      bytes += stored
      return bytes
    }

    /// Reads a payload; nil when its counts or its metadata make no sense to this version.
    static func decode(_ bytes: [UInt8]) -> Entry? {
      bytes.withUnsafeBytes { bytes in
        guard bytes.count >= objectBytes,
          let bodyCount = Int(exactly: bytes.load(16, as: UInt64.self))
        else { return nil }
        let keyCount = Int(bytes.load(0, as: UInt32.self))
        let headCount = Int(bytes.load(4, as: UInt32.self))
        let metadataCount = Int(bytes.load(8, as: UInt32.self))
        guard objectBytes + keyCount + headCount + metadataCount == bytes.count,
          StoredLengths.areValid(key: keyCount, head: headCount)
        else { return nil }
        let place = objectBytes + keyCount + headCount
        guard let stored = RecordMetadata.decode(bytes.slice(place, metadataCount)) else {
          return nil
        }
        return Entry(
          key: [UInt8](bytes.slice(objectBytes, keyCount)),
          head: [UInt8](bytes.slice(objectBytes + keyCount, headCount)),
          metadata: stored.metadata, tags: stored.storedHashes,
          isMarkedStale: bytes.load(12, as: UInt32.self) & 1 == 1,
          bodyCount: bodyCount)
      }
    }
  }

  /// A frame's bytes.
  static func frame(_ type: FrameType, _ payload: [UInt8], number: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(frameBytes + payload.count)
    bytes.append(littleEndian: type.rawValue)
    bytes.append(littleEndian: UInt32(payload.count))
    bytes.append(littleEndian: checksum(type.rawValue, payload, number: number))
    bytes += payload
    return bytes
  }

  static func checksum(_ type: UInt32, _ payload: [UInt8], number: UInt64) -> UInt64 {
    payload.withUnsafeBytes { payload in
      let counts = UInt64(type) << 32 | UInt64(payload.count)
      return BlockChecksum.of(payload, seed: number &* 0x9E37_79B9_7F4A_7C15 ^ counts)
    }
  }
}

/// Why an export or an import ended early.
public enum ArchiveFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file is not an export, or of another version.
  case notAnArchive
  /// The file is damaged behind this many whole objects, which were taken in.
  case damaged(afterObjects: Int)
  /// The file ends early, behind this many whole objects, which were taken in.
  case cutOff(afterObjects: Int)
  /// The disk takes nothing in.
  case diskRefuses
  /// The file could not be read or written.
  case file(String)

  /// One line.
  public var description: String {
    switch self {
    case .notAnArchive: "this is no file that edge snapshot export has written"
    case .damaged(let count):
      "the file is damaged; \(count) objects before that place were taken in"
    case .cutOff(let count): "the file ends early; the \(count) objects in it were taken in"
    case .diskRefuses: "the disk takes nothing in; see the log"
    case .file(let reason): reason
    }
  }
}
