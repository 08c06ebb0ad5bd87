import HTTPMessage
import Testing

@testable import CachePolicy

private let modified = receipt - 1_000

/// RFC 9110 section 13, RFC 9111 section 4.3.2.
@Suite struct ConditionalPolicyTests {
  private func evaluate(
    _ fields: [(String, String)], method: String = "GET", etag: String? = "\"a\"",
    lastModified: Int64? = modified, status: Int = 200
  ) -> Precondition {
    func run(_ tag: UnsafeRawBufferPointer?) -> Precondition {
      ConditionalPolicy.evaluate(
        request: makeRequest(method, fields: fields), etag: tag,
        lastModifiedSeconds: lastModified, dateSeconds: receipt, status: status)
    }
    if let etag { return withBytes(etag) { run($0) } }
    return run(nil)
  }

  @Test func withoutPreconditionsTheRequestProceeds() {
    #expect(evaluate([]) == .proceed)
    #expect(evaluate([("Accept", "x")]) == .proceed)
  }

  /// RFC 9110 section 13.1.2.
  @Test(
    arguments: [
      (#""a""#, .notModified), (#"W/"a""#, .notModified), (#""x", "a""#, .notModified),
      ("*", .notModified), (#""b""#, .proceed), ("", .proceed), (#""x","a""#, .notModified),
      (#"W/"x",W/"a""#, .notModified), ("a", .notModified), ("x,a", .notModified),
      ("b", .proceed), (#""a,b""#, .proceed), (#""a"b"#, .notModified), (#""A""#, .proceed),
      (#""*""#, .proceed), ("**", .proceed), (#","a","#, .notModified), (#"w/"a""#, .proceed),
    ] as [(String, Precondition)])
  func ifNoneMatchComparesWeakly(value: String, result: Precondition) {
    #expect(evaluate([("If-None-Match", value)]) == result)
    #expect(evaluate([("If-None-Match", value)], method: "HEAD") == result)
    let refused: Precondition = result == .notModified ? .failed : .proceed
    #expect(evaluate([("If-None-Match", value)], method: "POST") == refused)
  }

  @Test func tagsMayHoldCommasAndWeakMarks() {
    #expect(evaluate([("If-None-Match", #""x", "a,b""#)], etag: #""a,b""#) == .notModified)
    #expect(evaluate([("If-None-Match", #""a""#)], etag: #"W/"a""#) == .notModified)
    #expect(evaluate([("If-None-Match", #""a", "b""#)], etag: #""a,b""#) == .proceed)
    #expect(evaluate([("If-None-Match", #""a""#)], etag: "a") == .notModified)
  }

  @Test func ifNoneMatchOnSeveralLinesIsOneList() {
    #expect(evaluate([("If-None-Match", "\"x\""), ("if-none-match", "\"a\"")]) == .notModified)
  }

  @Test func withoutAStoredTagOnlyTheStarMatches() {
    #expect(evaluate([("If-None-Match", "*")], etag: nil) == .notModified)
    #expect(evaluate([("If-None-Match", "\"a\"")], etag: nil) == .proceed)
    #expect(evaluate([("If-Match", "*")], etag: nil) == .proceed)
    #expect(evaluate([("If-Match", "\"a\"")], etag: nil) == .failed)
  }

  /// RFC 9110 section 13.1.1.
  @Test func ifMatchComparesStrongly() {
    #expect(evaluate([("If-Match", "\"x\", \"a\"")]) == .proceed)
    #expect(evaluate([("If-Match", "*")]) == .proceed)
    #expect(evaluate([("If-Match", "W/\"a\"")]) == .failed)
    #expect(evaluate([("If-Match", "\"a\"")], etag: "W/\"a\"") == .failed)
    #expect(evaluate([("If-Match", "\"b\"")]) == .failed)
  }

  /// RFC 9110 section 13.1.3.
  @Test func ifModifiedSinceComparesWithLastModified() {
    #expect(evaluate([("If-Modified-Since", httpDate(modified))]) == .notModified)
    #expect(evaluate([("If-Modified-Since", httpDate(modified + 1))]) == .notModified)
    #expect(evaluate([("If-Modified-Since", httpDate(modified - 1))]) == .proceed)
    #expect(evaluate([("If-Modified-Since", httpDate(modified))], method: "HEAD") == .notModified)
    #expect(evaluate([("If-Modified-Since", httpDate(modified))], method: "POST") == .proceed)
  }

  /// RFC 9110 section 5.6.7: all three forms, and nothing else. The stored Last-Modified is
  /// Sun, 06 Nov 1994 08:32:57 GMT.
  @Test(
    arguments: [
      ("Sun, 06 Nov 1994 08:32:57 GMT", true), ("Sunday, 06-Nov-94 08:32:57 GMT", true),
      ("Sun Nov  6 08:32:57 1994", true), ("Sun, 06 Nov 2094 08:32:57 GMT", true),
      ("Sun, 06 Nov 1994 08:32:56 GMT", false), ("Sun Nov  6 08:32:56 1994", false),
      ("Sun, 06 Nov 2094 08:32:57 UTC", false), ("Sun, 6 Nov 2094 08:32:57 GMT", false),
      ("Sun 06 Nov 2094 08:32:57 GMT", false), ("Sun, 06-Nov-2094 08:32:57 GMT", false),
      ("Sun, 06 Nov 2094 8:32:57 GMT", false), ("Sun, 06 Nov 2094 08:32:57 +0000", false),
      ("2094-11-06T08:32:57Z", false), ("0", false), ("", false), ("99999999999", false),
    ] as [(String, Bool)])
  func ifModifiedSinceTakesTheThreeForms(value: String, isNotModified: Bool) {
    #expect(
      evaluate([("If-Modified-Since", value)]) == (isNotModified ? .notModified : .proceed))
  }

  @Test func dateStandsInForAMissingLastModified() {
    #expect(
      evaluate([("If-Modified-Since", httpDate(receipt))], lastModified: nil) == .notModified)
    #expect(
      evaluate([("If-Modified-Since", httpDate(receipt - 1))], lastModified: nil) == .proceed)
  }

  @Test func invalidAndRepeatedDatesDoNotCount() {
    #expect(evaluate([("If-Modified-Since", "tomorrow")]) == .proceed)
    let date = httpDate(modified)
    #expect(evaluate([("If-Modified-Since", date), ("If-Modified-Since", date)]) == .proceed)
    #expect(evaluate([("If-Unmodified-Since", "yesterday")]) == .proceed)
  }

  /// RFC 9110 section 13.1.4.
  @Test func ifUnmodifiedSinceFailsForWhatChangedLater() {
    #expect(evaluate([("If-Unmodified-Since", httpDate(modified - 1))]) == .failed)
    #expect(evaluate([("If-Unmodified-Since", httpDate(modified))]) == .proceed)
    #expect(
      evaluate([("If-Unmodified-Since", httpDate(modified - 1))], lastModified: nil) == .proceed)
  }

  /// RFC 9110 section 13.2.2.
  @Test func tagsTakePrecedenceOverDates() {
    let since = ("If-Modified-Since", httpDate(receipt))
    #expect(evaluate([since, ("If-None-Match", "\"b\"")]) == .proceed)
    #expect(
      evaluate([("If-Modified-Since", httpDate(1)), ("If-None-Match", "\"a\"")]) == .notModified)
    let unmodified = ("If-Unmodified-Since", httpDate(1))
    #expect(evaluate([unmodified, ("If-Match", "\"a\"")]) == .proceed)
    #expect(evaluate([("If-Match", "\"b\""), ("If-None-Match", "\"a\"")]) == .failed)
    #expect(evaluate([("If-Match", "\"a\""), ("If-None-Match", "\"a\"")]) == .notModified)
  }

  /// RFC 9110 section 13.2.1.
  @Test func preconditionsCountOnlyForASuccess() {
    for status in [301, 404, 500] {
      #expect(evaluate([("If-None-Match", "*")], status: status) == .proceed)
    }
    #expect(evaluate([("If-None-Match", "*")], status: 203) == .notModified)
  }
}

/// RFC 9110 section 13.1.5.
@Suite struct IfRangeTests {
  private func applies(
    _ value: String?, method: String = "GET", etag: String = "\"a\"",
    lastModified: Int64? = modified, date: Int64 = receipt
  ) -> Bool {
    withBytes(etag) { tag in
      ConditionalPolicy.rangeApplies(
        request: makeRequest(method, fields: value.map { [("If-Range", $0)] } ?? []), etag: tag,
        lastModifiedSeconds: lastModified, dateSeconds: date)
    }
  }

  @Test func withoutIfRangeARangeOfAGetApplies() {
    #expect(applies(nil))
    #expect(!applies(nil, method: "HEAD"))
    #expect(!applies(nil, method: "POST"))
  }

  @Test func tagsCompareStrongly() {
    #expect(applies("\"a\""))
    #expect(!applies("\"b\""))
    #expect(!applies("W/\"a\"", etag: "W/\"a\""))
    #expect(!applies("\"a\", \"b\""))
    #expect(applies("abc", etag: "abc"))
    #expect(!applies("a") && !applies("*") && !applies("\"a\"", etag: "a"))
    #expect(!applies("\"a\"", etag: "W/\"a\"") && !applies("W/\"a\""))
    #expect(!applies("", etag: ""))
  }

  @Test func datesMatchExactlyAndOnlyWhenStrong() {
    #expect(applies(httpDate(modified)))
    #expect(!applies(httpDate(modified + 1)))
    #expect(!applies(httpDate(modified - 1)))
    #expect(!applies(httpDate(modified), lastModified: nil))
    #expect(applies(httpDate(modified), date: modified + 1))
    #expect(!applies(httpDate(modified), date: modified))
    #expect(!applies(httpDate(modified), date: modified - 1))
    #expect(applies("Sun Nov  6 08:32:57 1994") && !applies("Sun, 06 Nov 1994 08:32:57 UTC"))
  }

  @Test func repeatedIfRangeNeverApplies() {
    let fields = [("If-Range", "\"a\""), ("If-Range", "\"a\"")]
    let result = withBytes("\"a\"") { tag in
      ConditionalPolicy.rangeApplies(
        request: makeRequest(fields: fields), etag: tag, lastModifiedSeconds: nil, dateSeconds: 0)
    }
    #expect(!result)
  }
}
