/// Where a chunk belongs: part of what its seal vouches for, so a chunk that was swapped, replayed
/// from a reused block or read from the wrong place never opens.
struct ChunkContext {
  /// The object's hash; zero for the body chunks of a dedicated segment, whose object is known only
  /// when it ends (its generation belongs to it alone).
  var hash: KeyHash
  /// The segment's generation, never reused in a store.
  var generation: UInt64
  /// 0 for a record's envelope, n + 1 for body chunk n.
  var position: UInt32
}

/// What is kept beside a sealed chunk; sixteen bytes, the size of an AES-GCM tag.
struct ChunkTag: Equatable {
  static let byteCount = 16
  var low: UInt64
  var high: UInt64
}

/// Seals chunks on their way to disk and opens them on their way back, in place. The seam at which
/// encryption at rest comes in.
protocol ChunkSeal: Sendable {
  /// Names the seal in record headers.
  var identifier: UInt8 { get }
  /// Seals `chunk` in place and returns its tag.
  func seal(_ chunk: UnsafeMutableRawBufferPointer, _ context: ChunkContext) -> ChunkTag
  /// Opens `chunk` in place; false when it is not what was sealed at this place.
  func open(
    _ chunk: UnsafeMutableRawBufferPointer, _ tag: ChunkTag, _ context: ChunkContext
  ) -> Bool
}

/// Integrity without secrecy: the tag is a checksum over the chunk and its place.
struct ChecksumSeal: ChunkSeal {
  let identifier: UInt8 = 1

  func seal(_ chunk: UnsafeMutableRawBufferPointer, _ context: ChunkContext) -> ChunkTag {
    let place =
      context.hash.high ^ context.hash.low &* 0x9E37_79B9_7F4A_7C15
      ^ context.generation &* 0xC2B2_AE3D_27D4_EB4F
    let low = BlockChecksum.of(
      UnsafeRawBufferPointer(chunk), seed: place &+ UInt64(context.position))
    return ChunkTag(low: low, high: UInt64(chunk.count))
  }

  func open(
    _ chunk: UnsafeMutableRawBufferPointer, _ tag: ChunkTag, _ context: ChunkContext
  ) -> Bool {
    seal(chunk, context) == tag
  }
}
