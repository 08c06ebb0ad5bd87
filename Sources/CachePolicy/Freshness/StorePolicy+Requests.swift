import HTTPMessage

extension StorePolicy {
  /// Why no response to this request is stored, whatever it says.
  static func refusal(of request: RequestHead, _ rules: PolicyRules) -> StoreRefusal? {
    if !rules.isCachingEnabled { return .routePasses }
    switch request.method {
    case .get: if hasContent(request) { return .requestContent }
    // The content is in a QUERY's key; a GET is answered by what a POST tells of its target.
    case .query: if !rules.isQueryCacheable { return .method }
    case .post: break
    default: return .method
    }
    if namesRequestFields(request) { return .connectionOption }
    if rules.honoursRequestDirectives, request.fields.contains(.cacheControl),
      CacheControl(request.fields).noStore
    {
      return .requestNoStore
    }
    return nil
  }

  /// Content of a GET means nothing to HTTP but may to an origin, and is not in the key.
  static func hasContent(_ request: RequestHead) -> Bool {
    request.framing != .none && request.framing != .length(0)
  }

  static func isWebSocket(_ request: RequestHead) -> Bool {
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

  /// Whether an answer to POST is stored as the answer to later GET and HEAD requests of its target
  /// (RFC 9110 section 9.3.3): it declares a lifetime, and its Content-Location says that it is
  /// what the target now has. A POST itself is never answered from the cache.
  public static func isStorablePost(
    request: RequestHead, response: OriginResponseHead, rules: PolicyRules
  ) -> Bool {
    guard describesTarget(request, response) else { return false }
    let directives = ResponseDirectives(response.fields, rules: rules)
    return directives.control.sMaxAge != nil || directives.control.maxAge != nil
      || (directives.targetIndex == nil && response.fields.contains(.expires))
  }

  /// Whether a POST's answer is a representation of its target (RFC 9110 section 8.7): a 200 whose
  /// one Content-Location, made absolute, is the target.
  static func describesTarget(_ request: RequestHead, _ response: OriginResponseHead) -> Bool {
    guard request.method == .post, response.status == 200,
      response.fields.occurrences(of: .contentLocation) == 1
    else { return false }
    let location = response.fields.withFirst(.contentLocation) { value in
      value.isEmpty ? nil : URIReference.resolve(value, against: request)
    }
    guard let location = location ?? nil else { return false }
    var target = request.withBytes(request.path) { Array($0) }
    if let query = request.query {
      target.append(UInt8(ascii: "?"))
      request.withBytes(query) { target += $0 }
    }
    return location == target
  }
}
