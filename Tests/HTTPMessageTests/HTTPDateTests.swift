import HTTPMessage
import NIOCore
import Testing

/// RFC 9110 section 5.6.7.
@Suite struct HTTPDateTests {
  private func parse(_ text: String, now: Int64 = HTTPDate.referenceSeconds) -> Int64? {
    Array(text.utf8).withUnsafeBytes { HTTPDate.parse($0, now: now) }
  }

  private func write(_ seconds: Int64) -> String {
    var buffer = ByteBuffer()
    HTTPDate.write(seconds, into: &buffer)
    return String(buffer: buffer)
  }

  @Test(
    arguments: [
      ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
      ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
      ("Sun Nov  6 08:49:37 1994", 784_111_777),
      ("Wed Nov 16 08:49:37 1994", 784_975_777),
      ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
      ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
      ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
      ("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800),
      ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
      ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
    ] as [(String, Int64)])
  func allThreeFormsAreRead(text: String, seconds: Int64) {
    #expect(parse(text) == seconds)
  }

  @Test(arguments: [
    "", "0", "-1", "now", "Sun", "Sun,", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 gMT",
    "Sun, 06 Nov 1994 08:49:37 +0000", "Sun, 06 Nov 1994 08:49:37 GMT ",
    " Sun, 06 Nov 1994 08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT",
    "Sun,06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 06  Nov 1994 08:49:37 GMT", "Sun, 06 NOV 1994 08:49:37 GMT",
    "SUN, 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT",
    "Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT",
    "Sun, 06 Nov 1994 08.49.37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
    "Thu, 29 Feb 2023 00:00:00 GMT", "Thu, 29 Feb 1900 00:00:00 GMT",
    "Thu, 31 Apr 2023 00:00:00 GMT", "Thu, 00 Apr 2023 00:00:00 GMT",
    "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 1994 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
    "Someday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z",
  ])
  func everythingElseIsInvalid(text: String) {
    #expect(parse(text) == nil)
  }

  @Test func twoDigitYearsLieAtMostFiftyYearsAhead() throws {
    let now = try #require(parse("Thu, 01 Jan 2026 00:00:00 GMT"))
    #expect(
      parse("Sunday, 06-Nov-27 08:49:37 GMT", now: now) == parse("Sun, 06 Nov 2027 08:49:37 GMT"))
    #expect(
      parse("Sunday, 06-Nov-75 08:49:37 GMT", now: now) == parse("Sun, 06 Nov 2075 08:49:37 GMT"))
    #expect(
      parse("Sunday, 06-Nov-77 08:49:37 GMT", now: now) == parse("Sun, 06 Nov 1977 08:49:37 GMT"))
    // Fifty years to the second is not more than fifty years.
    #expect(
      parse("Sunday, 01-Jan-76 00:00:00 GMT", now: now) == parse("Sun, 01 Jan 2076 00:00:00 GMT"))
    #expect(
      parse("Sunday, 01-Jan-76 00:00:01 GMT", now: now) == parse("Sun, 01 Jan 1976 00:00:01 GMT"))
    // Late in a century small numbers belong to the next one.
    let late = try #require(parse("Thu, 01 Jan 2090 00:00:00 GMT"))
    #expect(
      parse("Sunday, 06-Nov-10 08:49:37 GMT", now: late) == parse("Sun, 06 Nov 2110 08:49:37 GMT"))
  }

  @Test func leapDayOfATwoDigitYearIsCheckedInItsCentury() throws {
    let now = try #require(parse("Thu, 01 Jan 2026 00:00:00 GMT"))
    #expect(parse("Tuesday, 29-Feb-00 00:00:00 GMT", now: now) == 951_782_400)
    #expect(parse("Tuesday, 29-Feb-01 00:00:00 GMT", now: now) == nil)
  }

  @Test func thePreferredFormIsWritten() {
    #expect(write(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(write(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
    #expect(write(-1) == "Wed, 31 Dec 1969 23:59:59 GMT")
    #expect(write(.max) == "Fri, 31 Dec 9999 23:59:59 GMT")
    #expect(write(.min) == "Sat, 01 Jan 0000 00:00:00 GMT")
  }

  @Test func everyDayOfFourHundredYearsReadsBackAsWritten() {
    var mismatches: [Int64] = []
    var seconds: Int64 = -11_676_096_000
    for _ in 0..<146_097 {
      if parse(write(seconds)) != seconds { mismatches.append(seconds) }
      seconds += 86_400 + 7
    }
    #expect(mismatches.isEmpty)
  }
}
