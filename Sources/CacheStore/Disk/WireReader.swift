// Reads protobuf's wire format (https://protobuf.dev/programming-guides/encoding/) in place. The
// records are written and described by SwiftProtobuf (StoredRecord.proto); reading one with it
// costs a message object, a copy of the bytes and 4,000 instructions for each hit from disk, a
// tenth of them here.
// The tests compare the two over random and damaged messages.

/// One field after the other of a message that is in memory.
struct WireReader {
  /// A field's value as it lies in the message.
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case bytes(UnsafeRawBufferPointer)
  }

  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { offset == bytes.count }

  /// The next field, which there must be; nil when the message is cut short or is none. Groups,
  /// which proto3 does not have, are not read.
  @inline(__always)
  mutating func next() -> (number: UInt32, value: Value)? {
    guard let key = varint(), let key = UInt32(exactly: key), key >> 3 != 0 else { return nil }
    let value: Value?
    switch key & 7 {
    case 0: value = varint().map { .varint($0) }
    case 1: value = take(8).map { .fixed64($0.load(0)) }
    case 2: value = varint().flatMap { Int(exactly: $0) }.flatMap { take($0) }.map { .bytes($0) }
    case 5: value = take(4).map { .fixed32($0.load(0)) }
    default: value = nil
    }
    return value.map { (key >> 3, $0) }
  }

  /// Seven bits a byte, the lowest first, ten bytes at most.
  @inline(__always)
  private mutating func varint() -> UInt64? {
    // Most numbers are below 128.
    if offset < bytes.count, bytes[offset] < 0x80 {
      defer { offset += 1 }
      return UInt64(bytes[offset])
    }
    return longVarint()
  }

  private mutating func longVarint() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    // Bound: `offset` stays below the count of the bytes.
    while offset < bytes.count, shift < 64 {
      let byte = bytes[offset]
      offset += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }

  @inline(__always)
  private mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
    guard count <= bytes.count - offset else { return nil }
    defer { offset += count }
    return bytes.slice(offset, count)
  }
}

extension Int32 {
  /// The number that protobuf's `sint32` writes as this varint: 0, -1, 1, -2 as 0, 1, 2, 3.
  init(zigZag varint: UInt64) {
    let word = UInt32(truncatingIfNeeded: varint)
    self = Int32(bitPattern: word >> 1) ^ -Int32(bitPattern: word & 1)
  }
}
