import HTTPMessage
import NIOCore

/// Quality values, in thousandths (RFC 9110 section 12.4.2).
enum Quality {
  /// Reads `0`, `0.5`, `1.000` and the like; nil when there are more than three decimals, anything
  /// else than digits, or more than 1.
  static func parse(_ value: UnsafeRawBufferPointer) -> Int16? {
    guard let first = value.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1"),
      value.count <= 5, value.count < 2 || value[1] == UInt8(ascii: ".")
    else { return nil }
    var thousandths = Int16(first - UInt8(ascii: "0")) * 1_000
    var place: Int16 = 100
    for digit in value.dropFirst(2) {
      guard digit.isASCIIDigit else { return nil }
      thousandths += Int16(digit - UInt8(ascii: "0")) * place
      place /= 10
    }
    return thousandths <= 1_000 ? thousandths : nil
  }

  /// Appends `;q=` and the shortest text of a quality; nothing for 1.
  static func write(_ thousandths: Int16, into buffer: inout ByteBuffer) {
    if thousandths >= 1_000 { return }
    buffer.writeStaticString(";q=0")
    if thousandths <= 0 { return }
    buffer.writeInteger(UInt8(ascii: "."))
    var rest = thousandths
    var place: Int16 = 100
    while rest > 0 {
      buffer.writeInteger(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / place))
      rest %= place
      place /= 10
    }
  }
}
