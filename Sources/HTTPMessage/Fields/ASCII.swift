import Glibc
import NIOCore

extension UInt8 {
  /// Lower case for `A` to `Z`, everything else unchanged.
  @inlinable
  public var asciiLowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

  /// Whether this is `0` to `9`.
  @inlinable
  public var isASCIIDigit: Bool { self &- 0x30 < 10 }

  /// Whether this byte may stand in a token (RFC 9110 section 5.6.2).
  @inlinable
  public var isTokenByte: Bool {
    // Bit n of the two words stands for byte n: the letters, digits and !#$%&'*+-.^_`|~.
    if self < 64 { return (0x03FF_6CFA_0000_0000 as UInt64) >> UInt64(self) & 1 == 1 }
    if self < 128 { return (0x57FF_FFFF_C7FF_FFFE as UInt64) >> UInt64(self & 63) & 1 == 1 }
    return false
  }

  /// Whether this is a blank that may surround list members: space or tab (RFC 9110 section 5.6.3).
  @inlinable
  public var isOptionalWhitespace: Bool { self == 0x20 || self == 0x09 }

  /// Whether this byte may stand in a field value: anything but controls, tab excepted
  /// (RFC 9110 section 5.5; obs-text is let through as opaque data).
  @inlinable
  public var isFieldValueByte: Bool { (self >= 0x20 && self != 0x7F) || self == 0x09 }
}

extension UnsafeRawBufferPointer {
  /// Whether both hold the same bytes, ASCII letter case aside.
  public func equalsIgnoringCase(_ other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    for index in 0..<count where self[index].asciiLowercased != other[index].asciiLowercased {
      return false
    }
    return true
  }

  /// Whether these bytes equal `text`, ASCII letter case aside.
  public func equalsIgnoringCase(_ text: StaticString) -> Bool {
    equalsIgnoringCase(
      UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Whether these bytes equal `text` to the letter.
  public func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    guard count > 0, let start = baseAddress else { return true }
    return memcmp(start, text.utf8Start, count) == 0
  }

  /// The bytes without spaces and tabs at either end.
  public var trimmed: UnsafeRawBufferPointer {
    var start = startIndex
    var end = endIndex
    while start < end, self[start].isOptionalWhitespace { start += 1 }
    while end > start, self[end - 1].isOptionalWhitespace { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: self[start..<end])
  }

  /// The bytes as text, ill-formed UTF-8 repaired: for logs and errors, not for the data path.
  public var text: String { String(decoding: self, as: UTF8.self) }
}

extension ByteBuffer {
  /// Appends `number` in decimal, without making a `String`.
  public mutating func writeDecimal(_ number: Int) {
    if number < 0 {
      writeInteger(UInt8(ascii: "-"))
    }
    var rest = number.magnitude
    // 20 digits hold every 64-bit magnitude.
    withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
      var start = 20
      repeat {
        start -= 1
        digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      _ = self.writeBytes(UnsafeRawBufferPointer(rebasing: digits[start..<20]))
    }
  }

  /// Appends `number` in lower-case hexadecimal, as a chunk size is written (RFC 9112 section 7.1).
  public mutating func writeHexadecimal(_ number: Int) {
    var shift = 60
    while shift > 0, number >> shift & 0xF == 0 { shift -= 4 }
    while shift >= 0 {
      let digit = UInt8(truncatingIfNeeded: number >> shift & 0xF)
      writeInteger(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
      shift -= 4
    }
  }
}
