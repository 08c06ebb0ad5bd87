import HTTPMessage
import NIOCore
import Testing

@testable import CachePolicy

/// What one line of a variant's key says, without the field's name: nothing for an absent field,
/// `=` and a value that counts as written, `:` and a normalized one.
private func selecting(
  _ name: String, _ fields: [(String, String)], _ rules: KeyRules = KeyRules(),
  isSecure: Bool = false
) -> String {
  var buffer = ByteBuffer()
  VarySpecification(response: makeFields([("Vary", name)]))?.writeVariantKey(
    request: makeRequest(isSecure: isSecure, fields: fields), rules: rules, into: &buffer)
  return String(String(buffer: buffer).dropFirst(name.utf8.count).dropLast())
}

/// RFC 9110 section 12.5.3.
@Suite struct VarySpecificationAcceptEncodingTests {
  private func codings(_ values: String...) -> String {
    selecting("accept-encoding", values.map { ("Accept-Encoding", $0) })
  }

  @Test(arguments: [
    ("gzip, br", ":br, gzip"), ("br,gzip", ":br, gzip"), ("br;q=1.0, gzip;q=0.8", ":br, gzip"),
    ("BR,GZip", ":br, gzip"), ("gzip, deflate, br, zstd", ":br, gzip, zstd"),
    ("gzip;q=1, br;q=0.5", ":gzip, br"), ("zstd, br;q=0.9, gzip;q=0.95", ":zstd, gzip, br"),
    ("gzip, br;q=0", ":gzip"), ("gzip, br;q=0.000", ":gzip"), ("gzip, br;q=0.001", ":gzip, br"),
    ("x-gzip", ":gzip"), ("gzip ; Q=1", ":gzip"), ("gzip;q=0.5, gzip", ":gzip"),
    ("gzip;q=0, gzip", ":identity"),
  ])
  func theCodingsThatMatterCountInOrderOfPreference(value: String, expected: String) {
    #expect(codings(value) == expected)
  }

  @Test(arguments: [
    ("identity", ":identity"), ("", ":identity"), ("gzip, identity", ":gzip"),
    ("gzip, identity;q=0.5", ":gzip"), ("identity, gzip;q=0.5", ":identity, gzip"),
    ("br, identity;q=0.8, gzip;q=0.5", ":br, identity, gzip"),
    ("gzip, identity;q=0", ":gzip, identity;q=0"), ("gzip, *;q=0", ":gzip, identity;q=0"),
    ("gzip, *;q=0, identity", ":gzip"), ("identity;q=0", ":identity;q=0"),
    ("*;q=0", ":identity;q=0"),
  ])
  func identityCountsWhereItIsWantedOrRefused(value: String, expected: String) {
    #expect(codings(value) == expected)
  }

  @Test(arguments: [
    ("*", ":br, gzip, zstd"), ("gzip, *;q=0.5", ":gzip, br, zstd"), ("gzip;q=0, *", ":br, zstd"),
    ("identity;q=0, *", ":br, gzip, zstd, identity;q=0"),
  ])
  func theStarStandsForAllThatIsNotNamed(value: String, expected: String) {
    #expect(codings(value) == expected)
  }

  /// What is left out does not reach the origin, so it cannot be answered by.
  @Test(arguments: [
    "gzip, exotic", "gzip, deflate", "gzip, br;q=2", "gzip, br;q=x", "gzip, br;q=",
    "gzip, br;level=9", "gzip, br;q=0.1234", "gzip, br;q=1;x=1", "gzip, br;q=00",
    "gzip, br;q=1.001", ",gzip,,", "gzip, br;q=-1", "gzip, b r",
  ])
  func unknownAndMalformedMembersDoNotCount(value: String) {
    #expect(codings(value) == ":gzip")
  }

  @Test func severalLinesAreOneList() {
    #expect(codings("gzip", "br") == codings("br, gzip"))
  }

  @Test func aMissingFieldAcceptsEverythingAndAnEmptyOneNothing() {
    #expect(codings() == "")
    #expect(codings("") == ":identity")
  }

  @Test func aRouteCanKeepTheFieldAsItIs() {
    let rules = KeyRules(normalizesAcceptEncoding: false)
    #expect(
      selecting("accept-encoding", [("Accept-Encoding", "br ,gzip")], rules) == "=br,gzip")
    #expect(selecting("accept-encoding", [], rules) == "")
  }
}

/// RFC 9110 sections 12.4.2, 12.5.1 and 12.5.4.
@Suite struct VarySpecificationPreferencesTests {
  private func accept(_ values: String..., rules: KeyRules = KeyRules()) -> String {
    selecting("accept", values.map { ("Accept", $0) }, rules)
  }

  private func language(_ values: String..., rules: KeyRules = KeyRules()) -> String {
    selecting("accept-language", values.map { ("Accept-Language", $0) }, rules)
  }

  @Test func orderAndWritingOfEqualListsDoNotCount() {
    #expect(language("en, de") == ":de,en")
    #expect(language("de,en") == ":de,en")
    #expect(language("DE ; q=1.000 , EN") == ":de,en")
    #expect(language("de", "en") == ":de,en")
    #expect(accept("text/html, application/json") == accept("application/JSON,text/html;q=1.0"))
  }

  @Test func qualitiesCount() {
    #expect(language("en;q=0.5, de") == ":de,en;q=0.5")
    #expect(language("de;q=0.50,en;q=0.9") == ":en;q=0.9,de;q=0.5")
    #expect(language("de;q=0") == ":de;q=0")
    #expect(language("de;q=0.001") == ":de;q=0.001")
    #expect(language("de;q=0.010") == ":de;q=0.01")
    #expect(language("en, de") != language("en, de;q=0.9"))
  }

  @Test func parametersOfARangeCountAsWritten() {
    #expect(
      accept("Text/HTML ; Level=1;q=0.8, */*;q=0.1") == ":text/html;Level=1;q=0.8,*/*;q=0.1")
    #expect(accept("a/b;x=\"1 , ;q=2\"") == ":a/b;x=\"1 , ;q=2\"")
    #expect(accept("a/b;x=A") != accept("a/b;x=a"))
  }

  @Test(arguments: [
    "a/b;q=2, c/d", "a/b;q=, c/d", "a/b;q=0.5;ext=1, c/d", "a/b;q=1.5, c/d", "a/b;q, c/d",
  ])
  func malformedListsCountAsWritten(value: String) {
    #expect(accept(value) == "=" + value.replacing(", ", with: ","))
  }

  @Test func listsBeyondTheLimitCountAsWritten() {
    func list(_ count: Int) -> String {
      (0..<count).reversed().map { "l\($0)" }.joined(separator: ",")
    }
    #expect(language(list(PreferenceList.memberLimit)).hasPrefix(":l0,l1,l10"))
    #expect(language(list(PreferenceList.memberLimit + 1)).hasPrefix("=l32,l31"))
  }

  @Test func absentEmptyAndWrittenStayApart() {
    #expect(language() == "")
    #expect(language("") == ":")
    #expect(language(rules: KeyRules(normalizesPreferences: false)) == "")
    #expect(language("b, a", rules: KeyRules(normalizesPreferences: false)) == "=b,a")
  }

  /// RFC 4647 section 3.4.
  @Test(arguments: [
    ("de", "de"), ("DE-at", "de"), ("de-CH-1996, en", "de"), ("fr, de;q=0.5", "de"),
    ("en;q=0.5, de;q=0.6", "de"), ("pt-BR", "pt-br"), ("pt-BR-x-a", "pt-br"), ("pt", "en"),
    ("zh-Hant-CN-x-private", "zh-hant"), ("fr", "en"), ("*", "en"), ("*, de;q=0.1", "de"),
    ("de;q=0, fr", "en"), ("", "en"), ("de;q=x, de", "en"), ("en, de", "en"), ("de, en", "de"),
    ("d", "en"), ("de-", "de"), ("-de", "en"),
  ])
  func languagesBecomeTheOneThatFitsBest(value: String, best: String) {
    let tags = ["en", "de", "pt-br", "zh-hant"].map { Array($0.utf8) }
    #expect(language(value, rules: KeyRules(languages: tags)) == ":" + best)
  }

  @Test func withoutTheFieldTheFirstLanguageCounts() {
    #expect(language(rules: KeyRules(languages: [Array("de".utf8), Array("en".utf8)])) == ":de")
  }
}

/// RFC 9111 section 4.1.
@Suite struct VarySpecificationValuesTests {
  @Test func emptyMembersAndBlanksDoNotCount() {
    #expect(selecting("x-a", [("X-A", "1, 2")]) == "=1,2")
    #expect(selecting("x-a", [("X-A", "1,,2")]) == "=1,2")
    #expect(selecting("x-a", [("X-A", ", 1 ,\t,2,")]) == "=1,2")
    #expect(selecting("x-a", [("X-A", "1"), ("X-A", ","), ("x-a", "2")]) == "=1,2")
    #expect(selecting("x-a", [("X-A", ""), ("X-A", "1")]) == "=1")
    #expect(selecting("x-a", [("X-A", ", ,")]) == "=")
    #expect(selecting("x-a", [("X-A", "2,1")]) == "=2,1")
  }

  @Test func commasWithinOneValueStay() {
    let agent = "Mozilla/5.0 (KHTML, like Gecko)"
    #expect(selecting("user-agent", [("User-Agent", agent)]) == "=" + agent)
    #expect(selecting("cookie", [("Cookie", "a=1,,2"), ("Cookie", "b=3")]) == "=a=1,,2; b=3")
    #expect(selecting("x-a", [("X-A", "\"1, ,2\"")]) == "=\"1, ,2\"")
  }

  /// The origin answers by what the edge tells it, whatever the client claims.
  @Test func theEdgesOwnWordCountsForFieldsItWrites() {
    let claim = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil")]
    #expect(selecting("x-forwarded-proto", claim) == ":http")
    #expect(selecting("x-forwarded-proto", [], isSecure: true) == ":https")
    #expect(selecting("x-forwarded-host", claim) == ":example.com")
  }

  @Test func fieldsThatTheOriginDoesNotGetCountAsAbsent() {
    let fields = [("X-Forwarded-Port", "1"), ("X_Tenant", "a"), ("X-Real-IP", "::1")]
    #expect(selecting("x-forwarded-port", fields) == "")
    #expect(selecting("x_tenant", fields) == "")
    #expect(selecting("x-device-class", [("X-Device-Class", "bot")]) == "")
    let rules = KeyRules(forwardedHeaders: [Array("X-Forwarded-Port".utf8)])
    #expect(selecting("x-forwarded-port", fields, rules) == "=1")
    #expect(selecting("x-real-ip", fields, rules) == "")
  }

  @Test func theDeviceClassCountsWhereTheRouteKeepsItApart() {
    let phone = [("User-Agent", "iPhone"), ("X-Device-Class", "desktop")]
    #expect(selecting("x-device-class", phone, KeyRules(includesDeviceClass: true)) == ":mobile")
  }
}
