import NIOCore

/// A response's content that waits to be framed: small pieces gathered by copying, large ones as
/// they are. Bounded by ``HTTP2Limits/streamBufferBytes`` plus one write.
struct HTTP2BodyQueue {
  /// Smaller pieces are copied: beside them, a buffer of its own for the frame's nine bytes and two
  /// entries in the kernel's vector cost more.
  static let wholeBytes = 8 << 10
  /// A gathering buffer beyond this capacity is not kept for the next response.
  private static let keptCapacityBytes = 32 << 10

  /// Whole buffers, in order, up to ``first`` already sent; the gathered bytes come after them.
  private var chunks: [ByteBuffer] = []
  private var first = 0
  private var gathered = ByteBuffer()
  private(set) var byteCount = 0

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    byteCount += bytes.count
    if bytes.count >= Self.wholeBytes {
      closeGathered()
      chunks.append(ByteBuffer(bytes: bytes))
    } else {
      gathered.writeBytes(bytes)
    }
  }

  mutating func append(_ buffer: ByteBuffer) {
    if buffer.readableBytes < Self.wholeBytes {
      buffer.withUnsafeReadableBytes { append($0) }
    } else {
      closeGathered()
      byteCount += buffer.readableBytes
      chunks.append(buffer)
    }
  }

  /// Moves the first `count` bytes, which must be there, to `output`.
  mutating func move(_ count: Int, to output: inout OutputQueue) {
    precondition(count <= byteCount, "\(count) bytes of \(byteCount)")
    byteCount -= count
    var rest = count
    while rest > 0, first < chunks.count {
      let piece = min(rest, chunks[first].readableBytes)
      if piece >= Self.wholeBytes {
        if let slice = chunks[first].readSlice(length: piece) { output.append(whole: slice) }
      } else {
        chunks[first].withUnsafeReadableBytes {
          output.append(UnsafeRawBufferPointer(rebasing: $0[..<piece]))
        }
        chunks[first].moveReaderIndex(forwardBy: piece)
      }
      rest -= piece
      if chunks[first].readableBytes == 0 { dropFirst() }
    }
    guard rest > 0 else { return }
    gathered.withUnsafeReadableBytes {
      output.append(UnsafeRawBufferPointer(rebasing: $0[..<rest]))
    }
    gathered.moveReaderIndex(forwardBy: rest)
    if gathered.readableBytes == 0 { clearGathered() }
  }

  mutating func removeAll() {
    chunks.removeAll(keepingCapacity: chunks.capacity <= 64)
    first = 0
    clearGathered()
    byteCount = 0
  }

  private mutating func closeGathered() {
    guard gathered.readableBytes > 0 else { return }
    chunks.append(gathered)
    gathered = ByteBuffer()
  }

  private mutating func clearGathered() {
    if gathered.capacity <= Self.keptCapacityBytes {
      gathered.clear()
    } else {
      gathered = ByteBuffer()
    }
  }

  private mutating func dropFirst() {
    chunks[first] = ByteBuffer()
    first += 1
    guard first == chunks.count else { return }
    chunks.removeAll(keepingCapacity: chunks.capacity <= 64)
    first = 0
  }
}
