/// Why a stored response is not used without asking the origin.
public enum RevalidationReason: String, Sendable, CaseIterable {
  case stale = "stale"
  case noCache = "no-cache"
  case requestDirective = "request directive"
}

/// What a stored response is good for.
public enum ServeDecision: Sendable, Equatable {
  /// It is served as it stands. (Also when it is stale and the request allows that by `max-stale`.)
  case fresh
  /// It is served, and revalidated in the background.
  case staleWhileRevalidate
  /// The origin is asked first.
  case revalidate(RevalidationReason)
}

/// What the preconditions of a request come to (RFC 9110 section 13.2.2).
public enum Precondition: Sendable, Equatable {
  /// The request is answered as if it had none.
  case proceed
  /// 304 (Not Modified).
  case notModified
  /// 412 (Precondition Failed).
  case failed
}
