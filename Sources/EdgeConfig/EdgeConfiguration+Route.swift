extension EdgeConfiguration {
  /// Which requests go to which origin, and how their responses are cached.
  public struct Route: Sendable, Equatable {
    /// What the route matches; unique among the routes.
    public let match: RoutePattern
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
  }

  /// How long stale responses may be used when the origin names no time (RFC 5861).
  public struct Stale: Sendable, Equatable {
    /// While a fresh one is fetched in the background.
    public let whileRevalidate: Duration
    /// While the origin fails.
    public let ifError: Duration
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
