import HTTPMessage
import Testing

@testable import CachePolicy

/// RFC 9111 section 3.1.
@Suite struct StoredFieldsTests {
  private func stored(
    _ fields: [(String, String)], _ rules: PolicyRules = PolicyRules()
  ) -> [String] {
    let response = makeResponse(200, fields)
    // Where the decision is not to store, the fields are those of a response without directives.
    let freshness =
      decide(response, rules).freshness
      ?? Freshness(responseTimeSeconds: receipt, initialAgeSeconds: 0, lifetimeSeconds: 60)
    return lines(StorePolicy.storedFields(response: response, freshness: freshness, rules: rules))
  }

  private let date = ("Date", httpDate(receipt - 5))

  @Test func endToEndFieldsAreKeptInOrder() {
    let fields = [
      date, ("Content-Type", "text/plain"), ("X-Foo", "1"), ("x-foo", "2"), ("ETag", "\"a\""),
      ("Cache-Control", "max-age=60"), ("Warning", "199 - x"),
    ]
    #expect(stored(fields) == fields.map { "\($0.0): \($0.1)" })
  }

  @Test(arguments: [
    "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    "HTTP2-Settings", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization",
    "Content-Length", "Age", "X-Cache",
  ])
  func connectionFieldsAndTheEdgesOwnAreNotStored(name: String) {
    #expect(stored([date, (name, "1")]) == ["Date: \(date.1)"])
  }

  @Test func theEntriesOfOtherCachesStayBeforeTheEdgesOwn() {
    // RFC 9211 section 2: each cache appends its member.
    #expect(stored([date, ("Cache-Status", "inner; hit")]).contains("Cache-Status: inner; hit"))
  }

  @Test func cookiesAreStoredOnlyWhereTheRouteStoresThem() {
    let fields = [date, ("Set-Cookie", "a=b"), ("set-cookie", "c=d")]
    #expect(stored(fields, PolicyRules(setCookie: .strip)).count == 1)
    #expect(stored(fields, PolicyRules(setCookie: .bypass)).count == 1)
    #expect(stored(fields, PolicyRules(setCookie: .store)).count == 3)
  }

  @Test func fieldsThatAQualifiedDirectiveNamesAreNotStored() {
    let control = ("Cache-Control", #"no-cache="X-One", private="Set-Cookie, x-two", max-age=9"#)
    let fields = [
      date, control, ("x-one", "1"), ("X-Two", "2"), ("X-Three", "3"), ("Set-Cookie", "a"),
    ]
    let result = stored(fields, PolicyRules(setCookie: .store))
    #expect(result == ["Date: \(date.1)", "Cache-Control: \(control.1)", "X-Three: 3"])
  }

  /// RFC 9111 section 3.1, RFC 9110 section 7.6.1.
  @Test func fieldsThatConnectionNamesAreNotStored() {
    let fields = [date, ("Connection", "close, X-Hop"), ("x-hop", "1"), ("X-Hope", "2")]
    #expect(stored(fields) == ["Date: \(date.1)", "X-Hope: 2"])
  }

  /// RFC 9213 section 2.2: the field itself is stored as it came.
  @Test func targetedFieldsAreStoredAndWithhold() {
    let fields = [
      date, ("CDN-Cache-Control", #"private="x-one", max-age=9;a=b"#),
      ("Cache-Control", #"private="x-two", max-age=1"#), ("X-One", "1"), ("X-Two", "2"),
    ]
    #expect(stored(fields) == [0, 1, 2, 4].map { "\(fields[$0].0): \(fields[$0].1)" })
  }

  /// RFC 9110 section 6.6.1.
  @Test func aMissingOrInvalidDateBecomesTheTimeOfReceipt() {
    #expect(stored([("X", "1")]) == ["X: 1", "Date: \(httpDate(receipt))"])
    #expect(stored([("Date", "x"), ("X", "1")]) == ["X: 1", "Date: \(httpDate(receipt))"])
    #expect(stored([date, ("Date", httpDate(1))]) == ["Date: \(date.1)"])
    #expect(stored([("Date", "x"), date]) == ["Date: \(date.1)"])
    #expect(stored([("Date", date.1.lowercased())]) == ["Date: \(date.1)"])
  }
}

/// RFC 9111 sections 3.2 and 4.3.4.
@Suite struct FreshenedFieldsTests {
  private func freshened(
    _ stored: [(String, String)], by update: [(String, String)]
  ) -> [String] {
    lines(StorePolicy.freshened(stored: makeFields(stored), by: makeResponse(304, update)))
  }

  @Test func fieldsOfThe304TakeThePlaceOfAllStoredOnesOfTheirName() {
    let result = freshened(
      [("X-Foo", "1"), ("Cache-Control", "max-age=1"), ("x-foo", "2"), ("X-Kept", "k")],
      by: [("cache-control", "max-age=60"), ("X-FOO", "3"), ("X-New", "n"), ("X-Foo", "4")])
    #expect(
      result == [
        "X-Kept: k", "cache-control: max-age=60", "X-FOO: 3", "X-New: n", "X-Foo: 4",
      ])
  }

  @Test(arguments: [
    "Content-Length", "Content-Encoding", "Content-Range", "Connection", "Age", "Keep-Alive",
    "Transfer-Encoding", "Set-Cookie", "X-Cache", "Proxy-Authenticate", "Upgrade", "Trailer", "TE",
  ])
  func whatDescribesContentOrConnectionIsNotTaken(name: String) {
    #expect(freshened([("X", "1")], by: [(name, "2")]) == ["X: 1"])
  }

  @Test(arguments: [
    "Content-Type", "Content-Language", "Content-Disposition", "Content-Security-Policy", "ETag",
    "Expires", "Last-Modified", "Cache-Control", "Vary", "X-Foo",
  ])
  func everyOtherFieldIsUpdated(name: String) {
    #expect(freshened([(name, "1")], by: [(name, "2")]) == ["\(name): 2"])
    #expect(freshened([], by: [(name, "2")]) == ["\(name): 2"])
  }

  @Test func whatTheStoredBytesDependOnStays() {
    for name in ["Content-Encoding", "Content-Range"] {
      #expect(freshened([(name, "1")], by: [(name, "2")]) == ["\(name): 1"])
    }
  }

  @Test func fieldsThatConnectionOfThe304NamesAreNotTaken() {
    let update = [("Connection", "X-Hop"), ("X-Hop", "2")]
    #expect(freshened([("X-Hop", "1")], by: update) == ["X-Hop: 1"])
  }

  /// RFC 9110 section 8.8.1: bytes that came with a weak tag are not those of a strong one.
  @Test func aWeakStoredTagDoesNotBecomeStrong() {
    #expect(freshened([("ETag", "W/\"a\"")], by: [("ETag", "\"a\"")]) == ["ETag: W/\"a\""])
    #expect(freshened([("ETag", "\"a\"")], by: [("ETag", "W/\"a\"")]) == ["ETag: W/\"a\""])
  }

  @Test func cookiesAreUpdatedWhereTheRouteStoresThem() {
    let update = makeResponse(304, [("Set-Cookie", "b")])
    let rules = PolicyRules(setCookie: .store)
    for stored in [[("Set-Cookie", "a")], []] {
      let fields = StorePolicy.freshened(stored: makeFields(stored), by: update, rules: rules)
      #expect(lines(fields) == ["Set-Cookie: b"])
    }
    #expect(freshened([], by: [("Set-Cookie", "b")]) == [])
  }

  @Test func fieldsThatTheStoredDirectivesWithholdAreNotTaken() {
    let control = ("Cache-Control", #"private="x-secret""#)
    #expect(freshened([control], by: [("X-Secret", "2")]) == ["Cache-Control: \(control.1)"])
  }

  @Test func fieldsThatThe304WithholdsGo() {
    let control = ("Cache-Control", #"private="x-secret""#)
    #expect(
      freshened([("X-Secret", "1")], by: [control, ("X-Secret", "2")])
        == ["Cache-Control: \(control.1)"])
  }

  @Test func aValidatedResponseIsFreshAgain() throws {
    let stored = makeFields([
      ("Date", httpDate(receipt - 1_000)), ("Cache-Control", "max-age=60"), ("ETag", "x"),
    ])
    for date in [[("Date", httpDate(receipt))], [], [("Date", "never")]] {
      let (fields, decision) = StorePolicy.decideRefreshed(
        request: makeRequest(), storedStatus: 200, stored: stored,
        notModified: makeResponse(304, date), requestTime: receipt, responseTime: receipt,
        rules: PolicyRules())
      let freshness = try #require(decision.freshness)
      #expect(freshness.remainingSeconds(now: receipt) == 60)
      #expect(fields.texts(named: "Date") == [httpDate(receipt)])
    }
  }

  @Test func aValidatedResponseIsAsOldAsThe304Says() throws {
    let stored = makeFields([("Cache-Control", "max-age=60"), ("ETag", "x")])
    let decision = StorePolicy.decideRefreshed(
      request: makeRequest(), storedStatus: 200, stored: stored,
      notModified: makeResponse(304, [("Age", "20")]), requestTime: receipt - 1,
      responseTime: receipt, rules: PolicyRules()
    ).decision
    #expect(decision.freshness?.remainingSeconds(now: receipt) == 39)
  }

  @Test func a304ThatForbidsStoringTakesTheResponseOut() {
    let decision = StorePolicy.decideRefreshed(
      request: makeRequest(), storedStatus: 200, stored: makeFields([("ETag", "x")]),
      notModified: makeResponse(304, [("Cache-Control", "no-store")]), requestTime: receipt,
      responseTime: receipt, rules: PolicyRules()
    ).decision
    #expect(decision.refusal == .noStore)
  }

  @Test func a304OfAnotherRepresentationChangesNothing() {
    let stored = makeFields([("ETag", "\"a\""), ("X", "1")])
    let (fields, decision) = StorePolicy.decideRefreshed(
      request: makeRequest(), storedStatus: 200, stored: stored,
      notModified: makeResponse(304, [("ETag", "\"b\""), ("X", "2")]), requestTime: receipt,
      responseTime: receipt, rules: PolicyRules())
    #expect(decision.refusal == .partial)
    #expect(lines(fields) == lines(stored))
  }

  /// RFC 9111 section 4.1.
  @Test func a304ThatVariesOtherwiseTakesTheResponseOut() {
    func refusal(_ vary: String) -> StoreRefusal? {
      StorePolicy.decideRefreshed(
        request: makeRequest(), storedStatus: 200,
        stored: makeFields([("ETag", "x"), ("Vary", "A, B")]),
        notModified: makeResponse(304, [("Vary", vary)]), requestTime: receipt,
        responseTime: receipt, rules: PolicyRules()
      ).decision.refusal
    }
    #expect(refusal("b,a") == nil)
    #expect(refusal("A") == .varyAll)
    #expect(refusal("A, B, C") == .varyAll)
    #expect(refusal("*") == .varyAll)
  }
}
