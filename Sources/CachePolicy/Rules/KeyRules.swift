import HTTPMessage

/// Which parameters of the query are part of the cache key.
public enum QueryRule: Sendable, Equatable {
  /// The query, byte for byte.
  case all
  /// None of it.
  case none
  /// Only parameters with these names. Names compare after percent-decoding.
  case allow([[UInt8]])
  /// All parameters but those with these names. Names compare after percent-decoding.
  case deny([[UInt8]])
}

/// What tells one cached resource of a route from another, and what of a request the origin sees.
///
/// The two belong together: whatever reaches the origin and changes its answer without being in
/// the key lets one client decide what another one gets. Hence the defaults: of a request that may
/// be answered from the cache, fields known to change answers (``OverrideFields``) are forwarded
/// only when they are keyed or named in ``forwardedHeaders``, the origin gets Accept-Encoding and
/// Accept-Language as they are keyed, and of the query what the key has.
public struct KeyRules: Sendable {
  /// Which part of the query counts.
  public var query: QueryRule
  /// Whether parameters are put in the order of their names first; those of one name keep theirs.
  public var sortsQuery: Bool
  /// Whether `http` and `https` are kept apart.
  public var includesScheme: Bool
  /// Whether hosts are kept apart.
  public var includesHost: Bool
  /// Names of request fields whose values count, in lower case.
  public var headers: [[UInt8]]
  /// Names of cookies whose values count.
  public var cookies: [[UInt8]]
  /// Whether the classes of ``DeviceClass`` are kept apart; the origin gets the class as
  /// X-Device-Class.
  public var includesDeviceClass: Bool
  /// Whether Accept-Encoding is reduced to the codings that matter (br, gzip, zstd, identity), in
  /// the key of a variant and towards the origin alike.
  public var normalizesAcceptEncoding: Bool
  /// Whether Accept and Accept-Language count by quality and name instead of as they are written.
  public var normalizesPreferences: Bool
  /// The languages that the origin speaks, as tags, the first one the default: Accept-Language is
  /// reduced to the one that fits best (RFC 4647 section 3.4), in the key of a variant and towards
  /// the origin alike. Empty: it is not reduced.
  public var languages: [[UInt8]]
  /// Names, in lower case, of request fields that reach the origin although they could change its
  /// answer and are not in the key. For fields that something trusted in front of the edge sets;
  /// an origin that answers by them must say so in Vary.
  public var forwardedHeaders: [[UInt8]]
  /// Whether the origin gets parameters of the query that are not in the key, too. For origins
  /// that only count them: one that answers by them lets clients poison the cache.
  public var forwardsUnkeyedQuery: Bool
  /// Whether responses may widen their own key by No-Vary-Search.
  public var honoursNoVarySearch: Bool

  /// Scheme, host, path and whole query unless said otherwise. Field names are lower-cased.
  public init(
    query: QueryRule = .all, sortsQuery: Bool = false, includesScheme: Bool = true,
    includesHost: Bool = true, headers: [[UInt8]] = [], cookies: [[UInt8]] = [],
    includesDeviceClass: Bool = false, normalizesAcceptEncoding: Bool = true,
    normalizesPreferences: Bool = true, languages: [[UInt8]] = [],
    forwardedHeaders: [[UInt8]] = [], forwardsUnkeyedQuery: Bool = false,
    honoursNoVarySearch: Bool = true
  ) {
    self.query = query
    self.sortsQuery = sortsQuery
    self.includesScheme = includesScheme
    self.includesHost = includesHost
    self.headers = headers.map { $0.map(\.asciiLowercased) }
    self.cookies = cookies
    self.includesDeviceClass = includesDeviceClass
    self.normalizesAcceptEncoding = normalizesAcceptEncoding
    self.normalizesPreferences = normalizesPreferences
    self.languages = languages
    self.forwardedHeaders = forwardedHeaders.map { $0.map(\.asciiLowercased) }
    self.forwardsUnkeyedQuery = forwardsUnkeyedQuery
    self.honoursNoVarySearch = honoursNoVarySearch
  }

  /// Whether the target that goes to the origin may differ from the request's, so that it has to
  /// be written by ``CacheKeyBuilder/writeTarget(_:rules:into:)``.
  public var rewritesTarget: Bool {
    !forwardsUnkeyedQuery && (query != .all || sortsQuery)
  }

  /// Whether a field that could change answers reaches the origin all the same: it is keyed, or
  /// the route lets it through. O(names of the route).
  func forwards(_ name: UnsafeRawBufferPointer) -> Bool {
    let isNamed = { (listed: [UInt8]) in listed.withUnsafeBytes { $0.equalsIgnoringCase(name) } }
    return headers.contains(where: isNamed) || forwardedHeaders.contains(where: isNamed)
  }
}
