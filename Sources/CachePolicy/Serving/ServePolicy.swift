import HTTPMessage

/// Whether a stored response answers a request (RFC 9111 section 4). On the hit path: allocates
/// nothing, and reads the request's Cache-Control only where a route wants it.
public enum ServePolicy {
  /// What the stored response is good for at `now`, wall-clock Unix seconds.
  public static func decide(
    _ freshness: Freshness, request: RequestHead, now: Int64, rules: PolicyRules
  ) -> ServeDecision {
    if freshness.flags.contains(.alwaysRevalidate) { return .revalidate(.noCache) }
    let remaining = freshness.remainingSeconds(now: now)
    if rules.honoursRequestDirectives, request.fields.contains(.cacheControl) {
      let control = CacheControl(request.fields)
      if refuses(control, freshness, remaining: remaining, now: now) {
        return .revalidate(.requestDirective)
      }
      if remaining <= 0, let maxStale = control.maxStale, -remaining <= maxStale,
        !freshness.flags.contains(.mustRevalidate)
      {
        return .fresh
      }
    }
    if remaining > 0 { return .fresh }
    return remaining + freshness.staleWhileRevalidateSeconds > 0
      ? .staleWhileRevalidate : .revalidate(.stale)
  }

  /// Whether a stale response stands in for an error at `now`.
  ///
  /// - Parameter isUnreachable: the origin gave no answer at all, as opposed to an error status.
  ///   Then a response that nothing forbids to use stale stands in even without a stale-if-error,
  ///   for as long as the route allows (RFC 9111 section 4.2.4).
  public static func mayServeStaleOnError(
    _ freshness: Freshness, now: Int64, isUnreachable: Bool, rules: PolicyRules
  ) -> Bool {
    if freshness.flags.contains(.alwaysRevalidate) { return false }
    let remaining = freshness.remainingSeconds(now: now)
    if remaining + freshness.staleIfErrorSeconds > 0 { return true }
    return isUnreachable && freshness.flags.contains(.mayServeStaleOnFailure)
      && remaining + rules.staleWhenUnreachableSeconds > 0
  }

  /// Whether the request must not go to the origin: 504 on a miss (RFC 9111 section 5.2.1.7).
  public static func onlyIfCached(_ request: RequestHead) -> Bool {
    guard request.fields.contains(.cacheControl) else { return false }
    return CacheControl(request.fields).onlyIfCached
  }

  /// Whether the request's directives ask for validation (RFC 9111 section 5.2.1).
  private static func refuses(
    _ control: CacheControl, _ freshness: Freshness, remaining: Int64, now: Int64
  ) -> Bool {
    if control.noCache { return true }
    // Reloading a page sends max-age=0; an immutable response need not follow (RFC 8246).
    let isSettled = freshness.flags.contains(.immutable) && remaining > 0
    if let maxAge = control.maxAge, !isSettled, freshness.age(now: now) > maxAge { return true }
    if let minFresh = control.minFresh, remaining < minFresh { return true }
    return false
  }
}
