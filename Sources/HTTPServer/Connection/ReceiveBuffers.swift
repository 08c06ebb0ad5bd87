import NIOCore

/// The buffer that a loop's connections in clear text read into, handed round.
///
/// NIO keeps the buffer of a channel's first read, and up to `maxMessagesPerRead` more, as long as
/// the channel lives: of ten thousand idle connections that was over half of their memory, and an
/// upload left its connection with four buffers of 64 KiB. So the first read gets a small one,
/// which NIO may keep, and all others the loop's, which NIO forgets at once: a pool of one message
/// a read keeps no second buffer.
///
/// Whoever has read a buffer hands it back; what somebody still holds of it then stays theirs, and
/// the next reader gets a new one. Confined to its event loop: `@unchecked Sendable` because NIO's
/// channel options are.
final class ReceiveBufferPool: @unchecked Sendable {
  /// One read of a socket.
  static let capacityBytes = 64 << 10

  private var spare = ByteBuffer()
  private let allocator = ByteBufferAllocator()

  func take() -> ByteBuffer {
    var buffer = ByteBuffer()
    swap(&buffer, &spare)
    if buffer.capacity == 0 { return allocator.buffer(capacity: Self.capacityBytes) }
    // Allocates anew when somebody still holds the bytes.
    buffer.clear()
    return buffer
  }

  func giveBack(_ buffer: ByteBuffer) {
    if buffer.storageCapacity >= Self.capacityBytes { spare = buffer }
  }
}

/// Has a channel read into the buffer of its loop. Needs `maxMessagesPerRead` to be 1.
struct LoopReceiveAllocator: RecvByteBufferAllocator {
  /// Enough for most first requests; kept by NIO until the channel closes.
  private static let firstCapacityBytes = 1 << 10

  let pool: ReceiveBufferPool
  private var hasRead = false

  init(pool: ReceiveBufferPool) {
    self.pool = pool
  }

  func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
    hasRead ? pool.take() : allocator.buffer(capacity: Self.firstCapacityBytes)
  }

  /// Always true: told that the next buffer may be larger, NIO asks for one instead of using the
  /// first one again.
  mutating func record(actualReadBytes: Int) -> Bool {
    hasRead = true
    return true
  }
}

extension ByteBuffer {
  /// The same bytes in a buffer of their own size, where this one holds on to much more memory:
  /// for whoever keeps them for a while.
  func compacted() -> ByteBuffer {
    guard storageCapacity > 2 * readableBytes + 512 else { return self }
    return withUnsafeReadableBytes { ByteBuffer(bytes: $0) }
  }
}
