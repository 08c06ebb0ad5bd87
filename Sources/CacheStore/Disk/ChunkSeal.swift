import EdgeSecurity

/// Where a chunk belongs: what its seal vouches for beside its bytes, so a chunk that was swapped,
/// replayed from a reused block or read from the wrong place never opens.
///
/// Eight words without gaps: they are the seal's associated data as they lie in memory.
struct ChunkContext {
  /// The object's hash; zero for the body chunks of a dedicated segment, whose object is known only
  /// when it ends (its generation belongs to it alone), and for a footer.
  private var hashHigh: UInt64
  private var hashLow: UInt64
  /// The segment's generation.
  private var generation: UInt64
  /// 0 for a record's envelope, n + 1 for body chunk n, all ones for a footer.
  private var position: UInt64
  /// Where the chunk begins in the segment's file. A segment is written once, from front to back,
  /// and given up when a write fails: no two chunks of a file ever share it.
  private(set) var offset: UInt64
  /// Of an envelope: what its record's header says.
  private var details: (UInt64, UInt64, UInt64) = (0, 0, 0)

  init(hash: KeyHash, generation: UInt64, position: UInt64, offset: Int) {
    hashHigh = hash.high.littleEndian
    hashLow = hash.low.littleEndian
    self.generation = generation.littleEndian
    self.position = position.littleEndian
    self.offset = UInt64(offset).littleEndian
  }

  /// Body chunk `index` of a body that begins at `bodyPosition`.
  static func chunk(
    _ index: Int, hash: KeyHash, generation: UInt64, bodyPosition: Int
  ) -> ChunkContext {
    ChunkContext(
      hash: hash, generation: generation, position: UInt64(index + 1),
      offset: bodyPosition + index * DiskFormat.chunkBytes)
  }

  static func envelope(_ header: RecordHeader) -> ChunkContext {
    var context = ChunkContext(
      hash: header.hash, generation: header.generation, position: 0,
      offset: header.recordPosition + RecordHeader.byteCount)
    context.details = (
      (UInt64(header.bodyCount) | (header.isDedicated ? 1 << 63 : 0)).littleEndian,
      UInt64(header.bodyPosition).littleEndian,
      header.layoutWord.littleEndian
    )
    return context
  }

  static func footer(generation: UInt64, position: Int) -> ChunkContext {
    ChunkContext(
      hash: KeyHash(high: 0, low: 0), generation: generation, position: .max, offset: position)
  }

  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    withUnsafeBytes(of: self, body)
  }
}

/// What is kept beside a sealed chunk; sixteen bytes, an AES-GCM tag.
typealias ChunkTag = AESGCM.Tag

extension AESGCM.Tag {
  static let byteCount = AESGCM.tagBytes
}

/// Seals chunks of one segment on their way to disk and opens them on their way back.
protocol ChunkSeal: Sendable {
  /// Names the seal in record headers.
  var identifier: UInt8 { get }
  /// Seals `chunk` in place and returns its tag.
  func seal(_ chunk: UnsafeMutableRawBufferPointer, _ context: ChunkContext) -> ChunkTag
  /// Opens `chunk` into `target`; false when it is not what was sealed at this place, and then
  /// `target` must not be used.
  /// - Parameter target: as large as `chunk`; the same memory, or none of it.
  func open(
    _ chunk: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, _ tag: ChunkTag,
    _ context: ChunkContext
  ) -> Bool
}

extension ChunkSeal {
  /// Opens `chunk` in place; false when it is not what was sealed at this place.
  func open(
    _ chunk: UnsafeMutableRawBufferPointer, _ tag: ChunkTag, _ context: ChunkContext
  ) -> Bool {
    open(UnsafeRawBufferPointer(chunk), into: chunk, tag, context)
  }
}

/// Integrity without secrecy: the tag is a checksum over the chunk and its place.
struct ChecksumSeal: ChunkSeal {
  let identifier: UInt8 = 1

  func seal(_ chunk: UnsafeMutableRawBufferPointer, _ context: ChunkContext) -> ChunkTag {
    checksum(UnsafeRawBufferPointer(chunk), context)
  }

  func open(
    _ chunk: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, _ tag: ChunkTag,
    _ context: ChunkContext
  ) -> Bool {
    guard checksum(chunk, context) == tag else { return false }
    if let bytes = chunk.baseAddress, target.baseAddress != UnsafeMutableRawPointer(mutating: bytes)
    {
      target.copyMemory(from: chunk)
    }
    return true
  }

  private func checksum(_ chunk: UnsafeRawBufferPointer, _ context: ChunkContext) -> ChunkTag {
    let place = context.withBytes { BlockChecksum.of($0, seed: 0) }
    return ChunkTag(low: BlockChecksum.of(chunk, seed: place), high: UInt64(chunk.count))
  }
}

/// AES-256-GCM under a key of the segment's own. The nonce is the chunk's place in the file, which
/// is used once (see ``ChunkContext``); the key follows from a random salt in the segment's header,
/// so that a store that was rolled back to an earlier state writes under other keys.
struct AESGCMSeal: ChunkSeal {
  let identifier: UInt8 = 2
  let cipher: AESGCM

  func seal(_ chunk: UnsafeMutableRawBufferPointer, _ context: ChunkContext) -> ChunkTag {
    let nonce = AESGCM.Nonce(prefix: 0, number: UInt64(littleEndian: context.offset))
    return context.withBytes { cipher.seal(chunk, nonce: nonce, associated: $0) }
  }

  func open(
    _ chunk: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, _ tag: ChunkTag,
    _ context: ChunkContext
  ) -> Bool {
    let nonce = AESGCM.Nonce(prefix: 0, number: UInt64(littleEndian: context.offset))
    return context.withBytes {
      cipher.open(chunk, into: target, tag: tag, nonce: nonce, associated: $0)
    }
  }
}

/// The seal of a segment whose key is lost, or whose header is damaged: opens nothing.
struct LostSeal: ChunkSeal {
  let identifier: UInt8 = 0

  func seal(_ chunk: UnsafeMutableRawBufferPointer, _ context: ChunkContext) -> ChunkTag {
    preconditionFailure("nothing is written to a segment whose key is lost")
  }

  func open(
    _ chunk: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, _ tag: ChunkTag,
    _ context: ChunkContext
  ) -> Bool { false }
}
