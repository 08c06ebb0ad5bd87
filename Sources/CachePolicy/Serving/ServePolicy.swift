import HTTPMessage

/// Whether a stored response answers a request (RFC 9111 section 4). On the hit path: allocates
/// nothing, and reads the request's Cache-Control only where a route wants it.
public enum ServePolicy {
  /// What the stored response is good for at `now`, wall-clock Unix seconds.
  ///
  /// A `no-store` of the request is for the answer that the request would fetch and does not keep
  /// it from a stored one (RFC 9111 section 5.2.1.5).
  public static func decide(
    _ freshness: Freshness, request: RequestHead, now: Int64, rules: PolicyRules
  ) -> ServeDecision {
    if freshness.flags.contains(.alwaysRevalidate) { return .revalidate(.noCache) }
    let remaining = freshness.remainingSeconds(now: now)
    if rules.honoursRequestDirectives, request.fields.presence.intersects(directiveFields),
      let decision = decideByDirectives(freshness, request, remaining: remaining, now: now)
    {
      return decision
    }
    if remaining > 0 { return .fresh }
    return remaining + freshness.staleWhileRevalidateSeconds > 0
      ? .staleWhileRevalidate : .revalidate(.stale)
  }

  private static let directiveFields: KnownFieldSet = [.cacheControl, .pragma]

  /// What the request's directives come to; nil when they leave the decision to the response.
  private static func decideByDirectives(
    _ freshness: Freshness, _ request: RequestHead, remaining: Int64, now: Int64
  ) -> ServeDecision? {
    guard request.fields.contains(.cacheControl) else {
      // Pragma speaks only where Cache-Control is silent (RFC 9111 section 5.4).
      return isPragmaNoCache(request.fields) ? .revalidate(.requestDirective) : nil
    }
    let control = CacheControl(request.fields)
    if refuses(control, freshness, remaining: remaining, now: now) {
      return .revalidate(.requestDirective)
    }
    if remaining <= 0, let maxStale = control.maxStale, -remaining <= maxStale,
      !freshness.flags.contains(.mustRevalidate)
    {
      return .fresh
    }
    return nil
  }

  private static func isPragmaNoCache(_ fields: FieldBlock) -> Bool {
    var result = false
    ListMembers.forEach(in: fields, .pragma) { directive in
      if directive.equalsIgnoringCase("no-cache") { result = true }
    }
    return result
  }

  /// Whether a stale response stands in for an error at `now`.
  ///
  /// - Parameter isUnreachable: the origin gave no answer at all, as opposed to an error status.
  ///   Then a response that nothing forbids to use stale stands in even without a stale-if-error,
  ///   for as long as the route allows (RFC 9111 section 4.2.4).
  /// - Parameter request: the request that is answered: where the route honours its directives, a
  ///   stale-if-error of it widens the window unless the response forbids stale use (RFC 5861
  ///   section 4).
  public static func mayServeStaleOnError(
    _ freshness: Freshness, now: Int64, isUnreachable: Bool, rules: PolicyRules,
    request: RequestHead? = nil
  ) -> Bool {
    if freshness.flags.contains(.alwaysRevalidate) { return false }
    let remaining = freshness.remainingSeconds(now: now)
    if remaining + freshness.staleIfErrorSeconds > 0 { return true }
    if rules.honoursRequestDirectives, let request, request.fields.contains(.cacheControl),
      !freshness.flags.contains(.mustRevalidate),
      let window = CacheControl(request.fields).staleIfError, remaining + window > 0
    {
      return true
    }
    return isUnreachable && freshness.flags.contains(.mayServeStaleOnFailure)
      && remaining + rules.staleWhenUnreachableSeconds > 0
  }

  /// Whether the request must not go to the origin: 504 on a miss (RFC 9111 section 5.2.1.7). It
  /// counts on every route: it costs the origin nothing, and a client that asks only for what is
  /// stored has no use for anything else.
  public static func onlyIfCached(_ request: RequestHead) -> Bool {
    guard request.fields.contains(.cacheControl) else { return false }
    return CacheControl(request.fields).onlyIfCached
  }

  /// Whether the request's directives ask for validation (RFC 9111 section 5.2.1).
  private static func refuses(
    _ control: CacheControl, _ freshness: Freshness, remaining: Int64, now: Int64
  ) -> Bool {
    // Of a request no-cache has no field names; with an argument it still asks for validation.
    if control.noCache || control.withholdsFields { return true }
    // Reloading a page sends max-age=0; an immutable response need not follow (RFC 8246).
    let isSettled = freshness.flags.contains(.immutable) && remaining > 0
    if let maxAge = control.maxAge, !isSettled, freshness.age(now: now) > maxAge { return true }
    if let minFresh = control.minFresh, remaining < minFresh { return true }
    return false
  }
}
