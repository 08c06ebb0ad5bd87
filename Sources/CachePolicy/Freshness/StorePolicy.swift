import HTTPMessage

/// Whether requests go through the cache and responses into it (RFC 9111 section 3).
public enum StorePolicy {
  /// Why a request goes past the cache; nil when the cache is looked up for it. Range and
  /// conditional requests are looked up; answers to HEAD come from what GET stored.
  public static func mayAnswerFromCache(request: RequestHead, rules: PolicyRules) -> PassReason? {
    if !rules.isCachingEnabled { return .routePasses }
    if request.method == .query, rules.isQueryCacheable { return nil }
    if request.method != .get && request.method != .head { return .method }
    if hasContent(request) { return .requestContent }
    if isWebSocket(request) { return .upgrade }
    return nil
  }

  /// Whether a request is a GET or HEAD that only its route can keep from the cache:
  /// ``mayAnswerFromCache(request:rules:)`` without the rules, which are copied for the call.
  public static func isPlain(_ request: RequestHead) -> Bool {
    (request.method == .get || request.method == .head) && !hasContent(request)
      && !request.fields.contains(.upgrade)
  }

  /// Whether a response is stored, and how long it is fresh.
  ///
  /// `request` is the request as the client sent it, with the method that went to the origin: an
  /// answer to GET is stored, one to QUERY where the route has it, one to POST when
  /// ``isStorablePost(request:response:rules:)`` says so. Times are wall-clock Unix seconds: when
  /// the request was sent, and when the response's head came in.
  ///
  /// - Parameters:
  ///   - previous: what was stored under the key until now, for adaptive lifetimes.
  ///   - isUnchanged: the response brings the same content as `previous` once more
  ///     (``isUnchanged(stored:response:)``).
  public static func decide(
    request: RequestHead, response: OriginResponseHead, requestTime: Int64, responseTime: Int64,
    rules: PolicyRules, previous: Freshness? = nil, isUnchanged: Bool = false
  ) -> StoreDecision {
    explain(
      request: request, response: response, requestTime: requestTime, responseTime: responseTime,
      rules: rules, previous: previous, isUnchanged: isUnchanged
    ).decision
  }

  /// The same decision, from the same code, with what led to it. Parameters as in
  /// ``decide(request:response:requestTime:responseTime:rules:previous:isUnchanged:)``.
  public static func explain(
    request: RequestHead, response: OriginResponseHead, requestTime: Int64, responseTime: Int64,
    rules: PolicyRules, previous: Freshness? = nil, isUnchanged: Bool = false
  ) -> StoreExplanation {
    let refusal =
      refusal(of: request, rules)
      ?? (request.method == .post && !describesTarget(request, response) ? .method : nil)
    if let refusal { return StoreExplanation(decision: .refuse(refusal)) }
    return ReceivedResponse(
      status: response.status, fields: response.fields,
      directives: ResponseDirectives(response.fields, rules: rules),
      initialAge: ResponseAge.correctedInitialAge(
        response.fields, requestTime: requestTime, responseTime: responseTime),
      responseTime: responseTime, previous: previous, isUnchanged: isUnchanged
    ).evaluate(request, rules)
  }

  /// What becomes of a stored response that a 304 validated: its updated fields, and whether it
  /// stays stored and for how long (RFC 9111 section 4.3.4). `stored` are the fields that
  /// ``storedFields(response:freshness:rules:)`` made, `previous` the freshness they had.
  ///
  /// A 304 for another representation (``selects(stored:notModified:)``) changes nothing and is
  /// refused: what is stored is not what the origin has.
  public static func decideRefreshed(
    request: RequestHead, storedStatus: Int, stored: FieldBlock, notModified: OriginResponseHead,
    requestTime: Int64, responseTime: Int64, rules: PolicyRules, previous: Freshness? = nil
  ) -> (fields: FieldBlock, decision: StoreDecision) {
    guard selects(stored: stored, notModified: notModified) else {
      return (stored, .refuse(.partial))
    }
    var fields = freshened(stored: stored, by: notModified, rules: rules)
    if ResponseAge.date(notModified.fields, now: responseTime) == nil {
      // The stored Date would make the validated response as old as it was before.
      fields = fields.dated(responseTime)
    }
    if let refusal = refusal(of: request, rules) { return (fields, .refuse(refusal)) }
    if notModified.fields.contains(.vary),
      VarySpecification(response: fields) != VarySpecification(response: stored)
    {
      // What selects it has changed, and what the request held of the new fields is not recorded
      // (RFC 9111 section 4.1).
      return (fields, .refuse(.varyAll))
    }
    let response = ReceivedResponse(
      status: storedStatus, fields: fields,
      directives: ResponseDirectives(fields, rules: rules),
      initialAge: ResponseAge.correctedInitialAge(
        notModified.fields, requestTime: requestTime, responseTime: responseTime),
      responseTime: responseTime, previous: previous, isUnchanged: true)
    return (fields, response.evaluate(request, rules).decision)
  }
}
