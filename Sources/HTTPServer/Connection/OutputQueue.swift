import NIOCore

/// The buffers that small writes of a loop's connections are gathered in, handed round.
///
/// As many as answers that wait to be sent together (see ``LoopState/scheduleSettle(_:)``) serve
/// all connections whose bytes the kernel takes at once, and stay in the processor's cache. A
/// connection whose bytes still wait keeps its buffer, and the next one gets a fresh one. Confined
/// to its event loop.
public final class OutputBufferPool {
  /// Larger buffers are not kept.
  static let keptCapacityBytes = 128 << 10

  /// More than these are not kept either.
  static let keptCount = 16

  private var spares: [ByteBuffer] = []
  private let allocator = ByteBufferAllocator()

  /// An empty pool.
  public init() {}

  @inline(__always)
  func take() -> ByteBuffer {
    var buffer = spares.popLast() ?? ByteBuffer()
    // Clearing allocates anew when the kernel's side still holds the bytes.
    if buffer.capacity == 0 {
      buffer = allocator.buffer(capacity: 16 << 10)
    } else {
      buffer.clear()
    }
    return buffer
  }

  @inline(__always)
  func giveBack(_ buffer: ByteBuffer) {
    if buffer.capacity <= Self.keptCapacityBytes, spares.count < Self.keptCount {
      spares.append(buffer)
    }
  }
}

/// Bytes on their way to one client: small writes gathered into one buffer, large buffers in
/// between as they are. Bounded by the connection's high-water mark plus one write.
struct OutputQueue {
  /// A buffer up to this size is cheaper to copy than to send as a piece of its own: a piece costs
  /// an entry in the kernel's vector and a reference held until it has been taken.
  static let copyLimitBytes = 16 << 10
  /// A gathering buffer of this size is full: growing it further would copy it.
  static let tailLimitBytes = 64 << 10

  private let pool: OutputBufferPool
  private var sealed: [ByteBuffer] = []
  private var tail = ByteBuffer()
  private var hasTail = false
  private var sealedBytes = 0

  init(pool: OutputBufferPool) {
    self.pool = pool
  }

  /// How many bytes wait here.
  @inline(__always)
  var byteCount: Int { sealedBytes + (hasTail ? tail.readableBytes : 0) }

  /// Whether it holds one gathered buffer and nothing else.
  @inline(__always)
  var isSingle: Bool { sealedBytes == 0 && hasTail }

  @inline(__always)
  var isEmpty: Bool { sealedBytes == 0 && !hasTail }

  /// Lets `body` append small things, such as heads and chunk lines.
  @inline(__always)
  mutating func append(_ body: (inout ByteBuffer) -> Void) {
    if !hasTail { startTail() }
    body(&tail)
  }

  @inline(__always)
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    if !hasTail {
      startTail()
    } else if tail.readableBytes + bytes.count > Self.tailLimitBytes {
      seal()
      startTail()
    }
    tail.writeBytes(bytes)
  }

  mutating func append(_ buffer: ByteBuffer) {
    if buffer.readableBytes <= Self.copyLimitBytes {
      buffer.withUnsafeReadableBytes { append($0) }
      return
    }
    seal()
    sealed.append(buffer)
    sealedBytes += buffer.readableBytes
  }

  /// Appends a buffer as it is. What little was gathered before it moves to a buffer of its own
  /// size, so that the gathering buffer stays for what follows.
  mutating func append(whole buffer: ByteBuffer) {
    if hasTail, tail.readableBytes < 1 << 10 {
      if tail.readableBytes > 0 {
        sealedBytes += tail.readableBytes
        sealed.append(tail.withUnsafeReadableBytes { ByteBuffer(bytes: $0) })
      }
      tail.clear()
      giveBack(tail)
      tail = ByteBuffer()
      hasTail = false
    } else {
      seal()
    }
    sealed.append(buffer)
    sealedBytes += buffer.readableBytes
  }

  /// Takes the large buffers and what was gathered before them, in order.
  mutating func takeSealed() -> [ByteBuffer] {
    sealedBytes = 0
    var buffers: [ByteBuffer] = []
    swap(&buffers, &sealed)
    return buffers
  }

  /// Takes what was gathered last, if anything was; hand it back with ``giveBack(_:)``.
  @inline(__always)
  mutating func takeTail() -> ByteBuffer? {
    guard hasTail else { return nil }
    hasTail = false
    var buffer = ByteBuffer()
    swap(&buffer, &tail)
    return buffer
  }

  /// Lets the buffer be used again, as soon as nobody else holds its bytes.
  @inline(__always)
  func giveBack(_ buffer: ByteBuffer) {
    pool.giveBack(buffer)
  }

  @inline(__always)
  private mutating func startTail() {
    tail = pool.take()
    hasTail = true
  }

  private mutating func seal() {
    guard hasTail, tail.readableBytes > 0 else { return }
    sealedBytes += tail.readableBytes
    sealed.append(tail)
    tail = ByteBuffer()
    hasTail = false
  }
}
