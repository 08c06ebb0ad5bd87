/// Loads and stores of the disk formats: little-endian, unaligned, at a byte offset. Debug builds
/// check the bounds; the callers have compared the buffer's size with the format's before.
extension UnsafeRawBufferPointer {
  @inline(__always)
  func load<Value: FixedWidthInteger>(_ offset: Int, as type: Value.Type = Value.self) -> Value {
    Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  /// The bytes `offset ..< offset + count`.
  @inline(__always)
  func slice(_ offset: Int, _ count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: self[offset..<(offset + count)])
  }
}

extension UnsafeMutableRawBufferPointer {
  @inline(__always)
  func store<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
  }

  /// The bytes `offset ..< offset + count`.
  @inline(__always)
  func slice(_ offset: Int, _ count: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: self[offset..<(offset + count)])
  }
}

extension [UInt8] {
  mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  /// Adds zero bytes until the count is a multiple of `unit`.
  mutating func pad(toMultipleOf unit: Int) {
    let rest = count % unit
    if rest != 0 { append(contentsOf: repeatElement(0, count: unit - rest)) }
  }
}

/// Reads the fields of a payload one after the other; nil once the bytes run out.
struct ByteCursor {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var remaining: Int { bytes.count - position }

  mutating func read<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value? {
    guard remaining >= MemoryLayout<Value>.size else { return nil }
    defer { position += MemoryLayout<Value>.size }
    return bytes.load(position, as: Value.self)
  }

  mutating func readBytes(_ count: Int) -> UnsafeRawBufferPointer? {
    guard count >= 0, remaining >= count else { return nil }
    defer { position += count }
    return bytes.slice(position, count)
  }
}

extension Int {
  /// The next multiple of `unit`, a power of two, at or above this number.
  @inline(__always)
  func roundedUp(toMultipleOf unit: Int) -> Int { (self + unit - 1) & ~(unit - 1) }
}
