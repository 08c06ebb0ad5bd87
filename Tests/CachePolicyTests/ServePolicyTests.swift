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

  /// RFC 9111 section 5.2.1.7.
  @Test func onlyIfCachedIsSeen() {
    #expect(
      ServePolicy.onlyIfCached(
        makeRequest(fields: [("Cache-Control", "max-age=5, Only-If-Cached")])))
    #expect(!ServePolicy.onlyIfCached(makeRequest(fields: [("Cache-Control", "no-cache")])))
    #expect(!ServePolicy.onlyIfCached(makeRequest()))
  }
}
