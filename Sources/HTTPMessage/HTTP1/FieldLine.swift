/// One field line of HTTP/1.1 as it is read from the wire (RFC 9112 section 5): the loop that
/// touches most bytes of a request, shared by heads and trailer sections.
///
/// Bound of every access: an index is compared with `end`, which is at most `bytes.count`, before
/// the byte at it is read; the subscript of a raw buffer is not checked in release builds.
struct FieldLine {
  /// What stands at the start of a line.
  enum Kind { case incomplete, field, sectionEnd }

  var kind: Kind
  /// Where the name ends; it starts where the line does.
  var nameEnd = 0
  /// Where the value starts, leading whitespace excluded.
  var valueStart = 0
  /// Where the value ends, trailing whitespace excluded.
  var valueEnd = 0
  /// Where the next line starts.
  var next = 0

  /// Reads the line that starts at `start`; `incomplete` when its end is not among the bytes.
  @inline(__always)
  static func read(
    _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int
  ) throws(RequestFault) -> FieldLine {
    guard start < end else { return FieldLine(kind: .incomplete) }
    var index = start
    while bytes[index].isTokenByte {
      index += 1
      if index == end { return FieldLine(kind: .incomplete) }
    }
    if index == start || bytes[index] != 0x3A {
      return try readOther(bytes, at: index, start: start, end: end)
    }
    let nameEnd = index
    guard nameEnd - start <= Int(UInt16.max) else { throw .badFieldName }
    index += 1
    while index < end, bytes[index].isOptionalWhitespace { index += 1 }
    let valueStart = index
    index = endOfText(bytes, from: index, to: end)
    guard index < end else { return FieldLine(kind: .incomplete) }
    if bytes[index] != 0x0D { throw bytes[index] == 0x0A ? .bareLineFeed : .badFieldValue }
    guard index + 1 < end else { return FieldLine(kind: .incomplete) }
    guard bytes[index + 1] == 0x0A else { throw .bareLineFeed }
    var valueEnd = index
    while valueEnd > valueStart, bytes[valueEnd - 1].isOptionalWhitespace { valueEnd -= 1 }
    return FieldLine(
      kind: .field, nameEnd: nameEnd, valueStart: valueStart, valueEnd: valueEnd, next: index + 2)
  }

  /// The empty line that ends the section, or what is wrong with this one.
  private static func readOther(
    _ bytes: UnsafeRawBufferPointer, at index: Int, start: Int, end: Int
  ) throws(RequestFault) -> FieldLine {
    if index > start { throw bytes[index] == 0x0A ? .bareLineFeed : .badFieldName }
    switch bytes[index] {
    case 0x0D:
      guard index + 1 < end else { return FieldLine(kind: .incomplete) }
      guard bytes[index + 1] == 0x0A else { throw .bareLineFeed }
      return FieldLine(kind: .sectionEnd, next: index + 2)
    case 0x0A: throw .bareLineFeed
    case 0x20, 0x09: throw .foldedField
    default: throw .badFieldName
    }
  }

  /// The first byte from `index` that may not stand in a value, or `end`: eight bytes at a time,
  /// as long as no control stands among them (RFC 9110 section 5.5).
  @inline(__always)
  static func endOfText(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Int {
    var index = start
    while true {
      while index + 8 <= end {
        let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        // A high bit of `below` marks a byte under 0x20, one of `delete` a 0x7F; a byte above a
        // marked one may be marked too, which costs a look at each but never hides one.
        let below = (word &- 0x2020_2020_2020_2020) & ~word
        let flipped = word ^ 0x7F7F_7F7F_7F7F_7F7F
        let delete = (flipped &- 0x0101_0101_0101_0101) & ~flipped
        if (below | delete) & 0x8080_8080_8080_8080 != 0 { break }
        index += 8
      }
      let stop = min(index + 8, end)
      while index < stop {
        if !bytes[index].isFieldValueByte { return index }
        index += 1
      }
      if index == end { return end }
    }
  }
}
