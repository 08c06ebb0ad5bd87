/// The comma-separated members of a field value (RFC 9110 section 5.6.1), whitespace around them
/// and empty ones left out. A comma within a quoted string does not separate.
///
/// Allocates nothing. The members point into the value and are valid as long as it is.
public struct ListMembers: Sequence, IteratorProtocol {
  private let value: UnsafeRawBufferPointer
  private let separator: UInt8
  private var offset = 0

  /// The members of one field line's value, or with another separator the parts of a member.
  public init(_ value: UnsafeRawBufferPointer, separator: UInt8 = UInt8(ascii: ",")) {
    self.value = value
    self.separator = separator
  }

  /// The next member; nil after the last.
  public mutating func next() -> UnsafeRawBufferPointer? {
    while offset < value.count {
      let start = offset
      offset = endOfMember()
      let member = UnsafeRawBufferPointer(rebasing: value[start..<offset]).trimmed
      offset += 1
      if !member.isEmpty { return member }
    }
    return nil
  }

  /// Calls `body` with the members of all lines named `field`, as if they stood in one.
  public static func forEach(
    in fields: FieldBlock, _ field: KnownField, _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    fields.forEach(field) { value in
      for member in ListMembers(value) { body(member) }
    }
  }

  /// Where the member at `offset` ends. A quote that is never closed is no quoted string but a
  /// byte like others: it must not hide a `no-store` behind it.
  private func endOfMember() -> Int {
    var index = offset
    var openQuote: Int?
    while index < value.count {
      switch value[index] {
      case UInt8(ascii: "\""): openQuote = openQuote == nil ? index : nil
      case UInt8(ascii: "\\") where openQuote != nil: index += 1
      case separator where openQuote == nil: return index
      default: break
      }
      index += 1
    }
    guard let openQuote else { return value.count }
    return value[openQuote...].firstIndex(of: separator) ?? value.count
  }
}

extension UnsafeRawBufferPointer {
  /// A member split at its first `=`: the name without trailing and the value without leading
  /// whitespace; the value is nil when there is no `=`.
  public var nameAndValue: (name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?) {
    guard let equals = firstIndex(of: UInt8(ascii: "=")) else { return (trimmed, nil) }
    return (
      UnsafeRawBufferPointer(rebasing: self[..<equals]).trimmed,
      UnsafeRawBufferPointer(rebasing: self[(equals + 1)...]).trimmed
    )
  }

  /// The bytes between the quotes of a quoted string, escapes left as they are; all bytes when
  /// they are not quoted.
  public var unquoted: UnsafeRawBufferPointer {
    guard count >= 2, self[0] == UInt8(ascii: "\""), self[count - 1] == UInt8(ascii: "\"") else {
      return self
    }
    return UnsafeRawBufferPointer(rebasing: self[1..<count - 1])
  }

  /// The number that these bytes are in decimal digits, at most `limit`: larger ones are pinned to
  /// it. Nil when there is no digit or any other byte.
  public func decimal(pinnedAt limit: Int64 = .max) -> Int64? {
    guard !isEmpty else { return nil }
    var number: Int64 = 0
    for byte in self {
      guard byte.isASCIIDigit else { return nil }
      let (shifted, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, carry) = shifted.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
      number = overflow || carry ? .max : sum
    }
    return Swift.min(number, limit)
  }
}
