import HTTPMessage
import Testing

@testable import CachePolicy

/// RFC 9111 sections 4.2.4 and 5.2.1, RFC 5861, RFC 8246.
@Suite struct ServePolicyTests {
  /// Received at 1000 with an age of zero, fresh until 1060.
  private func freshness(
    whileRevalidate: Int64 = 0, ifError: Int64 = 0, _ flags: FreshnessFlags = []
  ) -> Freshness {
    Freshness(
      responseTimeSeconds: 1_000, initialAgeSeconds: 0, lifetimeSeconds: 60,
      staleWhileRevalidateSeconds: whileRevalidate, staleIfErrorSeconds: ifError, flags: flags)
  }

  private func serve(
    _ freshness: Freshness, at now: Int64, _ control: String? = nil, honours: Bool = true
  ) -> ServeDecision {
    ServePolicy.decide(
      freshness, request: makeRequest(fields: control.map { [("Cache-Control", $0)] } ?? []),
      now: now, rules: PolicyRules(honoursRequestDirectives: honours))
  }

  @Test func freshResponsesAreServedUntilTheirLifetimeEnds() {
    #expect(serve(freshness(), at: 1_000) == .fresh)
    #expect(serve(freshness(), at: 1_059) == .fresh)
    #expect(serve(freshness(), at: 1_060) == .revalidate(.stale))
  }

  @Test func staleWhileRevalidateServesUntilItsWindowEnds() {
    let windowed = freshness(whileRevalidate: 10)
    #expect(serve(windowed, at: 1_059) == .fresh)
    #expect(serve(windowed, at: 1_060) == .staleWhileRevalidate)
    #expect(serve(windowed, at: 1_069) == .staleWhileRevalidate)
    #expect(serve(windowed, at: 1_070) == .revalidate(.stale))
  }

  @Test func noCacheIsNeverServedUnasked() {
    let always = freshness(whileRevalidate: 10, .alwaysRevalidate)
    #expect(serve(always, at: 1_000) == .revalidate(.noCache))
    #expect(serve(always, at: 1_000, "max-stale") == .revalidate(.noCache))
  }

  @Test func directivesOfTheRequestCountOnlyWhereTheRouteHonoursThem() {
    #expect(serve(freshness(), at: 1_001, "no-cache") == .revalidate(.requestDirective))
    #expect(serve(freshness(), at: 1_001, "no-cache", honours: false) == .fresh)
    #expect(serve(freshness(), at: 1_001, "max-age=0", honours: false) == .fresh)
  }

  /// RFC 9111 section 5.2.1.1.
  @Test func maxAgeOfARequestBoundsTheAge() {
    #expect(serve(freshness(), at: 1_010, "max-age=10") == .fresh)
    #expect(serve(freshness(), at: 1_011, "max-age=10") == .revalidate(.requestDirective))
    #expect(serve(freshness(), at: 1_001, "max-age=x") == .revalidate(.requestDirective))
    #expect(
      serve(freshness(), at: 1_030, "max-age=10, max-stale") == .revalidate(.requestDirective))
  }

  /// RFC 9111 section 5.2.1.3.
  @Test func minFreshAsksForWhatRemains() {
    #expect(serve(freshness(), at: 1_050, "min-fresh=10") == .fresh)
    #expect(serve(freshness(), at: 1_051, "min-fresh=10") == .revalidate(.requestDirective))
    let windowed = freshness(whileRevalidate: 10)
    #expect(serve(windowed, at: 1_060, "min-fresh=1") == .revalidate(.requestDirective))
  }

  /// RFC 9111 section 5.2.1.2.
  @Test func maxStaleLetsStaleResponsesThroughUnlessForbidden() {
    #expect(serve(freshness(), at: 1_070, "max-stale=10") == .fresh)
    #expect(serve(freshness(), at: 1_071, "max-stale=10") == .revalidate(.stale))
    #expect(serve(freshness(), at: 9_999, "max-stale") == .fresh)
    #expect(serve(freshness(.mustRevalidate), at: 1_070, "max-stale=10") == .revalidate(.stale))
  }

  /// RFC 8246 section 2.
  @Test func immutableResponsesFollowNoReloadWhileFresh() {
    #expect(serve(freshness(.immutable), at: 1_030, "max-age=0") == .fresh)
    #expect(serve(freshness(.immutable), at: 1_030, "no-cache") == .revalidate(.requestDirective))
    #expect(serve(freshness(.immutable), at: 1_060, "max-age=0") == .revalidate(.requestDirective))
  }

  private func servesOnError(
    _ freshness: Freshness, at now: Int64, isUnreachable: Bool = false, unreachable: Int64 = 100
  ) -> Bool {
    ServePolicy.mayServeStaleOnError(
      freshness, now: now, isUnreachable: isUnreachable,
      rules: PolicyRules(staleWhenUnreachableSeconds: unreachable))
  }

  @Test func staleIfErrorServesUntilItsWindowEnds() {
    #expect(servesOnError(freshness(ifError: 10), at: 1_069))
    #expect(!servesOnError(freshness(ifError: 10), at: 1_070))
    #expect(!servesOnError(freshness(), at: 1_060))
    #expect(servesOnError(freshness(ifError: 10, .mustRevalidate), at: 1_069))
  }

  /// RFC 9111 section 4.2.4.
  @Test func anUnreachableOriginAllowsStaleUseThatNothingForbids() {
    let allowed = freshness(.mayServeStaleOnFailure)
    #expect(!servesOnError(allowed, at: 1_060))
    #expect(servesOnError(allowed, at: 1_159, isUnreachable: true))
    #expect(!servesOnError(allowed, at: 1_160, isUnreachable: true))
    #expect(!servesOnError(allowed, at: 1_060, isUnreachable: true, unreachable: 0))
    #expect(!servesOnError(freshness(.mustRevalidate), at: 1_060, isUnreachable: true))
  }

  @Test func noCacheIsNotServedOnErrorsEither() {
    #expect(
      !servesOnError(freshness(ifError: 10, .alwaysRevalidate), at: 1_000, isUnreachable: true))
  }

  /// RFC 9111 section 5.2.1.7: on every route, whether its directives count or not.
  @Test(
    arguments: [
      ("max-age=5, Only-If-Cached", true), ("only-if-cached", true), ("only-if-cached=x", true),
      ("ONLY-IF-CACHED ,", true), ("x=\"only-if-cached\"", false), ("only-if-cache", false),
      ("no-cache", false), ("", false),
    ] as [(String, Bool)])
  func onlyIfCachedIsSeen(value: String, expected: Bool) {
    #expect(ServePolicy.onlyIfCached(makeRequest(fields: [("Cache-Control", value)])) == expected)
    #expect(!ServePolicy.onlyIfCached(makeRequest(fields: [("Pragma", value)])))
  }

  @Test func onlyIfCachedIsSeenOnAnyLine() {
    let fields = [("Cache-Control", "max-age=1"), ("cache-control", "only-if-cached")]
    #expect(ServePolicy.onlyIfCached(makeRequest(fields: fields)))
    #expect(!ServePolicy.onlyIfCached(makeRequest()))
  }

  private func serve(_ fields: [(String, String)], honours: Bool = true) -> ServeDecision {
    ServePolicy.decide(
      freshness(), request: makeRequest(fields: fields), now: 1_001,
      rules: PolicyRules(honoursRequestDirectives: honours))
  }

  /// RFC 9111 section 5.4.
  @Test func pragmaSpeaksOnlyWhereCacheControlIsSilent() {
    let asked = ServeDecision.revalidate(.requestDirective)
    #expect(serve([("Pragma", "no-cache")]) == asked)
    #expect(serve([("Pragma", "x, No-Cache")]) == asked)
    #expect(serve([("Pragma", "no-cache"), ("Cache-Control", "max-age=60")]) == .fresh)
    #expect(serve([("Pragma", "no-cache"), ("Cache-Control", "")]) == .fresh)
    #expect(serve([("Pragma", "no-cache")], honours: false) == .fresh)
    #expect(serve([("Pragma", "no-store")]) == .fresh)
    #expect(serve([("Pragma", "\"no-cache\"")]) == .fresh)
  }

  /// RFC 9111 section 5.2.1: odd writing.
  @Test(
    arguments: [
      ("max-age=\"60\"", true), ("MAX-AGE=60", true), ("max-age=60, max-age=0", false),
      ("max-age=-1", false), ("max-age=1.5", false), ("max-age", false), ("max-age=", false),
      ("max-age = 60", false), ("max-age='60'", false), ("max-age=99999999999999999999", true),
      ("min-fresh=x", true), ("min-fresh=59", true), ("min-fresh=60", false),
      ("min-fresh=99999999999999999999", false), ("no-cache=\"x\"", false), ("no-cache=x", false),
      ("nocache", true), ("no-store", true), ("unknown=1, ,", true), ("max-stale=x", true),
      ("s-maxage=0", true), ("must-revalidate", true), ("private", true),
    ] as [(String, Bool)])
  func directivesOfTheRequestAreReadStrictly(value: String, isFresh: Bool) {
    let expected = isFresh ? ServeDecision.fresh : .revalidate(.requestDirective)
    #expect(serve([("Cache-Control", value)]) == expected)
    #expect(serve([("Cache-Control", value)], honours: false) == .fresh)
  }

  /// RFC 9111 section 5.2.1.2.
  @Test func maxStaleYieldsToWhatIsStricter() {
    #expect(serve(freshness(), at: 1_060, "max-stale=0") == .fresh)
    #expect(serve(freshness(), at: 1_061, "max-stale=0") == .revalidate(.stale))
    #expect(serve(freshness(), at: 1_061, "max-stale=x") == .revalidate(.stale))
    #expect(serve(freshness(), at: 1_061, "max-stale=5, max-stale=0") == .revalidate(.stale))
    #expect(
      serve(freshness(), at: 1_061, "max-stale=9, min-fresh=1") == .revalidate(.requestDirective))
    #expect(
      serve(freshness(), at: 1_061, "max-stale, no-cache") == .revalidate(.requestDirective))
    #expect(serve(freshness(), at: 1_061, "max-stale", honours: false) == .revalidate(.stale))
  }

  /// RFC 5861 section 4.
  @Test func staleIfErrorOfARequestCountsWhereHonouredAndNothingForbids() {
    func serves(_ now: Int64, honours: Bool = true, _ flags: FreshnessFlags = []) -> Bool {
      ServePolicy.mayServeStaleOnError(
        freshness(flags), now: now, isUnreachable: false,
        rules: PolicyRules(honoursRequestDirectives: honours),
        request: makeRequest(fields: [("Cache-Control", "stale-if-error=10")]))
    }
    #expect(serves(1_069) && !serves(1_070))
    #expect(!serves(1_065, honours: false) && !serves(1_065, .mustRevalidate))
  }
}
