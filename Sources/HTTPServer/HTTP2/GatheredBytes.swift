/// Bytes that are gathered piece by piece, without what a `ByteBuffer` checks at every write. Grows
/// by doubling; its owner bounds what is appended.
struct GatheredBytes: ~Copyable {
  private static let firstCapacity = 512

  private var start: UnsafeMutableRawPointer
  private var capacity = GatheredBytes.firstCapacity
  private(set) var count = 0

  init() {
    start = .allocate(byteCount: capacity, alignment: 1)
  }

  deinit { start.deallocate() }

  /// What was gathered; valid until the next change.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

  /// Appends bytes that are not its own.
  mutating func append(_ text: UnsafeRawBufferPointer) {
    guard text.count > 0, let source = text.baseAddress else { return }
    if text.count > capacity - count { grow(by: text.count) }
    (start + count).copyMemory(from: source, byteCount: text.count)
    count += text.count
  }

  /// Forgets the bytes, and gives memory beyond so many bytes back.
  mutating func removeAll(keeping keptBytes: Int) {
    count = 0
    guard capacity > keptBytes else { return }
    start.deallocate()
    capacity = Self.firstCapacity
    start = .allocate(byteCount: capacity, alignment: 1)
  }

  private mutating func grow(by needed: Int) {
    while capacity - count < needed { capacity *= 2 }
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 1)
    larger.copyMemory(from: start, byteCount: count)
    start.deallocate()
    start = larger
  }
}
