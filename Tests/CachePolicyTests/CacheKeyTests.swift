import HTTPMessage
import NIOCore
import Testing

@testable import CachePolicy

private func key(
  _ request: RequestHead, _ rules: KeyRules = KeyRules(), salt: UInt32? = nil
) -> String {
  var buffer = ByteBuffer()
  CacheKeyBuilder.write(request, rules: rules, routeSalt: salt, into: &buffer)
  return String(buffer: buffer)
}

/// RFC 9111 section 2, RFC 9110 section 4.2.3.
@Suite struct CacheKeyTests {
  @Test func schemeHostPathAndQueryMakeTheKey() {
    #expect(key(makeRequest("GET", "/a/b?c=d")) == "http://example.com/a/b?c=d")
    #expect(key(makeRequest("GET", "/", isSecure: true)) == "https://example.com/")
  }

  @Test(arguments: [
    ("EXAMPLE.com", false, "example.com"), ("example.com:80", false, "example.com"),
    ("example.com:", false, "example.com"), ("example.com:443", true, "example.com"),
    ("example.com:443", false, "example.com:443"), ("example.com:80", true, "example.com:80"),
    ("example.com:8080", false, "example.com:8080"), ("[::1]", false, "[::1]"),
    ("[::1]:80", false, "[::1]"), ("[::1]:81", false, "[::1]:81"), ("[::A]", true, "[::a]"),
    ("", false, ""),
  ])
  func hostsAreLowerCasedAndTheSchemesPortLeftOut(host: String, isSecure: Bool, text: String) {
    let scheme = isSecure ? "https" : "http"
    #expect(
      key(makeRequest("GET", "/x", host: host, isSecure: isSecure)) == "\(scheme)://\(text)/x")
  }

  @Test(arguments: ["/A/b", "/a//b", "/a/../b", "/%41", "/a?", "/a?&", "/a?b&b", "/a?x#y", "/a;b"])
  func targetsStandByteForByte(target: String) {
    #expect(key(makeRequest("GET", target)) == "http://example.com" + target)
  }

  @Test func schemeAndHostCanBeMixed() {
    let request = makeRequest("GET", "/a", isSecure: true)
    #expect(key(request, KeyRules(includesScheme: false)) == "://example.com/a")
    #expect(key(request, KeyRules(includesHost: false)) == "https:///a")
  }

  @Test func theSaltKeepsRoutesApart() {
    let request = makeRequest("GET", "/a")
    #expect(Set([key(request), key(request, salt: 0), key(request, salt: 12)]).count == 3)
  }

  private func query(_ text: String, _ rule: QueryRule, sorts: Bool = false) -> String {
    String(
      key(makeRequest("GET", "/" + text), KeyRules(query: rule, sortsQuery: sorts))
        .dropFirst("http://example.com/".count))
  }

  @Test func queryRulesKeepWhatTheyName() {
    let names = [Array("id".utf8), Array("q w".utf8)]
    #expect(query("?id=1&utm=2", .none) == "")
    #expect(query("?id=1&utm=2&id=3&q+w=4&q%20w=5", .allow(names)) == "?id=1&id=3&q+w=4&q%20w=5")
    #expect(query("?id=1&utm=2&id=3&idx=4&", .deny(names)) == "?utm=2&idx=4")
    #expect(query("?utm=2", .allow(names)) == "")
    #expect(query("?id", .allow(names)) == "?id")
    #expect(query("?ID=1", .allow(names)) == "")
    #expect(query("", .deny(names)) == "")
  }

  /// What an origin decodes to an allowed name must not be missing from the key.
  @Test func namesCompareDecoded() {
    let names = [Array("id".utf8)]
    #expect(query("?%69d=1", .allow(names)) == "?%69d=1")
    #expect(query("?%69%64=1", .deny(names)) == "")
    #expect(query("?%6=1&%zz=2&%", .allow(names)) == "")
  }

  @Test func sortingOrdersNamesAndKeepsTheOrderWithinOne() {
    #expect(query("?b=1&a=2&b=0&&a=1", .all, sorts: true) == "?a=2&a=1&b=1&b=0")
    #expect(query("?ab=1&a=2", .all, sorts: true) == "?a=2&ab=1")
    #expect(query("?c=1&b=2&a=3", .deny([Array("b".utf8)]), sorts: true) == "?a=3&c=1")
  }

  private func headerKey(_ fields: [(String, String)]) -> String {
    let rules = KeyRules(headers: [Array("X-Tenant".utf8), Array("X-Lang".utf8)])
    return key(makeRequest(fields: fields), rules)
  }

  @Test func keyedHeadersTellValuesAbsenceAndEmptinessApart() {
    #expect(headerKey([("x-tenant", "A")]) == "http://example.com/\nx-tenant=A\nx-lang")
    #expect(
      headerKey([("X-Tenant", "a"), ("X-Lang", "b"), ("X-TENANT", "c")])
        == "http://example.com/\nx-tenant=a, c\nx-lang=b")
    #expect(headerKey([]) != headerKey([("X-Tenant", "")]))
    #expect(headerKey([("X-Tenant", "a")]) != headerKey([("X-Lang", "a")]))
  }

  private func cookieKey(_ cookies: String...) -> String {
    String(
      key(
        makeRequest(fields: cookies.map { ("Cookie", $0) }),
        KeyRules(cookies: [Array("sid".utf8), Array("lang".utf8)])
      ).dropFirst("http://example.com/".count))
  }

  @Test func keyedCookiesCountWithAllTheirOccurrences() {
    #expect(cookieKey("a=b; sid=1; lang=en") == "\ncookie:sid=1\ncookie:lang=en")
    #expect(cookieKey("lang=en;sid=1") == "\ncookie:sid=1\ncookie:lang=en")
    #expect(cookieKey("sid=1; sid=2") == "\ncookie:sid=1;2\ncookie:lang")
    #expect(cookieKey("sid=1", "sid=2") == "\ncookie:sid=1;2\ncookie:lang")
    #expect(cookieKey("sid=a=b; SID=3") == "\ncookie:sid=a=b\ncookie:lang")
    #expect(cookieKey("sid=") == "\ncookie:sid=\ncookie:lang")
    #expect(cookieKey("sidx=1;;") == "\ncookie:sid\ncookie:lang")
    #expect(cookieKey() == "\ncookie:sid\ncookie:lang")
  }

  @Test func differentRequestsHaveDifferentKeys() {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: seed)
    let rules = KeyRules(headers: [Array("a".utf8), Array("b".utf8)], cookies: [Array("c".utf8)])
    let alphabet = ["", "x", "=", ",", ";", ":", "/", "?", "a=", "cookie:c"]
    var seen: [String: String] = [:]
    for _ in 0..<5_000 {
      func text() -> String { alphabet.randomElement(using: &random) ?? "" }
      var parts: [String?] = ["/" + text() + text()]
      for _ in 0..<2 { parts.append(Bool.random(using: &random) ? text() + text() : nil) }
      let cookie = Bool.random(using: &random) ? "x\(text().filter { $0 != ";" })" : nil
      var fields: [(String, String)] = []
      if let value = parts[1] { fields.append(("A", value)) }
      if let value = parts[2] { fields.append(("B", value)) }
      if let cookie { fields.append(("Cookie", "c=\(cookie)")) }
      let request = "\(parts) \(cookie as Any)"
      let key = key(makeRequest("GET", parts[0] ?? "/", fields: fields), rules)
      #expect(seen[key] == nil || seen[key] == request, "seed \(seed): \(key)")
      seen[key] = request
    }
  }
}

@Suite struct KeyPathTests {
  private func parts(_ key: String) -> [String] {
    withBytes(key) { bytes in
      let (host, target) = KeyPath.parts(of: bytes)
      return [host, target].map { String(decoding: bytes[$0], as: UTF8.self) }
    }
  }

  @Test(arguments: [
    ("http://a.b:81/p/q?r=http://s", "a.b:81", "/p/q?r=http://s"),
    ("https://[::1]/", "[::1]", "/"), ("://a/p\nx=/y", "a", "/p"), ("http:///p\n:3", "", "/p"),
    ("http://a", "a", ""), ("", "", ""), ("nonsense/of://any", "", ""), ("http:/", "", ""),
  ])
  func hostAndTargetAreFound(key: String, host: String, target: String) {
    #expect(parts(key) == [host, target])
  }

  @Test func theyAreThePartsThatTheBuilderWrote() {
    let request = makeRequest("GET", "/x?y", host: "H:8080", fields: [("A", "/b")])
    let rules = KeyRules(headers: [Array("a".utf8)])
    #expect(parts(key(request, rules, salt: 7)) == ["h:8080", "/x?y"])
  }
}
