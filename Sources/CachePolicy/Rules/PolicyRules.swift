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

  /// The minimum where it counts: a minimum above the maximum, which a configuration does not get
  /// through its check, counts as the maximum.
  var floorSeconds: Int64 { min(minimumSeconds, maximumSeconds) }
}

/// How long errors are kept: 404, 405, 410, 414, 500, 501, 502, 503 and 504.
///
/// An error says how a moment was, so the route's default lifetime, which may be days, is not for
/// it. Those that HTTP calls cacheable (404, 405, 410, 414, 501; RFC 9110 section 15.1) are kept
/// for ``seconds`` when the origin declares no lifetime. The other four are failures of the moment:
/// without a declared lifetime they are not stored, so that one failed call of an API is not
/// everybody's, until ``includesServerErrors`` says otherwise.
public struct ErrorLifetimes: Sendable, Equatable {
  /// The lifetime, from receipt, of an error that declares none, in place of the route's default
  /// and not raised to its minimum; 0: such errors are not stored.
  public var seconds: Int64
  /// Whether 500, 502, 503 and 504 are stored without a declared lifetime. If so, ``seconds`` is
  /// also the least lifetime of all nine, and a longer declared one counts.
  public var includesServerErrors: Bool

  /// Ten seconds for the cacheable errors, unless named.
  public init(seconds: Int64 = 10, includesServerErrors: Bool = false) {
    self.seconds = seconds
    self.includesServerErrors = includesServerErrors
  }
}

/// A lifetime from Last-Modified for responses that declare none (RFC 9111 section 4.2.2).
public struct HeuristicLifetime: Sendable, Equatable {
  /// The share of the time since Last-Modified, of 100.
  public var percent: Int64
  /// The longest such lifetime in seconds.
  public var maximumSeconds: Int64

  /// A tenth of the time, at most a day, unless named.
  public init(percent: Int64 = 10, maximumSeconds: Int64 = 86_400) {
    self.percent = percent
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
  /// The lifetimes of errors.
  public var errors: ErrorLifetimes
  /// Lifetimes from Last-Modified, in place of the default; nil: none (RFC 9111 section 4.2.2).
  public var heuristic: HeuristicLifetime?
  /// Whether the lifetime of an object whose origin declares none follows from how often it
  /// changes, within the bounds (``AdaptiveLifetime``).
  public var isAdaptive: Bool
  /// Response fields that stand in for Cache-Control and Expires, the first that is valid
  /// (RFC 9213 section 2.2).
  public var targetedFields: [TargetedField]
  /// Seconds of stale-while-revalidate where the origin does not say (RFC 5861 section 3).
  public var staleWhileRevalidateSeconds: Int64
  /// Seconds of stale-if-error where the origin does not say (RFC 5861 section 4).
  public var staleIfErrorSeconds: Int64
  /// Seconds for which a stale response may stand in when the origin cannot be reached at all,
  /// nothing forbids it and the origin named no stale-if-error (RFC 9111 section 4.2.4); 0: none.
  public var staleWhenUnreachableSeconds: Int64
  /// Whether s-maxage forbids all stale use, as `must-revalidate` and `proxy-revalidate` do
  /// anyway, even where a stale-while-revalidate or stale-if-error stands beside it.
  public var isStaleStrict: Bool
  /// What becomes of responses that set cookies.
  public var setCookie: SetCookieHandling
  /// Whether the request's Cache-Control counts (RFC 9111 section 5.2.1).
  public var honoursRequestDirectives: Bool
  /// Whether the route caches at all.
  public var isCachingEnabled: Bool
  /// Whether answers to QUERY are looked up and stored; the request's content must then be part of
  /// the key.
  public var isQueryCacheable: Bool
  /// Whether successful unsafe requests invalidate their targets (RFC 9111 section 4.4).
  public var unsafeMethodsInvalidate: Bool
  /// What the cache key is made of.
  public var key: KeyRules
  /// How many variants one key may have.
  public var variantLimit: Int

  /// Rules as a route has them that sets nothing.
  public init(
    ttl: TTLBounds = TTLBounds(), statusLifetimes: [Int: Int64] = [:],
    errors: ErrorLifetimes = ErrorLifetimes(), heuristic: HeuristicLifetime? = nil,
    isAdaptive: Bool = false, targetedFields: [TargetedField] = [.cdnCacheControl],
    staleWhileRevalidateSeconds: Int64 = 0, staleIfErrorSeconds: Int64 = 0,
    staleWhenUnreachableSeconds: Int64 = 86_400, isStaleStrict: Bool = false,
    setCookie: SetCookieHandling = .bypass, honoursRequestDirectives: Bool = false,
    isCachingEnabled: Bool = true, isQueryCacheable: Bool = false,
    unsafeMethodsInvalidate: Bool = true, key: KeyRules = KeyRules(), variantLimit: Int = 64
  ) {
    self.ttl = ttl
    self.statusLifetimes = statusLifetimes
    self.errors = errors
    self.heuristic = heuristic
    self.isAdaptive = isAdaptive
    self.targetedFields = targetedFields
    self.staleWhileRevalidateSeconds = staleWhileRevalidateSeconds
    self.staleIfErrorSeconds = staleIfErrorSeconds
    self.staleWhenUnreachableSeconds = staleWhenUnreachableSeconds
    self.isStaleStrict = isStaleStrict
    self.setCookie = setCookie
    self.honoursRequestDirectives = honoursRequestDirectives
    self.isCachingEnabled = isCachingEnabled
    self.isQueryCacheable = isQueryCacheable
    self.unsafeMethodsInvalidate = unsafeMethodsInvalidate
    self.key = key
    self.variantLimit = variantLimit
  }
}
