import Testing

/// A request over HTTP/2, and what an origin that speaks HTTP/1.1 gets of it: nothing at all, or
/// exactly these bytes.
///
/// `{t}` is the row's token, `{via}` the lines that the edge adds.
struct DowngradeRow: Sendable, CustomTestStringConvertible {
  /// What may reach the origin.
  enum Outcome: Sendable {
    case nothing
    /// A head, since it was good, but never the whole request, and nothing of what was wrong.
    case nothingWhole
    case exactly(String)
  }

  let claim: String
  /// The head's fields, pseudo-fields included.
  let fields: [String]
  var content: String?
  var trailers: [String]?
  let outcome: Outcome

  var testDescription: String { claim }

  init(
    _ claim: String, _ outcome: Outcome, _ fields: [String], content: String? = nil,
    trailers: [String]? = nil
  ) {
    self.claim = claim
    self.fields = fields
    self.content = content
    self.trailers = trailers
    self.outcome = outcome
  }

  private static func get(_ more: String...) -> [String] {
    [":method: GET", ":scheme: http", ":path: /{t}", ":authority: a"] + more
  }

  private static func post(_ more: String...) -> [String] {
    [":method: POST", ":scheme: http", ":path: /{t}", ":authority: a"] + more
  }

  private static let evil = "GET /{t}/evil HTTP/1.1\r\nHost: a\r\n\r\n"

  static let all = heads + contents + legal

  private static let heads: [DowngradeRow] = [
    .init("a line in a value", .nothing, get("x: a\r\nX-Evil: {t}")),
    .init("a request in a value", .nothing, get("x: a\r\n\r\n\(evil)")),
    .init("a bare LF in a value", .nothing, get("x: a\nX-Evil: {t}")),
    .init("a bare CR in a value", .nothing, get("x: a\rX-Evil: {t}")),
    .init("NUL in a value", .nothing, get("x: a\0b{t}")),
    .init("a line in a name", .nothing, get("x: a", "y\r\nX-Evil: {t}")),
    .init("a colon in a name", .nothing, get("transfer-encoding:chunked x: {t}")),
    .init("upper case in a name", .nothing, get("Transfer-Encoding: chunked", "x: {t}")),
    .init("a coding", .nothing, post("transfer-encoding: chunked"), content: "0\r\n\r\n" + evil),
    .init("Connection", .nothing, get("connection: x-forwarded-for")),
    .init("an upgrade", .nothing, get("upgrade: websocket", "sec-websocket-version: 13")),
    .init(
      "a line in the method", .nothing,
      [
        ":method: GET /{t} HTTP/1.1\r\nX: y\r\n\r\nGET", ":scheme: http", ":path: /",
        ":authority: a",
      ]
    ),
    .init(
      "a request in the path", .nothing,
      [
        ":method: GET", ":scheme: http", ":path: /{t} HTTP/1.1\r\nHost: a\r\n\r\n\(evil)",
        ":authority: a",
      ]),
    .init(
      "a version in the path", .nothing,
      [":method: GET", ":scheme: http", ":path: /{t} HTTP/1.0", ":authority: a"]),
    .init(
      "a line in the scheme", .nothing,
      [":method: GET", ":scheme: http://a/{t}\r\nX: y", ":path: /{t}", ":authority: a"]),
    .init(
      "a line in the authority", .nothing,
      [":method: GET", ":scheme: http", ":path: /{t}", ":authority: a\r\nX-Evil: {t}"]),
    .init(
      "user information", .nothing,
      [":method: GET", ":scheme: http", ":path: /{t}", ":authority: a@b"]),
    .init("another Host", .nothing, get("host: b")),
    .init("CONNECT", .nothing, [":method: CONNECT", ":authority: {t}:80"]),
    .init(
      "extended CONNECT", .nothing,
      [
        ":method: CONNECT", ":protocol: websocket", ":scheme: http", ":path: /{t}",
        ":authority: a",
      ]),
    .init(
      "two lengths", .nothing, post("content-length: 5", "content-length: 0"), content: "hello"),
    .init("a list of lengths", .nothing, post("content-length: 5, 5"), content: "hello"),
    .init("a length with a sign", .nothing, post("content-length: +5"), content: "hello"),
    .init("a length and no content", .nothing, get("content-length: 5")),
  ]

  private static let contents: [DowngradeRow] = [
    .init(
      "more content than declared", .nothingWhole, post("content-length: 5"),
      content: "hell" + evil),
    .init(
      "less content than declared", .nothingWhole, post("content-length: 50"), content: "hello"),
    .init(
      "a line in a trailer", .nothingWhole, post(), content: "hello",
      trailers: ["x: y\r\n\r\n\(evil)"]),
    .init(
      "a pseudo-field in the trailers", .nothingWhole, post(), content: "hello",
      trailers: [":path: /{t}/evil"]),
    .init(
      "a coding in the trailers", .nothingWhole, post(), content: "hello",
      trailers: ["transfer-encoding: /{t}/evil"]),
  ]

  private static let legal: [DowngradeRow] = [
    .init(
      "a plain request", .exactly("GET /{t} HTTP/1.1\r\nHost: a\r\n{via}\r\n"), get()),
    .init(
      "Host in place of the authority",
      .exactly("GET /{t} HTTP/1.1\r\nHost: a\r\n{via}\r\n"),
      [":method: GET", ":scheme: http", ":path: /{t}", "host: a"]),
    .init(
      "TE ends here, pieces of Cookie are one",
      .exactly("GET /{t} HTTP/1.1\r\nHost: a\r\ncookie: a=1; b=2\r\nx: y\r\n{via}\r\n"),
      get("te: trailers", "cookie: a=1", "x: y", "cookie: b=2")),
    .init(
      "content of a known length",
      .exactly("POST /{t} HTTP/1.1\r\nHost: a\r\n{via}Content-Length: 5\r\n\r\nhello"),
      post("content-length: 5"), content: "hello"),
    .init(
      "content of an unknown length that looks like chunks",
      .exactly(
        "POST /{t} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n{via}\r\n"
          + "a\r\n5\r\nhello\r\n\r\n0\r\n\r\n"),
      post(), content: "5\r\nhello\r\n"),
    .init(
      "trailers, those left out that would frame or route",
      .exactly(
        "POST /{t} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n{via}\r\n"
          + "5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n"),
      post(), content: "hello",
      trailers: [
        "x-sum: 1", "host: b", "authorization: c", "x-forwarded-for: d", "x-forwarded-proto: e",
        "x-forwarded-host: f", "via: g", "cdn-loop: h",
      ]),
  ]
}

extension SmugglingTests {
  @Test(
    "A request over HTTP/2 puts nothing of its own between the lines",
    arguments: Array(DowngradeRow.all.enumerated()))
  func aDowngradeInjectsNothing(_ row: (offset: Int, element: DowngradeRow)) throws {
    let edge = try SmugglingEdge.shared.get()
    let token = "rowd\(row.offset)x"
    func fill(_ text: String) -> String { text.replacing("{t}", with: token) }
    let client = try HTTP2Client(port: edge.port)
    let row = row.element
    let hasMore = row.content != nil
    client.send(
      HTTP2Client.headers(1, row.fields.map(fill), ends: !hasMore),
      row.content.map {
        HTTP2Client.frame(
          .data, row.trailers == nil ? HTTP2Client.endStream : 0, 1, Array(fill($0).utf8))
      } ?? [],
      row.trailers.map { HTTP2Client.headers(1, $0.map(fill), ends: true) } ?? [])
    let outcome = client.outcome(of: 1)
    // The connection stays usable, its compression state with it, and what was sent is dealt with.
    client.send(
      HTTP2Client.headers(
        3, [":method: GET", ":scheme: http", ":path: /\(token)-behind", ":authority: a"],
        ends: true))
    #expect(client.outcome(of: 3).head?.first == HTTP2Client.ok)
    let requests = edge.origin.requests(token).filter { !$0.text.contains("-behind") }
    switch row.outcome {
    case .exactly(let text):
      #expect(outcome.head?.first == HTTP2Client.ok)
      let expected = LegalRow.fill(text, token: token, version: "2")
      #expect(requests.map(\.text.debugDescription) == [expected.debugDescription])
    case .nothing:
      #expect(requests.map(\.text) == [])
      #expect(!edge.origin.hasReceived("/\(token) ") && !edge.origin.hasReceived("\(token)/"))
      #expect(!edge.origin.hasReceived("\(token)\r\n"))
    case .nothingWhole:
      #expect(requests.map(\.text) == [])
      #expect(!edge.origin.hasReceived("\(token)/evil"))
    }
  }
}
