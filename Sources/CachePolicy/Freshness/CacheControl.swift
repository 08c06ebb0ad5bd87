import HTTPMessage

/// The directives of a Cache-Control field that mean something to a shared cache
/// (RFC 9111 section 5.2, RFC 5861, RFC 8246), of a request or of a response.
///
/// Times are seconds, pinned at 2^31 (RFC 9111 section 1.2.2). Nil: not present. Of a directive
/// that occurs twice with different times, a cache is to use the first or to take the response for
/// stale (RFC 9111 section 4.2.1). The smaller counts here, which is one of the two at any moment
/// and the stricter: what the first would keep fresh turns stale when the smaller one is over.
///
/// Read on every miss: 48 bytes, and nothing is allocated but for directives that name fields.
public struct CacheControl: Sendable, Equatable {
  /// The largest number of seconds that is told from larger ones.
  public static let secondsLimit: Int64 = 1 << 31

  private var storedMaxAge = PackedSeconds()
  private var storedSMaxAge = PackedSeconds()
  private var storedStaleWhileRevalidate = PackedSeconds()
  private var storedStaleIfError = PackedSeconds()
  private var storedMaxStale = PackedSeconds()
  private var storedMinFresh = PackedSeconds()

  /// `no-cache` without field names.
  public internal(set) var noCache = false
  /// `no-store`.
  public internal(set) var noStore = false
  /// `no-transform`.
  public internal(set) var noTransform = false
  /// `only-if-cached` of a request.
  public internal(set) var onlyIfCached = false
  /// `must-revalidate`.
  public internal(set) var mustRevalidate = false
  /// `proxy-revalidate`.
  public internal(set) var proxyRevalidate = false
  /// `must-understand`.
  public internal(set) var mustUnderstand = false
  /// `private` without field names.
  public internal(set) var isPrivate = false
  /// `public`.
  public internal(set) var isPublic = false
  /// `immutable` (RFC 8246).
  public internal(set) var immutable = false
  /// The field names of `no-cache="..."` and `private="..."`, in lower case, joined by commas.
  public private(set) var withheldFields: [UInt8] = []

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

  /// `max-age`; 0 when its value is invalid, which makes the response stale.
  public internal(set) var maxAge: Int64? {
    get { storedMaxAge.value }
    set { storedMaxAge.value = newValue }
  }

  /// `s-maxage`; 0 when its value is invalid.
  public internal(set) var sMaxAge: Int64? {
    get { storedSMaxAge.value }
    set { storedSMaxAge.value = newValue }
  }

  /// `stale-while-revalidate`; 0 when its value is invalid.
  public internal(set) var staleWhileRevalidate: Int64? {
    get { storedStaleWhileRevalidate.value }
    set { storedStaleWhileRevalidate.value = newValue }
  }

  /// `stale-if-error`; 0 when its value is invalid.
  public internal(set) var staleIfError: Int64? {
    get { storedStaleIfError.value }
    set { storedStaleIfError.value = newValue }
  }

  /// `max-stale` of a request; ``secondsLimit`` when it has no value, 0 when that is invalid.
  public internal(set) var maxStale: Int64? {
    get { storedMaxStale.value }
    set { storedMaxStale.value = newValue }
  }

  /// `min-fresh` of a request; an invalid one does not count.
  public internal(set) var minFresh: Int64? {
    get { storedMinFresh.value }
    set { storedMinFresh.value = newValue }
  }

  /// Whether the response names a field, in a qualified `no-cache` or `private`.
  public var withholdsFields: Bool { !withheldFields.isEmpty }

  /// Whether the response names `field`, in any letter case, in a qualified `no-cache` or
  /// `private`: the field must not be stored.
  public func withholds(_ name: UnsafeRawBufferPointer) -> Bool {
    guard withholdsFields, !name.isEmpty else { return false }
    return withheldFields.withUnsafeBytes { names in
      var members = ListMembers(names)
      while let member = members.next() {
        if member.equalsIgnoringCase(name) { return true }
      }
      return false
    }
  }

  private mutating func add(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, isWellFormed: Bool
  ) {
    // The length selects; at most four names are compared.
    switch name.count {
    case 6 where name.equalsIgnoringCase("public"): isPublic = true
    case 7:
      if name.equalsIgnoringCase("max-age") {
        storedMaxAge.lower(to: Self.seconds(value, isWellFormed) ?? 0)
      } else if name.equalsIgnoringCase("private"), !withhold(value) {
        isPrivate = true
      }
    case 8:
      if name.equalsIgnoringCase("s-maxage") {
        storedSMaxAge.lower(to: Self.seconds(value, isWellFormed) ?? 0)
      } else if name.equalsIgnoringCase("no-cache") {
        if !withhold(value) { noCache = true }
      } else if name.equalsIgnoringCase("no-store") {
        noStore = true
      }
    case 9:
      if name.equalsIgnoringCase("immutable") {
        immutable = true
      } else if name.equalsIgnoringCase("max-stale") {
        let seconds = Self.seconds(value, isWellFormed) ?? 0
        storedMaxStale.lower(to: value == nil ? Self.secondsLimit : seconds)
      } else if name.equalsIgnoringCase("min-fresh") {
        if let seconds = Self.seconds(value, isWellFormed) {
          minFresh = max(minFresh ?? 0, seconds)
        }
      }
    case 12 where name.equalsIgnoringCase("no-transform"): noTransform = true
    case 14:
      if name.equalsIgnoringCase("only-if-cached") {
        onlyIfCached = true
      } else if name.equalsIgnoringCase("stale-if-error") {
        storedStaleIfError.lower(to: Self.seconds(value, isWellFormed) ?? 0)
      }
    case 15:
      if name.equalsIgnoringCase("must-revalidate") {
        mustRevalidate = true
      } else if name.equalsIgnoringCase("must-understand") {
        mustUnderstand = true
      }
    case 16 where name.equalsIgnoringCase("proxy-revalidate"): proxyRevalidate = true
    case 22 where name.equalsIgnoringCase("stale-while-revalidate"):
      storedStaleWhileRevalidate.lower(to: Self.seconds(value, isWellFormed) ?? 0)
    default: break
    }
  }

  /// A number of seconds, quoted or not (RFC 9111 section 5.2); nil when it is none. Single quotes
  /// are no quotes.
  private static func seconds(_ value: UnsafeRawBufferPointer?, _ isWellFormed: Bool) -> Int64? {
    isWellFormed ? value?.unquoted.decimal(pinnedAt: secondsLimit) : nil
  }

  /// Takes the field names of a qualified directive, in a quoted string or bare; false when it
  /// names nothing or anything but fields, so that it counts as unqualified, the stricter reading.
  mutating func withhold(_ value: UnsafeRawBufferPointer?) -> Bool {
    guard let value else { return false }
    // A backslash quotes the byte after it and is no part of any name (RFC 9110 section 5.6.4).
    let isMark = { (byte: UInt8) in byte == UInt8(ascii: "\\") }
    var names: [UInt8] = []
    for member in ListMembers(value.trimmed.unquoted) {
      guard member.allSatisfy({ $0.isTokenByte || isMark($0) }) else { return false }
      if !names.isEmpty { names.append(UInt8(ascii: ",")) }
      for byte in member where !isMark(byte) { names.append(byte.asciiLowercased) }
    }
    if names.isEmpty { return false }
    if withholdsFields { withheldFields.append(UInt8(ascii: ",")) }
    withheldFields += names
    return true
  }
}

/// Seconds up to 2^31, or none, in four bytes.
private struct PackedSeconds: Equatable {
  private var packed = UInt32.max

  var value: Int64? {
    get { packed == .max ? nil : Int64(packed) }
    set { packed = newValue.map { UInt32(clamping: min($0, CacheControl.secondsLimit)) } ?? .max }
  }

  mutating func lower(to seconds: Int64) { value = min(value ?? seconds, seconds) }
}
