/// Preconditions of clients against what is stored (RFC 9110, section 13; RFC 9111, section 4.3.2).
enum ConditionalRows {
  static let all = Row.numbered("conditional", entityTags, dates, together, notStored)

  private static func row(
    _ claim: String, _ section: String, stored: [String], request: [String], _ status: Int
  ) -> Row {
    Row(
      claim, section, .miss(Answer(fields: ["Cache-Control: max-age=3600"] + stored)),
      .send(
        "GET", .notAsked, .status(status), .body(status == 304 ? "" : "b1"), fields: request))
  }

  private static func tag(
    _ claim: String, stored: String = "\"a\"", _ condition: String..., gives status: Int
  ) -> Row {
    row(
      claim, "RFC 9110, 13.1.2", stored: ["ETag: \(stored)"],
      request: condition.map { "If-None-Match: \($0)" }, status)
  }

  private static let entityTags: [Row] = [
    tag("the stored tag", "\"a\"", gives: 304),
    tag("another tag", "\"b\"", gives: 200),
    tag("a weak tag matches the stored strong one", "W/\"a\"", gives: 304),
    tag("a strong tag matches the stored weak one", stored: "W/\"a\"", "\"a\"", gives: 304),
    tag("weak matches weak", stored: "W/\"a\"", "W/\"a\"", gives: 304),
    tag("another weak tag", stored: "W/\"a\"", "W/\"b\"", gives: 200),
    tag("tags are case-sensitive", "\"A\"", gives: 200),
    tag("a tag that begins alike", "\"ab\"", gives: 200),
    tag("a list with the stored tag", "\"x\", \"a\"", gives: 304),
    tag("a list with the stored tag first", "\"a\", \"x\"", gives: 304),
    tag("a list with the stored tag weak", "\"x\", W/\"a\"", gives: 304),
    tag("a list without spaces", "\"x\",\"a\",\"y\"", gives: 304),
    tag("a list with much space", "\"x\"  ,\t \"a\"", gives: 304),
    tag("a list with empty members", ", \"x\", , \"a\",", gives: 304),
    tag("a list of others", "\"x\", \"y\"", gives: 200),
    tag("the tag on a second line", "\"x\"", "\"a\"", gives: 304),
    tag("two lines of others", "\"x\"", "\"y\"", gives: 200),
    tag("any tag", "*", gives: 304),
    tag("a star in quotes is a tag", "\"*\"", gives: 200),
    tag("a tag with a comma", stored: "\"a,b\"", "\"a,b\"", gives: 304),
    tag("a part of a tag with a comma", stored: "\"a,b\"", "\"a\", \"b\"", gives: 200),
    tag("a tag with a comma in a list", stored: "\"a, b\"", "\"x\", \"a, b\"", gives: 304),
    tag("an empty tag", stored: "\"\"", "\"\"", gives: 304),
    tag("an empty tag is not every tag", "\"\"", gives: 200),
    tag("a tag of many bytes", stored: "\"\u{E9}\"", "\"\u{E9}\"", gives: 304),
    tag("a backslash does not escape", stored: "\"a\\\"", "\"a\\\"", gives: 304),
    row(
      "any tag where none is stored", "RFC 9110, 13.1.2", stored: [], request: ["If-None-Match: *"],
      304),
    row(
      "a tag where none is stored", "RFC 9110, 13.1.2", stored: [],
      request: ["If-None-Match: \"a\""], 200),
    Row(
      "a 304 has the fields that a 200 would have", "RFC 9110, 15.4.5",
      .fill(
        "Cache-Control: max-age=3600", "ETag: \"a\"", "Expires: {now+60}", "Vary: Foo",
        "Content-Location: /x", "X-Foo: bar"),
      .send(
        "GET", .notAsked, .status(304), .field("ETag", "\"a\""),
        .field("Cache-Control", "max-age=3600"), .field("Vary", "Foo"),
        .field("Content-Location", "/x"), .fieldContains("Expires", "GMT"),
        fields: ["If-None-Match: \"a\""])),
    Row(
      "a condition does not change what is stored", "RFC 9111, 4.3.2",
      .fill("Cache-Control: max-age=3600", "ETag: \"a\""),
      .send("GET", .status(304), fields: ["If-None-Match: \"a\""]), .hit()),
    Row(
      "no condition on a stored 404", "RFC 9110, 13.2.1",
      .miss(.status(404, "Cache-Control: max-age=3600", "ETag: \"a\"")),
      .send("GET", .notAsked, .status(404), .body("b1"), fields: ["If-None-Match: \"a\""])),
    Row(
      "no condition on a stored redirect", "RFC 9110, 13.2.1",
      .miss(.status(301, "Cache-Control: max-age=3600", "ETag: \"a\"", "Location: /x")),
      .send("GET", .notAsked, .status(301), fields: ["If-None-Match: \"a\""])),
  ]

  private static let modified = "Mon, 01 Jan 2024 12:00:00 GMT"

  private static func since(_ claim: String, _ date: String, gives status: Int) -> Row {
    row(
      claim, "RFC 9110, 13.1.3", stored: ["Last-Modified: \(modified)"],
      request: ["If-Modified-Since: \(date)"], status)
  }

  private static let dates: [Row] = [
    since("since its very date", modified, gives: 304),
    since("since a later date", "Mon, 01 Jan 2024 12:00:01 GMT", gives: 304),
    since("since an earlier date", "Mon, 01 Jan 2024 11:59:59 GMT", gives: 200),
    since("since its date in RFC 850 form", "Monday, 01-Jan-24 12:00:00 GMT", gives: 304),
    since("since its date in asctime form", "Mon Jan  1 12:00:00 2024", gives: 304),
    since("since an earlier date in RFC 850 form", "Monday, 01-Jan-24 11:00:00 GMT", gives: 200),
    since("since no date", "yesterday", gives: 200),
    since("since an empty date", "", gives: 200),
    since("since a number", "1704110400", gives: 200),
    since("since an ISO date", "2024-01-01T12:00:00Z", gives: 200),
    row(
      "without Last-Modified, the Date counts", "RFC 9111, 4.3.2", stored: ["Date: {now-100}"],
      request: ["If-Modified-Since: {now-50}"], 304),
    row(
      "without Last-Modified, an earlier date than Date", "RFC 9111, 4.3.2",
      stored: ["Date: {now-100}"], request: ["If-Modified-Since: {now-200}"], 200),
  ]

  private static let both = ["ETag: \"a\"", "Last-Modified: \(modified)"]

  private static let together: [Row] = [
    row(
      "a tag that does not match goes before a date that does", "RFC 9110, 13.2.2", stored: both,
      request: ["If-None-Match: \"b\"", "If-Modified-Since: \(modified)"], 200),
    row(
      "a tag that matches goes before a date that does not", "RFC 9110, 13.2.2", stored: both,
      request: ["If-None-Match: \"a\"", "If-Modified-Since: Mon, 01 Jan 2000 00:00:00 GMT"], 304),
    row(
      "a tag that matches goes before an invalid date", "RFC 9110, 13.2.2", stored: both,
      request: ["If-None-Match: \"a\"", "If-Modified-Since: x"], 304),
    row(
      "a date counts beside a stored tag", "RFC 9110, 13.1.3", stored: both,
      request: ["If-Modified-Since: \(modified)"], 304),
    row(
      "If-Match of the stored tag", "RFC 9110, 13.1.1", stored: both,
      request: ["If-Match: \"a\""], 200),
    row("If-Match of any", "RFC 9110, 13.1.1", stored: both, request: ["If-Match: *"], 200),
    row(
      "If-Unmodified-Since its very date", "RFC 9110, 13.1.4", stored: both,
      request: ["If-Unmodified-Since: \(modified)"], 200),
    row(
      "an invalid If-Unmodified-Since", "RFC 9110, 13.1.4", stored: both,
      request: ["If-Unmodified-Since: x"], 200),
  ]

  private static let notStored: [Row] = [
    Row(
      "a 304 to the client's own condition is passed on where nothing is stored",
      "RFC 9111, 4.3.3",
      .send(
        "GET", .asked, .status(304), .body(""), fields: ["If-None-Match: \"a\""],
        answers: [.blindlyNotModified("ETag: \"a\"", "Cache-Control: max-age=3600")]),
      .miss(.ok("Cache-Control: max-age=3600"), .body("b2"))),
    Row(
      "a 304 to the client's own date is passed on where nothing is stored", "RFC 9111, 4.3.3",
      .send(
        "GET", .asked, .status(304), .body(""), fields: ["If-Modified-Since: \(modified)"],
        answers: [.blindlyNotModified("Cache-Control: max-age=3600")]),
      .miss(.ok("Cache-Control: max-age=3600"), .body("b2"))),
    Row(
      "a condition on a miss does not keep the answer from other clients", "RFC 9111, 3",
      .send(
        "GET", .asked, fields: ["If-None-Match: \"z\""],
        answers: [.ok("Cache-Control: max-age=3600", "ETag: \"a\"")]),
      .hit()),
    Row(
      "conditions go through where nothing is cached", "RFC 9110, 13.2.1", route: "cache: false",
      .send(
        "GET", .status(304), .originGot("If-None-Match", "\"a\", W/\"b\""),
        .originGot("If-Modified-Since", modified),
        fields: ["If-None-Match: \"a\", W/\"b\"", "If-Modified-Since: \(modified)"],
        answers: [.notModified("ETag: \"a\"")])),
    Row(
      "conditions of unsafe methods go through", "RFC 9110, 13.2.1",
      .fill("Cache-Control: max-age=3600", "ETag: \"a\""),
      .send(
        "PUT", .asked, .status(412), .originGot("If-Match", "\"a\""), fields: ["If-Match: \"a\""],
        body: "x", answers: [.status(412)]),
      .hit()),
  ]
}
