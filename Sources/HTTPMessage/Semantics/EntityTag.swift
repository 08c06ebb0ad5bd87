/// Entity tags: opaque validators of a representation (RFC 9110 section 8.8.3).
///
/// A tag is handled as the bytes of its field value. One that lacks its quotes breaks the grammar
/// but is common, from servers that send it so and from clients that strip the quotes: compared
/// weakly, as for a 304, it equals the same tag in quotes; compared strongly, where a mistake would
/// join parts of two representations, only the very same bytes.
public enum EntityTag {
  /// Whether the tag is marked weak by `W/`; the mark is case-sensitive.
  public static func isWeak(_ tag: UnsafeRawBufferPointer) -> Bool {
    tag.count >= 2 && tag[0] == UInt8(ascii: "W") && tag[1] == UInt8(ascii: "/")
  }

  /// Whether two tags name the same representation (RFC 9110 section 8.8.3.2): compared weakly the
  /// marks do not count; compared strongly neither may be weak.
  public static func areEqual(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, weakly: Bool
  ) -> Bool {
    if weakly { return bare(left).elementsEqual(bare(right)) }
    return !isWeak(left) && !isWeak(right) && left.elementsEqual(right)
  }

  /// Whether `list`, one line of If-Match or If-None-Match, is `*` or holds a tag that equals
  /// `tag`. O(bytes of the list); stops at the first that matches.
  public static func matches(
    list: UnsafeRawBufferPointer, tag: UnsafeRawBufferPointer, weakly: Bool
  ) -> Bool {
    if isAny(list) { return true }
    var offset = 0
    while let member = nextTag(of: list, from: &offset) {
      if areEqual(member, tag, weakly: weakly) { return true }
    }
    return false
  }

  /// Whether `list` is `*`: any representation.
  public static func isAny(_ list: UnsafeRawBufferPointer) -> Bool {
    let list = list.trimmed
    return list.count == 1 && list[0] == UInt8(ascii: "*")
  }

  /// The tag without its mark and its quotes.
  private static func bare(_ tag: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    (isWeak(tag) ? UnsafeRawBufferPointer(rebasing: tag[2...]) : tag).unquoted
  }

  /// The next member from `offset` on; nil at the end. An opaque tag reaches to the next quote and
  /// knows no escapes (RFC 9110 section 8.8.3), so a comma in it does not end it.
  private static func nextTag(
    of list: UnsafeRawBufferPointer, from offset: inout Int
  ) -> UnsafeRawBufferPointer? {
    while offset < list.count,
      list[offset].isOptionalWhitespace || list[offset] == UInt8(ascii: ",")
    {
      offset += 1
    }
    guard offset < list.count else { return nil }
    let start = offset
    let rest = UnsafeRawBufferPointer(rebasing: list[offset...])
    let quote = isWeak(rest) ? start + 2 : start
    if quote < list.count, list[quote] == UInt8(ascii: "\""),
      let end = list[(quote + 1)...].firstIndex(of: UInt8(ascii: "\""))
    {
      offset = end + 1
      return UnsafeRawBufferPointer(rebasing: list[start...end])
    }
    offset = list[start...].firstIndex(of: UInt8(ascii: ",")) ?? list.count
    return UnsafeRawBufferPointer(rebasing: list[start..<offset]).trimmed
  }
}
