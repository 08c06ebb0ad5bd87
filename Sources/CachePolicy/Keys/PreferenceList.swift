import HTTPMessage
import NIOCore

/// The members of an Accept or Accept-Language field with their qualities
/// (RFC 9110 sections 12.5.1 and 12.5.4).
///
/// Their order says nothing, so two requests that list the same members mean the same. The
/// canonical form has them by quality, the highest first, then by name.
///
/// The members stand on the stack and point into the request: nothing is allocated.
enum PreferenceList {
  /// One member, its quality taken off.
  struct Member {
    /// A media range with its parameters, or a language range.
    var text: UnsafeRawBufferPointer
    /// In thousandths.
    var quality: Int16
  }

  /// More members than this are not put in order: sorting is for what people write.
  static let memberLimit = 32

  /// Calls `body` with the members of all lines named `field`, in their order; nil, without a
  /// call, when a member is malformed or has anything behind its quality, or there are more than
  /// ``memberLimit``. The members are valid only during the call.
  static func withMembers<Result>(
    _ field: KnownField, of fields: FieldBlock,
    _ body: (UnsafeMutableBufferPointer<Member>) -> Result
  ) -> Result? {
    fields.bytes.withUnsafeReadableBytes { bytes in
      withUnsafeTemporaryAllocation(of: Member.self, capacity: memberLimit) { space in
        var count = 0
        for entry in fields.entries where entry.known == field {
          for text in ListMembers(entry.value.slice(of: bytes)) {
            guard count < memberLimit, let member = member(text) else { return nil }
            space.initializeElement(at: count, to: member)
            count += 1
          }
        }
        return body(UnsafeMutableBufferPointer(rebasing: space[..<count]))
      }
    }
  }

  /// Appends the canonical form: types and language ranges in lower case, no blanks, such as
  /// `text/html;level=1,*/*;q=0.8`. Puts the members in its order.
  static func writeCanonical(
    _ members: UnsafeMutableBufferPointer<Member>, into buffer: inout ByteBuffer
  ) {
    var members = members
    members.sort { left, right in
      if left.quality != right.quality { return left.quality > right.quality }
      return precedes(left.text, right.text)
    }
    var isFirst = true
    for member in members {
      if !isFirst { buffer.writeInteger(UInt8(ascii: ",")) }
      write(member.text, into: &buffer)
      Quality.write(member.quality, into: &buffer)
      isFirst = false
    }
  }

  private static func member(_ text: UnsafeRawBufferPointer) -> Member? {
    var parts = ListMembers(text, separator: UInt8(ascii: ";"))
    // In another order a quote that is never closed would take in what stands behind it.
    guard !hasOpenQuote(text), let name = parts.next() else { return nil }
    var end = endOffset(of: name, in: text)
    while let parameter = parts.next() {
      let (name, value) = parameter.nameAndValue
      if name.equalsIgnoringCase("q") {
        guard let value, let quality = Quality.parse(value), parts.next() == nil else {
          return nil
        }
        return Member(text: UnsafeRawBufferPointer(rebasing: text[..<end]), quality: quality)
      }
      end = endOffset(of: parameter, in: text)
    }
    return Member(text: UnsafeRawBufferPointer(rebasing: text[..<end]), quality: 1_000)
  }

  private static func hasOpenQuote(_ text: UnsafeRawBufferPointer) -> Bool {
    var bytes = WrittenBytes(text)
    while bytes.next() != nil {}
    return bytes.isQuoted
  }

  /// Where `part`, a stretch of `text`, ends in it.
  private static func endOffset(
    of part: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer
  ) -> Int {
    guard let start = part.baseAddress, let origin = text.baseAddress else { return 0 }
    return start - origin + part.count
  }

  /// Whether `left` comes first: by the bytes that are written of it, letter case aside.
  private static func precedes(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
  ) -> Bool {
    var lefts = WrittenBytes(left)
    var rights = WrittenBytes(right)
    while let one = lefts.next() {
      guard let other = rights.next() else { return false }
      if one.asciiLowercased != other.asciiLowercased {
        return one.asciiLowercased < other.asciiLowercased
      }
    }
    return rights.next() != nil
  }

  /// The bytes of a member without the blanks outside of quoted strings.
  private struct WrittenBytes: IteratorProtocol {
    private var bytes: UnsafeRawBufferPointer.Iterator
    /// Whether the bytes given so far end within a quoted string.
    private(set) var isQuoted = false
    private var isEscaped = false

    init(_ text: UnsafeRawBufferPointer) { bytes = text.makeIterator() }

    mutating func next() -> UInt8? {
      while let byte = bytes.next() {
        if byte == UInt8(ascii: "\""), !isEscaped { isQuoted.toggle() }
        isEscaped = isQuoted && !isEscaped && byte == UInt8(ascii: "\\")
        if isQuoted || !byte.isOptionalWhitespace { return byte }
      }
      return nil
    }
  }

  /// Copies a member: in lower case up to its parameters, which may tell cases apart, and without
  /// the blanks outside of quoted strings.
  private static func write(_ text: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: text.count) { out in
      var count = 0
      var isParameter = false
      var bytes = WrittenBytes(text)
      while let byte = bytes.next() {
        if byte == UInt8(ascii: ";") { isParameter = true }
        out[count] = isParameter ? byte : byte.asciiLowercased
        count += 1
      }
      return count
    }
  }
}

extension PreferenceList {
  /// The best of `supported` language tags, the first of them when none fits: lookup as in
  /// RFC 4647 section 3.4. Ranges count by quality and then in their order; each is shortened from
  /// its end until it equals a tag; `*` and refused ranges fit none. O(ranges x tags).
  static func bestLanguage(
    _ members: UnsafeMutableBufferPointer<Member>, of supported: [[UInt8]]
  ) -> Int {
    var best = 0
    var bestQuality: Int16 = 0
    for member in members where member.quality > bestQuality {
      guard let index = lookUp(member.text, in: supported) else { continue }
      best = index
      bestQuality = member.quality
    }
    return best
  }

  private static func lookUp(_ range: UnsafeRawBufferPointer, in supported: [[UInt8]]) -> Int? {
    var rest = range
    while !rest.isEmpty {
      let match = supported.firstIndex { tag in
        tag.withUnsafeBytes { $0.equalsIgnoringCase(rest) }
      }
      if let match { return match }
      guard var end = rest.lastIndex(of: UInt8(ascii: "-")) else { return nil }
      // A single letter introduces what follows it and goes with that.
      if end >= 2, rest[end - 2] == UInt8(ascii: "-") { end -= 2 }
      rest = UnsafeRawBufferPointer(rebasing: rest[..<end])
    }
    return nil
  }
}
