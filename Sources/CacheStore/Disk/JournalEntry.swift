/// One change of the index, as the journal keeps it: the payload of a frame of ``LogFormat``. Each
/// says what is, so replaying one twice does no harm.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | 1 insertion, 2 removal, 3 segment removed, 4 older segments removed, 5 segment cut, |
/// | | | 6 marked stale, 7 insertion of what is marked stale, 8 partitions kept |
/// | 1 | 7 | zero |
/// | 8 | 16 | insertion, removal, marked stale: key hash, high then low |
/// | 8 | 8 | segment removed, older segments removed, segment cut: generation |
/// | 8 | 8192 | partitions kept: one bit each, ``DiskPartitions`` |
/// | 16 | 8 | segment cut: block |
/// | 24 | 8 | insertion: generation |
/// | 32 | 8 | insertion: record's position in the file, bytes |
/// | 40 | 8 | insertion: record's bytes |
/// | 48 | 8 | insertion: sequence at which the fetch began |
enum JournalEntry: Equatable {
  struct Insertion: Equatable, Sendable {
    var hash: KeyHash
    var generation: UInt64
    var position: Int
    var count: Int
    var fetchSequence: UInt64
    var isMarkedStale = false
  }

  case insertion(Insertion)
  case removal(KeyHash)
  case segmentRemoved(generation: UInt64)
  /// Nothing of segments below this generation is valid: recovery found damage and began anew.
  case olderRemoved(generation: UInt64)
  /// Nothing in this segment is valid from this block on.
  case segmentCut(generation: UInt64, block: UInt32)
  /// A soft invalidation matches what is under this hash.
  case markedStale(KeyHash)
  /// Objects of other partitions belong to another disk from here on; what this one has of them
  /// may be replaced or removed there, and must not be believed when it comes back to this one.
  case partitionsKept([UInt8])

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    switch self {
    case .insertion(let insertion):
      bytes.append(littleEndian: UInt64(insertion.isMarkedStale ? 7 : 1))
      bytes.append(littleEndian: insertion.hash.high)
      bytes.append(littleEndian: insertion.hash.low)
      bytes.append(littleEndian: insertion.generation)
      bytes.append(littleEndian: UInt64(insertion.position))
      bytes.append(littleEndian: UInt64(insertion.count))
      bytes.append(littleEndian: insertion.fetchSequence)
    case .removal(let hash):
      bytes.append(littleEndian: UInt64(2))
      bytes.append(littleEndian: hash.high)
      bytes.append(littleEndian: hash.low)
    case .segmentRemoved(let generation):
      bytes.append(littleEndian: UInt64(3))
      bytes.append(littleEndian: generation)
    case .olderRemoved(let generation):
      bytes.append(littleEndian: UInt64(4))
      bytes.append(littleEndian: generation)
    case .segmentCut(let generation, let block):
      bytes.append(littleEndian: UInt64(5))
      bytes.append(littleEndian: generation)
      bytes.append(littleEndian: UInt64(block))
    case .markedStale(let hash):
      bytes.append(littleEndian: UInt64(6))
      bytes.append(littleEndian: hash.high)
      bytes.append(littleEndian: hash.low)
    case .partitionsKept(let bitmap):
      bytes.append(littleEndian: UInt64(8))
      bytes.append(contentsOf: bitmap)
    }
    return bytes
  }

  static func decode(_ bytes: UnsafeRawBufferPointer) -> JournalEntry? {
    guard bytes.count >= 16 else { return nil }
    let type = bytes.load(0, as: UInt64.self)
    switch type {
    case 1 where bytes.count >= 56, 7 where bytes.count >= 56:
      guard let position = Int(exactly: bytes.load(32, as: UInt64.self)),
        let count = Int(exactly: bytes.load(40, as: UInt64.self))
      else { return nil }
      return .insertion(
        Insertion(
          hash: KeyHash(high: bytes.load(8), low: bytes.load(16)), generation: bytes.load(24),
          position: position, count: count, fetchSequence: bytes.load(48),
          isMarkedStale: type == 7))
    case 2 where bytes.count >= 24:
      return .removal(KeyHash(high: bytes.load(8), low: bytes.load(16)))
    case 3: return .segmentRemoved(generation: bytes.load(8))
    case 4: return .olderRemoved(generation: bytes.load(8))
    case 5 where bytes.count >= 24:
      return .segmentCut(
        generation: bytes.load(8),
        block: UInt32(truncatingIfNeeded: bytes.load(16, as: UInt64.self)))
    case 6 where bytes.count >= 24:
      return .markedStale(KeyHash(high: bytes.load(8), low: bytes.load(16)))
    case 8 where bytes.count == 8 + DiskPartitions.bitmapBytes:
      return .partitionsKept(Array(bytes.slice(8, DiskPartitions.bitmapBytes)))
    default: return nil
    }
  }
}
