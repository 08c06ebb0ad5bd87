/// Why a response is not stored.
public enum StoreRefusal: String, Sendable, CaseIterable {
  case routePasses = "route does not cache"
  case method = "method is not cacheable"
  case requestContent = "request has content"
  case connectionOption = "Connection names request fields"
  case requestNoStore = "request says no-store"
  case partial = "response is partial"
  case status = "status is not cacheable"
  case noStore = "response says no-store"
  case mustUnderstand = "status is not understood"
  case isPrivate = "response is private"
  case noCache = "no-cache without a validator"
  case authorization = "request is authorized"
  case setCookie = "response sets cookies"
  case varyAll = "response varies on everything"
  case zeroLifetime = "lifetime is zero"
}

/// Where a lifetime comes from.
public enum LifetimeSource: String, Sendable, CaseIterable {
  case sMaxAge = "s-maxage"
  case maxAge = "max-age"
  case expires = "expires"
  case routeDefault = "route default"
  case statusLifetime = "status lifetime"
  case routeMinimum = "route minimum"
  case routeMaximum = "route maximum"
  case errorLifetime = "error lifetime"
  case heuristic = "heuristic"
  case adaptive = "adaptive"
}

/// Whether a response is stored.
public enum StoreDecision: Sendable, Equatable {
  /// Stored, with this freshness, and what had the last word on its lifetime
  /// (``Freshness/trace`` has the row of the table and each clamp).
  case store(Freshness, LifetimeSource)
  /// Not stored.
  case refuse(StoreRefusal)
}

/// Why a request goes past the cache.
public enum PassReason: String, Sendable, CaseIterable {
  case routePasses = "route does not cache"
  case method = "method is not cacheable"
  case requestContent = "request has content"
  case upgrade = "request asks for an upgrade"
}
