import HTTPMessage
import Testing

@testable import CachePolicy

/// Errors without a declared lifetime (RFC 9110 section 15.1, RFC 9111 section 4.2.2).
@Suite struct ErrorLifetimeTests {
  private func result(
    _ status: Int, _ control: String? = nil, _ rules: PolicyRules = PolicyRules()
  ) -> (Int64, LifetimeSource)? {
    let fields = control.map { [("Cache-Control", $0)] } ?? []
    guard case .store(let freshness, let source) = decide(makeResponse(status, fields), rules)
    else { return nil }
    return (freshness.lifetimeSeconds, source)
  }

  private let all = PolicyRules(
    errors: ErrorLifetimes(seconds: 10, includesServerErrors: true))

  @Test(arguments: [404, 405, 410, 414, 501])
  func cacheableErrorsGetTenSecondsAndNotTheDefault(status: Int) throws {
    #expect(try #require(result(status)) == (10, .errorLifetime))
    #expect(result(status, nil, PolicyRules(errors: ErrorLifetimes(seconds: 0))) == nil)
    #expect(try #require(result(status, "max-age=3")) == (3, .maxAge))
  }

  @Test(arguments: [500, 502, 503, 504])
  func serverErrorsWithoutALifetimeAreNotStoredUnlessTheRouteSaysSo(status: Int) throws {
    #expect(result(status) == nil)
    #expect(result(status, "public") == nil)
    #expect(try #require(result(status, "max-age=3")) == (3, .maxAge))
    #expect(try #require(result(status, nil, all)) == (10, .errorLifetime))
    let none = PolicyRules(errors: ErrorLifetimes(seconds: 0, includesServerErrors: true))
    #expect(result(status, nil, none) == nil)
  }

  @Test(arguments: [404, 405, 410, 414, 500, 501, 502, 503, 504])
  func whereTheRouteStoresAllErrorsTheLargerLifetimeCounts(status: Int) throws {
    #expect(try #require(result(status, "max-age=3", all)) == (10, .errorLifetime))
    #expect(try #require(result(status, "max-age=10", all)) == (10, .maxAge))
    #expect(try #require(result(status, "max-age=11", all)) == (11, .maxAge))
    for forbidding in ["no-store", "private", "no-cache", "no-store, max-age=60"] {
      #expect(result(status, forbidding, all) == nil)
    }
  }

  @Test(arguments: [400, 401, 403, 451, 505, 599])
  func otherErrorsAreNotAmongThem(status: Int) throws {
    #expect(result(status, nil, all) == nil)
    #expect(try #require(result(status, "max-age=3", all)) == (3, .maxAge))
  }

  @Test func theRoutesBoundsAndItsStatusesGoFirst() throws {
    var rules = all
    rules.ttl = TTLBounds(defaultSeconds: 100, minimumSeconds: 50, maximumSeconds: 1_000)
    #expect(try #require(result(404, nil, rules)) == (10, .errorLifetime))
    #expect(try #require(result(404, "max-age=3", rules)) == (50, .routeMinimum))
    rules.ttl = TTLBounds(defaultSeconds: 5, minimumSeconds: 0, maximumSeconds: 6)
    #expect(try #require(result(404, nil, rules)) == (6, .routeMaximum))
    #expect(try #require(result(404, "max-age=3", rules)) == (6, .errorLifetime))
    rules.statusLifetimes = [404: 2]
    #expect(try #require(result(404, nil, rules)) == (2, .statusLifetime))
  }
}

/// RFC 9111 section 4.2.2.
@Suite struct HeuristicLifetimeTests {
  private func result(
    _ fields: [(String, String)], percent: Int64 = 10, maximum: Int64 = 86_400,
    ttl: TTLBounds = TTLBounds()
  ) -> (Int64, LifetimeSource)? {
    let rules = PolicyRules(
      ttl: ttl, heuristic: HeuristicLifetime(percent: percent, maximumSeconds: maximum))
    guard case .store(let freshness, let source) = decide(makeResponse(200, fields), rules)
    else { return nil }
    return (freshness.lifetimeSeconds, source)
  }

  private func modified(_ seconds: Int64) -> [(String, String)] {
    [("Last-Modified", httpDate(receipt - seconds))]
  }

  @Test func aShareOfTheTimeSinceLastModifiedIsTheLifetime() throws {
    #expect(try #require(result(modified(1_000))) == (100, .heuristic))
    #expect(try #require(result(modified(1_009))) == (100, .heuristic))
    #expect(try #require(result(modified(1_000), percent: 50)) == (500, .heuristic))
    let dated = [("Date", httpDate(receipt - 500))] + modified(1_500)
    #expect(try #require(result(dated)) == (100, .heuristic))
  }

  @Test func itIsCapped() throws {
    #expect(try #require(result(modified(863_999))) == (86_399, .heuristic))
    #expect(try #require(result(modified(864_000))) == (86_400, .heuristic))
    #expect(try #require(result(modified(700_000_000))) == (86_400, .heuristic))
  }

  @Test func aDeclaredLifetimeLeavesNoRoomForIt() throws {
    #expect(
      try #require(result(modified(1_000) + [("Cache-Control", "max-age=5")])) == (5, .maxAge))
    #expect(try #require(result(modified(1_000) + [("Expires", "0")])) == (0, .expires))
  }

  @Test func withoutAValidLastModifiedTheDefaultCounts() throws {
    #expect(try #require(result([])) == (86_400, .routeDefault))
    #expect(try #require(result([("Last-Modified", "yesterday")])) == (86_400, .routeDefault))
    // What changed just now, or by its clock tomorrow, may change again at once.
    #expect(try #require(result(modified(0))) == (0, .heuristic))
    #expect(try #require(result(modified(-60))) == (0, .heuristic))
  }

  @Test func theRoutesBoundsHold() throws {
    let ttl = TTLBounds(defaultSeconds: 60, minimumSeconds: 50, maximumSeconds: 200)
    #expect(try #require(result(modified(100), ttl: ttl)) == (50, .routeMinimum))
    #expect(try #require(result(modified(5_000), ttl: ttl)) == (200, .routeMaximum))
  }

  @Test func theSwitchIsOffByDefault() {
    #expect(decide(makeResponse(200, modified(1_000))).source == .routeDefault)
  }
}
