import HTTPMessage
import NIOCore
import Testing

@testable import CachePolicy

private func key(
  _ request: RequestHead, _ rules: KeyRules = KeyRules(), digest: [UInt8]? = nil
) -> String {
  var buffer = ByteBuffer()
  if let digest {
    digest.withUnsafeBytes {
      CacheKeyBuilder.write(
        request, rules: rules, routeSalt: nil, contentDigest: $0, into: &buffer)
    }
  } else {
    CacheKeyBuilder.write(request, rules: rules, routeSalt: nil, into: &buffer)
  }
  return String(buffer: buffer)
}

@Suite struct CacheKeyDeviceTests {
  @Test(arguments: [
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148", DeviceClass.mobile),
    ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/120 Mobile Safari/537.36", .mobile),
    ("Mozilla/5.0 (Linux; Android 13; SM-X700) Chrome/120 Safari/537.36", .tablet),
    ("Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) Mobile/15E148", .tablet),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120", .desktop),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Firefox/120.0", .desktop),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", .bot),
    ("Mozilla/5.0 (Linux; Android 6.0.1) Mobile (compatible; Googlebot/2.1)", .bot),
    ("Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) Mobile Safari/537.36", .mobile),
    ("facebookexternalhit/1.1", .bot), ("IPHONE", .mobile), ("Opera Mini", .mobile),
    ("curl/8.0", .desktop), ("", .desktop), ("bo", .desktop), ("mob", .desktop), ("bot", .bot),
  ])
  func userAgentsFallIntoFourClasses(agent: String, expected: DeviceClass) {
    #expect(DeviceClass(makeFields([("User-Agent", agent)])) == expected)
  }

  @Test func withoutTheFieldItIsADesktopAndAnyOfSeveralLinesCounts() {
    #expect(DeviceClass(makeFields([])) == .desktop)
    #expect(DeviceClass(makeFields([("User-Agent", "x"), ("user-agent", "iPhone")])) == .mobile)
  }

  @Test func theClassIsKeyedWhereTheRulesSaySo() {
    let phone = makeRequest(fields: [("User-Agent", "iPhone")])
    #expect(
      key(phone, KeyRules(includesDeviceClass: true)) == "http://example.com/\n:device mobile")
    #expect(key(phone) == "http://example.com/")
  }
}

/// The QUERY method's cache key: content, its type and its coding count.
@Suite struct CacheKeyContentTests {
  private func query(_ fields: [(String, String)] = []) -> RequestHead {
    makeRequest("QUERY", "/q", framing: .length(3), fields: fields)
  }

  @Test func theContentOfAQueryIsKeyed() {
    #expect(
      key(query(), digest: [0x00, 0x0A, 0xFF]) == "http://example.com/q\n:content 000aff")
    #expect(key(query(), digest: [1]) != key(query(), digest: [2]))
    #expect(key(query(), digest: []) != key(makeRequest("GET", "/q")))
    #expect(key(query()) == key(query(), digest: []))
  }

  @Test func itsTypeAndCodingAreKeyedToo() {
    let requests: [[(String, String)]] = [
      [], [("Content-Type", "a")], [("Content-Type", "b")], [("Content-Encoding", "a")],
      [("Content-Type", "a"), ("Content-Type", "b")], [("Content-Type", "a, b")],
      [("Content-Type", "a"), ("Content-Encoding", "b")],
    ]
    #expect(Set(requests.map { key(query($0), digest: [1]) }).count == requests.count)
  }

  @Test func otherMethodsHaveNoContent() {
    #expect(key(makeRequest("GET", "/q"), digest: [1]) == "http://example.com/q")
    #expect(key(makeRequest("HEAD", "/q")) == key(makeRequest("GET", "/q")))
  }
}

/// RFC 9111 section 4: what the origin answers by must be what is keyed.
@Suite struct CacheKeyTargetTests {
  private func target(_ text: String, _ rules: KeyRules) -> String {
    var buffer = ByteBuffer()
    CacheKeyBuilder.writeTarget(makeRequest("GET", text), rules: rules, into: &buffer)
    return String(buffer: buffer)
  }

  @Test func theOriginGetsOfTheQueryWhatIsKeyed() {
    let id = [Array("id".utf8)]
    #expect(target("/a?x=1&id=2&id=3", KeyRules(query: .allow(id))) == "/a?id=2&id=3")
    #expect(target("/a?x=1&id=2", KeyRules(query: .deny(id))) == "/a?x=1")
    #expect(target("/a?x=1", KeyRules(query: .none)) == "/a")
    #expect(target("/a?b=1&a=2", KeyRules(sortsQuery: true)) == "/a?a=2&b=1")
    #expect(target("/a//%41?b&&a#", KeyRules()) == "/a//%41?b&&a#")
  }

  /// `;` separates parameters for some origins and not for the edge.
  @Test func whatOnlyTheOriginTakesForAParameterIsKeyedOrGone() {
    let rules = KeyRules(query: .allow([Array("id".utf8)]))
    #expect(target("/a?utm=1;id=2", rules) == "/a")
    #expect(target("/a?id=1;id=2", rules) == "/a?id=1;id=2")
  }

  @Test func aRouteCanForwardTheWholeQuery() {
    let rules = KeyRules(query: .none, forwardsUnkeyedQuery: true)
    #expect(target("/a?x=1", rules) == "/a?x=1")
    #expect(!rules.rewritesTarget && KeyRules(query: .none).rewritesTarget)
    #expect(!KeyRules().rewritesTarget && KeyRules(sortsQuery: true).rewritesTarget)
  }
}

/// No two requests that the rules tell apart have one key, whatever stands in them.
@Suite struct CacheKeyInjectivityTests {
  private static let pieces = [
    "", "a", "=", ",", ", ", ";", ":", "/", "?", "&", "%0A", "%0a", "%00", "cookie:c",
    ":device bot",
    "a=", "a:b", "\\n", "\"", "x-a", "http://", "%26", "+", "\t", "\u{80}",
  ]

  @Test func adversarialValuesNeverMeet() {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: seed)
    func text() -> String {
      (0..<3).map { _ in Self.pieces.randomElement(using: &random) ?? "" }.joined()
    }
    let rules = KeyRules(
      headers: ["x-a", "accept-encoding", "accept"].map { Array($0.utf8) },
      cookies: [Array("c".utf8), Array("d".utf8)], includesDeviceClass: true,
      normalizesAcceptEncoding: false, normalizesPreferences: false)
    var seen: [String: String] = [:]
    for _ in 0..<4_000 {
      let path = "/" + text().filter { $0 != "?" && $0 != "\t" }
      let query = Bool.random(using: &random) ? "?" + text() : ""
      let host = ["a", "a:1", "b"].randomElement(using: &random) ?? "a"
      var fields: [(String, String)] = []
      var identity = "\(host)|\(path)|\(query)"
      for name in ["X-A", "Accept-Encoding", "Accept"] {
        let value = Bool.random(using: &random) ? text().trimmingBlanks : nil
        if let value { fields.append((name, value)) }
        identity += "|\(value.debugDescription)"
      }
      for name in ["c", "d"] {
        let value = Bool.random(using: &random) ? text().filter { $0 != ";" }.trimmingBlanks : nil
        if let value { fields.append(("Cookie", "\(name)=\(value)")) }
        identity += "|\(value.debugDescription)"
      }
      let method = Bool.random(using: &random) ? "GET" : "QUERY"
      let type = text().trimmingBlanks
      if method == "QUERY" { fields.append(("Content-Type", type)) }
      identity += "|\(method == "QUERY" ? type : "-")"
      let key = key(makeRequest(method, path + query, host: host, fields: fields), rules)
      #expect(seen[key] == nil || seen[key] == identity, "seed \(seed): \(key)")
      seen[key] = identity
    }
  }

  @Test func normalizedAndWrittenValuesStayApart() {
    let rules = KeyRules(headers: [Array("accept".utf8)])
    let written = key(makeRequest(fields: [("Accept", "a;q=9, b")]), rules)
    let normalized = key(makeRequest(fields: [("Accept", "a, b")]), rules)
    #expect(written == "http://example.com/\naccept=a;q=9, b")
    #expect(normalized == "http://example.com/\naccept:a,b")
  }
}

extension String {
  /// As a parser takes a field value: without blanks at its ends.
  fileprivate var trimmingBlanks: String {
    withBytes(self) { $0.trimmed.text }
  }
}
