import HTTPMessage

/// The cache tags of a response, by which an operator invalidates it: Cache-Tag, Surrogate-Key,
/// xkey, or whichever fields a route names.
public enum CacheTags {
  /// The tags that are kept of one response.
  public static let tagLimit = 50
  /// The longest tag in bytes.
  public static let lengthLimitBytes = 256

  /// What a response had.
  public struct Summary: Sendable, Equatable {
    /// Tags handed out.
    public var count = 0
    /// Tags left out because they are longer than ``CacheTags/lengthLimitBytes``.
    public var tooLong = 0
    /// Tags left out because there are more than ``CacheTags/tagLimit``.
    public var tooMany = 0

    /// Nothing yet.
    public init() {}

    /// Whether a tag is lost: an invalidation by it would not reach the response.
    public var isIncomplete: Bool { tooLong > 0 || tooMany > 0 }
  }

  /// Calls `body` with the tags in all lines of the fields named `names`, in the order of the
  /// names; a tag that is repeated is handed out again. The pointers are valid only during the
  /// calls.
  ///
  /// Spaces separate tags in every field; commas do, too, except in Surrogate-Key, whose keys may
  /// hold them. Tags are bytes: letter case counts.
  @discardableResult
  public static func forEach(
    in fields: FieldBlock, names: [[UInt8]], _ body: (UnsafeRawBufferPointer) -> Void
  ) -> Summary {
    var summary = Summary()
    for name in names {
      name.withUnsafeBytes { name in
        let splitsAtCommas = KnownField(name) != .surrogateKey
        fields.forEach(named: name) { line in
          forEachTag(in: line, splitsAtCommas: splitsAtCommas) { tag in
            if tag.count > lengthLimitBytes {
              summary.tooLong += 1
            } else if summary.count == tagLimit {
              summary.tooMany += 1
            } else {
              summary.count += 1
              body(tag)
            }
          }
        }
      }
    }
    return summary
  }

  private static func forEachTag(
    in line: UnsafeRawBufferPointer, splitsAtCommas: Bool,
    _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    var start = 0
    for index in 0...line.count {
      let isEnd =
        index == line.count || line[index].isOptionalWhitespace
        || (splitsAtCommas && line[index] == UInt8(ascii: ","))
      guard isEnd else { continue }
      if index > start { body(UnsafeRawBufferPointer(rebasing: line[start..<index])) }
      start = index + 1
    }
  }
}
