import NIOCore

/// A response body on its way into a ``StoredObject``.
public enum StoredBody {
  /// The whole body in one place; it is copied.
  case bytes(UnsafeRawBufferPointer)
  /// The body in order; copied into the object up to 64 KiB, else kept as chunks of at most 64 KiB.
  case buffers([ByteBuffer])
  /// A body that stays on disk and is read on demand.
  case disk(DiskBody)
}

/// A body outside of the object's own allocation.
enum DetachedBody: Sendable {
  case chunks(BodyChunks)
  case disk(DiskBody)
}

/// Shapes a large body into chunks that waste little memory.
///
/// A `ByteBuffer`'s storage is a power of two, so every chunk but the last few is a full 64 KiB and
/// the rest is split into powers of two until at most an eighth of it would be wasted.
struct BodyChunks: Sendable {
  /// Largest body kept in the object's own allocation, and the size of a chunk: 64 KiB.
  static let chunkBytes = 65_536
  /// Bytes beside a chunk's storage: the storage object, two malloc headers, the array's element.
  static let overheadBytes = 160

  let chunks: [ByteBuffer]
  let count: Int

  init(_ buffers: [ByteBuffer]) {
    count = buffers.reduce(0) { $0 + $1.readableBytes }
    chunks = Self.areTight(buffers) ? buffers : Self.repacked(buffers, count: count)
  }

  /// Real bytes held: storage and what each chunk costs beside it.
  var chargedBytes: Int {
    chunks.reduce(32) { $0 + $1.storageCapacity + Self.overheadBytes }
  }

  /// True when each buffer but the last fills its 64 KiB and the last wastes at most an eighth.
  private static func areTight(_ buffers: [ByteBuffer]) -> Bool {
    for (index, buffer) in buffers.enumerated() {
      let readable = buffer.readableBytes
      if index + 1 < buffers.count, readable != chunkBytes { return false }
      if readable > chunkBytes || readable == 0 { return false }
      if buffer.storageCapacity > readable + readable / 8 { return false }
    }
    return true
  }

  private static func repacked(_ buffers: [ByteBuffer], count: Int) -> [ByteBuffer] {
    var chunks: [ByteBuffer] = []
    chunks.reserveCapacity(count / chunkBytes + 3)
    var rest = count
    var cursor = Cursor(buffers: buffers)
    while rest > 0 {
      let size = chunkSize(rest: rest)
      var chunk = ByteBufferAllocator().buffer(capacity: size)
      cursor.move(size, into: &chunk)
      chunks.append(chunk)
      rest -= size
    }
    return chunks
  }

  private static func chunkSize(rest: Int) -> Int {
    if rest >= chunkBytes { return chunkBytes }
    let below = 1 << (Int.bitWidth - 1 - rest.leadingZeroBitCount)
    let roundedUp = below == rest ? below : below * 2
    return roundedUp - rest <= max(rest / 8, 512) ? rest : below
  }

  /// A place in a list of buffers, from which bytes are copied in order.
  private struct Cursor {
    let buffers: [ByteBuffer]
    var index = 0
    var offset = 0

    mutating func move(_ count: Int, into chunk: inout ByteBuffer) {
      var missing = count
      while missing > 0, index < buffers.count {
        let view = buffers[index].readableBytesView.dropFirst(offset).prefix(missing)
        chunk.writeBytes(view)
        missing -= view.count
        offset += view.count
        if offset == buffers[index].readableBytes {
          index += 1
          offset = 0
        }
      }
    }
  }
}
