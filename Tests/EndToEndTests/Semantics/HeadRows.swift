/// HEAD (RFC 9110, section 9.3.2; RFC 9111, section 4.3.5).
enum HeadRows {
  static let all = Row.numbered("head", rows)

  private static let rows: [Row] = [
    Row(
      "HEAD is answered from what GET stored", "RFC 9110, 9.3.2",
      .fill("Cache-Control: max-age=3600", "X-Foo: bar", "ETag: \"a\""),
      .send(
        "HEAD", .notAsked, .status(200), .body(""), .field("X-Foo", "bar"),
        .field("ETag", "\"a\""), .field("Content-Length", "{length}")),
      .hit()),
    Row(
      "HEAD of a stored 404", "RFC 9110, 9.3.2", .miss(.status(404, "Cache-Control: max-age=3600")),
      .send("HEAD", .notAsked, .status(404), .body(""))),
    Row(
      "GET has its content after HEAD came first", "RFC 9110, 9.3.2",
      .send("HEAD", .asked, .status(200), .body("")),
      .send("GET", .status(200), .bodyContains("b"))),
    Row(
      "a HEAD of what is not stored reaches the origin", "RFC 9110, 9.3.2",
      .send("HEAD", .asked, .status(200), .body(""), answers: [.ok("Cache-Control: no-store")])),
    Row(
      "HEAD with a matching If-None-Match", "RFC 9110, 13.1.2",
      .fill("Cache-Control: max-age=3600", "ETag: \"a\""),
      .send("HEAD", .notAsked, .status(304), fields: ["If-None-Match: \"a\""])),
    Row(
      "HEAD ignores Range", "RFC 9110, 14.2", .fill("Cache-Control: max-age=3600"),
      .send(
        "HEAD", .notAsked, .status(200), .noField("Content-Range"),
        .field("Content-Length", "{length}"),
        fields: ["Range: bytes=0-0"])),
    Row(
      "HEAD of a stale response is validated", "RFC 9111, 4",
      .fill("Cache-Control: max-age=60", "Age: 100", "ETag: \"a\""),
      .send(
        "HEAD", .asked, .status(200), .body(""),
        answers: [.notModified("ETag: \"a\"", "Cache-Control: max-age=3600")])),
    Row(
      "HEAD that finds another ETag ends the stored response", "RFC 9111, 4.3.5",
      .fill("Cache-Control: max-age=60", "Age: 100", "ETag: \"a\""),
      .send(
        "HEAD", .asked, .status(200), .field("ETag", "\"b\""),
        answers: [.ok("Cache-Control: max-age=3600", "ETag: \"b\"")]),
      .send("GET", .status(200), .bodyIsNot("b1"))),
    Row(
      "HEAD that finds another length ends the stored response", "RFC 9111, 4.3.5",
      .fill("Cache-Control: max-age=60", "Age: 100", "ETag: \"a\""),
      .send(
        "HEAD", .asked, .status(200), .field("Content-Length", "9"),
        answers: [.ok(["Cache-Control: max-age=3600", "ETag: \"a\""], body: "123456789")]),
      .send("GET", .status(200), .bodyIsNot("b1"))),
    Row(
      "HEAD that finds the same renews the stored response", "RFC 9111, 4.3.5",
      .fill("Cache-Control: max-age=60", "Age: 100", "ETag: \"a\"", "X-Foo: old"),
      .send(
        "HEAD", .asked, .status(200),
        answers: [.ok("Cache-Control: max-age=3600", "ETag: \"a\"", "X-Foo: new")]),
      .send("GET", .notAsked, .status(200), .field("X-Foo", "new"))),
    Row(
      "HEAD that fails leaves the stored response", "RFC 9111, 4.3.5",
      .fill("Cache-Control: max-age=60, stale-if-error=3600", "Age: 100", "ETag: \"a\""),
      .send("HEAD", .asked, .status(200), .body(""), answers: [.status(503)]),
      .stale(.status(503))),
    Row(
      "HEAD passed by has no content", "RFC 9110, 9.3.2", route: "cache: false",
      .send("HEAD", .asked, .originMethod("HEAD"), .status(200), .body(""))),
    Row(
      "HEAD passed by keeps the origin's Content-Length", "RFC 9110, 8.6", route: "cache: false",
      .send("HEAD", .asked, .field("Content-Length", "{length}"))),
  ]
}
