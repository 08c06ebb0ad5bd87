import HTTPMessage

/// The directives of a Cache-Control field that mean something to a shared cache
/// (RFC 9111 section 5.2, RFC 5861, RFC 8246), of a request or of a response.
///
/// Times are seconds, pinned at 2^31 (RFC 9111 section 1.2.2). Nil: not present. Where a directive
/// occurs twice the stricter one counts, so that the result is never fresher than by the first or
/// by the rule that calls the response stale (RFC 9111 section 4.2.1).
public struct CacheControl: Sendable, Equatable {
  /// The largest number of seconds that is told from larger ones.
  public static let secondsLimit: Int64 = 1 << 31

  /// `max-age`; 0 when its value is invalid, which makes the response stale.
  public var maxAge: Int64?
  /// `s-maxage`; 0 when its value is invalid.
  public var sMaxAge: Int64?
  /// `stale-while-revalidate`; 0 when its value is invalid.
  public var staleWhileRevalidate: Int64?
  /// `stale-if-error`; 0 when its value is invalid.
  public var staleIfError: Int64?
  /// `max-stale` of a request; ``secondsLimit`` when it has no value, 0 when that is invalid.
  public var maxStale: Int64?
  /// `min-fresh` of a request; an invalid one does not count.
  public var minFresh: Int64?
  /// `no-cache` without field names.
  public var noCache = false
  /// `no-store`.
  public var noStore = false
  /// `no-transform`.
  public var noTransform = false
  /// `only-if-cached` of a request.
  public var onlyIfCached = false
  /// `must-revalidate`.
  public var mustRevalidate = false
  /// `proxy-revalidate`.
  public var proxyRevalidate = false
  /// `must-understand`.
  public var mustUnderstand = false
  /// `private` without field names.
  public var isPrivate = false
  /// `public`.
  public var isPublic = false
  /// `immutable` (RFC 8246).
  public var immutable = false
  /// The field names of `no-cache="..."`, in lower case.
  public var noCacheFields: [[UInt8]] = []
  /// The field names of `private="..."`, in lower case.
  public var privateFields: [[UInt8]] = []

  /// No directives.
  public init() {}

  /// The directives in all lines named `field`. Unknown directives are left out. O(bytes).
  public init(_ fields: FieldBlock, field: KnownField = .cacheControl) {
    guard fields.contains(field) else { return }
    ListMembers.forEach(in: fields, field) { member in
      let equals = member.firstIndex(of: UInt8(ascii: "="))
      let name = UnsafeRawBufferPointer(rebasing: member[..<(equals ?? member.count)])
      // Whitespace beside the "=" breaks the grammar: kept here, it makes the value invalid.
      let value = equals.map { UnsafeRawBufferPointer(rebasing: member[($0 + 1)...]) }
      self.add(name: name.trimmed, value: value, isWellFormed: name.count == name.trimmed.count)
    }
  }

  /// Whether the response names `field`, in any letter case, in a qualified `no-cache` or
  /// `private`: the field must not be stored.
  public func withholds(_ name: UnsafeRawBufferPointer) -> Bool {
    if noCacheFields.isEmpty && privateFields.isEmpty { return false }
    let isNamed = { (field: [UInt8]) in
      field.withUnsafeBytes { $0.equalsIgnoringCase(name) }
    }
    return noCacheFields.contains(where: isNamed) || privateFields.contains(where: isNamed)
  }

  private mutating func add(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, isWellFormed: Bool
  ) {
    let seconds = isWellFormed ? value?.unquoted.decimal(pinnedAt: Self.secondsLimit) : nil
    // The length selects; at most four names are compared.
    switch name.count {
    case 6 where name.equalsIgnoringCase("public"): isPublic = true
    case 7:
      if name.equalsIgnoringCase("max-age") {
        Self.lower(&maxAge, to: seconds ?? 0)
      } else if name.equalsIgnoringCase("private") {
        Self.add(value, to: &privateFields, unqualified: &isPrivate)
      }
    case 8:
      if name.equalsIgnoringCase("s-maxage") {
        Self.lower(&sMaxAge, to: seconds ?? 0)
      } else if name.equalsIgnoringCase("no-cache") {
        Self.add(value, to: &noCacheFields, unqualified: &noCache)
      } else if name.equalsIgnoringCase("no-store") {
        noStore = true
      }
    case 9:
      if name.equalsIgnoringCase("immutable") {
        immutable = true
      } else if name.equalsIgnoringCase("max-stale") {
        Self.lower(&maxStale, to: value == nil ? Self.secondsLimit : seconds ?? 0)
      } else if name.equalsIgnoringCase("min-fresh"), let seconds {
        minFresh = max(minFresh ?? 0, seconds)
      }
    case 12 where name.equalsIgnoringCase("no-transform"): noTransform = true
    case 14:
      if name.equalsIgnoringCase("only-if-cached") {
        onlyIfCached = true
      } else if name.equalsIgnoringCase("stale-if-error") {
        Self.lower(&staleIfError, to: seconds ?? 0)
      }
    case 15:
      if name.equalsIgnoringCase("must-revalidate") {
        mustRevalidate = true
      } else if name.equalsIgnoringCase("must-understand") {
        mustUnderstand = true
      }
    case 16 where name.equalsIgnoringCase("proxy-revalidate"): proxyRevalidate = true
    case 22 where name.equalsIgnoringCase("stale-while-revalidate"):
      Self.lower(&staleWhileRevalidate, to: seconds ?? 0)
    default: break
    }
  }

  private static func lower(_ seconds: inout Int64?, to candidate: Int64) {
    seconds = min(seconds ?? candidate, candidate)
  }

  /// Takes the field names of a qualified directive; one that names nothing is unqualified.
  private static func add(
    _ value: UnsafeRawBufferPointer?, to names: inout [[UInt8]], unqualified: inout Bool
  ) {
    var isEmpty = true
    if let value {
      for name in ListMembers(value.trimmed.unquoted) {
        isEmpty = false
        names.append(name.map(\.asciiLowercased))
      }
    }
    if isEmpty { unqualified = true }
  }
}
