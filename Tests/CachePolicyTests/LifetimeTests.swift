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

  /// RFC 9111 section 5.3, RFC 9110 section 5.6.7.
  @Test(arguments: [
    "Thu, 18 Aug 2050 02:01:18 GMT", "Thursday, 18-Aug-50 02:01:18 GMT", "Thu Aug 18 02:01:18 2050",
    "Thu Aug  8 02:01:18 2050",
    // RFC 9111 section 4.2: in any letter case.
    "thu, 18 aug 2050 02:01:18 gmt", "THU, 18 AUG 2050 02:01:18 GMT",
    "THURSDAY, 18-aug-50 02:01:18 Gmt", "tHU aUG 18 02:01:18 2050",
  ])
  func allThreeDateFormsOfExpiresAreRead(value: String) throws {
    // Read today, since a two-digit year is the one nearest to the receipt.
    let now: Int64 = 1_767_225_600
    let decision = StorePolicy.decide(
      request: makeRequest(), response: makeResponse(200, [("Expires", value)]), requestTime: now,
      responseTime: now, rules: PolicyRules(ttl: TTLBounds(maximumSeconds: .max)))
    #expect(decision.source == .expires)
    #expect(try #require(decision.freshness).lifetimeSeconds > 700_000_000)
  }

  /// RFC 9111 section 5.3: anything but a date has expired.
  @Test(arguments: [
    "0", "-1", "", "never", "Thu, 18 Aug 2050 02:01:18 UTC", "Thu, 18 Aug 2050 02:01:18 AEST",
    "thu, 18 aug 2050 02:01:18 utc", "Thu, 18 Aug 2050 02:01:18 EST",
    "Thu, 18 Aug 2050 02:01:18 +0000", "Thu, 18 Aug 2050 02:01:18", "Thu, 18 Aug 50 02:01:18 GMT",
    "Thu, 8 Aug 2050 02:01:18 GMT", "Thu 18 Aug 2050 02:01:18 GMT",
    "Thu, 18-Aug-2050 02:01:18 GMT", "Thu, 18 Aug 2050 2:01:18 GMT",
    "Thu, 18 Aug 2050 02:01 GMT", "Thu,  18 Aug 2050 02:01:18 GMT",
    "Thursday, 18 Aug 2050 02:01:18 GMT",

    "Thu, 18 Aug 2050 02.01.18 GMT", "Thu, 18 Aug 2050 24:01:18 GMT",
    "Thu, 32 Aug 2050 02:01:18 GMT", "18 Aug 2050 02:01:18 GMT", "2050-08-18T02:01:18Z",
    "2544314478", "Thu, 18 Aug 2050 02:01:18 GMT, x", "\"Thu, 18 Aug 2050 02:01:18 GMT\"",
  ])
  func invalidExpiresHasExpired(value: String) throws {
    #expect(try #require(lifetime([("Expires", value)])) == (0, .expires))
  }

  @Test func pastAndRepeatedExpiresHaveExpired() throws {
    #expect(try #require(lifetime([("Expires", httpDate(receipt - 5))])) == (0, .expires))
    #expect(try #require(lifetime([("Expires", httpDate(receipt))])) == (0, .expires))
    #expect(try #require(lifetime([("Expires", httpDate(receipt + 1))])) == (1, .expires))
    let twice = [("Expires", httpDate(receipt + 30)), ("Expires", httpDate(receipt + 30))]
    #expect(try #require(lifetime(twice)) == (0, .expires))
  }

  /// RFC 9111 section 1.2.2.
  @Test func secondsBeyondTwoToThe31AreTwoToThe31() throws {
    let rules = bounds(0, 100, .max)
    for (text, seconds) in [
      ("2147483647", 2_147_483_647), ("2147483648", 2_147_483_648), ("2147483649", 2_147_483_648),
      ("9999999999999999999999", 2_147_483_648),
    ] as [(String, Int64)] {
      let found = lifetime([("Cache-Control", "max-age=\(text)")], rules)
      #expect(try #require(found) == (seconds, .maxAge))
    }
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
    // A configuration with a minimum above the maximum does not load; here the maximum holds.
    #expect(try #require(lifetime([], bounds(5_000, 100, 1_000))) == (1_000, .routeMinimum))
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
