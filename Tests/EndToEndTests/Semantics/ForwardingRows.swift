/// What goes on to the origin and comes through from it: interim responses, Via, CDN-Loop,
/// Max-Forwards, and fields by which a client could poison the cache.
enum ForwardingRows {
  static let all = Row.numbered("forwarding", interim, intermediaries, connection, poisoning)

  private static func hinted(_ interim: [[String]], _ fields: String...) -> Answer {
    Answer(fields: fields, interim: interim)
  }

  private static let hint = ["103 Early Hints", "Link: </a>; rel=preload"]

  private static let interim: [Row] = [
    Row(
      "103 is forwarded and not stored", "RFC 9110, 15.2",
      .miss(hinted([hint], "Cache-Control: max-age=3600"), .interim([103])), .hit(.interim([]))),
    Row(
      "103 is forwarded for what is not stored", "RFC 8297, 2",
      .miss(hinted([hint], "Cache-Control: no-store"), .interim([103]))),
    Row(
      "103 is forwarded for a POST", "RFC 8297, 2",
      .send("POST", .interim([103]), .status(200), body: "x", answers: [hinted([hint])])),
    Row(
      "several 103 are forwarded", "RFC 8297, 2",
      .miss(hinted([hint, hint], "Cache-Control: max-age=3600"), .interim([103, 103]))),
    Row(
      "102 is forwarded", "RFC 9110, 15.2",
      .miss(hinted([["102 Processing"]], "Cache-Control: max-age=3600"), .interim([102])),
      .hit(.interim([]))),
    Row(
      "an unknown interim response is forwarded", "RFC 9110, 15.2",
      .miss(hinted([["199 What"]], "Cache-Control: max-age=3600"), .interim([199])), .hit()),
    Row(
      "fields of a 103 are not those of the response", "RFC 8297, 2",
      .miss(hinted([hint], "Cache-Control: max-age=3600"), .noField("Link")),
      .hit(.noField("Link"))),
    Row(
      "a 103 does not forbid storing", "RFC 9110, 15.2",
      .miss(hinted([hint + ["Cache-Control: no-store"]], "Cache-Control: max-age=3600")), .hit()),
    Row(
      "no interim response for HTTP/1.0", "RFC 9110, 15.2",
      .send(
        "GET", .interim([]), .status(200), version: "HTTP/1.0",
        answers: [hinted([hint], "Cache-Control: max-age=3600")])),
    Row(
      "a 103 beside a 304 is forwarded", "RFC 9110, 15.2",
      .fill("Cache-Control: max-age=60", "Age: 100", "ETag: \"a\""),
      .stale(
        Answer(
          status: 304, fields: ["ETag: \"a\""], body: "", framing: .none, interim: [hint]),
        .asked, .interim([103]))),
    Row(
      "Expect: 100-continue is met", "RFC 9110, 10.1.1",
      .send(
        "POST", .asked, .status(200), .originBody("x"), fields: ["Expect: 100-continue"],
        body: "x", answers: [.ok()])),
  ]

  private static let intermediaries: [Row] = [
    Row(
      "Via names the edge to the origin", "RFC 9110, 7.6.3",
      .miss(.ok(), .originGot("Via", "1.1 edge"))),
    Row(
      "Via is appended to", "RFC 9110, 7.6.3",
      .miss(.ok(), .originGot("Via", "1.0 fred, 1.1 edge"), fields: ["Via: 1.0 fred"])),
    Row(
      "Via keeps its lines' order", "RFC 9110, 7.6.3",
      .miss(
        .ok(), .originGot("Via", "1.0 a, 1.1 b (c), 1.1 edge"),
        fields: ["Via: 1.0 a", "Via: 1.1 b (c)"])),
    Row(
      "Via tells HTTP/1.0", "RFC 9110, 7.6.3",
      .send("GET", .originGot("Via", "1.0 edge"), version: "HTTP/1.0")),
    Row(
      "Via names the edge to the client", "RFC 9110, 7.6.3",
      .miss(.ok("Cache-Control: max-age=3600"), .field("Via", "1.1 edge")),
      .hit(.field("Via", "1.1 edge"))),
    Row(
      "Via of the origin is appended to", "RFC 9110, 7.6.3",
      .miss(
        .ok("Cache-Control: max-age=3600", "Via: 1.1 inner"), .field("Via", "1.1 inner, 1.1 edge")),
      .hit(.field("Via", "1.1 inner, 1.1 edge"))),
    Row(
      "Via of what is passed by", "RFC 9110, 7.6.3",
      .send(
        "POST", .originGot("Via", "1.1 edge"), .field("Via", "1.1 edge"), body: "x")),
    Row(
      "CDN-Loop names the edge", "RFC 8586, 2", .miss(.ok(), .originGot("CDN-Loop", "edge"))),
    Row(
      "CDN-Loop names the edge for what is passed by", "RFC 8586, 2",
      .send("POST", .originGot("CDN-Loop", "edge"), body: "x")),
    Row(
      "CDN-Loop is appended to", "RFC 8586, 2",
      .miss(
        .ok(), .originGot("CDN-Loop", "foo; v=1, bar.test, edge"),
        fields: ["CDN-Loop: foo; v=1, bar.test"])),
    Row(
      "CDN-Loop lines are joined", "RFC 8586, 2",
      .miss(
        .ok(), .originGot("CDN-Loop", "foo, bar, edge"), fields: ["CDN-Loop: foo", "CDN-Loop: bar"])
    ),
    loop("its own name", "edge", isLoop: true),
    loop("its own name with parameters", "edge; v=1", isLoop: true),
    loop("its own name in a list", "foo, edge, bar", isLoop: true),
    loop("its own name without spaces", "foo,edge;a=b", isLoop: true),
    loop("a name that begins alike", "edge2, edges.test", isLoop: false),
    loop("a name that ends alike", "myedge", isLoop: false),
    loop("its own name as a parameter", "foo; by=edge", isLoop: false),
    loop("its own name in a quoted parameter", "foo; by=\"a, edge\"", isLoop: false),
    Row(
      "a loop is found for POST too", "RFC 8586, 2",
      .send("POST", .notAsked, .status(508), fields: ["CDN-Loop: edge"], body: "x")),
    Row(
      "Max-Forwards: 0 of OPTIONS ends here", "RFC 9110, 7.6.2",
      .send("OPTIONS", .notAsked, .status(200), fields: ["Max-Forwards: 0"])),
    Row(
      "Max-Forwards of OPTIONS is counted down", "RFC 9110, 7.6.2",
      .send("OPTIONS", .originGot("Max-Forwards", "4"), fields: ["Max-Forwards: 5"])),
    Row(
      "Max-Forwards: 1 of OPTIONS goes on as 0", "RFC 9110, 7.6.2",
      .send("OPTIONS", .originGot("Max-Forwards", "0"), fields: ["Max-Forwards: 1"])),
    Row(
      "Max-Forwards: 0 of TRACE ends here", "RFC 9110, 7.6.2",
      .send("TRACE", .notAsked, fields: ["Max-Forwards: 0"])),
    Row(
      "Max-Forwards means nothing to GET", "RFC 9110, 7.6.2",
      .miss(.ok(), fields: ["Max-Forwards: 0"])),
  ]

  private static func loop(_ claim: String, _ value: String, isLoop: Bool) -> Row {
    Row(
      "\(claim) in CDN-Loop is \(isLoop ? "a" : "no") loop", "RFC 8586, 2",
      .send(
        "GET", isLoop ? .notAsked : .asked, .status(isLoop ? 508 : 200),
        fields: ["CDN-Loop: \(value)"]))
  }

  private static func notForwarded(_ field: String, _ more: String...) -> Row {
    let name = String(field.prefix { $0 != ":" })
    return Row(
      "\(name) is not forwarded", "RFC 9110, 7.6.1",
      .miss(.ok(), .originGotNo(name), fields: [field] + more))
  }

  private static let connection: [Row] = [
    notForwarded("Keep-Alive: timeout=5", "Connection: keep-alive"),
    notForwarded("Proxy-Connection: keep-alive"),
    notForwarded("TE: trailers", "Connection: TE"),
    notForwarded("Upgrade: foo", "Connection: upgrade"),
    notForwarded("Proxy-Authorization: Basic YTpi"),
    notForwarded("X-Hop: 1", "Connection: X-Hop"),
    notForwarded("X-Hop: 1", "Connection: foo, x-hop , bar"),
    Row(
      "Connection cannot keep Authorization out of the decision", "RFC 9111, 3.5",
      .miss(
        .ok("Cache-Control: max-age=3600"),
        fields: ["Authorization: Basic YTpi", "Connection: Authorization"]),
      .miss(.ok(), .body("b2"))),
    Row(
      "Connection cannot poison a variant", "RFC 9110, 7.6.1",
      .miss(
        .ok("Cache-Control: max-age=3600", "Vary: Foo"), fields: ["Foo: 1", "Connection: Foo"]),
      .miss(.ok(), .body("b2"), fields: ["Foo: 1"])),
    Row(
      "unknown fields are forwarded", "RFC 9110, 5.1",
      .miss(.ok(), .originGot("X-Foo", "a, b"), fields: ["X-Foo: a", "X-Foo: b"])),
    Row(
      "Host is the client's", "RFC 9110, 7.2",
      .miss(.ok(), .originGot("Host", "{host}"))),
    Row(
      "no-transform leaves the content", "RFC 9110, 7.7",
      .miss(
        .ok("Cache-Control: no-transform, max-age=3600", "Content-Type: text/plain"), .body("b1"),
        .noField("Content-Encoding"), fields: ["Accept-Encoding: gzip, br"]),
      .hit(fields: ["Accept-Encoding: gzip, br"])),
    Row(
      "HTTP/1.0 gets no chunks", "RFC 9112, 6.1",
      .send(
        "GET", .status(200), .body("b1"), .noField("Transfer-Encoding"), version: "HTTP/1.0",
        answers: [.ok(["Cache-Control: no-store"], body: "b{n}", framing: .chunked)])),
    Row(
      "trailers come through", "RFC 9110, 6.5.1",
      .miss(
        Answer(
          fields: ["Cache-Control: no-store"], framing: .chunked, trailers: ["X-Trailer: 1"]),
        .body("b1"), .noField("X-Trailer"))),
  ]

  private static func harmless(_ name: String, _ value: String) -> Row {
    Row(
      "\(name) does not reach the origin from a client", "RFC 9111, 7.1",
      .miss(
        .ok("Cache-Control: max-age=3600"), .originGotWithout(name, value),
        fields: ["\(name): \(value)"]))
  }

  private static let poisoning: [Row] = [
    harmless("X-Forwarded-Host", "evil.test"), harmless("X-Host", "evil.test"),
    harmless("X-Forwarded-Server", "evil.test"), harmless("X-Original-Host", "evil.test"),
    harmless("X-Original-URL", "/evil"), harmless("X-Rewrite-URL", "/evil"),
    harmless("X-HTTP-Method-Override", "DELETE"), harmless("X-HTTP-Method", "DELETE"),
    harmless("X-Method-Override", "DELETE"), harmless("Forwarded", "host=evil.test"),
    harmless("X-Forwarded-Scheme", "evil"), harmless("X-Forwarded-Proto", "evil"),
    harmless("X-Forwarded-Port", "666"), harmless("X-Forwarded-Prefix", "/evil"),
    Row(
      "X-Forwarded-Proto tells the scheme", "RFC 9111, 7.1",
      .miss(.ok(), .originGot("X-Forwarded-Proto", "http"), fields: ["X-Forwarded-Proto: https"])),
    Row(
      "the answer to a GET with content is not for those without", "RFC 9110, 9.3.1",
      .send("GET", body: "evil", answers: [.ok("Cache-Control: max-age=3600")]),
      .send("GET", .asked, .status(200))),
    Row(
      "an answer without content is not for a GET with content", "RFC 9110, 9.3.1",
      .miss(.ok("Cache-Control: max-age=3600", "ETag: \"a\"")),
      .send("GET", body: "evil", answers: [.ok("Cache-Control: max-age=3600")]), .hit()),
    Row(
      "a range on a miss does not poison the whole", "RFC 9111, 3.3",
      .send(
        "GET", .asked, .status(206), fields: ["Range: bytes=0-0"],
        answers: [.ok("Cache-Control: max-age=3600")]),
      .send("GET", .status(200), .bodyContains("b"))),
  ]
}
