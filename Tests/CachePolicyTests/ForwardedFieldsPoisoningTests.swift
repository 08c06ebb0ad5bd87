import HTTPMessage
import Testing

@testable import CachePolicy

private func forwarded(
  _ request: RequestHead, _ rules: KeyRules = KeyRules(), isCacheable: Bool? = nil
) -> [String] {
  let block = withBytes("edge") { name in
    withBytes("") { address in
      ForwardedFields.request(
        request, via: name, remoteAddress: address, isCacheable: isCacheable,
        isPeerTrusted: true, rules: rules)
    }
  }
  let own = ["Via", "CDN-Loop", "X-Forwarded-Proto", "X-Forwarded-Host"].map { "\($0): " }
  return lines(block).filter { line in !own.contains { line.hasPrefix($0) } }
}

/// RFC 9111 section 7.1: what is not keyed and could change the answer does not reach the origin.
@Suite struct ForwardedFieldsPoisoningTests {
  private static let withheld = [
    "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Scheme", "X-Forwarded-Server",
    "X-Forwarded-Ssl", "X-Forwarded", "Forwarded", "X-Original-URL", "X-Original-Host",
    "X-Original-URI", "X-Rewrite-URL", "X-Rewrite-Path", "X-Override-URL", "X-HTTP-Method-Override",
    "X-HTTP-Method", "X-Method-Override", "X-HTTP-Host-Override", "X-Host", "X-Backend-Host",
    "X-Real-IP", "True-Client-IP", "Client-IP", "X-Client-IP", "CF-Connecting-IP",
    "Front-End-Https",
    "X-Scheme", "X-Script-Name", "Request-URI", "Proxy", "Surrogate-Capability", "X-Device-Class",
    "X_Forwarded_Host", "X_Tenant", "Content_Length", "_", "x-FORWARDED-anything",
  ]

  @Test(arguments: withheld)
  func whatCouldChangeTheAnswerStaysHere(name: String) {
    for method in ["GET", "HEAD", "QUERY"] {
      #expect(forwarded(makeRequest(method, fields: [(name, "x")])) == [])
    }
  }

  @Test(arguments: withheld)
  func aRouteCanLetItThroughByListOrByKey(name: String) {
    let request = makeRequest(fields: [(name, "x")])
    let list = [Array(name.uppercased().utf8)]
    // The device class is the edge's to say, but for routes that take another's word.
    #expect(forwarded(request, KeyRules(forwardedHeaders: list)) == ["\(name): x"])
    #expect(forwarded(request, KeyRules(headers: list)) == ["\(name): x"])
  }

  @Test(arguments: withheld)
  func requestsThatAreNotAnsweredFromTheCacheKeepIt(name: String) {
    #expect(forwarded(makeRequest("POST", fields: [(name, "x")])) == ["\(name): x"])
    #expect(forwarded(makeRequest(fields: [(name, "x")]), isCacheable: false) == ["\(name): x"])
    #expect(forwarded(makeRequest("POST", fields: [(name, "x")]), isCacheable: true) == [])
  }

  @Test(arguments: [
    "X-Request-ID", "traceparent", "User-Agent", "Cookie", "Authorization", "Accept", "Origin",
    "Referer", "X-Tenant", "X-Forwardedness", "X-Hosting", "Save-Data", "Sec-Fetch-Mode", "xkey",
    "X-HTTP", "Cache-Control", "Proxy-Status", "X", "Range",
  ])
  func otherFieldsGoOn(name: String) {
    #expect(forwarded(makeRequest(fields: [(name, "x")])) == ["\(name): x"])
  }

  /// A refusal of `Content-Encoding: x` on a GET would be stored for everybody.
  @Test(arguments: ["Content-Type", "Content-Encoding", "Content-Range", "Trailer"])
  func fieldsThatDescribeContentNeedContent(name: String) {
    #expect(forwarded(makeRequest(fields: [(name, "x")])) == [])
    #expect(forwarded(makeRequest(framing: .length(0), fields: [(name, "x")])) == [])
    #expect(forwarded(makeRequest(framing: .length(1), fields: [(name, "x")])) == ["\(name): x"])
    #expect(forwarded(makeRequest("POST", fields: [(name, "x")])) == ["\(name): x"])
    let rules = KeyRules(headers: [Array(name.utf8)])
    #expect(forwarded(makeRequest(fields: [(name, "x")]), rules) == ["\(name): x"])
  }
}

/// RFC 9110 section 12.5: what is keyed in a reduced form goes on in that form.
@Suite struct ForwardedFieldsReductionTests {
  @Test func acceptEncodingGoesOnAsItIsKeyed() {
    let request = makeRequest(fields: [
      ("Accept-Encoding", "gzip, exotic"), ("X", "y"), ("accept-encoding", "br"),
    ])
    #expect(forwarded(request) == ["X: y", "Accept-Encoding: br, gzip"])
    #expect(
      forwarded(makeRequest(fields: [("Accept-Encoding", "")])) == ["Accept-Encoding: identity"])
    #expect(forwarded(makeRequest()) == [])
    let kept = KeyRules(normalizesAcceptEncoding: false)
    #expect(
      forwarded(makeRequest(fields: [("Accept-Encoding", "a,b")]), kept) == ["Accept-Encoding: a,b"]
    )
    #expect(
      forwarded(makeRequest("POST", fields: [("Accept-Encoding", "a,b")])) == [
        "Accept-Encoding: a,b"
      ])
  }

  @Test func acceptLanguageGoesOnAsTheOneThatFitsBest() {
    let rules = KeyRules(languages: [Array("en".utf8), Array("de".utf8)])
    #expect(
      forwarded(makeRequest(fields: [("Accept-Language", "fr, DE-at;q=0.5")]), rules) == [
        "Accept-Language: de"
      ])
    #expect(forwarded(makeRequest(), rules) == ["Accept-Language: en"])
    #expect(
      forwarded(makeRequest(fields: [("Accept-Language", "fr, DE-at")])) == [
        "Accept-Language: fr, DE-at"
      ])
  }

  @Test func theDeviceClassGoesOnWhereItIsKeyed() {
    let request = makeRequest(fields: [("User-Agent", "iPad"), ("X-Device-Class", "bot")])
    let rules = KeyRules(includesDeviceClass: true)
    #expect(forwarded(request, rules) == ["User-Agent: iPad", "X-Device-Class: tablet"])
    #expect(
      forwarded(request, rules, isCacheable: false) == [
        "User-Agent: iPad", "X-Device-Class: tablet",
      ])
  }
}

/// RFC 9110 section 7.6.1.
@Suite struct ForwardedFieldsConnectionTests {
  @Test func optionsThatAreManyNameEveryFieldThatIsNotKnown() {
    func options(_ count: Int) -> String {
      (0..<count).map { "o\($0)" }.joined(separator: ", ")
    }
    let fields = [("X-A", "1"), ("o1", "2"), ("Accept", "3")]
    let limit = ConnectionOptions.optionLimit
    #expect(
      forwarded(makeRequest(fields: fields + [("Connection", options(limit))]))
        == ["X-A: 1", "Accept: 3"])
    #expect(
      forwarded(makeRequest(fields: fields + [("Connection", options(limit + 1))])) == ["Accept: 3"]
    )
  }

  @Test func optionsTakeOutReducedFieldsToo() {
    let fields = [
      ("Connection", "Accept-Encoding, cookie"), ("Accept-Encoding", "br"), ("Cookie", "a"),
    ]
    #expect(forwarded(makeRequest(fields: fields)) == [])
  }
}

/// RFC 8586 section 2, RFC 9110 section 7.6.3.
@Suite struct ForwardedFieldsLoopTests {
  private func isLoop(_ values: String..., name: String = "edge") -> Bool {
    withBytes(name) {
      ForwardedFields.isLoop(makeRequest(fields: values.map { ("CDN-Loop", $0) }), name: $0)
    }
  }

  @Test func theEdgesOwnNameIsALoop() {
    #expect(isLoop("edge") && isLoop("a, Edge;x=1") && isLoop("a", "b,edge ; x=\"1,2\""))
    #expect(isLoop("cdn.example:80", name: "CDN.example:80"))
    #expect(!isLoop() && !isLoop("") && !isLoop("edge2, a;edge, b;x=\"edge\"") && !isLoop("edg"))
  }

  /// An opening quote of the client's must not hide the names behind it.
  @Test func quotesHideNoName() {
    #expect(isLoop("\", edge") && isLoop("a;x=\"1, edge, other;v=\"1\"") && isLoop("\"\\, edge"))
    #expect(isLoop("a;x=\"1, edge, 2\""))
    #expect(!isLoop("\"edge\"") && !isLoop("a;x=\"edge\""))
  }

  @Test func theNameIsAppendedWhateverConnectionSays() {
    let request = makeRequest(fields: [
      ("CDN-Loop", "a;v=1"), ("Connection", "cdn-loop, via, x-forwarded-for"), ("cdn-loop", "b"),
      ("Via", "1.0 p"), ("X-Forwarded-For", "192.0.2.7"),
    ])
    let block = withBytes("edge") { name in
      withBytes("::1") {
        ForwardedFields.request(request, via: name, remoteAddress: $0, isPeerTrusted: true)
      }
    }
    #expect(block.texts(named: "CDN-Loop") == ["a;v=1, b, edge"])
    #expect(block.texts(named: "Via") == ["1.0 p, 1.1 edge"])
    #expect(block.texts(named: "X-Forwarded-For") == ["192.0.2.7, ::1"])
  }

  @Test(arguments: [
    ("edge", true), ("cdn.example", true), ("cdn.example:8080", true), ("[::1]:80", true),
    ("a_b!", true), ("", false), ("a b", false), ("a,b", false), ("a;b", false), ("a:b", false),
    ("a\"", false), ("[::1", false), ("a:99999", false), ("é", false), ("(a)", false),
  ])
  func namesAreTokensOrHosts(name: String, isValid: Bool) {
    #expect(withBytes(name) { ForwardedFields.isValidName($0) } == isValid)
  }
}

/// RFC 9110 section 7.6.2.
@Suite struct ForwardedFieldsLimitTests {
  private func limit(_ method: String, _ values: String...) -> ForwardingLimit {
    ForwardingLimit(makeRequest(method, fields: values.map { ("Max-Forwards", $0) }))
  }

  @Test func maxForwardsCountsDownForTraceAndOptions() {
    for method in ["TRACE", "OPTIONS"] {
      #expect(limit(method, "0") == .reached && limit(method, "00") == .reached)
      #expect(limit(method, "1") == .remaining(0) && limit(method, "10") == .remaining(9))
      #expect(limit(method, "99999999999999999999") == .remaining(.max - 1))
      #expect(limit(method) == .none)
    }
    #expect(limit("GET", "0") == .none && limit("POST", "1") == .none)
  }

  @Test(arguments: ["", "-1", "x", "1.0", "1, 2", "+1"])
  func malformedLimitsDoNotCount(value: String) {
    #expect(limit("TRACE", value) == .none)
    #expect(limit("TRACE", "1", "1") == .none)
  }

  @Test func whatGoesOnHasTheLowerNumber() {
    let fields = [("Max-Forwards", "5")]
    #expect(forwarded(makeRequest("OPTIONS", fields: fields)) == ["Max-Forwards: 4"])
    #expect(forwarded(makeRequest("GET", fields: fields)) == ["Max-Forwards: 5"])
    #expect(
      forwarded(makeRequest("TRACE", fields: [("Max-Forwards", "x")])) == ["Max-Forwards: x"])
  }
}
