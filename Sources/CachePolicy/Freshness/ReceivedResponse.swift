import HTTPMessage

/// A response, or a stored one just validated, up for storing.
struct ReceivedResponse {
  var status: Int
  var fields: FieldBlock
  var directives: ResponseDirectives
  var initialAge: Int64
  var responseTime: Int64
  /// What was stored until now, and whether it still stands.
  var previous: Freshness?
  var isUnchanged: Bool

  private var control: CacheControl { directives.control }

  /// RFC 9111 section 3, under a route's rules.
  func evaluate(_ request: RequestHead, _ rules: PolicyRules) -> StoreExplanation {
    var explanation = StoreExplanation(
      decision: .refuse(.status), targetIndex: directives.targetIndex)
    if let refusal = prohibition(rules) {
      explanation.decision = .refuse(refusal)
      return explanation
    }
    let explicit = Lifetime.explicit(directives, fields, responseTime: responseTime)
    // RFC 9110 section 9.3.3: a POST's answer needs a lifetime of its own.
    if request.method == .post, explicit == nil || forbidsReuse {
      explanation.decision = .refuse(.method)
      return explanation
    }
    guard isStatusCacheable(isExplicit: explicit != nil, rules) else { return explanation }
    let lifetime = Lifetime.resolve(
      explicit: explicit, fields,
      Lifetime.Circumstances(
        status: status, isForbidden: forbidsReuse, initialAge: initialAge,
        responseTime: responseTime, previous: previous, isUnchanged: isUnchanged), rules: rules)
    explanation.lifetime = lifetime.trace
    if let refusal = refusal(request, lifetime, rules) {
      explanation.decision = .refuse(refusal)
      return explanation
    }
    let freshness = freshness(lifetime, isExplicit: explicit != nil, rules)
    let refusal = uselessness(freshness)
    explanation.decision =
      refusal.map { .refuse($0) } ?? .store(freshness, lifetime.trace.source)
    return explanation
  }

  /// What keeps the response out when the route does not override the origin.
  private func prohibition(_ rules: PolicyRules) -> StoreRefusal? {
    if !StatusRules.isFinal(status) { return .status }
    if StatusRules.isPartial(status) { return .partial }
    if control.mustUnderstand && !StatusRules.isUnderstood(status) { return .mustUnderstand }
    if rules.ttl.floorSeconds > 0 { return nil }
    if isNoStore { return .noStore }
    return control.isPrivate ? .isPrivate : nil
  }

  /// `must-understand` takes `no-store` back for caches that understand the status
  /// (RFC 9111 section 5.2.2.3).
  private var isNoStore: Bool {
    control.noStore && !(control.mustUnderstand && StatusRules.isUnderstood(status))
  }

  private var forbidsReuse: Bool { isNoStore || control.isPrivate || control.noCache }

  /// RFC 9111 section 3; `public` marks as cacheable what is not so by default, errors excepted.
  /// An operator who gives a status a lifetime wants it stored.
  private func isStatusCacheable(isExplicit: Bool, _ rules: PolicyRules) -> Bool {
    if rules.statusLifetimes[status] != nil { return true }
    if StatusRules.isNeverStored(status) { return false }
    if isExplicit { return true }
    let isDefault = StatusRules.isCacheableByDefault(status)
    if StatusRules.isError(status) {
      return rules.errors.seconds > 0 && (isDefault || rules.errors.includesServerErrors)
    }
    return isDefault || (control.isPublic && status < 500)
  }

  /// What keeps out a response that has a lifetime.
  private func refusal(
    _ request: RequestHead, _ lifetime: Lifetime, _ rules: PolicyRules
  ) -> StoreRefusal? {
    if request.fields.contains(.authorization), !maySkipAuthorization(lifetime) {
      return .authorization
    }
    if rules.setCookie == .bypass, fields.contains(.setCookie), !withholdsSetCookie {
      return .setCookie
    }
    if fields.contains(.vary), VarySpecification(response: fields) == nil { return .varyAll }
    return nil
  }

  /// RFC 9111 section 3.5. A route's minimum does not lift it: what the origin forbids to share is
  /// never shared among users who log in.
  private func maySkipAuthorization(_ lifetime: Lifetime) -> Bool {
    !lifetime.isForced && (control.isPublic || control.sMaxAge != nil || control.mustRevalidate)
  }

  private var withholdsSetCookie: Bool {
    let name = KnownField.setCookie.name
    return control.withholds(
      UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
  }

  /// Why storing it would be of no use: it would never answer anything.
  private func uselessness(_ freshness: Freshness) -> StoreRefusal? {
    if freshness.flags.contains(.hasValidator) { return nil }
    if freshness.flags.contains(.alwaysRevalidate) { return .noCache }
    let window = max(freshness.staleWhileRevalidateSeconds, freshness.staleIfErrorSeconds)
    return freshness.remainingSeconds(now: responseTime) + window <= 0 ? .zeroLifetime : nil
  }

  private func freshness(
    _ lifetime: Lifetime, isExplicit: Bool, _ rules: PolicyRules
  ) -> Freshness {
    let flags = flags(lifetime, isExplicit: isExplicit)
    // The route's windows yield to whatever forbids stale use (RFC 9111 section 4.2.4). Windows
    // that the origin names yield to what it says outright; beside s-maxage, which only implies
    // proxy-revalidate (RFC 9111 section 5.2.2.10), they are its more specific word.
    let mayUseStale = flags.isDisjoint(with: [.mustRevalidate, .alwaysRevalidate])
    let allowsNamedWindows =
      mayUseStale
      || !(flags.contains(.alwaysRevalidate) || lifetime.isForced || rules.isStaleStrict
        || control.mustRevalidate || control.proxyRevalidate)
    func window(_ named: Int64?, _ route: Int64) -> Int64 {
      if let named { return allowsNamedWindows ? named : 0 }
      return mayUseStale ? route : 0
    }
    return Freshness(
      responseTimeSeconds: responseTime, initialAgeSeconds: initialAge,
      lifetimeSeconds: lifetime.seconds,
      staleWhileRevalidateSeconds: window(
        control.staleWhileRevalidate, rules.staleWhileRevalidateSeconds),
      staleIfErrorSeconds: window(control.staleIfError, rules.staleIfErrorSeconds),
      flags: flags.tracing(lifetime.trace))
  }

  private func flags(_ lifetime: Lifetime, isExplicit: Bool) -> FreshnessFlags {
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
    if control.withholdsFields { flags.insert(.withholdsFields) }
    if hasValidator { flags.insert(.hasValidator) }
    // A stale-if-error says for how long; without one the route does, when nothing forbids it.
    if flags.isDisjoint(with: [.mustRevalidate, .alwaysRevalidate]), control.staleIfError == nil {
      flags.insert(.mayServeStaleOnFailure)
    }
    return flags
  }

  private var hasValidator: Bool {
    if fields.withFirst(.etag, { !$0.isEmpty }) ?? false { return true }
    return ResponseAge.lastModified(fields, now: responseTime) != nil
  }
}
