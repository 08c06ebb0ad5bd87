/// What may be stored, and which fields of it (RFC 9111, sections 3, 3.1 to 3.5 and 5.2.2).
enum StoringRows {
  static let all = Row.numbered(
    "storing", forbidden, qualified, authorization, cookies, fields, incomplete, methods)

  private static let forbidden: [Row] = [
    .notStored("no-store", "RFC 9111, 5.2.2.5", "Cache-Control: no-store"),
    .notStored("NO-STORE in capitals", "RFC 9111, 5.2.2.5", "Cache-Control: NO-STORE"),
    .notStored(
      "no-store before max-age", "RFC 9111, 5.2.2.5", "Cache-Control: no-store, max-age=3600"),
    .notStored(
      "no-store behind max-age", "RFC 9111, 5.2.2.5", "Cache-Control: max-age=3600, no-store"),
    .notStored(
      "no-store on a line of its own", "RFC 9111, 5.2.2.5",
      "Cache-Control: max-age=3600", "Cache-Control: no-store"),
    .notStored(
      "no-store goes before public and s-maxage", "RFC 9111, 5.2.2.5",
      "Cache-Control: public, s-maxage=3600, no-store"),
    .notStored(
      "no-store beside Expires", "RFC 9111, 5.2.2.5",
      "Cache-Control: no-store", "Expires: {now+3600}"),
    .notStored("private", "RFC 9111, 5.2.2.7", "Cache-Control: private"),
    .notStored("PRIVATE in capitals", "RFC 9111, 5.2.2.7", "Cache-Control: Private, max-age=3600"),
    .notStored(
      "private beside s-maxage", "RFC 9111, 5.2.2.7", "Cache-Control: s-maxage=3600, private"),
    .notStored(
      "private beside public", "RFC 9111, 5.2.2.7", "Cache-Control: public, private, max-age=60"),
    Row(
      "no-cache is asked for each time", "RFC 9111, 5.2.2.4",
      .fill("Cache-Control: no-cache", "ETag: \"a\""),
      .stale(.notModified("ETag: \"a\""), .asked, .originGot("If-None-Match", "\"a\"")),
      .stale(.notModified("ETag: \"a\""), .asked)),
    Row(
      "no-cache beside max-age is asked for each time", "RFC 9111, 5.2.2.4",
      .fill("Cache-Control: max-age=3600, No-Cache", "ETag: \"a\""), .miss(.ok(), .body("b2"))),
    Row(
      "no-cache on a line of its own", "RFC 9111, 5.2.2.4",
      .fill("Cache-Control: s-maxage=3600", "Cache-Control: no-cache", "ETag: \"a\""),
      .miss(.ok(), .body("b2"))),
    .reused(
      "public changes nothing that has a lifetime", "RFC 9111, 5.2.2.9",
      "Cache-Control: public, max-age=3600"),
    .reused(
      "no-transform does not disturb", "RFC 9111, 5.2.2.6",
      "Cache-Control: no-transform, max-age=3600"),
  ]

  private static func withheld(
    _ claim: String, _ section: String, _ field: String, _ value: String
  ) -> Row {
    Row(
      claim, section, route: "ttl: { default: 0 }",
      .miss(
        .ok("Cache-Control: max-age=3600, \(value)", "\(field): 1", "X-Other: 2"),
        .field("X-Other", "2")),
      .hit(.noField(field), .field("X-Other", "2")))
  }

  private static let qualified: [Row] = [
    withheld(
      "a field that private names is not stored", "RFC 9111, 5.2.2.7", "X-User",
      "private=\"X-User\""),
    withheld(
      "a field that private names in another case is not stored", "RFC 9111, 5.2.2.7", "X-User",
      "private=\"x-USER\""),
    withheld(
      "each field that private names is not stored", "RFC 9111, 5.2.2.7", "X-User",
      "private=\"x-foo, x-user\""),
    withheld(
      "a field that a later private names is not stored", "RFC 9111, 5.2.2.7", "X-User",
      "private=\"x-foo\", private=\"x-user\""),
    withheld(
      "a field that no-cache names is not used again", "RFC 9111, 5.2.2.4", "X-User",
      "no-cache=\"X-User\""),
    withheld(
      "each field that no-cache names is not used again", "RFC 9111, 5.2.2.4", "X-User",
      "no-cache=\"x-foo,x-user\""),
    withheld(
      "Set-Cookie named by no-cache lets the rest be stored", "RFC 9111, 5.2.2.4", "Set-Cookie",
      "no-cache=\"Set-Cookie\""),
    withheld(
      "Set-Cookie named by private lets the rest be stored", "RFC 9111, 5.2.2.7", "Set-Cookie",
      "private=\"set-cookie\""),
    .notStored(
      "an unqualified private goes before a qualified one", "RFC 9111, 5.2.2.7",
      "Cache-Control: max-age=3600, private=\"x-user\", private"),
    Row(
      "an unqualified no-cache goes before a qualified one", "RFC 9111, 5.2.2.4",
      .fill("Cache-Control: max-age=3600, no-cache=\"x-user\", no-cache", "ETag: \"a\""), .miss()),
  ]

  private static let credentials = ["Authorization: Basic YTpi"]

  private static func shared(_ claim: String, _ control: String) -> Row {
    Row(
      claim, "RFC 9111, 3.5", route: "ttl: { default: 0 }",
      .miss(.ok("Cache-Control: \(control)"), fields: credentials), .hit(fields: credentials),
      .hit())
  }

  private static let authorization: [Row] = [
    .notStored(
      "an answer to Authorization is not stored", "RFC 9111, 3.5", request: credentials,
      "Cache-Control: max-age=3600"),
    .notStored(
      "an answer to Authorization with Expires is not stored", "RFC 9111, 3.5",
      request: credentials, "Expires: {now+3600}"),
    .notStored(
      "an answer to Authorization without a lifetime is not stored", "RFC 9111, 3.5",
      request: credentials, "X-Foo: bar"),
    .notStored(
      "proxy-revalidate does not share an answer to Authorization", "RFC 9111, 3.5",
      request: credentials, "Cache-Control: max-age=3600, proxy-revalidate"),
    .notStored(
      "private does not share an answer to Authorization", "RFC 9111, 3.5", request: credentials,
      "Cache-Control: private, s-maxage=3600"),
    .notStored(
      "any scheme of Authorization counts", "RFC 9111, 3.5",
      request: ["authorization: Bearer abc"], "Cache-Control: max-age=3600"),
    shared("public shares an answer to Authorization", "max-age=3600, public"),
    shared("s-maxage shares an answer to Authorization", "s-maxage=3600"),
    shared("must-revalidate shares an answer to Authorization", "max-age=3600, must-revalidate"),
    Row(
      "an answer to Authorization is not stored for its own user either", "RFC 9111, 3.5",
      .miss(.ok("Cache-Control: max-age=3600"), fields: credentials),
      .miss(.ok(), .body("b2"), fields: credentials)),
    Row(
      "s-maxage=0 shares an answer to Authorization after validation only", "RFC 9111, 3.5",
      .miss(.ok("Cache-Control: s-maxage=0", "ETag: \"a\""), fields: credentials),
      .miss(.ok(), .body("b2"))),
    Row(
      "Authorization reaches the origin", "RFC 9110, 11.6.2",
      .miss(.ok(), .originGot("Authorization", "Basic YTpi"), fields: credentials)),
  ]

  private static let cookies: [Row] = [
    .notStored(
      "a response with Set-Cookie is not stored by default", "RFC 9111, 7.3",
      "Cache-Control: max-age=3600", "Set-Cookie: a=b"),
    .notStored(
      "nor is one with public and s-maxage", "RFC 9111, 7.3",
      "Cache-Control: public, s-maxage=3600", "Set-Cookie: a=b"),
    Row(
      "strip stores the response without Set-Cookie", "RFC 9111, 7.3", route: "set_cookie: strip",
      .fill("Cache-Control: max-age=3600", "Set-Cookie: a=b", "X-Foo: 1"),
      .hit(.noField("Set-Cookie"), .field("X-Foo", "1"))),
    Row(
      "store keeps Set-Cookie for everyone", "RFC 9111, 7.3", route: "set_cookie: store",
      .fill("Cache-Control: max-age=3600", "Set-Cookie: a=b", "Set-Cookie: c=d"),
      .hit(.field("Set-Cookie", "a=b, c=d"))),
    Row(
      "bypass passes Set-Cookie on", "RFC 6265, 3",
      .miss(
        .ok("Cache-Control: max-age=3600", "Set-Cookie: a=b", "Set-Cookie: c=d"),
        .field("Set-Cookie", "a=b, c=d"))),
    Row(
      "a request's Cookie does not keep the answer out", "RFC 9111, 3",
      .miss(.ok("Cache-Control: max-age=3600"), fields: ["Cookie: a=b"]),
      .hit(fields: ["Cookie: a=c"])),
  ]

  private static func notKept(_ field: String, _ more: String...) -> Row {
    let name = String(field.prefix { $0 != ":" })
    return Row(
      "\(name) is not stored", "RFC 9111, 3.1",
      .miss(Answer(fields: ["Cache-Control: max-age=3600", field] + more)), .hit(.noField(name)))
  }

  private static func kept(_ field: String, _ value: String) -> Row {
    Row(
      "\(field) is stored", "RFC 9111, 3.1",
      .miss(.ok("Cache-Control: max-age=3600", "\(field): \(value)"), .field(field, value)),
      .hit(.field(field, value)))
  }

  private static let fields: [Row] = [
    notKept("Keep-Alive: timeout=5", "Connection: keep-alive"),
    notKept("Proxy-Connection: keep-alive"),
    notKept("Proxy-Authenticate: Basic"),
    notKept("Proxy-Authentication-Info: rspauth=a"),
    notKept("Proxy-Authorization: Basic YTpi"),
    notKept("TE: trailers"),
    notKept("Trailer: X-Foo"),
    notKept("Upgrade: foo", "Connection: upgrade"),
    notKept("X-Hop: 1", "Connection: X-Hop"),
    notKept("X-Hop: 1", "Connection: foo, x-HOP"),
    notKept("X-Hop: 1", "Connection: keep-alive", "Connection: X-Hop"),
    Row(
      "a field that Connection names is not passed on", "RFC 9110, 7.6.1",
      .miss(.ok("Connection: X-Hop", "X-Hop: 1", "Cache-Control: no-store"), .noField("X-Hop"))),
    kept("X-Foo", "bar"),
    kept("Content-Type", "text/html; charset=utf-8"),
    kept("Content-Language", "en, de"),
    kept("Content-Encoding", "br"),
    kept("Content-Location", "/somewhere"),
    kept("Content-Security-Policy", "default-src 'self'"),
    kept("ETag", "\"a\""),
    kept("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT"),
    kept("Link", "</a>; rel=next, </b>; rel=\"prev, last\""),
    kept("Strict-Transport-Security", "max-age=1"),
    kept("Access-Control-Allow-Origin", "*"),
    kept("WWW-Authenticate", "Basic realm=\"a\""),
    kept("Content-Disposition", "attachment; filename=\"a b\""),
    kept("Server", "origin/1"),
    kept("Expires", "0"),
    kept("Cache-Tag", "a,b"),
    Row(
      "lines of one name keep their order", "RFC 9110, 5.3",
      .fill("Cache-Control: max-age=3600", "X-Foo: a", "X-Bar: 1", "X-Foo: b", "X-Foo: c"),
      .hit(.field("X-Foo", "a, b, c"), .field("X-Bar", "1"))),
    Row(
      "an empty field is stored", "RFC 9110, 5.5",
      .fill("Cache-Control: max-age=3600", "X-Foo: "), .hit(.field("X-Foo", ""))),
    Row(
      "Cache-Control is passed on as it came", "RFC 9111, 5.2",
      .fill("Cache-Control: max-age=3600, foo=\"bar, baz\", s-maxage=7200"),
      .hit(.field("Cache-Control", "max-age=3600, foo=\"bar, baz\", s-maxage=7200"))),
  ]

  private static let fresh = ["Cache-Control: max-age=3600"]

  private static let incomplete: [Row] = [
    Row(
      "a response shorter than its Content-Length is not stored", "RFC 9111, 3.3",
      .send(
        "GET", .asked, .cutShort, answers: [Answer(fields: fresh, framing: .cutShort(5))]),
      .miss(.ok(), .body("b2"))),
    Row(
      "a chunked response without its last chunk is not stored", "RFC 9112, 8",
      .send("GET", .asked, .cutShort, answers: [Answer(fields: fresh, framing: .chunkedCutShort)]),
      .miss(.ok(), .body("b2"))),
    Row(
      "a chunked response is stored", "RFC 9112, 7.1",
      .miss(.ok(fresh, body: "b{n}", framing: .chunked)), .hit()),
    Row(
      "a response that the connection's end ends is stored", "RFC 9112, 8",
      .miss(.ok(fresh, body: "b{n}", framing: .untilClose)), .hit()),
    Row(
      "an empty response is stored", "RFC 9112, 6.3",
      .miss(.ok(fresh, body: "")),
      .send("GET", .notAsked, .status(200), .body(""), .field("Content-Length", "0"))),
    Row(
      "a response cut short leaves the stored one", "RFC 9111, 3.3",
      .fill("Cache-Control: max-age=60", "Age: 100", "ETag: \"a\""),
      .send("GET", .asked, answers: [Answer(fields: fresh, framing: .cutShort(5))])
        .orCutShort,
      .miss()),
  ]

  private static let methods: [Row] =
    ["PUT", "DELETE", "PATCH", "OPTIONS", "FOO"].map { method in
      Row(
        "an answer to \(method) is not stored", "RFC 9110, 9.2.3",
        .send(
          method, .asked, .body("b1"),
          answers: [.ok("Cache-Control: max-age=3600", "Content-Location: {path}")]),
        .send(method, .asked, .body("b2")), .miss(.ok(), .body("b3")))
    } + [
      Row(
        "POST is not answered from the store", "RFC 9110, 9.3.3",
        .fill("Cache-Control: max-age=3600"), .send("POST", .asked, .body("b2"), body: "x"),
        .send("POST", .asked, .body("b3"), body: "x")),
      Row(
        "an answer to POST is stored with a lifetime and its Content-Location", "RFC 9110, 9.3.3",
        .send(
          "POST", .asked, .body("b1"), body: "x",
          answers: [.ok("Cache-Control: max-age=3600", "Content-Location: {path}")]),
        .hit()),
      Row(
        "an answer to POST is not stored without Content-Location", "RFC 9110, 9.3.3",
        .send("POST", .asked, body: "x", answers: [.ok("Cache-Control: max-age=3600")]), .miss()),
      Row(
        "an answer to POST is not stored for another Content-Location", "RFC 9110, 9.3.3",
        .send(
          "POST", .asked, body: "x",
          answers: [.ok("Cache-Control: max-age=3600", "Content-Location: {path}/other")]),
        .miss(.ok(), .body("b2")), .miss(.ok(), path: "/other")),
      Row(
        "an answer to POST is not stored without a lifetime", "RFC 9110, 9.3.3",
        .send("POST", .asked, body: "x", answers: [.ok("Content-Location: {path}")]), .miss()),
    ]
}
