import NIOCore

/// A stretch of a block's bytes: offset from its first readable byte, and length.
public struct TextRange: Sendable, Equatable {
  /// Bytes from the start of the block's bytes.
  public var offset: UInt32
  /// Length in bytes.
  public var count: UInt32

  /// A range of `count` bytes from `offset`.
  @inlinable
  public init(offset: Int, count: Int) {
    self.offset = UInt32(truncatingIfNeeded: offset)
    self.count = UInt32(truncatingIfNeeded: count)
  }

  /// No bytes.
  @inlinable
  public static var empty: TextRange { TextRange(offset: 0, count: 0) }

  /// Whether it covers no byte.
  @inlinable
  public var isEmpty: Bool { count == 0 }

  /// The bytes it covers of `bytes`.
  @inlinable
  public func slice(of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<Int(offset) + Int(count)])
  }
}

/// Where one field line's name and value stand in its block's bytes.
public struct FieldEntry: Sendable {
  /// The name's place.
  public var nameOffset: UInt32
  /// The value's place, surrounding whitespace excluded.
  public var valueOffset: UInt32
  /// The value's length in bytes.
  public var valueCount: UInt32
  /// The name's length in bytes.
  public var nameCount: UInt16
  /// What the name is to the edge.
  public var known: KnownField

  /// An entry for a name and a value that stand at these places.
  @inlinable
  public init(name: TextRange, value: TextRange, known: KnownField) {
    nameOffset = name.offset
    nameCount = UInt16(truncatingIfNeeded: name.count)
    valueOffset = value.offset
    valueCount = value.count
    self.known = known
  }

  /// The name's place.
  @inlinable
  public var name: TextRange { TextRange(offset: Int(nameOffset), count: Int(nameCount)) }

  /// The value's place.
  @inlinable
  public var value: TextRange { TextRange(offset: Int(valueOffset), count: Int(valueCount)) }
}

/// The field lines of one head or trailer section, in their order.
///
/// One allocation for the bytes (for a received head: the very buffer the socket filled) and one
/// array of places: nothing is allocated a field. Values are bytes, checked by whoever parsed
/// them; copying a block shares both allocations.
///
/// A block is either *parsed* (places point into a received head) or *built* by ``append``;
/// of a built block the bytes are field lines as they go on the wire.
public struct FieldBlock: Sendable {
  /// The bytes that the entries point into.
  public private(set) var bytes: ByteBuffer
  /// The lines, in order.
  public private(set) var entries: [FieldEntry]
  /// Which known fields occur.
  public private(set) var presence = KnownFieldSet.none

  /// An empty block to build on, with room for `capacity` bytes.
  public init(capacity: Int = 0) {
    bytes = ByteBuffer()
    entries = []
    if capacity > 0 {
      bytes.reserveCapacity(capacity)
      // A field line takes about 30 bytes.
      entries.reserveCapacity(8 + capacity / 32)
    }
  }

  /// A parsed block: `entries` point into `bytes`, counted from its first readable byte.
  public init(bytes: ByteBuffer, entries: [FieldEntry], presence: KnownFieldSet) {
    self.bytes = bytes
    self.entries = entries
    self.presence = presence
  }

  /// A block over field lines that the edge itself wrote (`Name: value` CRLF, repeated), such as a
  /// stored head. Lines it cannot read are left out. O(bytes).
  public init(lines: ByteBuffer) {
    var entries: [FieldEntry] = []
    var presence: KnownFieldSet = []
    lines.withUnsafeReadableBytes { bytes in
      var offset = 0
      while offset < bytes.count {
        var end = offset
        while end < bytes.count, bytes[end] != 0x0A { end += 1 }
        let lineEnd = end > offset && bytes[end - 1] == 0x0D ? end - 1 : end
        if let entry = Self.entry(of: bytes, from: offset, to: lineEnd) {
          entries.append(entry)
          presence.insert(entry.known)
        }
        offset = end + 1
      }
    }
    self.init(bytes: lines, entries: entries, presence: presence)
  }

  /// How many lines it has.
  public var count: Int { entries.count }

  /// Whether it has no line.
  public var isEmpty: Bool { entries.isEmpty }

  /// Whether a line named `field` occurs.
  @inline(__always)
  public func contains(_ field: KnownField) -> Bool { presence.contains(field) }

  /// Calls `body` with the value of the first line named `field`; nil when there is none.
  /// The pointer is valid only during the call.
  @inlinable
  public func withFirst<Result>(
    _ field: KnownField, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result? {
    guard contains(field), let entry = entries.first(where: { $0.known == field }) else {
      return nil
    }
    return bytes.withUnsafeReadableBytes { body(entry.value.slice(of: $0)) }
  }

  /// Calls `body` with the value of every line named `field`, in order.
  /// The pointers are valid only during the calls.
  @inlinable
  public func forEach(_ field: KnownField, _ body: (UnsafeRawBufferPointer) -> Void) {
    guard contains(field) else { return }
    bytes.withUnsafeReadableBytes { bytes in
      for entry in entries where entry.known == field { body(entry.value.slice(of: bytes)) }
    }
  }

  /// Calls `body` with name, value and known name of every line, in order.
  /// The pointers are valid only during the calls.
  @inlinable
  public func forEachLine(
    _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, KnownField) -> Void
  ) {
    bytes.withUnsafeReadableBytes { bytes in
      for entry in entries {
        body(entry.name.slice(of: bytes), entry.value.slice(of: bytes), entry.known)
      }
    }
  }

  /// Calls `body` with the value of every line whose name is `name`, letter case aside.
  public func forEach(named name: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void)
  {
    let known = KnownField(name)
    if known != .other { return forEach(known, body) }
    bytes.withUnsafeReadableBytes { bytes in
      for entry in entries
      where entry.known == .other && entry.name.slice(of: bytes).equalsIgnoringCase(name) {
        body(entry.value.slice(of: bytes))
      }
    }
  }

  /// How many lines are named `field`.
  public func occurrences(of field: KnownField) -> Int {
    guard contains(field) else { return 0 }
    return entries.count { $0.known == field }
  }

  /// The first value named `field` as text: for tests, logs and errors, not for the data path.
  public func text(_ field: KnownField) -> String? { withFirst(field) { $0.text } }

  /// The values of all lines named `name`, as text: for tests and the control plane.
  public func texts(named name: String) -> [String] {
    var result: [String] = []
    var name = name
    name.withUTF8 { forEach(named: UnsafeRawBufferPointer($0)) { result.append($0.text) } }
    return result
  }

  private static func entry(
    of bytes: UnsafeRawBufferPointer, from start: Int, to end: Int
  ) -> FieldEntry? {
    guard let colon = bytes[start..<end].firstIndex(of: 0x3A), colon > start else { return nil }
    let value = UnsafeRawBufferPointer(rebasing: bytes[(colon + 1)..<end]).trimmed
    let valueOffset =
      value.baseAddress.flatMap { base in bytes.baseAddress.map { base - $0 } } ?? colon + 1
    return FieldEntry(
      name: TextRange(offset: start, count: colon - start),
      value: TextRange(offset: valueOffset, count: value.count),
      known: KnownField(UnsafeRawBufferPointer(rebasing: bytes[start..<colon])))
  }
}

extension FieldBlock {
  /// Appends a line. Only for built blocks. The caller answers for the value's bytes: no control
  /// but tab (``UInt8/isFieldValueByte``), or a field could end early on the wire.
  public mutating func append(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, known: KnownField? = nil
  ) {
    let nameOffset = bytes.readableBytes
    let valueOffset = nameOffset + name.count + 2
    bytes.writeFieldLine(name: name, value: value)
    let known = known ?? KnownField(name)
    entries.append(
      FieldEntry(
        name: TextRange(offset: nameOffset, count: name.count),
        value: TextRange(offset: valueOffset, count: value.count), known: known))
    presence.insert(known)
  }

  /// Appends a line of a known name.
  public mutating func append(_ field: KnownField, value: UnsafeRawBufferPointer) {
    let name = field.name
    append(
      name: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount),
      value: value, known: field)
  }

  /// Appends a line of a known name with a fixed value.
  public mutating func append(_ field: KnownField, _ value: StaticString) {
    append(
      field, value: UnsafeRawBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
  }

  /// Appends a line from text: for the control plane and tests.
  public mutating func append(_ name: String, _ value: String) {
    var name = name
    var value = value
    name.withUTF8 { name in
      value.withUTF8 { value in
        append(name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer(value))
      }
    }
  }

  /// Appends the lines of `other` but those in `excluded`.
  public mutating func append(contentsOf other: FieldBlock, except excluded: KnownFieldSet = []) {
    other.forEachLine { name, value, known in
      if known == .other || !excluded.contains(known) {
        append(name: name, value: value, known: known)
      }
    }
  }

  /// Writes the lines as they go on the wire, those in `excluded` left out.
  public func writeLines(into buffer: inout ByteBuffer, except excluded: KnownFieldSet = []) {
    forEachLine { name, value, known in
      guard known == .other || !excluded.contains(known) else { return }
      buffer.writeFieldLine(name: name, value: value)
    }
  }
}

extension ByteBuffer {
  /// Appends a field line as it goes on the wire, `name: value` and CR LF: one reservation, where
  /// four writes of a few bytes were an eighth of a miss on the event loop.
  public mutating func writeFieldLine(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
  ) {
    let count = name.count + value.count + 4
    writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
      guard let line = space.baseAddress, space.count >= count else { return 0 }
      // Bound: the line's `count` bytes, which `space` has.
      if let start = name.baseAddress { line.copyMemory(from: start, byteCount: name.count) }
      var next = line + name.count
      next.storeBytes(of: UInt8(ascii: ":"), as: UInt8.self)
      (next + 1).storeBytes(of: 0x20, as: UInt8.self)
      next += 2
      if let start = value.baseAddress { next.copyMemory(from: start, byteCount: value.count) }
      next += value.count
      next.storeBytes(of: 0x0D, as: UInt8.self)
      (next + 1).storeBytes(of: 0x0A, as: UInt8.self)
      return count
    }
  }
}
