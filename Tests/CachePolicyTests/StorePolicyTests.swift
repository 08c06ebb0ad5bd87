import HTTPMessage
import Testing

@testable import CachePolicy

/// RFC 9111 section 3: what goes through the cache.
@Suite struct CacheLookupTests {
  private func reason(_ request: RequestHead, _ rules: PolicyRules = PolicyRules()) -> PassReason? {
    StorePolicy.mayAnswerFromCache(request: request, rules: rules)
  }

  @Test func aPlainRequestIsOneThatNothingButItsRouteKeepsFromTheCache() {
    let plain = [
      makeRequest("GET"), makeRequest("HEAD"), makeRequest("GET", framing: .length(0)),
      makeRequest("GET", fields: [("Range", "bytes=0-1"), ("Cache-Control", "no-cache")]),
    ]
    for request in plain {
      #expect(StorePolicy.isPlain(request))
      #expect(reason(request) == nil)
    }
    let others = [
      makeRequest("POST"), makeRequest("QUERY"), makeRequest("GET", framing: .length(1)),
      makeRequest("GET", framing: .streamed),
      makeRequest("GET", fields: [("Upgrade", "websocket"), ("Connection", "upgrade")]),
    ]
    for request in others { #expect(!StorePolicy.isPlain(request)) }
  }

  @Test func readsAreLookedUpRangesAndConditionalsIncluded() {
    #expect(reason(makeRequest("GET")) == nil)
    #expect(reason(makeRequest("HEAD")) == nil)
    #expect(reason(makeRequest("GET", fields: [("Range", "bytes=0-1")])) == nil)
    #expect(reason(makeRequest("GET", fields: [("If-None-Match", "*")])) == nil)
    #expect(reason(makeRequest("GET", framing: .length(0))) == nil)
    #expect(reason(makeRequest("GET", fields: [("Upgrade", "h2c")])) == nil)
  }

  @Test(arguments: ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY", "get", "FOO"])
  func otherMethodsPass(method: String) {
    #expect(reason(makeRequest(method)) == .method)
  }

  @Test func queriesAreLookedUpWithTheirContentWhereTheRouteHasThemInTheKey() {
    let query = makeRequest("QUERY", framing: .length(9))
    #expect(reason(query, PolicyRules(isQueryCacheable: true)) == nil)
    #expect(reason(makeRequest("POST"), PolicyRules(isQueryCacheable: true)) == .method)
    let off = PolicyRules(isCachingEnabled: false, isQueryCacheable: true)
    #expect(reason(query, off) == .routePasses)
  }

  @Test func contentUpgradesAndSwitchedOffRoutesPass() {
    #expect(reason(makeRequest("GET", framing: .length(1))) == .requestContent)
    #expect(reason(makeRequest("GET", framing: .streamed)) == .requestContent)
    #expect(reason(makeRequest("GET", fields: [("Upgrade", "foo, WebSocket")])) == .upgrade)
    #expect(reason(makeRequest("GET"), PolicyRules(isCachingEnabled: false)) == .routePasses)
  }
}

/// RFC 9111 section 3: what is stored.
@Suite struct StorePolicyTests {
  private func control(_ value: String) -> [(String, String)] { [("Cache-Control", value)] }

  @Test func anAnswerToGetIsStoredByDefault() throws {
    let decision = decide(makeResponse())
    #expect(decision.source == .routeDefault)
    let freshness = try #require(decision.freshness)
    #expect(freshness.lifetimeSeconds == 86_400)
    #expect(freshness.responseTimeSeconds == receipt)
    #expect(freshness.flags.withoutTrace == .mayServeStaleOnFailure)
  }

  @Test func answersToQueryAreStoredWhereTheRouteHasThemInTheKey() {
    let query = makeRequest("QUERY", framing: .length(9))
    #expect(decide(makeResponse(), to: query).refusal == .method)
    #expect(
      decide(makeResponse(), to: query, PolicyRules(isQueryCacheable: true)).source
        == .routeDefault)
  }

  @Test(arguments: ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "FOO"])
  func answersToOtherMethodsAreNot(method: String) {
    #expect(
      decide(makeResponse(200, control("max-age=60")), to: makeRequest(method)).refusal == .method)
  }

  @Test func requestsThatTheKeyDoesNotDescribeAreNotStored() {
    let response = makeResponse()
    #expect(decide(response, to: makeRequest(framing: .length(5))).refusal == .requestContent)
    let hidden = makeRequest(fields: [("Connection", "keep-alive, X-Tenant"), ("X-Tenant", "a")])
    #expect(decide(response, to: hidden).refusal == .connectionOption)
    let plain = makeRequest(fields: [
      ("Connection", "Keep-Alive, TE, Upgrade, HTTP2-Settings, close")
    ])
    #expect(decide(response, to: plain).refusal == nil)
    #expect(
      decide(response, PolicyRules(isCachingEnabled: false)).refusal == .routePasses)
  }

  /// RFC 9111 section 5.2.1.5.
  @Test func noStoreOfARequestCountsWhereTheRouteHonoursIt() {
    let request = makeRequest(fields: control("no-store"))
    #expect(decide(makeResponse(), to: request).refusal == nil)
    let rules = PolicyRules(honoursRequestDirectives: true)
    #expect(decide(makeResponse(), to: request, rules).refusal == .requestNoStore)
    #expect(
      decide(makeResponse(), to: makeRequest(fields: control("no-cache")), rules).refusal == nil)
  }

  /// RFC 9110 section 15.1.
  @Test(arguments: [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])
  func statusesCacheableByDefaultNeedNoLifetime(status: Int) {
    #expect(decide(makeResponse(status)).source == (status < 400 ? .routeDefault : .errorLifetime))
  }

  /// RFC 9111 section 3: a status that nobody knows is stored when it is final and has a lifetime.
  @Test(arguments: [100, 101, 102, 103, 199])
  func interimResponsesAreNeverStored(status: Int) {
    let minimum = PolicyRules(
      ttl: TTLBounds(minimumSeconds: 60), statusLifetimes: [status: 60])
    for rules in [PolicyRules(), minimum] {
      #expect(decide(makeResponse(status, control("public, max-age=60")), rules).refusal == .status)
    }
  }

  @Test(arguments: [
    201, 202, 299, 302, 303, 307, 399, 400, 401, 403, 416, 499, 500, 502, 503,
    504, 599,
  ])
  func otherStatusesNeedAnExplicitLifetime(status: Int) {
    #expect(decide(makeResponse(status)).refusal == .status)
    #expect(decide(makeResponse(status, control("max-age=60"))).source == .maxAge)
    #expect(decide(makeResponse(status, control("s-maxage=60"))).source == .sMaxAge)
    let expires = [("Expires", httpDate(receipt + 60)), ("Date", httpDate(receipt))]
    #expect(decide(makeResponse(status, expires)).source == .expires)
    #expect(
      decide(makeResponse(status, control("max-age=60, must-understand"))).refusal
        == (StatusRules.isUnderstood(status) ? nil : .mustUnderstand))
    let rules = PolicyRules(statusLifetimes: [status: 7])
    #expect(decide(makeResponse(status), rules).source == .statusLifetime)
    // A route's minimum alone does not make an error cacheable.
    let minimum = PolicyRules(ttl: TTLBounds(minimumSeconds: 60))
    #expect(decide(makeResponse(status), minimum).refusal == .status)
    #expect(decide(makeResponse(status, control("no-store")), minimum).refusal == .status)
  }

  /// RFC 6585 sections 3 to 6.
  @Test(arguments: [428, 429, 431, 511])
  func statusesAboutOneClientAreNeverStored(status: Int) {
    let text = "public, max-age=60, s-maxage=60"
    for rules in [PolicyRules(), PolicyRules(ttl: TTLBounds(minimumSeconds: 60))] {
      #expect(decide(makeResponse(status), rules).refusal == .status)
      #expect(decide(makeResponse(status, control(text)), rules).refusal == .status)
    }
    // But for the operator who asks for it.
    let named = PolicyRules(statusLifetimes: [status: 1])
    #expect(decide(makeResponse(status), named).source == .statusLifetime)
    #expect(decide(makeResponse(430, control(text))).source == .sMaxAge)
  }

  @Test func publicMakesAStatusCacheableButNoServerError() {
    #expect(decide(makeResponse(302, control("public"))).source == .routeDefault)
    #expect(decide(makeResponse(500, control("public"))).refusal == .status)
  }

  @Test(arguments: [206, 304]) func partialResponsesAreNotStored(status: Int) {
    #expect(decide(makeResponse(status, control("max-age=60"))).refusal == .partial)
  }

  @Test func forbiddenResponsesAreNotStored() {
    #expect(decide(makeResponse(200, control("no-store, max-age=60"))).refusal == .noStore)
    #expect(decide(makeResponse(200, control("private, max-age=60"))).refusal == .isPrivate)
    #expect(decide(makeResponse(200, control("no-cache, max-age=60"))).refusal == .noCache)
    #expect(decide(makeResponse(200, control(#"private="x", max-age=60"#))).source == .maxAge)
    #expect(decide(makeResponse(200, control(#"no-cache="x", max-age=60"#))).source == .maxAge)
  }

  /// RFC 9111 section 5.2.2.4.
  @Test func noCacheIsStoredWithAValidatorAndAlwaysRevalidated() throws {
    for validator in [("ETag", "\"a\""), ("Last-Modified", httpDate(receipt - 100))] {
      let response = makeResponse(200, control("no-cache") + [validator])
      let rules = PolicyRules(staleWhileRevalidateSeconds: 5, staleIfErrorSeconds: 6)
      let freshness = try #require(decide(response, rules).freshness)
      #expect(freshness.flags.contains([.alwaysRevalidate, .hasValidator]))
      #expect(!freshness.flags.contains(.mayServeStaleOnFailure))
      #expect(freshness.staleWhileRevalidateSeconds == 0)
      #expect(freshness.staleIfErrorSeconds == 0)
    }
    let invalid = makeResponse(200, control("no-cache") + [("Last-Modified", "x"), ("ETag", "")])
    #expect(decide(invalid).refusal == .noCache)
  }

  /// RFC 9111 section 5.2.2.3.
  @Test func mustUnderstandTakesNoStoreBackForStatusesThatAreUnderstood() {
    let fields = control("must-understand, no-store, max-age=60")
    #expect(decide(makeResponse(200, fields)).source == .maxAge)
    #expect(decide(makeResponse(299, fields)).refusal == .mustUnderstand)
    let minimum = PolicyRules(ttl: TTLBounds(minimumSeconds: 60))
    #expect(decide(makeResponse(299, fields), minimum).refusal == .mustUnderstand)
  }

  /// RFC 9111 section 3.5.
  @Test func authorizedRequestsAreStoredOnlyWithLeave() {
    let request = makeRequest(fields: [("Authorization", "Basic eA==")])
    let minimum = PolicyRules(ttl: TTLBounds(minimumSeconds: 60))
    for rules in [PolicyRules(), minimum] {
      for value in ["max-age=60", "proxy-revalidate, max-age=60", "immutable"] {
        #expect(
          decide(makeResponse(200, control(value)), to: request, rules).refusal == .authorization)
      }
      for value in ["public, max-age=60", "s-maxage=60", "must-revalidate, max-age=60"] {
        #expect(decide(makeResponse(200, control(value)), to: request, rules).freshness != nil)
      }
    }
    // What the origin forbids to share is not raised to the minimum for users who log in.
    let forbidden = makeResponse(200, control("private, must-revalidate"))
    #expect(decide(forbidden, to: request, minimum).refusal == .authorization)
    #expect(decide(forbidden, minimum).source == .routeMinimum)
  }

  @Test func cookiesAreHandledAsTheRouteSays() {
    let response = makeResponse(200, [("Set-Cookie", "a=b")])
    #expect(decide(response).refusal == .setCookie)
    #expect(decide(response, PolicyRules(setCookie: .strip)).freshness != nil)
    #expect(decide(response, PolicyRules(setCookie: .store)).freshness != nil)
    let withheld = makeResponse(200, control(#"private="set-cookie""#) + [("Set-Cookie", "a=b")])
    #expect(decide(withheld).freshness != nil)
  }

  /// RFC 9111 section 4.1.
  @Test func responsesThatVaryOnEverythingAreNotStored() {
    #expect(decide(makeResponse(200, [("Vary", "*")])).refusal == .varyAll)
    #expect(decide(makeResponse(200, [("Vary", "Foo"), ("Vary", "*")])).refusal == .varyAll)
    #expect(decide(makeResponse(200, [("Vary", "Accept-Encoding")])).freshness != nil)
  }

  @Test func aZeroLifetimeIsStoredOnlyForWhatItIsGoodFor() {
    let none = makeResponse(200, control("max-age=0"))
    #expect(decide(none).refusal == .zeroLifetime)
    #expect(decide(none, PolicyRules(staleIfErrorSeconds: 1)).freshness != nil)
    #expect(decide(makeResponse(200, control("max-age=0") + [("ETag", "x")])).freshness != nil)
    #expect(
      decide(makeResponse(200, control("max-age=0, stale-while-revalidate=5"))).freshness != nil)
    let aged = makeResponse(200, control("max-age=60") + [("Age", "60")])
    #expect(decide(aged).refusal == .zeroLifetime)
    #expect(decide(makeResponse(200, control("max-age=60") + [("Age", "59")])).freshness != nil)
    #expect(
      decide(makeResponse(404), PolicyRules(statusLifetimes: [404: 0])).refusal == .zeroLifetime)
  }

  @Test func flagsFollowTheDirectives() throws {
    let text = "s-maxage=60, immutable, no-transform"
    let flags = try #require(decide(makeResponse(200, control(text))).freshness).flags
    let wanted: FreshnessFlags = [.mustRevalidate, .immutable, .noTransform, .explicitLifetime]
    #expect(flags.withoutTrace == wanted)
    for directive in ["must-revalidate", "proxy-revalidate"] {
      let response = makeResponse(200, control("max-age=60, \(directive)"))
      let flags = decide(response).freshness?.flags.withoutTrace
      #expect(flags == [.mustRevalidate, .explicitLifetime])
    }
  }

  /// RFC 5861 sections 3 and 4.
  @Test func staleWindowsComeFromTheOriginAndElseFromTheRoute() throws {
    let rules = PolicyRules(staleWhileRevalidateSeconds: 5, staleIfErrorSeconds: 6)
    func windows(_ value: String) throws -> [Int64] {
      let freshness = try #require(decide(makeResponse(200, control(value)), rules).freshness)
      return [freshness.staleWhileRevalidateSeconds, freshness.staleIfErrorSeconds]
    }
    #expect(try windows("max-age=60") == [5, 6])
    #expect(try windows("max-age=60, stale-while-revalidate=50") == [50, 6])
    #expect(try windows("max-age=60, stale-if-error=0") == [5, 0])
    #expect(try windows("max-age=60, must-revalidate") == [0, 0])
    #expect(try windows("s-maxage=60") == [0, 0])
    #expect(try windows("s-maxage=60, stale-while-revalidate=50, stale-if-error=9") == [50, 9])
    // RFC 9111 section 4.2.4: what forbids stale use outright leaves no window.
    for word in ["must-revalidate", "proxy-revalidate"] {
      let both = "\(word), stale-while-revalidate=50, stale-if-error=9"
      #expect(try windows("max-age=60, \(both)") == [0, 0])
      #expect(try windows("s-maxage=60, \(both)") == [0, 0])
    }
    #expect(try windows("max-age=60, stale-while-revalidate=x, stale-if-error=-1") == [0, 0])
    let strict = PolicyRules(isStaleStrict: true)
    let shared = makeResponse(200, control("s-maxage=60, stale-while-revalidate=50"))
    #expect(decide(shared, strict).freshness?.staleWhileRevalidateSeconds == 0)
    let own = makeResponse(200, control("max-age=60, stale-while-revalidate=50"))
    #expect(decide(own, strict).freshness?.staleWhileRevalidateSeconds == 50)
    let forced = PolicyRules(
      ttl: TTLBounds(minimumSeconds: 9), staleWhileRevalidateSeconds: 5, staleIfErrorSeconds: 6)
    let response = makeResponse(200, control("no-store, stale-if-error=50"))
    #expect(decide(response, forced).freshness?.staleIfErrorSeconds == 0)
  }

  /// RFC 9111 section 4.2.4.
  @Test(arguments: [
    ("max-age=60", true), ("public", true), ("max-age=60, must-revalidate", false),
    ("max-age=60, proxy-revalidate", false), ("s-maxage=60", false), ("no-cache", false),
    ("max-age=60, stale-if-error=0", false), ("max-age=60, stale-if-error=5", false),
    ("max-age=60, stale-while-revalidate=5", true),
  ])
  func staleUseWhileTheOriginIsGoneNeedsNoLeave(text: String, isAllowed: Bool) {
    let response = makeResponse(200, control(text) + [("ETag", "x")])
    let flags = decide(response).freshness?.flags
    #expect(flags?.contains(.mayServeStaleOnFailure) == isAllowed)
  }

  /// RFC 9111 section 5.2.2.6.
  @Test func noTransformIsKept() {
    #expect(
      decide(makeResponse(200, control("no-transform"))).freshness?.flags
        .contains(.noTransform) == true)
    #expect(decide(makeResponse()).freshness?.flags.contains(.noTransform) == false)
  }
}
