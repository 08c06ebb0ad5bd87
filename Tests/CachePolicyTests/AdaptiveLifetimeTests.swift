import HTTPMessage
import Testing

@testable import CachePolicy

/// Lifetimes for what RFC 9111 section 4.2.2 leaves to the cache.
@Suite struct AdaptiveLifetimeTests {
  private func previous(_ granted: Int64, _ elapsed: Int64, age: Int64 = 0) -> Freshness {
    Freshness(
      responseTimeSeconds: receipt - elapsed, initialAgeSeconds: age,
      lifetimeSeconds: granted + age,
      flags: FreshnessFlags().tracing(LifetimeTrace(row: .adaptive, rowSeconds: nil)))
  }

  private func next(_ previous: Freshness?, isUnchanged: Bool, start: Int64 = 500) -> Int64 {
    AdaptiveLifetime.next(
      start: start, previous: previous, isUnchanged: isUnchanged, now: receipt)
  }

  @Test func anObjectWithoutHistoryGetsItsStart() {
    #expect(next(nil, isUnchanged: false) == 500)
    #expect(next(nil, isUnchanged: false, start: 0) == 1)
    // A lifetime that the origin declared is no history.
    let declared = Freshness(
      responseTimeSeconds: receipt - 10, initialAgeSeconds: 0, lifetimeSeconds: 10)
    #expect(next(declared, isUnchanged: true) == 500)
  }

  @Test func itDoublesWhenItStoodForAllOfIt() {
    #expect(next(previous(100, 100), isUnchanged: true) == 200)
    #expect(next(previous(100, 100, age: 30), isUnchanged: true) == 200)
    #expect(next(previous(100, 99), isUnchanged: true) == 100)
  }

  @Test func itDoesNotGrowWhenNobodyAsks() {
    #expect(next(previous(100, 260), isUnchanged: true) == 200)
    #expect(next(previous(100, 261), isUnchanged: true) == 100)
  }

  @Test func itShrinksWhenTheObjectChanged() {
    #expect(next(previous(100, 100), isUnchanged: false) == 50)
    #expect(next(previous(100, 10_000), isUnchanged: false) == 50)
    #expect(next(previous(100, 20), isUnchanged: false) == 10)
    #expect(next(previous(1, 1), isUnchanged: false) == 1)
    #expect(next(previous(100, -5), isUnchanged: false) == 1)
  }

  /// A day in the life of an object: revalidated when stale, changed once.
  @Test func revalidationsCarryItOn() throws {
    let rules = PolicyRules(
      ttl: TTLBounds(defaultSeconds: 100, minimumSeconds: 0, maximumSeconds: 500),
      isAdaptive: true)
    let first = makeResponse(200, [("ETag", "\"a\"")])
    var freshness = try #require(decide(first, rules).freshness)
    let stored = StorePolicy.storedFields(response: first, freshness: freshness, rules: rules)
    var now = receipt
    var lifetimes: [Int64] = [freshness.remainingSeconds(now: now)]
    for _ in 0..<3 {
      now += freshness.remainingSeconds(now: now)
      let decision = StorePolicy.decideRefreshed(
        request: makeRequest(), storedStatus: 200, stored: stored,
        notModified: makeResponse(304), requestTime: now, responseTime: now, rules: rules,
        previous: freshness
      ).decision
      freshness = try #require(decision.freshness)
      lifetimes.append(freshness.remainingSeconds(now: now))
    }
    #expect(lifetimes == [100, 200, 400, 500])
    #expect(freshness.trace?.row == .adaptive)
    #expect(freshness.trace?.clamps == .cutAtMaximum)

    now += 500
    let changed = makeResponse(200, [("ETag", "\"b\"")])
    let decision = StorePolicy.decide(
      request: makeRequest(), response: changed, requestTime: now, responseTime: now, rules: rules,
      previous: freshness,
      isUnchanged: StorePolicy.isUnchanged(stored: stored, response: changed))
    #expect(decision.freshness?.remainingSeconds(now: now) == 250)
    #expect(decision.source == .adaptive)
  }

  @Test func declaredLifetimesStatusesAndErrorsAreNotAdaptive() {
    let rules = PolicyRules(statusLifetimes: [204: 9], isAdaptive: true)
    #expect(decide(makeResponse(200, [("Cache-Control", "max-age=5")]), rules).source == .maxAge)
    #expect(decide(makeResponse(204), rules).source == .statusLifetime)
    #expect(decide(makeResponse(404), rules).source == .errorLifetime)
    #expect(decide(makeResponse(200), PolicyRules()).source == .routeDefault)
  }
}
