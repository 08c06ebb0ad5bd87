import CachePolicy
import CacheStore
import EdgeSecurity
import NIOCore

/// What the proxy does with requests: the routes and the few limits of the request path.
public struct ProxyConfiguration: Sendable {
  /// The edge's name in Via, Cache-Status and X-Cache; a token.
  public var name: String
  /// The routes, in any order: ``RouteTable`` ranks them.
  public var routes: [Route]
  /// Proxies before the edge whose X-Forwarded-For and Forwarded go on to origins.
  public var trustedProxies = AddressList([])
  /// Objects above this many bytes stream through the disk instead of memory.
  public var largestMemoryObjectBytes: Int
  /// How many bytes of one object under way may wait in memory for slow readers.
  public var fillWindowBytes: Int
  /// How many keys are remembered as not cacheable, so that their requests do not queue up behind
  /// each other.
  public var uncacheableKeyLimit: Int
  /// How long such a key is remembered.
  public var uncacheableKeySeconds: Int64
  /// A fill that lost its last client goes on if at most this much of its body is missing.
  public var abandonedFillBytes: Int

  /// Who may PURGE on the listeners that serve clients; nil: the method goes to the origin.
  public var purge: PurgeAccess?

  /// A configuration with the given name and routes, and default limits.
  public init(name: String = "edge", routes: [Route]) {
    self.name = name
    self.routes = routes
    largestMemoryObjectBytes = 1 << 20
    fillWindowBytes = 1 << 20
    uncacheableKeyLimit = 10_000
    uncacheableKeySeconds = 10
    abandonedFillBytes = 1 << 20
  }
}

/// One route: which requests it takes, where they go, and the rules for what comes back.
///
/// An object that never changes: every request holds its route, and a struct of this size would be
/// copied, with a reference counted up and down for each list in it.
public final class Route: Sendable {
  /// What invalidations and listings call it; by default the text of its pattern.
  public let name: String
  /// The number under which the store keeps its objects; follows from the name alone.
  public let identity: RouteIdentity
  /// Which requests it takes.
  public let pattern: RoutePattern
  /// Index of the origin in the transport's list.
  public let origin: Int
  /// The cache policy's rules.
  public let rules: PolicyRules
  /// Whether concurrent misses of one key share one fetch.
  public let coalesces: Bool
  /// How long a follower waits for the leader's response head before it asks the origin itself.
  public let coalesceTimeout: TimeAmount
  /// Whether answers carry Cache-Status and X-Cache.
  public let showsCacheStatus: Bool
  /// The largest content of a QUERY that becomes part of the key; 0: such requests pass.
  public let queryContentBytes: Int
  /// Names, in lower case, of response fields that carry cache tags.
  public let tagFields: [[UInt8]]
  /// What a request for a range fetches when it is not stored.
  public let rangeFetching: RangeFetching
  /// Which responses are stored gzip'd; nil: none.
  public let compression: CompressionRules?

  /// A route of `pattern` to `origin` by `rules`.
  public init(
    name: String? = nil, pattern: RoutePattern, origin: Int, rules: PolicyRules,
    coalesces: Bool = true,
    coalesceTimeout: TimeAmount = .seconds(10), showsCacheStatus: Bool = true,
    queryContentBytes: Int = 64 << 10, tagFields: [[UInt8]] = [],
    rangeFetching: RangeFetching = .part, compression: CompressionRules? = nil
  ) {
    self.name = name ?? pattern.text
    identity = RouteIdentity(name: self.name)
    self.pattern = pattern
    self.origin = origin
    self.rules = rules
    self.coalesces = coalesces
    self.coalesceTimeout = coalesceTimeout
    self.showsCacheStatus = showsCacheStatus
    self.queryContentBytes = queryContentBytes
    self.tagFields = tagFields
    self.rangeFetching = rangeFetching
    self.compression = compression
  }
}
