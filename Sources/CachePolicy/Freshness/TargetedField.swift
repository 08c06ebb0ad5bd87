import HTTPMessage

/// A response field that holds cache directives for this cache (RFC 9213): its name.
public struct TargetedField: Sendable, Equatable {
  /// CDN-Cache-Control (RFC 9213 section 3.1).
  public static let cdnCacheControl = TargetedField("CDN-Cache-Control")

  /// The name in lower case.
  public let name: [UInt8]
  /// What the name is to the edge; ``KnownField/other`` for most.
  public let known: KnownField

  /// The field of this name, in any letter case.
  public init(_ name: String) {
    self.name = name.utf8.map(\.asciiLowercased)
    known = self.name.withUnsafeBytes { KnownField($0) }
  }

  /// The directives that the response's lines of this name hold; nil when there is no line, when
  /// they are empty, or when they are no Dictionary: such a field does not count
  /// (RFC 9213 section 2.1). O(bytes).
  func directives(_ fields: FieldBlock) -> CacheControl? {
    if known != .other, !fields.contains(known) { return nil }
    var result: CacheControl?
    var lineCount = 0
    // Several lines are one value (RFC 9651 section 4.2). One line, the usual, is not copied.
    var joined: [UInt8] = []
    name.withUnsafeBytes { name in
      fields.forEach(named: name) { line in
        lineCount += 1
        if lineCount == 1 { result = CacheControl(targeted: line) }
      }
      guard lineCount > 1 else { return }
      fields.forEach(named: name) { line in
        joined += line
        joined += [UInt8(ascii: ","), 0x20]
      }
      joined.removeLast(2)
    }
    if lineCount > 1 { result = joined.withUnsafeBytes { CacheControl(targeted: $0) } }
    return result
  }
}

/// What a response says about its caching, read once: the first targeted field that is valid takes
/// the place of Cache-Control and Expires (RFC 9213 section 2.2).
///
/// Pragma of a response says nothing (RFC 9111 section 5.4).
public struct ResponseDirectives: Sendable, Equatable {
  /// The directives.
  public var control: CacheControl
  /// The field they come from, as an index of the rules' targeted fields; nil: Cache-Control, and
  /// Expires counts.
  public var targetIndex: Int?

  /// The directives of a response under a route's rules. O(bytes of the fields).
  public init(_ fields: FieldBlock, rules: PolicyRules) {
    for (index, target) in rules.targetedFields.enumerated() {
      guard var control = target.directives(fields) else { continue }
      // That the content must not be transformed is no matter of caching and stands in any case
      // (RFC 9110 section 7.7).
      if fields.contains(.cacheControl), CacheControl(fields).noTransform {
        control.noTransform = true
      }
      self.control = control
      targetIndex = index
      return
    }
    control = CacheControl(fields)
    targetIndex = nil
  }
}
