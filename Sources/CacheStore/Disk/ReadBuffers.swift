import Synchronization

// Buffers for reading records. A buffer that was used a moment ago is still in the processor's
// cache, and allocating one of a page or more takes a walk through the allocator's lists.
//
// Any thread; one lock, held for an array access. Limit: `mostIdle` buffers of `bufferBytes` wait;
// pages that no record has reached are never touched.

/// Lends memory to read into.
final class ReadBuffers: Sendable {
  private struct Buffer: @unchecked Sendable {
    // @unchecked: whoever took it out of `idle`, under its lock, has it alone.
    let bytes: UnsafeMutableRawBufferPointer
  }

  /// Room for a body of one chunk with its key, head and tags.
  static let bufferBytes = 128 << 10
  static let mostIdle = 8

  private let idle = Mutex<[Buffer]>([])

  deinit { idle.withLock { $0.forEach { $0.bytes.deallocate() } } }

  /// Calls `body` with `count` bytes that hold anything; they are lent for the call.
  func lend<Result>(
    _ count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Result
  ) -> Result {
    guard count <= Self.bufferBytes else {
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
      defer { bytes.deallocate() }
      return body(bytes)
    }
    let buffer = take()
    defer { give(buffer) }
    return body(buffer.bytes.slice(0, count))
  }

  private func take() -> Buffer {
    if let buffer = idle.withLock({ $0.popLast() }) { return buffer }
    return Buffer(bytes: .allocate(byteCount: Self.bufferBytes, alignment: 64))
  }

  private func give(_ buffer: Buffer) {
    let isKept = idle.withLock { idle in
      guard idle.count < Self.mostIdle else { return false }
      idle.append(buffer)
      return true
    }
    if !isKept { buffer.bytes.deallocate() }
  }
}
