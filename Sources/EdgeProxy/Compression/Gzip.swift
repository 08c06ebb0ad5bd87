import CZlib
import CacheStore
import NIOCore

/// Making gzip of stored bodies (RFC 1952). Off the loops: a megabyte takes tens of milliseconds.
enum Gzip {
  /// Size of a piece of output.
  static let pieceBytes = 64 << 10

  /// A body of which this much has been made hardly smaller is given up: the rest would cost in
  /// vain.
  private static let sampleBytes = 256 << 10

  /// The body of `object`, gzip'd, in pieces of 64 KiB; nil when that saves less than an eighth,
  /// the body lies on disk, or zlib has no memory.
  static func compress(_ object: StoredObject, level: Int) -> [ByteBuffer]? {
    guard object.diskBody == nil else { return nil }
    if !object.bodyChunks.isEmpty { return compress(object.bodyChunks, level: level) }
    guard let deflater = GzipDeflater(level: level) else { return nil }
    let limit = mostBytes(of: object.bodyCount)
    let isDone = object.withInlineBody { deflater.append($0, isLast: true, limit: limit) }
    return isDone ? deflater.output : nil
  }

  /// A body in pieces, gzip'd, in pieces of 64 KiB; nil as for ``compress(_:level:)``.
  static func compress(_ chunks: [ByteBuffer], level: Int) -> [ByteBuffer]? {
    guard let deflater = GzipDeflater(level: level) else { return nil }
    let limit = mostBytes(of: chunks.reduce(0) { $0 + $1.readableBytes })
    var taken = 0
    for (index, chunk) in chunks.enumerated() {
      let isLast = index == chunks.count - 1
      let goesOn = chunk.withUnsafeReadableBytes {
        deflater.append($0, isLast: isLast, limit: limit)
      }
      taken += chunk.readableBytes
      guard goesOn, taken < sampleBytes || deflater.count <= mostBytes(of: taken) else {
        return nil
      }
    }
    return deflater.output
  }

  /// What a body may become at most to be worth it.
  private static func mostBytes(of count: Int) -> Int { count - count / 8 }

  /// How many times its size a gzip'd body of an origin may become.
  static let largestRatio = 200

  /// The size of the content in the gzip'd body of `object`, which is inflated for that piece by
  /// piece; nil when it is damaged, lies on disk, or is larger than `limitBytes` or
  /// ``largestRatio`` times its own size: a bomb.
  static func plainCount(of object: StoredObject, limitBytes: Int) -> Int? {
    let limit = min(limitBytes, object.bodyCount * largestRatio)
    guard object.diskBody == nil, let inflater = GzipInflater(.atMost(limit)) else { return nil }
    var source = CompressedSource(object)
    while true {
      switch inflater.next() {
      case .plain: continue
      case .end: return inflater.producedBytes
      case .damaged: return nil
      case .needsInput:
        guard case .bytes(let bytes) = source.next() else { return nil }
        inflater.feed(bytes)
      }
    }
  }
}

/// A gzip compressor. Not thread-safe.
private final class GzipDeflater {
  private let stream: UnsafeMutablePointer<z_stream>
  private(set) var output: [ByteBuffer] = []
  /// Bytes of output so far.
  private(set) var count = 0

  init?(level: Int) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard edge_gzip_deflate_init(stream, Int32(level)) == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// Takes some content; false when the output has outgrown `limit` or zlib failed.
  func append(_ content: UnsafeRawBufferPointer, isLast: Bool, limit: Int) -> Bool {
    // zlib only reads what `next_in` points to; bound: `avail_in` is the content's count.
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: content.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(content.count)
    while true {
      var piece = ByteBufferAllocator().buffer(capacity: Gzip.pieceBytes)
      var code = Z_OK
      let written = piece.writeWithUnsafeMutableBytes(minimumWritableBytes: Gzip.pieceBytes) {
        let room = min($0.count, Gzip.pieceBytes)
        stream.pointee.next_out = $0.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(room)
        code = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
        return room - Int(stream.pointee.avail_out)
      }
      if written > 0 { output.append(piece) }
      count += written
      guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR, count <= limit else {
        return false
      }
      if code == Z_STREAM_END { return true }
      // With room left in the piece zlib has taken all of the content.
      if written < Gzip.pieceBytes, !isLast { return true }
      if written == 0 { return false }
    }
  }
}

/// A gzip decompressor that takes compressed pieces and gives bounded plain ones.
///
/// Owner: a delivery, on its loop. Limit: it gives no more bytes than it was made for, so what does
/// not come from this edge cannot fill its memory or its clients.
final class GzipInflater {
  /// What a step came to.
  enum Step {
    /// Some plain bytes.
    case plain(ByteBuffer)
    /// More compressed bytes are needed.
    case needsInput
    /// The end, at an expected number of bytes.
    case end
    /// It is no gzip of that many bytes.
    case damaged
  }

  private let stream: UnsafeMutablePointer<z_stream>
  /// How much plain content there has to be.
  enum Expectation {
    case exactly(Int)
    case atMost(Int)
  }

  private var input = ByteBuffer()
  private let mostBytes: Int
  private let leastBytes: Int
  /// Plain bytes given so far.
  private(set) var producedBytes = 0
  private var hasEnded = false
  /// The last piece was full: zlib may have more without further input.
  private var mayHoldBack = false

  /// An inflater for content of so many bytes; nil when zlib has no memory.
  init?(_ expectation: Expectation) {
    (leastBytes, mostBytes) =
      switch expectation {
      case .exactly(let count): (count, count)
      case .atMost(let count): (0, count)
      }
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard edge_gzip_inflate_init(stream) == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Gives it compressed bytes; only after `needsInput`.
  func feed(_ bytes: ByteBuffer) { input = bytes }

  /// The next plain bytes, at most `limitBytes`.
  func next(limitBytes: Int = Gzip.pieceBytes) -> Step {
    while true {
      if hasEnded { return producedBytes >= leastBytes ? .end : .damaged }
      if input.readableBytes == 0, !mayHoldBack { return .needsInput }
      let hadInput = input.readableBytes > 0
      // One byte of room beyond what is expected shows content that is longer.
      let room = min(limitBytes, mostBytes - producedBytes + 1)
      var piece = ByteBufferAllocator().buffer(capacity: room)
      let (code, taken) = step(into: &piece, room: room)
      producedBytes += piece.readableBytes
      mayHoldBack = piece.readableBytes == room
      guard producedBytes <= mostBytes else { return .damaged }
      switch code {
      case Z_STREAM_END:
        hasEnded = true
        // Bytes behind the end would be another member, which this edge never writes.
        if input.readableBytes > 0 { return .damaged }
      case Z_OK: break
      case Z_BUF_ERROR:
        if hadInput, taken == 0, piece.readableBytes == 0 { return .damaged }
      default: return .damaged
      }
      if piece.readableBytes > 0 { return .plain(piece) }
    }
  }

  /// One call of zlib; returns its code and how much of the input it took.
  private func step(into piece: inout ByteBuffer, room: Int) -> (code: Int32, taken: Int) {
    var code = Z_OK
    let taken = input.readWithUnsafeReadableBytes { source -> Int in
      // zlib only reads what `next_in` points to; bound: `avail_in` is the source's count.
      stream.pointee.next_in = UnsafeMutablePointer(
        mutating: source.baseAddress?.assumingMemoryBound(to: UInt8.self))
      stream.pointee.avail_in = UInt32(source.count)
      piece.writeWithUnsafeMutableBytes(minimumWritableBytes: room) {
        // Bound: `avail_out` is at most the buffer's room.
        stream.pointee.next_out = $0.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(room)
        code = inflate(stream, Z_NO_FLUSH)
        return room - Int(stream.pointee.avail_out)
      }
      return source.count - Int(stream.pointee.avail_in)
    }
    return (code, taken)
  }
}
