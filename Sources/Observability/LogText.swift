import Glibc
import NIOCore

// How bytes that a client chose become text of a log line: nothing they hold may end a line, end
// a string, or reach a terminal as a control sequence.
extension ByteBuffer {
  /// Appends `bytes` as the inside of a JSON string (RFC 8259 section 7). Control characters, C1
  /// ones and line separators included, become `\u` escapes; each byte that is not part of
  /// well-formed UTF-8 becomes `\ufffd`.
  mutating func writeJSONEscaped(_ bytes: UnsafeRawBufferPointer) {
    var clean = 0
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        index += 1
        continue
      }
      let length = byte < 0x80 ? 1 : bytes.wellFormedUTF8Length(at: index)
      if length > 1, let scalar = bytes.controlScalar(at: index, length: length) {
        writeRun(bytes, clean, index)
        writeUnicodeEscape(scalar)
      } else if length > 1 {
        index += length
        continue
      } else {
        writeRun(bytes, clean, index)
        switch byte {
        case UInt8(ascii: "\""): writeStaticString("\\\"")
        case UInt8(ascii: "\\"): writeStaticString("\\\\")
        case 0x0A: writeStaticString("\\n")
        case 0x0D: writeStaticString("\\r")
        case 0x09: writeStaticString("\\t")
        case 0x80...: writeStaticString("\\ufffd")
        default: writeUnicodeEscape(UInt16(byte))
        }
      }
      index += max(1, length)
      clean = index
    }
    writeRun(bytes, clean, index)
  }

  /// Appends `bytes` as Apache's logs do: quote and backslash behind a backslash, and everything
  /// but printable ASCII as `\xhh`.
  mutating func writeApacheEscaped(_ bytes: UnsafeRawBufferPointer) {
    var clean = 0
    for index in 0..<bytes.count {
      let byte = bytes[index]
      if byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        continue
      }
      writeRun(bytes, clean, index)
      clean = index + 1
      switch byte {
      case UInt8(ascii: "\""): writeStaticString("\\\"")
      case UInt8(ascii: "\\"): writeStaticString("\\\\")
      default:
        writeStaticString("\\x")
        writeHexDigit(byte >> 4)
        writeHexDigit(byte & 0xF)
      }
    }
    writeRun(bytes, clean, bytes.count)
  }

  /// Appends the address without its port; an IPv4 address that came through an IPv6 socket as
  /// plain IPv4, and `-` for none.
  mutating func writeAddress(_ address: SocketAddress?) {
    switch address {
    case .v4(let address):
      withUnsafeBytes(of: address.address.sin_addr) { writeDottedQuad($0) }
    case .v6(let address):
      withUnsafeBytes(of: address.address.sin6_addr) { bytes in
        // ::ffff:0:0/96 (RFC 4291 section 2.5.5.2)
        if bytes[0..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
          return writeDottedQuad(UnsafeRawBufferPointer(rebasing: bytes[12..<16]))
        }
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
          guard inet_ntop(AF_INET6, bytes.baseAddress, text.baseAddress, UInt32(text.count)) != nil
          else { return }
          let raw = UnsafeRawBufferPointer(text)
          writeRun(raw, 0, raw.firstIndex(of: 0) ?? raw.count)
        }
      }
    case .unixDomainSocket: writeStaticString("unix")
    case nil: writeStaticString("-")
    }
  }

  /// Appends nanoseconds as milliseconds with three decimals.
  mutating func writeMilliseconds(_ nanoseconds: Int64) {
    let microseconds = Int(max(0, nanoseconds) / 1_000)
    writeLogDecimal(microseconds / 1_000)
    writeStaticString(".")
    writeLogDecimal(microseconds % 1_000, digits: 3)
  }

  /// Appends `number` in decimal with at least `digits` digits.
  mutating func writeLogDecimal(_ number: Int, digits: Int = 1) {
    if number < 0 { writeStaticString("-") }
    var rest = number.magnitude
    // 20 digits hold every 64-bit magnitude.
    withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { text in
      var start = 20
      while start > 0, rest > 0 || start > 20 - digits {
        start -= 1
        text[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      }
      writeRun(UnsafeRawBufferPointer(text), start, 20)
    }
  }

  private mutating func writeDottedQuad(_ bytes: UnsafeRawBufferPointer) {
    for index in 0..<4 {
      if index > 0 { writeStaticString(".") }
      writeLogDecimal(Int(bytes[index]))
    }
  }

  private mutating func writeRun(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) {
    if start < end { writeBytes(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) }
  }

  private mutating func writeUnicodeEscape(_ scalar: UInt16) {
    writeStaticString("\\u")
    var shift: UInt16 = 16
    while shift > 0 {
      shift -= 4
      writeHexDigit(UInt8(truncatingIfNeeded: scalar >> shift & 0xF))
    }
  }

  private mutating func writeHexDigit(_ value: UInt8) {
    writeInteger(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
  }
}

extension UnsafeRawBufferPointer {
  /// Length of the well-formed UTF-8 sequence of more than one byte that starts at `index`; 0 when
  /// there is none (Unicode, table 3-7).
  fileprivate func wellFormedUTF8Length(at index: Int) -> Int {
    let lead = self[index]
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0xC2...0xDF: length = 2
    case 0xE0...0xEF:
      length = 3
      if lead == 0xE0 { second = 0xA0...0xBF }
      if lead == 0xED { second = 0x80...0x9F }
    case 0xF0...0xF4:
      length = 4
      if lead == 0xF0 { second = 0x90...0xBF }
      if lead == 0xF4 { second = 0x80...0x8F }
    default: return 0
    }
    guard index + length <= count, second.contains(self[index + 1]) else { return 0 }
    for place in 2..<length where self[index + place] & 0xC0 != 0x80 { return 0 }
    return length
  }

  /// The C1 control character, line or paragraph separator at `index`; nil for anything else.
  fileprivate func controlScalar(at index: Int, length: Int) -> UInt16? {
    if length == 2, self[index] == 0xC2, self[index + 1] < 0xA0 { return UInt16(self[index + 1]) }
    if length == 3, self[index] == 0xE2, self[index + 1] == 0x80 {
      if self[index + 2] == 0xA8 { return 0x2028 }
      if self[index + 2] == 0xA9 { return 0x2029 }
    }
    return nil
  }
}
