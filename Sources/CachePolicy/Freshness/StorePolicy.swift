import HTTPMessage

/// Whether requests go through the cache and responses into it (RFC 9111 section 3).
public enum StorePolicy {
  /// Why a request goes past the cache; nil when the cache is looked up for it. Range and
  /// conditional requests are looked up; answers to HEAD come from what GET stored.
  public static func mayAnswerFromCache(request: RequestHead, rules: PolicyRules) -> PassReason? {
    if !rules.isCachingEnabled { return .routePasses }
    if request.method != .get && request.method != .head { return .method }
    if hasContent(request) { return .requestContent }
    if isWebSocket(request) { return .upgrade }
    return nil
  }

  /// Whether a response is stored, and how long it is fresh.
  ///
  /// `request` is the request as the client sent it, with the method that went to the origin: only
  /// an answer to GET is stored. Times are wall-clock Unix seconds: when the request was sent, and
  /// when the response's head came in.
  public static func decide(
    request: RequestHead, response: OriginResponseHead, requestTime: Int64, responseTime: Int64,
    rules: PolicyRules
  ) -> StoreDecision {
    if let refusal = refusal(of: request, rules) { return .refuse(refusal) }
    let response = ReceivedResponse(
      status: response.status, fields: response.fields,
      initialAge: ResponseAge.correctedInitialAge(
        response.fields, requestTime: requestTime, responseTime: responseTime),
      responseTime: responseTime)
    return response.decide(request, rules)
  }

  /// What becomes of a stored response that a 304 validated: its updated fields, and whether it
  /// stays stored and for how long (RFC 9111 section 4.3.4). `stored` are the fields that
  /// ``storedFields(response:freshness:rules:)`` made.
  public static func decideRefreshed(
    request: RequestHead, storedStatus: Int, stored: FieldBlock, notModified: OriginResponseHead,
    requestTime: Int64, responseTime: Int64, rules: PolicyRules
  ) -> (fields: FieldBlock, decision: StoreDecision) {
    var fields = freshened(stored: stored, by: notModified)
    if ResponseAge.date(notModified.fields, now: responseTime) == nil {
      // The stored Date would make the validated response as old as it was before.
      fields = fields.dated(responseTime)
    }
    if let refusal = refusal(of: request, rules) { return (fields, .refuse(refusal)) }
    let response = ReceivedResponse(
      status: storedStatus, fields: fields,
      initialAge: ResponseAge.correctedInitialAge(
        notModified.fields, requestTime: requestTime, responseTime: responseTime),
      responseTime: responseTime)
    return (fields, response.decide(request, rules))
  }

  /// Why no response to this request is stored, whatever it says.
  private static func refusal(of request: RequestHead, _ rules: PolicyRules) -> StoreRefusal? {
    if !rules.isCachingEnabled { return .routePasses }
    if request.method != .get { return .method }
    if hasContent(request) { return .requestContent }
    if namesRequestFields(request) { return .connectionOption }
    if rules.honoursRequestDirectives, request.fields.contains(.cacheControl),
      CacheControl(request.fields).noStore
    {
      return .requestNoStore
    }
    return nil
  }

  /// Content of a GET means nothing to HTTP but may to an origin, and is not in the key.
  private static func hasContent(_ request: RequestHead) -> Bool {
    request.framing != .none && request.framing != .length(0)
  }

  private static func isWebSocket(_ request: RequestHead) -> Bool {
    guard request.fields.contains(.upgrade) else { return false }
    var result = false
    ListMembers.forEach(in: request.fields, .upgrade) { protocolName in
      if protocolName.equalsIgnoringCase("websocket") { result = true }
    }
    return result
  }

  /// Whether Connection names an end-to-end field. The origin does not get that field although key
  /// and variant may hold it: `Connection: X-Tenant` beside `X-Tenant: victim` would store the
  /// answer to nobody under the victim's key.
  private static func namesRequestFields(_ request: RequestHead) -> Bool {
    var result = false
    ListMembers.forEach(in: request.fields, .connection) { option in
      let isPlain =
        option.equalsIgnoringCase("keep-alive") || option.equalsIgnoringCase("close")
        || option.equalsIgnoringCase("upgrade") || option.equalsIgnoringCase("te")
        || option.equalsIgnoringCase("http2-settings") || option.equalsIgnoringCase("trailer")
        || option.equalsIgnoringCase("proxy-connection")
        || option.equalsIgnoringCase("transfer-encoding")
      if !isPlain { result = true }
    }
    return result
  }
}

/// A response, or a stored one just validated, up for storing.
private struct ReceivedResponse {
  var status: Int
  var fields: FieldBlock
  var initialAge: Int64
  var responseTime: Int64

  func decide(_ request: RequestHead, _ rules: PolicyRules) -> StoreDecision {
    if StatusRules.isPartial(status) { return .refuse(.partial) }
    let control = CacheControl(fields)
    if let refusal = prohibition(control, rules) { return .refuse(refusal) }
    let explicit = Lifetime.explicit(control, fields, responseTime: responseTime)
    if !isStatusCacheable(isExplicit: explicit != nil, control, rules) {
      return .refuse(.status)
    }
    let lifetime = Lifetime.resolve(
      explicit: explicit, isForbidden: forbidsReuse(control), status: status,
      initialAge: initialAge, rules: rules)
    if request.fields.contains(.authorization), !maySkipAuthorization(control, lifetime) {
      return .refuse(.authorization)
    }
    if rules.setCookie == .bypass, fields.contains(.setCookie), !withholdsSetCookie(control) {
      return .refuse(.setCookie)
    }
    if fields.contains(.vary), VarySpecification(response: fields) == nil {
      return .refuse(.varyAll)
    }
    let freshness = freshness(control, lifetime, isExplicit: explicit != nil, rules)
    if freshness.flags.contains(.alwaysRevalidate) && !freshness.flags.contains(.hasValidator) {
      return .refuse(.noCache)
    }
    let window = max(freshness.staleWhileRevalidateSeconds, freshness.staleIfErrorSeconds)
    if !freshness.flags.contains(.hasValidator),
      freshness.remainingSeconds(now: responseTime) + window <= 0
    {
      return .refuse(.zeroLifetime)
    }
    return .store(freshness, lifetime.source)
  }

  /// What keeps the response out when the route does not override the origin.
  private func prohibition(_ control: CacheControl, _ rules: PolicyRules) -> StoreRefusal? {
    if control.mustUnderstand && !StatusRules.isUnderstood(status) { return .mustUnderstand }
    if rules.ttl.minimumSeconds > 0 { return nil }
    if isNoStore(control) { return .noStore }
    return control.isPrivate ? .isPrivate : nil
  }

  /// `must-understand` takes `no-store` back for caches that understand the status
  /// (RFC 9111 section 5.2.2.3).
  private func isNoStore(_ control: CacheControl) -> Bool {
    control.noStore && !(control.mustUnderstand && StatusRules.isUnderstood(status))
  }

  private func forbidsReuse(_ control: CacheControl) -> Bool {
    isNoStore(control) || control.isPrivate || control.noCache
  }

  /// RFC 9111 section 3; `public` marks as cacheable what is not so by default, errors excepted.
  private func isStatusCacheable(
    isExplicit: Bool, _ control: CacheControl, _ rules: PolicyRules
  ) -> Bool {
    isExplicit || StatusRules.isCacheableByDefault(status) || rules.statusLifetimes[status] != nil
      || (control.isPublic && status < 500)
  }

  /// RFC 9111 section 3.5. A route's minimum does not lift it: what the origin forbids to share is
  /// never shared among users who log in.
  private func maySkipAuthorization(_ control: CacheControl, _ lifetime: Lifetime) -> Bool {
    !lifetime.isForced && (control.isPublic || control.sMaxAge != nil || control.mustRevalidate)
  }

  private func withholdsSetCookie(_ control: CacheControl) -> Bool {
    let name = KnownField.setCookie.name
    return control.withholds(
      UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
  }

  private func freshness(
    _ control: CacheControl, _ lifetime: Lifetime, isExplicit: Bool, _ rules: PolicyRules
  ) -> Freshness {
    var flags: FreshnessFlags = []
    if control.mustRevalidate || control.proxyRevalidate || control.sMaxAge != nil
      || lifetime.isForced
    {
      flags.insert(.mustRevalidate)
    }
    if control.noCache && !lifetime.isForced { flags.insert(.alwaysRevalidate) }
    if control.immutable { flags.insert(.immutable) }
    if isExplicit && !lifetime.isForced { flags.insert(.explicitLifetime) }
    if control.noTransform { flags.insert(.noTransform) }
    if hasValidator { flags.insert(.hasValidator) }
    let mayUseStale = flags.isDisjoint(with: [.mustRevalidate, .alwaysRevalidate])
    if mayUseStale && control.staleIfError == nil { flags.insert(.mayServeStaleOnFailure) }

    // The route's windows yield to what forbids stale use; windows that the origin itself names
    // beside it are its more specific word, except that no-cache leaves no use without validation.
    let allowsWindows = !flags.contains(.alwaysRevalidate) && !lifetime.isForced
    let whileRevalidate =
      control.staleWhileRevalidate ?? (mayUseStale ? rules.staleWhileRevalidateSeconds : 0)
    let ifError = control.staleIfError ?? (mayUseStale ? rules.staleIfErrorSeconds : 0)
    return Freshness(
      responseTimeSeconds: responseTime, initialAgeSeconds: initialAge,
      lifetimeSeconds: lifetime.seconds,
      staleWhileRevalidateSeconds: allowsWindows ? whileRevalidate : 0,
      staleIfErrorSeconds: allowsWindows ? ifError : 0, flags: flags)
  }

  private var hasValidator: Bool {
    if fields.withFirst(.etag, { !$0.isEmpty }) ?? false { return true }
    return fields.withFirst(.lastModified) { HTTPDate.parse($0, now: responseTime) != nil } ?? false
  }
}
