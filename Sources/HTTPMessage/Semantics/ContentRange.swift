import NIOCore

/// The Content-Range field of a partial or a 416 response (RFC 9110 section 14.4), in bytes.
public struct ContentRange: Sendable, Equatable {
  /// The bytes that follow; nil in a 416.
  public var range: Range<Int>?
  /// The representation's length; nil when unknown (`*`).
  public var completeLength: Int?

  /// A range of a representation; without one, the length that made a request unsatisfiable.
  public init(range: Range<Int>?, completeLength: Int?) {
    self.range = range
    self.completeLength = completeLength
  }

  /// Reads a field value; nil when the unit is not `bytes`, it is malformed or contradicts itself:
  /// a last position before the first or at or past the length, a number that 63 bits cannot
  /// hold, blanks that the grammar does not have. What is stored under a wrong position is a
  /// wrong byte, so nothing is guessed here.
  public static func parse(_ value: UnsafeRawBufferPointer) -> ContentRange? {
    guard let space = value.firstIndex(of: 0x20),
      UnsafeRawBufferPointer(rebasing: value[..<space]).equalsIgnoringCase("bytes"),
      let slash = value[space...].firstIndex(of: UInt8(ascii: "/"))
    else { return nil }
    let span = UnsafeRawBufferPointer(rebasing: value[(space + 1)..<slash])
    let lengthText = UnsafeRawBufferPointer(rebasing: value[(slash + 1)...])
    let completeLength = position(lengthText)
    if completeLength == nil && !lengthText.equals("*") { return nil }
    if span.equals("*") {
      return completeLength.map { ContentRange(range: nil, completeLength: $0) }
    }
    guard let dash = span.firstIndex(of: UInt8(ascii: "-")),
      let first = position(UnsafeRawBufferPointer(rebasing: span[..<dash])),
      let last = position(UnsafeRawBufferPointer(rebasing: span[(dash + 1)...])),
      first <= last, completeLength.map({ last < $0 }) ?? true
    else { return nil }
    return ContentRange(range: first..<last + 1, completeLength: completeLength)
  }

  /// The number in `text`; nil when it is none or as large as the largest there is, which pinned
  /// overflows are too.
  private static func position(_ text: UnsafeRawBufferPointer) -> Int? {
    guard let number = text.decimal(), number < .max else { return nil }
    return Int(number)
  }

  /// Appends the field's value, such as `bytes 0-99/1000` or `bytes */1000`.
  public func write(into buffer: inout ByteBuffer) {
    buffer.writeStaticString("bytes ")
    if let range, !range.isEmpty {
      buffer.writeDecimal(range.lowerBound)
      buffer.writeInteger(UInt8(ascii: "-"))
      buffer.writeDecimal(range.upperBound - 1)
    } else {
      buffer.writeInteger(UInt8(ascii: "*"))
    }
    buffer.writeInteger(UInt8(ascii: "/"))
    if let completeLength {
      buffer.writeDecimal(completeLength)
    } else {
      buffer.writeInteger(UInt8(ascii: "*"))
    }
  }
}
