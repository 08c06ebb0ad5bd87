import HTTPMessage
import Testing

@testable import CachePolicy

/// RFC 9111 sections 4.2.3 and 5.1.
@Suite struct ResponseAgeTests {
  private func initialAge(_ fields: [(String, String)], delay: Int64 = 0) -> Int64 {
    ResponseAge.correctedInitialAge(
      makeFields(fields), requestTime: receipt - delay, responseTime: receipt)
  }

  @Test(
    arguments: [
      ([], 0), (["0"], 0), (["7200"], 7_200), (["7200, 0"], 7_200), (["0, 7200"], 0),
      (["7200", "0"], 7_200), (["0", "7200"], 0), (["abc"], 0), (["-7200"], 0), (["7200.0"], 0),
      ([""], 0), (["abc, 5"], 0), (["abc", "5"], 0), (["", "5"], 5), ([", 5"], 5), (["+5"], 0),
      (["5;a=b"], 0), (["\"5\""], 0), (["5 6"], 0), (["0x10"], 0), (["007"], 7),
      (["2147483647"], 2_147_483_647), (["2147483649"], 2_147_483_648),
      (["99999999999999999999"], 2_147_483_648),
    ] as [([String], Int64)])
  func theFirstMemberOfAgeCountsIfItIsAWholeNumber(values: [String], age: Int64) {
    #expect(initialAge(values.map { ("Age", $0) }) == age)
  }

  @Test func theLargerOfClockAndAgeCounts() {
    #expect(initialAge([("Date", httpDate(receipt - 100)), ("Age", "30")]) == 100)
    #expect(initialAge([("Date", httpDate(receipt - 30)), ("Age", "100")]) == 100)
    #expect(initialAge([("Date", httpDate(receipt - 30))]) == 30)
  }

  @Test func theTimeUnderWayIsAddedToAgeAndNotToTheClock() {
    #expect(initialAge([("Age", "100")], delay: 5) == 105)
    #expect(initialAge([("Date", httpDate(receipt - 100))], delay: 5) == 100)
    #expect(initialAge([], delay: 5) == 5)
  }

  @Test func datesAheadOfTheEdgeAndClocksSetBackMakeNoNegativeAge() {
    #expect(initialAge([("Date", httpDate(receipt + 1_000))]) == 0)
    #expect(initialAge([("Age", "10")], delay: -50) == 10)
  }

  @Test func aMissingOrInvalidDateCountsAsTheReceipt() {
    #expect(initialAge([("Date", "yesterday"), ("Age", "4")]) == 4)
    #expect(initialAge([("Date", "yesterday"), ("Date", httpDate(receipt - 9))]) == 9)
    #expect(initialAge([("Date", httpDate(receipt - 9)), ("Date", httpDate(receipt))]) == 9)
  }
}

/// RFC 9111 section 4.2.
@Suite struct FreshnessTests {
  private let freshness = Freshness(
    responseTimeSeconds: 1_000, initialAgeSeconds: 10, lifetimeSeconds: 60)

  @Test func ageGrowsWithTheTimeSinceReceipt() {
    #expect(freshness.age(now: 1_000) == 10)
    #expect(freshness.age(now: 1_025) == 35)
  }

  @Test func aClockSetBackMakesNothingYounger() {
    #expect(freshness.age(now: 500) == 10)
  }

  @Test func itIsFreshWhileItsAgeIsBelowItsLifetime() {
    #expect(freshness.isFresh(now: 1_049))
    #expect(!freshness.isFresh(now: 1_050))
    #expect(freshness.remainingSeconds(now: 1_049) == 1)
    #expect(freshness.remainingSeconds(now: 1_050) == 0)
    #expect(freshness.remainingSeconds(now: 1_060) == -10)
  }
}
