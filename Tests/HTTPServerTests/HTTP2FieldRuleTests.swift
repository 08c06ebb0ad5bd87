import HTTPMessage
import HTTPServer
import NIOCore
import Testing

/// What becomes of a request that breaks RFC 9113's rules for fields, one row a rule.
struct HTTP2FieldRule: Sendable, CustomTestStringConvertible {
  enum Outcome: Equatable, Sendable {
    case answered
    case status(Int)
    /// RST_STREAM(PROTOCOL_ERROR).
    case malformed
  }

  var name: String
  var fields: [(String, String)]
  var outcome: Outcome

  init(_ name: String, _ outcome: Outcome, _ fields: [(String, String)]) {
    self.name = name
    self.fields = fields
    self.outcome = outcome
  }

  /// A row whose fields follow the pseudo-fields of a GET.
  init(_ name: String, _ outcome: Outcome, after fields: (String, String)...) {
    self.init(name, outcome, HTTP2Peer.request("/") + fields)
  }

  var testDescription: String { name }

  static func get(
    method: String? = "GET", scheme: String? = "http", path: String? = "/",
    authority: String? = "a", _ more: [(String, String)] = []
  ) -> [(String, String)] {
    let pseudo = [
      (":method", method), (":scheme", scheme), (":path", path), (":authority", authority),
    ]
    return pseudo.compactMap { name, value in value.map { (name, $0) } } + more
  }

  static let rules: [HTTP2FieldRule] = [
    // Section 8.2.1: names and values.
    .init("a plain field", .answered, after: ("x", "y")),
    .init("every token byte in a name", .answered, after: ("!#$%&'*+-.^_`|~09az", "y")),
    .init("upper case in a name", .malformed, after: ("X-a", "y")),
    .init("a blank in a name", .malformed, after: ("x a", "y")),
    .init("a colon in a name", .malformed, after: ("x:a", "y")),
    .init("a line end in a name", .malformed, after: ("x\r\ny", "z")),
    .init("a byte above ASCII in a name", .malformed, after: ("x\u{e9}", "y")),
    .init("an empty name", .malformed, after: ("", "y")),
    .init("an empty value", .answered, after: ("x", "")),
    .init("a tab and bytes above ASCII in a value", .answered, after: ("x", "a\tb\u{e9}")),
    .init("CR in a value", .malformed, after: ("x", "a\rb")),
    .init("LF in a value", .malformed, after: ("x", "a\nb: c")),
    .init("CR LF in a value", .malformed, after: ("x", "a\r\nEvil: b")),
    .init("NUL in a value", .malformed, after: ("x", "a\0b")),
    .init("another control in a value", .malformed, after: ("x", "a\u{1}b")),
    .init("DEL in a value", .malformed, after: ("x", "a\u{7f}b")),
    .init("a value that starts with a blank", .malformed, after: ("x", " a")),
    .init("a value that ends in a tab", .malformed, after: ("x", "a\t")),
    .init("LF in a cookie", .malformed, after: ("cookie", "a=1\nb")),
    // Section 8.2.2: fields of a connection of HTTP/1.1.
    .init("Connection", .malformed, after: ("connection", "close")),
    .init("Keep-Alive", .malformed, after: ("keep-alive", "1")),
    .init("Proxy-Connection", .malformed, after: ("proxy-connection", "close")),
    .init("Transfer-Encoding", .malformed, after: ("transfer-encoding", "chunked")),
    .init("Upgrade", .malformed, after: ("upgrade", "h2c")),
    .init("TE: trailers", .answered, after: ("te", "trailers")),
    .init("TE with more", .malformed, after: ("te", "gzip")),
    // Section 8.3: pseudo-fields.
    .init("no :method", .malformed, get(method: nil)),
    .init("no :scheme", .malformed, get(scheme: nil)),
    .init("no :path", .malformed, get(path: nil)),
    .init("two :method", .malformed, [(":method", "GET")] + get()),
    .init("two :scheme", .malformed, [(":scheme", "http")] + get()),
    .init("two :path", .malformed, [(":path", "/x")] + get()),
    .init("two :authority", .malformed, [(":authority", "a")] + get()),
    .init("a pseudo-field behind a field", .malformed, [("x", "y")] + get()),
    .init("an unknown pseudo-field", .malformed, [(":x", "y")] + get()),
    .init("a pseudo-field of responses", .malformed, [(":status", "200")] + get()),
    .init("a pseudo-field in upper case", .malformed, [(":Method", "GET")] + get()),
    .init("an empty :method", .malformed, get(method: "")),
    .init("a blank in :method", .malformed, get(method: "GE T")),
    .init("a line in :method", .malformed, get(method: "GET / HTTP/1.1\r\nX")),
    .init("any token as :method", .answered, get(method: "FLY")),
    .init("https over clear text", .answered, get(scheme: "https")),
    .init("another :scheme", .status(400), get(scheme: "ftp")),
    .init("an empty :scheme", .malformed, get(scheme: "")),
    .init("a line in :scheme", .malformed, get(scheme: "http\r\nx: y")),
    .init("an empty :path", .malformed, get(path: "")),
    .init("a :path without a slash", .malformed, get(path: "x")),
    .init("an absolute :path", .malformed, get(path: "http://a/")),
    .init("an asterisk", .malformed, get(path: "*")),
    .init("an asterisk for OPTIONS", .answered, get(method: "OPTIONS", path: "*")),
    .init("an asterisk and more", .malformed, get(method: "OPTIONS", path: "*x")),
    .init("a path for OPTIONS", .answered, get(method: "OPTIONS", path: "/x")),
    .init("a blank in :path", .malformed, get(path: "/a b")),
    .init("a line in :path", .malformed, get(path: "/ HTTP/1.1\r\nX: y\r\n\r\nGET /")),
    .init("a fragment in :path", .status(400), get(path: "/a#b")),
    .init("a byte above ASCII in :path", .status(400), get(path: "/\u{e9}")),
    .init("an empty :authority", .malformed, get(authority: "")),
    .init("user information", .status(400), get(authority: "u@a")),
    .init("a port", .answered, get(authority: "a:65535")),
    .init("a port out of range", .status(400), get(authority: "a:65536")),
    .init("a path in :authority", .malformed, get(authority: "a/b")),
    .init("a line in :authority", .malformed, get(authority: "a\r\nx: y")),
    .init("IPv6", .answered, get(authority: "[::1]:80")),
    .init("Host in place of :authority", .answered, get(authority: nil, [("host", "b")])),
    .init("neither Host nor :authority", .malformed, get(authority: nil)),
    .init("Host like :authority", .answered, get([("host", "A")])),
    .init("Host unlike :authority", .status(400), get([("host", "b")])),
    .init("two Hosts", .malformed, get(authority: nil, [("host", "a"), ("host", "a")])),
    .init("user information in Host", .status(400), get(authority: nil, [("host", "u@a")])),
    // Section 8.5, and RFC 8441.
    .init("CONNECT", .status(501), [(":method", "CONNECT"), (":authority", "a:443")]),
    .init(
      "extended CONNECT", .malformed,
      get(method: "CONNECT", [])
        .reversed().reversed() + [(":protocol", "websocket")]),
    // Expectations and lengths.
    .init("another expectation", .status(417), after: ("expect", "200-maybe")),
    .init("Content-Length: 0", .answered, after: ("content-length", "0")),
    .init(
      "two Content-Lengths", .malformed, after: ("content-length", "0"), ("content-length", "0")),
    .init("a sign in Content-Length", .malformed, after: ("content-length", "+0")),
    .init("a list in Content-Length", .malformed, after: ("content-length", "0, 0")),
    .init("an empty Content-Length", .malformed, after: ("content-length", "")),
    .init("2^64 in Content-Length", .malformed, after: ("content-length", "18446744073709551616")),
    .init("Content-Length without content", .malformed, after: ("content-length", "3")),
  ]
}

struct HTTP2FieldRuleTests {
  @Test("RFC 9113 section 8", arguments: HTTP2FieldRule.rules)
  func requestsThatBreakARuleGoNoFurther(_ rule: HTTP2FieldRule) {
    let peer = HTTP2Peer()
    peer.headers(1, rule.fields)
    let answer = peer.answer(1)
    switch rule.outcome {
    case .answered: #expect(answer.status == 200 && answer.resetCode == nil)
    case .status(let status):
      #expect(answer.status == status && answer.hasEnded && answer.resetCode == nil)
    case .malformed: #expect(answer.status == nil && answer.resetCode == 1)
    }
    #expect(peer.responder.targets.isEmpty == (rule.outcome != .answered))
    // The connection goes on, and its compression state with it.
    peer.pass(.seconds(50))
    peer.get(3, "/next")
    #expect(peer.answer(3).text == "/next")
  }

  @Test("Content-Length is compared with the DATA frames' sum (section 8.1.1)")
  func contentMustBeOfItsLength() {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    for stream: UInt32 in [1, 3, 5, 7] {
      peer.post(stream, [("content-length", "3")])
      peer.responder.exchanges.last?.pullsOn = true
      peer.responder.exchanges.last?.writer.requestBodyChunk()
    }
    peer.data(1, "abc", ends: true)
    peer.data(3, "ab", ends: true)
    peer.data(5, "abcd")
    peer.data(7, "ab")
    peer.headers(7, [("x", "y")])
    let reasons = peer.responder.exchanges.map(\.closeReason)
    let bad = ClientCloseReason.badContent(.badContentLength)
    #expect(reasons == [nil, bad, bad, bad])
    #expect(peer.responder.exchanges.map(\.hasEnded) == [true, false, false, false])
    #expect([1, 3, 5, 7].map { peer.answer($0).resetCode } == [nil, 1, 1, 1])
    #expect(peer.pool.statistics.provokedResets.value == 3 && peer.goAwayCode == nil)
  }

  @Test(
    "Trailers follow the rules too (section 8.1)",
    arguments: [
      [(":path", "/")], [("X", "y")], [("x", "a\r\nb")], [("connection", "close")], [("", "x")],
    ])
  func malformedTrailersResetTheStream(_ fields: [(String, String)]) {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    peer.post(1)
    peer.data(1, "abc")
    peer.headers(1, fields)
    #expect(peer.answer(1).resetCode == 1)
    #expect(peer.responder.exchanges[0].closeReason == .badContent(.badContentLength))
  }

  @Test func trailersMustEndTheStream() {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    peer.post(1)
    peer.headers(1, [("x", "y")], ends: false)
    #expect(peer.answer(1).resetCode == 1 || peer.goAwayCode == 1)
    #expect(peer.responder.exchanges[0].closeReason != nil)
  }

  @Test func trailersBeyondTheirLimitAreRefused() {
    let peer = HTTP2Peer { $0.head = HeadLimits(headSizeBytes: 1024) }
    peer.responder.answer = { _, _ in false }
    peer.post(1)
    peer.headers(1, [("x", String(repeating: "y", count: 1100))])
    #expect(peer.answer(1).status == 400)
    #expect(peer.responder.exchanges[0].closeReason == .badContent(.badTrailer))
  }

  @Test("A head beyond its limits is answered 431 or 414, one within them is not")
  func headsAreBounded() {
    let limits = HeadLimits(headSizeBytes: 2048, targetSizeBytes: 1000, fieldCount: 10)
    let peer = HTTP2Peer { $0.head = limits }
    // The pseudo-fields take 54 bytes of it, the name and its punctuation 5.
    let room = 2048 - 54 - 5
    peer.headers(1, HTTP2Peer.request("/", [("x", String(repeating: "y", count: room))]))
    peer.headers(3, HTTP2Peer.request("/", [("x", String(repeating: "y", count: room + 1))]))
    let ten = (0..<10).map { ("x\($0)", "y") }
    peer.headers(5, HTTP2Peer.request("/", ten))
    peer.headers(7, HTTP2Peer.request("/", ten + [("z", "z")]))
    let crumbs = (0..<30).map { ("cookie", "c\($0)") }
    peer.headers(9, HTTP2Peer.request("/", crumbs))
    peer.headers(11, HTTP2Peer.request("/" + String(repeating: "p", count: 999)))
    peer.headers(13, HTTP2Peer.request("/" + String(repeating: "p", count: 1000)))
    let statuses = [1, 3, 5, 7, 9, 11, 13].map { peer.answer($0).status }
    #expect(statuses == [200, 431, 200, 431, 200, 200, 414])
    #expect(
      peer.statistics.faults == [.headTooLarge: 1, .tooManyFields: 1, .targetTooLong: 1])
    #expect(peer.responder.faults.count == 3)
    peer.headers(15, HTTP2Peer.request("/", method: "HEAD", ten + [("z", "z")]))
    #expect(peer.answer(15).status == 431 && peer.answer(15).dataFrames == 0)
  }

  /// Fields as libnghttp2 packs them, in as many frames as it takes.
  private func packed(
    _ stream: UInt32, _ fields: [(String, String)], ends: Bool = true
  ) -> [HTTP2Frame] {
    var block = HTTP2Peer.packedBlock(fields)[...]
    var frames: [HTTP2Frame] = []
    while !block.isEmpty {
      frames.append(
        HTTP2Frame(
          frames.isEmpty ? .headers : .continuation,
          flags: frames.isEmpty && ends ? HTTP2Frame.endStream : 0, stream: stream,
          payload: Array(block.prefix(16_384))))
      block = block.dropFirst(16_384)
    }
    frames[frames.count - 1].flags |= HTTP2Frame.endHeaders
    return frames
  }

  @Test("A name that begins like another is not taken for that, however long it is")
  func longNamesAreNotCutShort() {
    // A block counts 16 bits of a name's length: of these it would keep `transfer-encoding`, or
    // nothing. Packed, they take 5 bits a letter.
    for name in ["transfer-encoding", ""] {
      let long = name + String(repeating: "a", count: 1 << 16)
      let peer = HTTP2Peer { $0.head = HeadLimits(headSizeBytes: 256 << 10) }
      peer.responder.answer = { _, _ in false }
      peer.send(frames: packed(1, HTTP2Peer.request("/", [(long, "chunked")])))
      #expect(peer.answer(1).status == 400 && peer.responder.exchanges.isEmpty)
      peer.post(3)
      peer.send(frames: packed(3, [(long, "chunked")]))
      #expect(peer.answer(3).resetCode != nil)
      #expect(peer.responder.exchanges.first?.closeReason != nil)
      // One byte less than 64 KiB is a name like any other.
      peer.send(frames: packed(5, HTTP2Peer.request("/", [(String(long.prefix(65_535)), "x")])))
      #expect(peer.responder.exchanges.count == 2 && peer.goAwayCode == nil)
    }
  }

  @Test func aRefusalIsAProblemDocument() {
    let peer = HTTP2Peer()
    peer.headers(1, HTTP2FieldRule.get([("host", "b")]))
    #expect(peer.answer(1).fields.contains("content-type: application/problem+json"))
    #expect(peer.answer(1).text.contains("\"detail\":\"Host differs from the target's authority\""))
  }
}
