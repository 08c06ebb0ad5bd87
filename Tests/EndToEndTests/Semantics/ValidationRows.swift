/// Validation with the origin and what a 304 changes (RFC 9111, sections 4.3.1, 4.3.3 and 4.3.4).
enum ValidationRows {
  static let all = Row.numbered("validation", requests, freshening, replaced)

  private static let modified = "Mon, 01 Jan 2024 12:00:00 GMT"
  /// Fields of a response that is stale from the start.
  private static func stale(_ fields: String...) -> Answer {
    Answer(fields: ["Cache-Control: max-age=60", "Age: 100"] + fields)
  }

  private static let confirmed = Answer.notModified(
    "ETag: \"a\"", "Cache-Control: max-age=3600")

  private static let requests: [Row] = [
    Row(
      "a stored ETag is sent as If-None-Match", "RFC 9111, 4.3.1",
      .miss(stale("ETag: \"a\"")),
      .stale(confirmed, .askedTimes(1), .originGot("If-None-Match", "\"a\""))),
    Row(
      "a weak ETag is sent as it is", "RFC 9111, 4.3.1",
      .miss(stale("ETag: W/\"a\"")),
      .stale(
        .notModified("ETag: W/\"a\""), .askedTimes(1), .originGot("If-None-Match", "W/\"a\""))),
    Row(
      "a stored Last-Modified is sent as If-Modified-Since", "RFC 9111, 4.3.1",
      .miss(stale("Last-Modified: \(modified)")),
      .stale(
        .notModified("Last-Modified: \(modified)"), .askedTimes(1),
        .originGot("If-Modified-Since", modified), .originGotNo("If-None-Match"))),
    Row(
      "a Last-Modified in RFC 850 form is sent as a date", "RFC 9110, 13.1.3",
      .miss(stale("Last-Modified: Monday, 01-Jan-24 12:00:00 GMT")),
      .stale(.notModified(), .askedTimes(1), .originGotContaining("If-Modified-Since", "Mon"))),
    Row(
      "the client's own tag does not replace the stored one", "RFC 9111, 4.3.1",
      .miss(stale("ETag: \"a\"")),
      .stale(
        confirmed, .asked, .originGotContaining("If-None-Match", "\"a\""),
        fields: ["If-None-Match: \"b\""])),
    Row(
      "the client's own date does not replace the stored one", "RFC 9111, 4.3.1",
      .miss(stale("Last-Modified: \(modified)")),
      .stale(
        .notModified("Cache-Control: max-age=3600"), .asked,
        .originGot("If-Modified-Since", modified),
        fields: ["If-Modified-Since: Mon, 01 Jan 2000 00:00:00 GMT"])),
    Row(
      "a client with the confirmed tag gets 304", "RFC 9111, 4.3.2",
      .miss(stale("ETag: \"a\"")),
      .send(
        "GET", .asked, .status(304), .body(""), fields: ["If-None-Match: \"a\""],
        answers: [confirmed]),
      .hit()),
    Row(
      "a client with an old tag gets the new response", "RFC 9111, 4.3.3",
      .miss(stale("ETag: \"a\"")),
      .send(
        "GET", .asked, .status(200), .body("b2"), fields: ["If-None-Match: \"a\""],
        answers: [.ok("ETag: \"b\"", "Cache-Control: max-age=3600")]),
      .hit(of: 2)),
    Row(
      "a client with the new tag gets 304 and the rest is stored", "RFC 9111, 4.3.3",
      .miss(stale("ETag: \"a\"")),
      .send(
        "GET", .asked, fields: ["If-None-Match: \"b\""],
        answers: [.ok("ETag: \"b\"", "Cache-Control: max-age=3600")]),
      .hit(of: 2)),
    Row(
      "a client's If-Match does not reach the validation", "RFC 9111, 4.3.1",
      .miss(stale("ETag: \"a\"")),
      .send(
        "GET", .asked, .status(200), .originGot("If-None-Match", "\"a\""),
        fields: ["If-Match: \"a\""], answers: [confirmed])),
    Row(
      "a range of a confirmed response", "RFC 9111, 4.3.4",
      .miss(stale("ETag: \"a\"")),
      .send(
        "GET", .asked, .status(206), .body("1"), .field("Content-Range", "bytes 1-1/{length}"),
        fields: ["Range: bytes=1-1"], answers: [confirmed]),
      .hit()),
    Row(
      "each variant is validated with its own tag", "RFC 9111, 4.3.1",
      .miss(stale("ETag: \"a\"", "Vary: Foo"), fields: ["Foo: 1"]),
      .miss(stale("ETag: \"b\"", "Vary: Foo"), fields: ["Foo: 2"]),
      .stale(
        .notModified("ETag: \"a\"", "Vary: Foo", "Cache-Control: max-age=3600"), .asked,
        .originGotContaining("If-None-Match", "\"a\""), fields: ["Foo: 1"]),
      .hit(fields: ["Foo: 1"]),
      .stale(
        .notModified("ETag: \"b\"", "Vary: Foo", "Cache-Control: max-age=3600"), .asked,
        .originGotContaining("If-None-Match", "\"b\""), fields: ["Foo: 2"], of: 2),
      .hit(fields: ["Foo: 2"], of: 2)),
    Row(
      "a validation is told as fwd=stale with its status", "RFC 9211, 2.2",
      .miss(stale("ETag: \"a\"")),
      .stale(
        confirmed, .cacheStatus("fwd", "stale"), .cacheStatus("fwd-status", "304"),
        .cacheStatus("hit", nil))),
  ]

  private static func freshened(
    _ claim: String, stored: [String] = [],
    _ update: [String], _ expectations: Expectation...
  ) -> Row {
    let first = Answer(fields: ["Cache-Control: max-age=60", "Age: 100", "ETag: \"a\""] + stored)
    let second = Answer(
      status: 304, fields: ["ETag: \"a\"", "Cache-Control: max-age=3600"] + update, body: "",
      framing: .none)
    return Row(
      claim, "RFC 9111, 3.2", .miss(first),
      Exchange(
        answers: [second], expectations: [.asked, .status(200), .body("b1")] + expectations),
      Exchange(expectations: [.notAsked, .status(200), .body("b1")] + expectations))
  }

  private static let freshening: [Row] = [
    freshened("a 304 makes fresh again", []),
    freshened(
      "a 304 replaces Cache-Control", [], .field("Cache-Control", "max-age=3600")),
    freshened(
      "a 304 replaces a field", stored: ["X-Foo: old"], ["X-Foo: new"], .field("X-Foo", "new")),
    freshened(
      "a 304 replaces all lines of a field", stored: ["X-Foo: 1", "X-Foo: 2"], ["X-Foo: 3"],
      .field("X-Foo", "3")),
    freshened(
      "a 304 brings several lines", stored: ["X-Foo: 1"], ["X-Foo: 2", "X-Foo: 3"],
      .field("X-Foo", "2, 3")),
    freshened("a 304 adds a field", ["X-Foo: new"], .field("X-Foo", "new")),
    freshened(
      "a 304 leaves fields that it does not have", stored: ["X-Foo: old", "Content-Type: a/b"], [],
      .field("X-Foo", "old"), .field("Content-Type", "a/b")),
    freshened(
      "a 304 replaces Expires", stored: ["Expires: Mon, 01 Jan 2024 00:00:00 GMT"],
      ["Expires: Tue, 02 Jan 2024 00:00:00 GMT"],
      .field("Expires", "Tue, 02 Jan 2024 00:00:00 GMT")),
    freshened(
      "a 304 replaces Last-Modified", stored: ["Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT"],
      ["Last-Modified: Tue, 02 Jan 2024 00:00:00 GMT"],
      .field("Last-Modified", "Tue, 02 Jan 2024 00:00:00 GMT")),
    freshened(
      "a 304 replaces Content-Security-Policy", stored: ["Content-Security-Policy: a"],
      ["Content-Security-Policy: b"], .field("Content-Security-Policy", "b")),
    freshened(
      "a 304 replaces Access-Control-Allow-Origin", stored: ["Access-Control-Allow-Origin: a"],
      ["Access-Control-Allow-Origin: b"], .field("Access-Control-Allow-Origin", "b")),
    freshened(
      "a 304 does not change Content-Length", ["Content-Length: 9999"],
      .field("Content-Length", "{length}")),
    freshened(
      "a 304's connection fields are not stored",
      ["Connection: X-Hop", "X-Hop: 1", "Keep-Alive: timeout=5"], .noField("X-Hop")),
    Row(
      "a 304 with the weak tag that is stored freshens", "RFC 9111, 4.3.4",
      .miss(stale("ETag: W/\"a\"")),
      .stale(
        .notModified("ETag: W/\"a\"", "Cache-Control: max-age=3600", "X-Foo: new"), .asked,
        .field("X-Foo", "new")),
      .hit(.field("X-Foo", "new"))),
    Row(
      "a 304 without a lifetime leaves the stored one", "RFC 9111, 4.3.4",
      .fill("Cache-Control: max-age=3600", "Age: 7200", "ETag: \"a\""),
      .stale(.notModified("ETag: \"a\""), .asked), .hit(.ttl(3500...3600))),
    Row(
      "a 304 without validators freshens the one stored response", "RFC 9111, 4.3.4",
      .miss(stale("ETag: \"a\"")), .stale(.notModified("Cache-Control: max-age=3600"), .asked),
      .hit()),
    Row(
      "a 304 with Last-Modified alone freshens", "RFC 9111, 4.3.4",
      .miss(stale("Last-Modified: \(modified)")),
      .stale(
        .notModified("Cache-Control: max-age=3600", "Last-Modified: \(modified)"), .asked),
      .hit()),
    Row(
      "Set-Cookie of a 304 is not for others", "RFC 9111, 7.3", .miss(stale("ETag: \"a\"")),
      .send(
        "GET", .asked, .status(200),
        answers: [
          .notModified("ETag: \"a\"", "Cache-Control: max-age=3600", "Set-Cookie: a=b")
        ]),
      .send("GET", .status(200), .noField("Set-Cookie"))),
    Row(
      "Set-Cookie of a 304 is stripped", "RFC 9111, 7.3", route: "set_cookie: strip",
      .miss(stale("ETag: \"a\"")),
      .send(
        "GET", .asked, .status(200),
        answers: [
          .notModified("ETag: \"a\"", "Cache-Control: max-age=3600", "Set-Cookie: a=b")
        ]),
      .hit(.noField("Set-Cookie"))),
    Row(
      "a field that a 304's private names is not stored", "RFC 9111, 5.2.2.7",
      .miss(stale("ETag: \"a\"", "X-User: 1")),
      .send(
        "GET", .asked, .status(200),
        answers: [
          .notModified(
            "ETag: \"a\"", "Cache-Control: max-age=3600, private=\"X-User\"", "X-User: 2")
        ]),
      .send("GET", .status(200), .body("b1"), .noField("X-User"))),
    Row(
      "a 304 with no-store ends the stored response", "RFC 9111, 5.2.2.5",
      .miss(stale("ETag: \"a\"")),
      .stale(.notModified("ETag: \"a\"", "Cache-Control: no-store"), .asked),
      .miss(.ok(), .body("b3"))),
    Row(
      "a 304 with private ends the stored response", "RFC 9111, 5.2.2.7",
      .miss(stale("ETag: \"a\"")),
      .stale(.notModified("ETag: \"a\"", "Cache-Control: private"), .asked),
      .miss(.ok(), .body("b3"))),
    Row(
      "a 304 with max-age=0 leaves the response stale", "RFC 9111, 4.3.4",
      .miss(stale("ETag: \"a\"")),
      .stale(.notModified("ETag: \"a\"", "Cache-Control: max-age=0"), .asked),
      .stale(.notModified("ETag: \"a\""), .asked, .originGot("If-None-Match", "\"a\""))),
    Row(
      "a stored 404 is confirmed by a 304", "RFC 9111, 4.3.4",
      .miss(.status(404, "Cache-Control: max-age=60", "Age: 100", "ETag: \"a\"")),
      .send("GET", .asked, .status(404), .body("b1"), answers: [confirmed]),
      .send("GET", .notAsked, .status(404), .body("b1"))),
    Row(
      "a response confirmed twice stays", "RFC 9111, 4.3.4",
      .miss(stale("ETag: \"a\"")),
      .stale(.notModified("Cache-Control: max-age=60", "Age: 100"), .asked),
      .stale(.notModified("Cache-Control: max-age=60", "Age: 100"), .asked),
      .stale(confirmed, .asked, .originGot("If-None-Match", "\"a\"")), .hit()),
  ]

  private static let replaced: [Row] = [
    Row(
      "a 200 replaces the stored response", "RFC 9111, 4.3.3",
      .miss(stale("ETag: \"a\"", "X-Foo: old")),
      .miss(.ok("ETag: \"b\"", "Cache-Control: max-age=3600"), .body("b2"), .noField("X-Foo")),
      .hit(.noField("X-Foo"), .field("ETag", "\"b\""), of: 2)),
    Row(
      "a 200 that must not be stored is passed on", "RFC 9111, 4.3.3",
      .miss(stale("ETag: \"a\"")),
      .miss(.ok("Cache-Control: no-store"), .body("b2")), .miss(.ok(), .body("b3"))),
    Row(
      "a 404 is passed on", "RFC 9111, 4.3.3",
      .miss(stale("ETag: \"a\"")),
      .miss(.status(404, "Cache-Control: no-store"), .body("b2"))),
    Row(
      "a 404 with a lifetime replaces the stored response", "RFC 9111, 4.3.3",
      .miss(stale("ETag: \"a\"")),
      .miss(.status(404, "Cache-Control: max-age=3600"), .body("b2")),
      .send("GET", .notAsked, .status(404), .body("b2"))),
    Row(
      "a 410 with a lifetime replaces the stored response", "RFC 9111, 4.3.3",
      .miss(stale("ETag: \"a\"")),
      .miss(.status(410, "Cache-Control: max-age=3600"), .body("b2")),
      .send("GET", .notAsked, .status(410), .body("b2"))),
    Row(
      "a 200 that begins to vary is stored as varying", "RFC 9111, 4.1",
      .miss(stale("ETag: \"a\""), fields: ["Foo: 1"]),
      .miss(
        .ok("ETag: \"b\"", "Cache-Control: max-age=3600", "Vary: Foo"), .body("b2"),
        fields: ["Foo: 1"]),
      .hit(fields: ["Foo: 1"], of: 2), .miss(.ok(), .body("b3"), fields: ["Foo: 2"])),
  ]
}
