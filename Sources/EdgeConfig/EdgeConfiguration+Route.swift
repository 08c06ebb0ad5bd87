extension EdgeConfiguration {
  /// Which requests go to which origin, and how their responses are cached.
  public struct Route: Sendable, Equatable {
    /// What the route matches; unique among the routes.
    public let match: RoutePattern
    /// What invalidations call it; nil: the text of `match`. Unique among the routes.
    public let name: String?
    /// The name of an origin that exists.
    public let origin: String
    /// Whether responses may be stored; false passes every request.
    public let cache: Bool
    /// How long responses are fresh.
    public let ttl: TimeToLive
    /// Times for single statuses in place of `ttl.default`.
    public let statusTTL: [Int: Duration]
    /// How long stale responses may be used when the origin names no time.
    public let stale: Stale
    /// Which parts of a request tell one stored object from another.
    public let key: Key
    /// What is done with a response that has Set-Cookie.
    public let setCookie: SetCookie
    /// Whether a client's Cache-Control and Pragma count.
    public let requestDirectives: RequestDirectives
    /// Whether requests for the same object wait for one fetch.
    public let coalesce: Bool
    /// How long a request waits for another's fetch before it fetches itself.
    public let coalesceTimeout: Duration
    /// Whether a successful unsafe request invalidates its URL (RFC 9111, section 4.4).
    public let unsafeInvalidates: Bool
    /// Whether responses carry Cache-Status and X-Cache.
    public let debugHeaders: Bool
    /// Names of response fields that stand in for Cache-Control, in order; lower case (RFC 9213).
    public let targeted: [String]
    /// Whether Accept-Encoding is reduced to what matters.
    public let normalizesAcceptEncoding: Bool
    /// The languages that Accept-Language is reduced to, the default first; empty for no change.
    public let languages: [String]
    /// Request fields that are forwarded although they are not in the key; lower case.
    public let forwardHeaders: [String]
    /// Whether query parameters that are not in the key reach the origin, too.
    public let forwardsWholeQuery: Bool
    /// Whether No-Vary-Search of responses counts.
    public let honoursNoVarySearch: Bool
    /// The most variants kept of one URL.
    public let variants: Int
    /// What a request for a range fetches.
    public let ranges: RangeFetching
    /// The largest content of a QUERY that is part of the key, in bytes.
    public let queryBodySizeBytes: Int
    /// Names of response fields that carry cache tags; lower case.
    public let tags: [String]
    /// Which responses are stored gzip'd; nil when none are.
    public let compression: Compression?
  }
}

extension EdgeConfiguration.Route {
  /// How long responses are fresh: `minimum` <= `default` <= `maximum`.
  public struct TimeToLive: Sendable, Equatable {
    /// For a response whose origin names no time.
    public let `default`: Duration
    /// The least time, whatever the origin names.
    public let minimum: Duration
    /// The longest time, whatever the origin names.
    public let maximum: Duration
    /// For an error whose origin names no time.
    public let error: Duration
    /// Whether 500, 502, 503 and 504 are among those errors.
    public let storesServerErrors: Bool
    /// How Last-Modified gives a time; nil when it does not.
    public let heuristic: Heuristic?
    /// Whether times follow from how often an object changes.
    public let isAdaptive: Bool
  }

  /// A time from Last-Modified (RFC 9111, section 4.2.2).
  public struct Heuristic: Sendable, Equatable {
    /// The share of the time since Last-Modified, 1 to 100.
    public let percent: Int
    /// The longest such time.
    public let maximum: Duration
  }

  /// How long stale responses may be used when the origin names no time (RFC 5861).
  public struct Stale: Sendable, Equatable {
    /// While a fresh one is fetched in the background.
    public let whileRevalidate: Duration
    /// While the origin fails.
    public let ifError: Duration
    /// While the origin gives no answer at all.
    public let ifUnreachable: Duration
    /// Whether what forbids stale use also forbids the origin's own windows.
    public let isStrict: Bool
  }

  /// Which parts of a request tell one stored object from another.
  public struct Key: Sendable, Equatable {
    /// Which query parameters count.
    public enum Query: Sendable, Equatable {
      case all
      case none
      /// Only these.
      case allow([String])
      /// All but these.
      case deny([String])
    }

    /// Which query parameters count.
    public let query: Query
    /// Whether parameters are sorted.
    public let sortQuery: Bool
    /// Whether http and https are different.
    public let scheme: Bool
    /// Whether hosts are different.
    public let host: Bool
    /// Request fields whose values count; lower case.
    public let headers: [String]
    /// Cookies whose values count; case matters.
    public let cookies: [String]
    /// Whether device classes are different.
    public let device: Bool
  }

  /// Which responses are stored gzip'd.
  public struct Compression: Sendable, Equatable {
    /// Media types in lower case; `*` stands for any characters, once.
    public let types: [String]
    /// Bodies of these sizes.
    public let sizeBytes: ClosedRange<Int>
    /// zlib's level, 1 to 9.
    public let level: Int
  }

  /// What a request for a range fetches when it is not stored.
  public enum RangeFetching: String, Sendable {
    /// The range.
    case part
    /// The whole object.
    case whole
  }

  /// What is done with a response that has Set-Cookie.
  public enum SetCookie: String, Sendable {
    /// It is not stored.
    case bypass
    /// It is stored without the field.
    case strip
    /// It is stored with the field, for every client.
    case store
  }

  /// Whether a client's Cache-Control and Pragma may go past the store.
  public enum RequestDirectives: String, Sendable {
    case ignore
    case honour
  }
}
