import HTTPMessage
import Testing

@testable import CachePolicy

/// RFC 9111 section 3.1.
@Suite struct StoredFieldsTests {
  private func stored(
    _ fields: [(String, String)], _ rules: PolicyRules = PolicyRules()
  ) -> [String] {
    let freshness = Freshness(
      responseTimeSeconds: receipt, initialAgeSeconds: 0, lifetimeSeconds: 60)
    return lines(
      StorePolicy.storedFields(
        response: makeResponse(200, fields), freshness: freshness, rules: rules))
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
    "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization", "Content-Length",
    "Age", "Cache-Status", "X-Cache",
  ])
  func connectionFieldsAndTheEdgesOwnAreNotStored(name: String) {
    #expect(stored([date, (name, "1")]) == ["Date: \(date.1)"])
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

  /// RFC 9110 section 6.6.1.
  @Test func aMissingOrInvalidDateBecomesTheTimeOfReceipt() {
    #expect(stored([("X", "1")]) == ["X: 1", "Date: \(httpDate(receipt))"])
    #expect(stored([("Date", "x"), ("X", "1")]) == ["X: 1", "Date: \(httpDate(receipt))"])
    #expect(stored([date, ("Date", httpDate(1))]) == ["Date: \(date.1)"])
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
    "Content-Length", "Content-Encoding", "Content-Type", "Content-Range", "Connection", "Age",
    "Transfer-Encoding", "Set-Cookie", "X-Cache",
  ])
  func whatDescribesContentOrConnectionIsNotTaken(name: String) {
    #expect(freshened([("X", "1")], by: [(name, "2")]) == ["X: 1"])
  }

  @Test func whatDescribesTheContentStays() {
    #expect(
      freshened([("Content-Type", "a/b")], by: [("Content-Type", "c/d")]) == ["Content-Type: a/b"])
  }

  @Test func cookiesAreUpdatedWhereTheyWereStored() {
    #expect(freshened([("Set-Cookie", "a")], by: [("Set-Cookie", "b")]) == ["Set-Cookie: b"])
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
}
