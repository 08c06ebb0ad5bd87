// The grammar that the oracle reads messages by, one function a rule of RFC 9110, RFC 9112 and
// RFC 3986, over arrays of bytes. Slow on purpose: nothing here is shared with the parser that it
// judges, and nothing is clever.

typealias Bytes = [UInt8]

/// A set of bytes, for one look a byte.
struct ByteSet {
  private var isMember = [Bool](repeating: false, count: 256)

  init(_ members: String) {
    for byte in members.utf8 { isMember[Int(byte)] = true }
  }

  func contains(_ byte: UInt8) -> Bool { isMember[Int(byte)] }
}

enum OracleGrammar {
  static let digits = ByteSet("0123456789")
  static let hexDigits = ByteSet("0123456789abcdefABCDEF")
  private static let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
  static let tokenBytes = ByteSet("!#$%&'*+-.^_`|~0123456789" + letters)
  /// `unreserved / sub-delims` (RFC 3986 section 2).
  static let nameBytes = ByteSet("-._~!$&'()*+,;=0123456789" + letters)

  /// `token = 1*tchar` (RFC 9110 section 5.6.2).
  static func isToken(_ text: Bytes) -> Bool {
    !text.isEmpty && text.allSatisfy { tokenBytes.contains($0) }
  }

  /// A field value without the blanks around it: visible characters, obs-text, blanks and tabs
  /// (RFC 9110 section 5.5).
  static func isFieldValue(_ text: Bytes) -> Bool {
    text.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
  }

  /// `OWS = *( SP / HTAB )` taken off both ends.
  static func withoutBlanks(_ text: Bytes) -> Bytes {
    let start = text.firstIndex { $0 != 0x20 && $0 != 0x09 } ?? text.endIndex
    let end = text.lastIndex { $0 != 0x20 && $0 != 0x09 }.map { $0 + 1 } ?? start
    return start < end ? Array(text[start..<end]) : []
  }

  static func lowercased(_ text: Bytes) -> Bytes {
    text.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
  }

  static func isText(_ bytes: Bytes, _ text: String) -> Bool {
    lowercased(bytes) == Bytes(text.utf8)
  }

  /// Cut at every `separator`; one piece more than there are separators.
  static func pieces(_ text: Bytes, _ separator: UInt8) -> [Bytes] {
    text.split(separator: separator, omittingEmptySubsequences: false).map { Bytes($0) }
  }

  /// Where CR LF stands at or after `start`.
  static func lineEnd(_ bytes: Bytes, from start: Int) -> Int? {
    var index = start
    while index + 1 < bytes.count {
      if bytes[index] == 0x0D, bytes[index + 1] == 0x0A { return index }
      index += 1
    }
    return nil
  }

  /// A number of digits alone that 63 bits hold.
  static func number(_ text: Bytes, radix: Int = 10) -> Int? {
    let allowed = radix == 16 ? hexDigits : digits
    guard !text.isEmpty, text.allSatisfy({ allowed.contains($0) }) else { return nil }
    return Int(String(decoding: text, as: UTF8.self), radix: radix)
  }

  /// `Host = uri-host [ ":" port ]` (RFC 9110 section 7.2) with a host that is not empty and a
  /// port that TCP has.
  static func isHost(_ text: Bytes) -> Bool {
    if text.first == UInt8(ascii: "[") {
      guard let close = text.firstIndex(of: UInt8(ascii: "]")) else { return false }
      return isIPv6(Bytes(text[1..<close])) && isPortPart(Bytes(text[(close + 1)...]))
    }
    let colon = text.firstIndex(of: UInt8(ascii: ":")) ?? text.endIndex
    return isRegisteredName(Bytes(text[..<colon])) && isPortPart(Bytes(text[colon...]))
  }

  private static func isPortPart(_ text: Bytes) -> Bool {
    if text.isEmpty { return true }
    let digits = Bytes(text.dropFirst())
    if text[0] != UInt8(ascii: ":") { return false }
    return digits.isEmpty || (digits.count <= 5 && (number(digits) ?? .max) <= 65535)
  }

  /// `reg-name = *( unreserved / pct-encoded / sub-delims )` (RFC 3986 section 3.2.2), not empty.
  private static func isRegisteredName(_ text: Bytes) -> Bool {
    var index = 0
    while index < text.count {
      if text[index] == UInt8(ascii: "%") {
        guard index + 2 < text.count, hexDigits.contains(text[index + 1]),
          hexDigits.contains(text[index + 2])
        else { return false }
        index += 3
      } else if nameBytes.contains(text[index]) {
        index += 1
      } else {
        return false
      }
    }
    return !text.isEmpty
  }

  /// `IPv6address` (RFC 3986 section 3.2.2): eight groups, `::` once for one or more of them.
  private static func isIPv6(_ text: Bytes) -> Bool {
    let string = String(decoding: text, as: UTF8.self)
    guard string.utf8.elementsEqual(text) else { return false }
    let halves = split(string, "::")
    guard halves.count <= 2 else { return false }
    var groups = 0
    for (place, half) in halves.enumerated() where !half.isEmpty {
      let isLast = place == halves.count - 1
      guard let count = groupCount(half, mayEndInIPv4: isLast) else { return false }
      groups += count
    }
    return halves.count == 2 ? groups <= 7 : groups == 8
  }

  private static func split(_ text: String, _ separator: String) -> [String] {
    var result: [String] = []
    var rest = Substring(text)
    while let range = rest.firstRange(of: separator) {
      result.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return result + [String(rest)]
  }

  private static func groupCount(_ text: String, mayEndInIPv4: Bool) -> Int? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    var count = 0
    for (place, part) in parts.enumerated() {
      if mayEndInIPv4, place == parts.count - 1, part.contains(".") {
        guard isIPv4(String(part)) else { return nil }
        count += 2
      } else {
        guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ hexDigits.contains($0) })
        else { return nil }
        count += 1
      }
    }
    return count
  }

  private static func isIPv4(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4
      && parts.allSatisfy { part in
        number(Bytes(part.utf8)).map { $0 <= 255 && String($0) == part } ?? false
      }
  }
}
