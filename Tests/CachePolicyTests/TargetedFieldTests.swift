import HTTPMessage
import Testing

@testable import CachePolicy

/// RFC 9213, with types and syntax by RFC 9651.
@Suite struct TargetedFieldTests {
  private func result(
    _ fields: [(String, String)], _ rules: PolicyRules = PolicyRules(), status: Int = 200
  ) -> StoreDecision {
    decide(makeResponse(status, fields), rules)
  }

  private func lifetime(_ value: String, beside control: String = "max-age=1") -> Int64? {
    let fields = [("CDN-Cache-Control", value), ("Cache-Control", control), ("ETag", "x")]
    return result(fields).freshness?.lifetimeSeconds
  }

  private static let routeDefault: Int64 = 86_400

  @Test("RFC 9213 2.2: the field replaces Cache-Control and Expires")
  func theFieldReplacesCacheControlAndExpires() {
    let expires = ("Expires", httpDate(receipt + 30))
    let short = ("Cache-Control", "max-age=1")
    #expect(result([short, expires, ("CDN-Cache-Control", "max-age=7")]).source == .maxAge)
    #expect(lifetime("max-age=7") == 7)
    #expect(lifetime("max-age=7", beside: "no-store") == 7)
    #expect(lifetime("max-age=7, s-maxage=8", beside: "private") == 8)
    #expect(result([("CDN-Cache-Control", "no-store"), short]).refusal == .noStore)
    #expect(result([("CDN-Cache-Control", "private"), short]).refusal == .isPrivate)
    #expect(result([("CDN-Cache-Control", "no-cache"), short]).refusal == .noCache)
    // It says nothing about a lifetime, and the others are not asked.
    #expect(result([short, expires, ("CDN-Cache-Control", "foo")]).source == .routeDefault)
    #expect(result([short, ("CDN-Cache-Control", "foo")], status: 302).refusal == .status)
  }

  @Test(
    "RFC 9213 2.1: an empty or malformed field does not count",
    arguments: [
      "", " ", "max-age=7,", "max-age=7 no-store", "max-age =7", "max-age= 7", "MAX-AGE=7",
      "max-age=7, No-Store", "max-age=", "max-age=7; no-store=", "max-age=7;;", "max-age=7 ;a",
      "max-age=(7", "max-age=7, \"x\"", "max-age=7, x=\"a", "max-age=7,, no-store", "=7", "1=7",
      "max-age=7, x=?2", "max-age=1000000000000000", "max-age=-", "max-age=7, x='a'", "max-age=+7",
      "max-age=7, x=:a-b:", "max-age=7, x=@1.5", "max-age=7, x=%\"%FF\"", "max-age=7, x=1.",
      "max-age=7, x=1.2345", "max-age=7, x=a\u{e9}", "max-age=7, x=\"\\a\"", ", max-age=7",
    ])
  func emptyAndMalformedFieldsDoNotCount(value: String) {
    #expect(lifetime(value) == 1)
    #expect(lifetime(value, beside: "max-age=2") == 2)
  }

  @Test(
    "RFC 9213 2.1: values of another type say nothing",
    arguments: [
      "max-age=\"7\"", "max-age=7.0", "max-age=a7", "max-age", "max-age=?1", "max-age=?0",
      "max-age=(7)", "max-age=:Nw==:", "max-age=@7", "max-age=%\"7\"", "s-maxage=\"7\"",
      "no-store=?0", "no-store=1", "private=?0", "private=1", "no-cache=1.0", "no-store=\"x\"",
      "max-age=7, max-age=\"9\"", "no-store, no-store=?0",
    ])
  func valuesOfAnotherTypeSayNothing(value: String) {
    #expect(lifetime(value) == Self.routeDefault)
  }

  @Test(
    "RFC 9213 2.1: Integers, pinned and never negative",
    arguments: [
      ("max-age=0", 0), ("max-age=007", 7), ("max-age=-1", 0),
      ("max-age=2147483647", 2_147_483_647), ("max-age=2147483648", 2_147_483_648),
      ("max-age=999999999999999", 2_147_483_648),
    ] as [(String, Int64)])
  func secondsAreIntegers(value: String, seconds: Int64) {
    let fields = makeFields([("CDN-Cache-Control", value)])
    #expect(ResponseDirectives(fields, rules: PolicyRules()).control.maxAge == seconds)
  }

  @Test("RFC 9651 3.1.2, 3.2: parameters do not count, the last of two keys does")
  func parametersAreIgnoredAndTheLastKeyCounts() {
    #expect(lifetime("max-age=7;a;b=\"c\";max-age=9") == 7)
    #expect(lifetime("max-age=7; a , foo;no-store") == 7)
    #expect(lifetime("max-age=9, max-age=7") == 7)
    #expect(lifetime("max-age=7, max-age=9") == 9)
    #expect(lifetime("max-age=\"9\", max-age=7") == 7)
    #expect(lifetime("no-store=?0, max-age=7") == 7)
    #expect(lifetime("private=\"a\", private, max-age=7") == nil)
    #expect(lifetime("private, private=\"a\", max-age=7") == 7)
  }

  @Test("RFC 9213 2.1: every directive that Cache-Control has")
  func everyDirectiveIsRead() throws {
    let text = """
      s-maxage=2, stale-while-revalidate=3, stale-if-error=4, no-transform, must-revalidate, \
      proxy-revalidate, must-understand, public, immutable=?1, no-cache="X-A, x-b", private=X-C
      """
    let fields = makeFields([("CDN-Cache-Control", text)])
    let control = ResponseDirectives(fields, rules: PolicyRules()).control
    #expect(control.sMaxAge == 2)
    #expect(control.staleWhileRevalidate == 3)
    #expect(control.staleIfError == 4)
    #expect(control.noTransform && control.mustRevalidate && control.proxyRevalidate)
    #expect(control.mustUnderstand && control.isPublic && control.immutable)
    #expect(!control.noCache && !control.isPrivate)
    #expect(control.withheldFields == Array("x-a,x-b,x-c".utf8))
    let odd = makeFields([("CDN-Cache-Control", #"private="a b", no-cache="""#)])
    let stricter = ResponseDirectives(odd, rules: PolicyRules()).control
    #expect(stricter.isPrivate && stricter.noCache)
  }

  @Test("RFC 9651 4.2: several lines are one value")
  func linesAreJoined() {
    func control(_ lines: String...) -> ResponseDirectives {
      let fields = lines.map { ("CDN-Cache-Control", $0) } + [("Cache-Control", "max-age=1")]
      return ResponseDirectives(makeFields(fields), rules: PolicyRules())
    }
    #expect(control("max-age=9", "max-age=7, no-store").control.maxAge == 7)
    #expect(control("max-age=9", "max-age=7, no-store").control.noStore)
    #expect(control("max-age=9", "max-age=").targetIndex == nil)
    #expect(control("max-age=9", "").targetIndex == nil)
    #expect(control("", "max-age=9").targetIndex == nil)
    #expect(control("", "").control.maxAge == 1)
  }

  @Test("RFC 9213 2.2: the first valid field of the target list counts")
  func theTargetListIsOrdered() {
    let rules = PolicyRules(targetedFields: [TargetedField("Acme-Cache-Control"), .cdnCacheControl])
    func directives(_ acme: String?, _ cdn: String?) -> ResponseDirectives {
      var fields = [("Cache-Control", "max-age=1"), ("Foo-Cache-Control", "max-age=99")]
      if let cdn { fields.append(("CDN-Cache-Control", cdn)) }
      if let acme { fields.append(("ACME-cache-control", acme)) }
      return ResponseDirectives(makeFields(fields), rules: rules)
    }
    #expect(directives("max-age=5", "max-age=6").control.maxAge == 5)
    #expect(directives("max-age=5", "max-age=6").targetIndex == 0)
    for invalid in [nil, "", "max-age=5,"] {
      #expect(directives(invalid, "max-age=6").control.maxAge == 6)
      #expect(directives(invalid, "max-age=6").targetIndex == 1)
      #expect(directives(invalid, nil).control.maxAge == 1)
      #expect(directives(invalid, "?").targetIndex == nil)
    }
    // What is not on the list changes nothing.
    let none = PolicyRules(targetedFields: [])
    let fields = [("Cache-Control", "max-age=1"), ("CDN-Cache-Control", "max-age=6")]
    #expect(result(fields, none).freshness?.lifetimeSeconds == 1)
  }

  @Test("RFC 9110 7.7: no-transform of Cache-Control stands in any case")
  func noTransformOfCacheControlStands() {
    let fields = [("CDN-Cache-Control", "max-age=7"), ("Cache-Control", "no-transform")]
    #expect(result(fields).freshness?.flags.contains(.noTransform) == true)
    let other = [("CDN-Cache-Control", "max-age=7"), ("Cache-Control", "immutable")]
    #expect(result(other).freshness?.flags.contains(.immutable) == false)
  }

  @Test func theExplanationNamesTheField() {
    let explanation = StorePolicy.explain(
      request: makeRequest(), response: makeResponse(200, [("CDN-Cache-Control", "max-age=7")]),
      requestTime: receipt, responseTime: receipt, rules: PolicyRules())
    #expect(explanation.targetIndex == 0)
    #expect(explanation.lifetime == LifetimeTrace(row: .maxAge, rowSeconds: 7))
  }
}
