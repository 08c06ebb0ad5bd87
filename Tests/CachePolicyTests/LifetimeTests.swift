import HTTPMessage
import Testing

@testable import CachePolicy

/// RFC 9111 section 4.2.1 under a route's bounds.
@Suite struct LifetimeTests {
  private func lifetime(
    _ fields: [(String, String)], _ rules: PolicyRules = PolicyRules(), status: Int = 200
  ) -> (Int64, LifetimeSource)? {
    // A validator, so that a lifetime of zero is stored as well.
    guard
      case .store(let freshness, let source) = decide(
        makeResponse(status, fields + [("ETag", "x")]), rules)
    else { return nil }
    return (freshness.lifetimeSeconds, source)
  }

  private func bounds(_ minimum: Int64, _ standard: Int64, _ maximum: Int64) -> PolicyRules {
    PolicyRules(
      ttl: TTLBounds(
        defaultSeconds: standard, minimumSeconds: minimum, maximumSeconds: maximum))
  }

  @Test func sharedLifetimesComeFirstThenMaxAgeThenExpires() throws {
    let expires = [("Expires", httpDate(receipt + 30)), ("Date", httpDate(receipt))]
    let both = [("Cache-Control", "max-age=10, s-maxage=20")] + expires
    #expect(try #require(lifetime(both)) == (20, .sMaxAge))
    #expect(try #require(lifetime([("Cache-Control", "max-age=10")] + expires)) == (10, .maxAge))
    #expect(try #require(lifetime(expires)) == (30, .expires))
    let zero = [("Cache-Control", "s-maxage=0, max-age=10")]
    #expect(try #require(lifetime(zero)) == (0, .sMaxAge))
  }

  /// RFC 9111 section 5.3.
  @Test func expiresCountsFromDateAndElseFromTheReceipt() throws {
    let early = [("Expires", httpDate(receipt + 30)), ("Date", httpDate(receipt - 10))]
    #expect(try #require(lifetime(early)) == (40, .expires))
    #expect(try #require(lifetime([("Expires", httpDate(receipt + 30))])) == (30, .expires))
    let badDate = [("Expires", httpDate(receipt + 30)), ("Date", "x")]
    #expect(try #require(lifetime(badDate)) == (30, .expires))
  }

  @Test func invalidPastAndRepeatedExpiresHaveExpired() throws {
    for value in ["0", "-1", "", "Thu, 18 Aug 2050 02:01:18 UTC", httpDate(receipt - 5)] {
      #expect(try #require(lifetime([("Expires", value)])) == (0, .expires), "\(value)")
    }
    let twice = [("Expires", httpDate(receipt + 30)), ("Expires", httpDate(receipt + 30))]
    #expect(try #require(lifetime(twice)) == (0, .expires))
  }

  @Test func withoutAMinimumTheOriginIsCutAtTheMaximumOnly() throws {
    let rules = bounds(0, 100, 1_000)
    #expect(try #require(lifetime([("Cache-Control", "max-age=1")], rules)) == (1, .maxAge))
    #expect(try #require(lifetime([("Cache-Control", "max-age=1000")], rules)) == (1_000, .maxAge))
    let long = [("Cache-Control", "max-age=1001")]
    #expect(try #require(lifetime(long, rules)) == (1_000, .routeMaximum))
    #expect(try #require(lifetime([], rules)) == (100, .routeDefault))
    #expect(try #require(lifetime([], bounds(0, 100, 50))) == (50, .routeMaximum))
  }

  @Test func aMinimumRaisesWhatIsShortOrForbidden() throws {
    let rules = bounds(50, 100, 1_000)
    for value in ["max-age=1", "no-store", "no-cache", "private", "max-age=900, private"] {
      let found = lifetime([("Cache-Control", value)], rules)
      #expect(try #require(found) == (50, .routeMinimum), "\(value)")
    }
    #expect(try #require(lifetime([("Cache-Control", "max-age=50")], rules)) == (50, .maxAge))
    #expect(try #require(lifetime([], rules)) == (100, .routeDefault))
    #expect(try #require(lifetime([], bounds(500, 100, 1_000))) == (500, .routeMinimum))
    #expect(try #require(lifetime([], bounds(5_000, 100, 1_000))) == (1_000, .routeMaximum))
  }

  @Test func statusLifetimesStandInForTheDefaultAndIgnoreTheMinimum() throws {
    var rules = bounds(50, 100, 1_000)
    rules.statusLifetimes = [404: 10, 500: 5, 410: 5_000]
    #expect(try #require(lifetime([], rules, status: 404)) == (10, .statusLifetime))
    #expect(try #require(lifetime([], rules, status: 500)) == (5, .statusLifetime))
    #expect(try #require(lifetime([], rules, status: 410)) == (1_000, .routeMaximum))
    let explicit = [("Cache-Control", "max-age=200")]
    #expect(try #require(lifetime(explicit, rules, status: 404)) == (200, .maxAge))
  }

  /// What the operator grants counts from the receipt, what the origin grants from its Date.
  @Test func operatorsLifetimesAreNotEatenByAgeAndOriginsAre() throws {
    let age = ("Age", "30")
    #expect(try #require(lifetime([age], bounds(0, 100, 1_000))) == (130, .routeDefault))
    let short = [("Cache-Control", "max-age=60"), age]
    #expect(try #require(lifetime(short, bounds(0, 100, 1_000))) == (60, .maxAge))
    #expect(try #require(lifetime(short, bounds(50, 100, 1_000))) == (80, .routeMinimum))
    #expect(try #require(lifetime(short, bounds(30, 100, 1_000))) == (60, .maxAge))
    let forbidden = [("Cache-Control", "no-store"), age]
    #expect(try #require(lifetime(forbidden, bounds(50, 100, 1_000))) == (80, .routeMinimum))
  }
}
