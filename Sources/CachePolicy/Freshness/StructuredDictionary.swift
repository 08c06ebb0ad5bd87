import HTTPMessage

/// Reads a Dictionary of structured fields (RFC 9651 section 4.2.2) member by member.
///
/// Strict, as the RFC wants it: one byte amiss and the whole field is none. Linear, and nothing is
/// kept but places in the value, however many members an origin sends; that a later member takes
/// the place of an earlier one of its key is left to the caller.
struct StructuredDictionary {
  /// What a member's value is. Types that no directive has are one case.
  enum Value {
    /// `?1`, `?0`, or a key that stands alone, which is true.
    case boolean(Bool)
    /// An Integer: at most 15 digits.
    case integer(Int64)
    /// A Token.
    case token(UnsafeRawBufferPointer)
    /// A String: the bytes between its quotes, escapes left as they are.
    case string(UnsafeRawBufferPointer)
    /// A Decimal, Byte Sequence, Date, Display String or Inner List.
    case other
  }

  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  /// Calls `body` with the members of `bytes`, in order; whether `bytes` is a Dictionary. An empty
  /// one is. Members before a fault are reported as well.
  static func read(
    _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, Value) -> Void
  ) -> Bool {
    var scanner = StructuredDictionary(bytes: bytes)
    scanner.skip { $0 == 0x20 }
    while let byte = scanner.peek {
      guard let key = scanner.readKey(startingWith: byte) else { return false }
      var value = Value.boolean(true)
      if scanner.take("=") {
        guard let read = scanner.readItemOrInnerList() else { return false }
        value = read
      }
      guard scanner.skipParameters() else { return false }
      body(key, value)
      scanner.skip(\.isOptionalWhitespace)
      if scanner.peek == nil { return true }
      guard scanner.take(",") else { return false }
      scanner.skip(\.isOptionalWhitespace)
      // A comma must be followed by another member.
      if scanner.peek == nil { return false }
    }
    return true
  }

  private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func take(_ mark: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: mark) else { return false }
    offset += 1
    return true
  }

  private mutating func skip(_ isSkipped: (UInt8) -> Bool) {
    while let byte = peek, isSkipped(byte) { offset += 1 }
  }

  private func slice(from start: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
  }

  /// RFC 9651 section 4.2.3.3.
  private mutating func readKey(startingWith first: UInt8) -> UnsafeRawBufferPointer? {
    guard first.isLowercaseLetter || first == UInt8(ascii: "*") else { return nil }
    let start = offset
    skip { byte in
      byte.isLowercaseLetter || byte.isASCIIDigit || byte == UInt8(ascii: "_")
        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "*")
    }
    return slice(from: start)
  }

  private mutating func readItemOrInnerList() -> Value? {
    guard take("(") else { return readBareItem() }
    // RFC 9651 section 4.2.1.2. The parameters of the list are the caller's to skip.
    while true {
      skip { $0 == 0x20 }
      if take(")") { return .other }
      guard readBareItem() != nil, skipParameters(),
        peek == 0x20 || peek == UInt8(ascii: ")")
      else { return nil }
    }
  }

  /// RFC 9651 section 4.2.3.2.
  private mutating func skipParameters() -> Bool {
    while take(";") {
      skip { $0 == 0x20 }
      guard let first = peek, readKey(startingWith: first) != nil else { return false }
      if take("="), readBareItem() == nil { return false }
    }
    return true
  }

  /// RFC 9651 section 4.2.3.1.
  private mutating func readBareItem() -> Value? {
    guard let first = peek else { return nil }
    switch first {
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return readNumber()
    case UInt8(ascii: "\""):
      offset += 1
      return readString()
    case UInt8(ascii: "?"):
      offset += 1
      return take("1") ? .boolean(true) : take("0") ? .boolean(false) : nil
    case UInt8(ascii: ":"):
      offset += 1
      skip { byte in
        byte.isLetter || byte.isASCIIDigit || byte == UInt8(ascii: "+")
          || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "=")
      }
      return take(":") ? .other : nil
    case UInt8(ascii: "@"):
      offset += 1
      // A Date is an Integer behind the mark.
      if case .integer? = readNumber() { return .other }
      return nil
    case UInt8(ascii: "%"):
      offset += 1
      return readDisplayString()
    default:
      guard first.isLetter || first == UInt8(ascii: "*") else { return nil }
      let start = offset
      skip { $0.isTokenByte || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "/") }
      return .token(slice(from: start))
    }
  }

  /// RFC 9651 section 4.2.4: up to 15 digits, or up to 12 before and 3 after the point.
  private mutating func readNumber() -> Value? {
    let isNegative = take("-")
    let start = offset
    skip(\.isASCIIDigit)
    let digits = slice(from: start)
    if take(".") {
      let fraction = offset
      skip(\.isASCIIDigit)
      let isDecimal = (1...12).contains(digits.count) && (1...3).contains(offset - fraction)
      return isDecimal ? .other : nil
    }
    guard digits.count <= 15, let number = digits.decimal() else { return nil }
    return .integer(isNegative ? -number : number)
  }

  /// RFC 9651 section 4.2.5; the opening quote is read.
  private mutating func readString() -> Value? {
    let start = offset
    while let byte = peek {
      if byte == UInt8(ascii: "\"") {
        offset += 1
        return .string(UnsafeRawBufferPointer(rebasing: bytes[start..<offset - 1]))
      }
      guard (0x20...0x7E).contains(byte) else { return nil }
      offset += 1
      if byte == UInt8(ascii: "\\"), !take("\""), !take("\\") { return nil }
    }
    return nil
  }

  /// RFC 9651 section 4.2.10; the mark is read. What the escapes come to must be UTF-8.
  private mutating func readDisplayString() -> Value? {
    guard take("\"") else { return nil }
    var content: [UInt8] = []
    while let byte = peek {
      offset += 1
      if byte == UInt8(ascii: "\"") {
        return String(validating: content, as: UTF8.self) == nil ? nil : .other
      }
      guard (0x20...0x7E).contains(byte) else { return nil }
      if byte == UInt8(ascii: "%") {
        guard let high = readHexadecimal(), let low = readHexadecimal() else { return nil }
        content.append(high << 4 | low)
      } else {
        content.append(byte)
      }
    }
    return nil
  }

  /// A hexadecimal digit; letters are lower case.
  private mutating func readHexadecimal() -> UInt8? {
    guard let byte = peek else { return nil }
    offset += 1
    if byte.isASCIIDigit { return byte - UInt8(ascii: "0") }
    let value = byte &- UInt8(ascii: "a")
    return value < 6 ? value + 10 : nil
  }
}

extension UInt8 {
  fileprivate var isLowercaseLetter: Bool { self &- UInt8(ascii: "a") < 26 }
  fileprivate var isLetter: Bool { asciiLowercased.isLowercaseLetter }
}
