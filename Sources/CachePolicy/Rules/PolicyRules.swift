/// The bounds that a route sets on how long responses stay fresh, in whole seconds.
///
/// With a minimum of zero the origin is obeyed: its `no-store`, `no-cache` and `private` stand, its
/// lifetime is cut at the maximum, and a response without one gets the default. With a minimum
/// above zero, what the origin forbids or keeps short is raised to the minimum.
public struct TTLBounds: Sendable, Equatable {
  /// The lifetime of a response that declares none.
  public var defaultSeconds: Int64
  /// The lifetime that every stored response gets at least, counted from its receipt.
  public var minimumSeconds: Int64
  /// The lifetime that no response exceeds; stands above the minimum.
  public var maximumSeconds: Int64

  /// Bounds in seconds: a day, nothing and a year unless named.
  public init(
    defaultSeconds: Int64 = 86_400, minimumSeconds: Int64 = 0, maximumSeconds: Int64 = 31_536_000
  ) {
    self.defaultSeconds = defaultSeconds
    self.minimumSeconds = minimumSeconds
    self.maximumSeconds = maximumSeconds
  }
}

/// What becomes of a response that sets cookies.
public enum SetCookieHandling: Sendable, Equatable {
  /// It is delivered and not stored.
  case bypass
  /// It is stored without its Set-Cookie lines.
  case strip
  /// It is stored with them: every client gets the same cookies.
  case store
}

/// The caching rules of one route.
public struct PolicyRules: Sendable {
  /// The bounds on freshness lifetimes.
  public var ttl: TTLBounds
  /// Lifetimes in seconds by status, for responses without an explicit lifetime. One stands in
  /// place of the default and is not raised to the minimum; it makes its status cacheable.
  public var statusLifetimes: [Int: Int64]
  /// Seconds of stale-while-revalidate where the origin does not say (RFC 5861 section 3).
  public var staleWhileRevalidateSeconds: Int64
  /// Seconds of stale-if-error where the origin does not say (RFC 5861 section 4).
  public var staleIfErrorSeconds: Int64
  /// Seconds for which a stale response may stand in when the origin cannot be reached at all,
  /// nothing forbids it and the origin named no stale-if-error (RFC 9111 section 4.2.4); 0: none.
  public var staleWhenUnreachableSeconds: Int64
  /// What becomes of responses that set cookies.
  public var setCookie: SetCookieHandling
  /// Whether the request's Cache-Control counts (RFC 9111 section 5.2.1).
  public var honoursRequestDirectives: Bool
  /// Whether the route caches at all.
  public var isCachingEnabled: Bool
  /// Whether successful unsafe requests invalidate their targets (RFC 9111 section 4.4).
  public var unsafeMethodsInvalidate: Bool
  /// What the cache key is made of.
  public var key: KeyRules
  /// How many variants one key may have.
  public var variantLimit: Int

  /// Rules as a route has them that sets nothing.
  public init(
    ttl: TTLBounds = TTLBounds(), statusLifetimes: [Int: Int64] = [:],
    staleWhileRevalidateSeconds: Int64 = 0, staleIfErrorSeconds: Int64 = 0,
    staleWhenUnreachableSeconds: Int64 = 86_400, setCookie: SetCookieHandling = .bypass,
    honoursRequestDirectives: Bool = false, isCachingEnabled: Bool = true,
    unsafeMethodsInvalidate: Bool = true, key: KeyRules = KeyRules(), variantLimit: Int = 64
  ) {
    self.ttl = ttl
    self.statusLifetimes = statusLifetimes
    self.staleWhileRevalidateSeconds = staleWhileRevalidateSeconds
    self.staleIfErrorSeconds = staleIfErrorSeconds
    self.staleWhenUnreachableSeconds = staleWhenUnreachableSeconds
    self.setCookie = setCookie
    self.honoursRequestDirectives = honoursRequestDirectives
    self.isCachingEnabled = isCachingEnabled
    self.unsafeMethodsInvalidate = unsafeMethodsInvalidate
    self.key = key
    self.variantLimit = variantLimit
  }
}
