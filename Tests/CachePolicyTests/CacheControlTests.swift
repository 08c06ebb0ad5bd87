import HTTPMessage
import Testing

@testable import CachePolicy

/// RFC 9111 section 5.2, RFC 5861, RFC 8246.
@Suite struct CacheControlTests {
  private func parse(_ lines: String...) -> CacheControl {
    CacheControl(makeFields(lines.map { ("Cache-Control", $0) }))
  }

  @Test func everyDirectiveIsRead() {
    let control = parse(
      "max-age=1, s-maxage=2, stale-while-revalidate=3, stale-if-error=4, max-stale=5",
      "min-fresh=6, no-cache, no-store, no-transform, only-if-cached, must-revalidate",
      "proxy-revalidate, must-understand, private, public, immutable")
    #expect(control.maxAge == 1)
    #expect(control.sMaxAge == 2)
    #expect(control.staleWhileRevalidate == 3)
    #expect(control.staleIfError == 4)
    #expect(control.maxStale == 5)
    #expect(control.minFresh == 6)
    #expect(control.noCache && control.noStore && control.noTransform && control.onlyIfCached)
    #expect(control.mustRevalidate && control.proxyRevalidate && control.mustUnderstand)
    #expect(control.isPrivate && control.isPublic && control.immutable)
  }

  @Test func absentAndUnknownDirectivesLeaveNothing() {
    #expect(CacheControl(FieldBlock()) == CacheControl())
    #expect(parse("foo, bar=1, max-agee=3, xno-store, no_store") == CacheControl())
    #expect(parse("") == CacheControl())
  }

  @Test(arguments: [
    ("max-age=3600", 3600), ("MaX-aGe=3600", 3600), (#"max-age="3600""#, 3600),
    ("max-age=003600", 3600), ("max-age=0", 0), ("max-age=2147483647", 2_147_483_647),
    ("max-age=2147483648", 2_147_483_648), ("max-age=2147483649", 2_147_483_648),
    ("max-age=99999999999999999999999999", 2_147_483_648), ("foobar , max-age=5", 5),
    ("\tmax-age=5\t,", 5), (",,max-age=5,,", 5),
    ("max-age=1;max-age=2", 0),
  ])
  func secondsAreReadAndPinned(text: String, seconds: Int64) {
    #expect(parse(text).maxAge == seconds)
  }

  @Test(arguments: [
    "max-age", "max-age=", "max-age=-100", "max-age=+100", "max-age=3600.5", "max-age=a100",
    "max-age=100a", "max-age='3600'", "max-age =100", "max-age= 100", #"max-age="""#,
    #"max-age=""#, #"max-age=" 5""#, "max-age=1 2",
  ])
  func invalidSecondsMakeTheResponseStale(text: String) {
    #expect(parse(text).maxAge == 0)
  }

  @Test func namesWithinQuotedStringsAreNoDirectives() {
    #expect(parse(#"extension="max-age=100, no-store", max-age=1"#).maxAge == 1)
    #expect(!parse(#"extension="max-age=100, no-store", max-age=1"#).noStore)
    #expect(parse(#"max-age="1", extension="max-age=100""#).maxAge == 1)
  }

  /// RFC 9111 section 4.2.1.
  @Test func theStricterOfTwoCounts() {
    #expect(parse("max-age=1800, max-age=1").maxAge == 1)
    #expect(parse("max-age=1", "max-age=1800").maxAge == 1)
    #expect(parse("max-age=1800, max-age=x").maxAge == 0)
    #expect(parse("max-age=60, Max-Age=\"60\"").maxAge == 60)
    #expect(parse("s-maxage=60", "s-maxage=-1").sMaxAge == 0)
    #expect(parse("max-stale, max-stale=5").maxStale == 5)
    #expect(parse("min-fresh=5, min-fresh=9").minFresh == 9)
    #expect(parse(#"no-cache="a", no-cache"#).noCache)
    #expect(parse(#"private, private="a""#).isPrivate)
  }

  @Test func maxStaleWithoutAValueHasNoBoundAndAnInvalidOneNone() {
    #expect(parse("max-stale").maxStale == CacheControl.secondsLimit)
    #expect(parse("max-stale=x").maxStale == 0)
    #expect(parse("min-fresh=x").minFresh == nil)
  }

  @Test func qualifiedDirectivesNameFieldsAndDoNotForbid() {
    let control = parse(#"no-cache="Set-Cookie, X-Foo", private=X-Bar"#)
    #expect(!control.noCache && !control.isPrivate)
    for name in ["set-cookie", "X-FOO", "x-bar"] {
      #expect(withBytes(name) { control.withholds($0) })
    }
    #expect(!withBytes("x-fo") { control.withholds($0) })
    #expect(!withBytes("set-cookie,x-foo") { control.withholds($0) })
    #expect(!withBytes("") { control.withholds($0) })
    #expect(parse(#"private="Set\-Cookie""#).withheldFields == Array("set-cookie".utf8))
  }

  /// RFC 9111 sections 5.2.2.4 and 5.2.2.7: what names no field is the stricter, unqualified form.
  @Test(arguments: [#"private="X-Foo"#, #"private="a b""#, #"private="a, @""#, "private=(a)"])
  func aQualifiedDirectiveThatNamesAnythingButFieldsIsUnqualified(text: String) {
    #expect(parse(text).isPrivate)
    #expect(!parse(text).withholdsFields)
  }

  /// RFC 8246 section 2.
  @Test func argumentsOfDirectivesWithoutOneDoNotCount() {
    let control = parse("immutable=1, no-store=0, must-revalidate=x, public=''")
    #expect(control.immutable && control.noStore && control.mustRevalidate && control.isPublic)
  }

  /// RFC 9111 section 5.4.
  @Test func pragmaOfAResponseSaysNothing() {
    let fields = makeFields([("Pragma", "no-cache"), ("Cache-Control", "max-age=5")])
    #expect(!ResponseDirectives(fields, rules: PolicyRules()).control.noCache)
  }

  @Test func itStaysSmallSinceEveryMissReadsOne() {
    #expect(MemoryLayout<CacheControl>.size <= 48)
  }

  @Test func aQualifiedDirectiveThatNamesNothingIsUnqualified() {
    #expect(parse(#"no-cache="""#).noCache)
    #expect(parse(#"private=" , ""#).isPrivate)
    #expect(parse("private=").isPrivate)
  }

  @Test func otherFieldsAreReadOnRequest() {
    let fields = makeFields([("CDN-Cache-Control", "max-age=7"), ("Cache-Control", "no-store")])
    #expect(CacheControl(fields, field: .cdnCacheControl).maxAge == 7)
    #expect(!CacheControl(fields, field: .cdnCacheControl).noStore)
  }
}
