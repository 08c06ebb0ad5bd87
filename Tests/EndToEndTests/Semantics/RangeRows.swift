/// Ranges of what is stored, and parts that the origin sends (RFC 9110, section 14; RFC 9111,
/// sections 3.3 and 3.4).
enum RangeRows {
  static let all = Row.numbered("range", ofStored, several, ifRange, throughTheOrigin)

  private static let digits = Answer.ok(
    ["Cache-Control: max-age=3600", "ETag: \"a\"", "Content-Type: text/plain"], body: "0123456789")

  private static func part(
    _ claim: String, _ range: String, _ body: String, _ contentRange: String
  ) -> Row {
    Row(
      claim, "RFC 9110, 14.1.2", .miss(digits),
      .send(
        "GET", .notAsked, .status(206), .body(body), .field("Content-Range", contentRange),
        .field("Content-Length", "\(body.count)"), fields: ["Range: \(range)"]))
  }

  private static func whole(
    _ claim: String, _ section: String = "RFC 9110, 14.2", _ fields: String...
  ) -> Row {
    Row(
      claim, section, .miss(digits),
      .send(
        "GET", .notAsked, .status(200), .body("0123456789"), .noField("Content-Range"),
        fields: fields))
  }

  private static func beyond(_ claim: String, _ range: String) -> Row {
    Row(
      claim, "RFC 9110, 15.5.17", .miss(digits),
      .send(
        "GET", .notAsked, .status(416), .field("Content-Range", "bytes */10"),
        fields: ["Range: \(range)"]))
  }

  private static let ofStored: [Row] = [
    part("a range in the middle", "bytes=2-4", "234", "bytes 2-4/10"),
    part("the first byte", "bytes=0-0", "0", "bytes 0-0/10"),
    part("the last byte", "bytes=9-9", "9", "bytes 9-9/10"),
    part("the last byte by its suffix", "bytes=-1", "9", "bytes 9-9/10"),
    part("a suffix", "bytes=-3", "789", "bytes 7-9/10"),
    part("a suffix of more than all", "bytes=-20", "0123456789", "bytes 0-9/10"),
    part("from a byte to the end", "bytes=7-", "789", "bytes 7-9/10"),
    part("the whole as a range", "bytes=0-", "0123456789", "bytes 0-9/10"),
    part("a range that ends beyond the end", "bytes=8-100", "89", "bytes 8-9/10"),
    part(
      "a range that ends beyond 64 bits", "bytes=8-99999999999999999999999", "89", "bytes 8-9/10"),
    part("the unit in capitals", "BYTES=0-0", "0", "bytes 0-0/10"),
    part(
      "a range in a list with empty members", "bytes=,2-4,", "234",
      "bytes 2-4/10"),
    part(
      "of two ranges the one that is there", "bytes=2-4, 20-30", "234",
      "bytes 2-4/10"),
    beyond("a range beyond the end", "bytes=10-"),
    beyond("a range far beyond the end", "bytes=100-200"),
    beyond("an empty suffix", "bytes=-0"),
    beyond("only ranges beyond the end", "bytes=10-11, 20-30"),
    whole("another unit", "RFC 9110, 14.2", "Range: items=0-1"),
    whole("a range of letters", "RFC 9110, 14.2", "Range: bytes=a-b"),
    whole("a range that ends before it begins", "RFC 9110, 14.1.1", "Range: bytes=5-2"),
    whole("a range without a dash", "RFC 9110, 14.1.1", "Range: bytes=5"),
    whole("a range without a number", "RFC 9110, 14.1.1", "Range: bytes=-"),
    whole("an empty Range", "RFC 9110, 14.2", "Range: "),
    whole("a unit alone", "RFC 9110, 14.2", "Range: bytes"),
    whole("a negative range", "RFC 9110, 14.1.1", "Range: bytes=-1-2"),
    whole("one wrong range spoils the list", "RFC 9110, 14.2", "Range: bytes=0-1, 5-2"),
    Row(
      "no range of a stored 404", "RFC 9110, 14.2",
      .miss(.status(404, ["Cache-Control: max-age=3600"], body: "0123456789")),
      .send(
        "GET", .notAsked, .status(404), .body("0123456789"), fields: ["Range: bytes=0-1"])),
    Row(
      "a range of an empty response", "RFC 9110, 15.5.17",
      .miss(.ok(["Cache-Control: max-age=3600"], body: "")),
      .send("GET", .notAsked, .status(416), fields: ["Range: bytes=0-0"])),
    Row(
      "a condition goes before a range", "RFC 9110, 13.2.2", .miss(digits),
      .send(
        "GET", .notAsked, .status(304), fields: ["Range: bytes=0-1", "If-None-Match: \"a\""])),
    Row(
      "a range where the condition does not hold", "RFC 9110, 13.2.2", .miss(digits),
      .send(
        "GET", .notAsked, .status(206), .body("01"),
        fields: ["Range: bytes=0-1", "If-None-Match: \"b\""])),
    Row(
      "a 206 has the fields that a 200 would have", "RFC 9110, 15.3.7",
      .miss(
        .ok(
          [
            "Cache-Control: max-age=3600", "ETag: \"a\"", "Vary: Foo", "Content-Location: /x",
            "Expires: {now+60}",
          ], body: "0123456789")),
      .send(
        "GET", .notAsked, .status(206), .field("ETag", "\"a\""), .field("Vary", "Foo"),
        .field("Cache-Control", "max-age=3600"), .field("Content-Location", "/x"),
        .fieldContains("Expires", "GMT"), fields: ["Range: bytes=0-1"])),
    Row(
      "a range changes nothing that is stored", "RFC 9111, 3.4", .miss(digits),
      .send("GET", .notAsked, .status(206), fields: ["Range: bytes=0-1"]),
      .send("GET", .notAsked, .status(200), .body("0123456789"))),
    Row(
      "a range of a chunked response", "RFC 9110, 14.2",
      .miss(.ok(["Cache-Control: max-age=3600"], body: "0123456789", framing: .chunked)),
      .send(
        "GET", .notAsked, .status(206), .body("23"), .field("Content-Range", "bytes 2-3/10"),
        fields: ["Range: bytes=2-3"])),
  ]

  private static let several: [Row] = [
    Row(
      "two ranges are multipart", "RFC 9110, 14.6", .miss(digits),
      .send(
        "GET", .notAsked, .status(206), .noField("Content-Range"),
        .fieldContains("Content-Type", "multipart/byteranges; boundary="),
        .bodyContains("Content-Range: bytes 0-1/10\r\n"),
        .bodyContains("Content-Range: bytes 8-9/10\r\n"), .bodyContains("\r\n\r\n89\r\n--"),
        .bodyContains("Content-Type: text/plain\r\n"), fields: ["Range: bytes=0-1, 8-9"])),
    Row(
      "many overlapping ranges cost at most the response twice", "RFC 9110, 17.15",
      .miss(.ok(["Cache-Control: max-age=3600"], body: String(repeating: "x", count: 10_000))),
      .send(
        "GET", .notAsked, .bodyBytesAtMost(25_000),
        fields: ["Range: bytes=" + Array(repeating: "0-", count: 100).joined(separator: ",")])),
    Row(
      "many tiny ranges cost at most the response twice", "RFC 9110, 17.15",
      .miss(.ok(["Cache-Control: max-age=3600"], body: String(repeating: "x", count: 10_000))),
      .send(
        "GET", .notAsked, .bodyBytesAtMost(25_000),
        fields: [
          "Range: bytes=" + (0..<900).map { "\($0)-\($0)" }.joined(separator: ",")
        ])),
  ]

  private static let modified = "Mon, 01 Jan 2024 12:00:00 GMT"
  private static let dated = Answer.ok(
    ["Cache-Control: max-age=3600", "Last-Modified: \(modified)"], body: "0123456789")

  private static func condition(
    _ claim: String, _ stored: Answer, _ value: String, holds: Bool
  ) -> Row {
    Row(
      claim, "RFC 9110, 13.1.5", .miss(stored),
      .send(
        "GET", .notAsked, .status(holds ? 206 : 200), .body(holds ? "01" : "0123456789"),
        fields: ["Range: bytes=0-1", "If-Range: \(value)"]))
  }

  private static let weak = Answer.ok(
    ["Cache-Control: max-age=3600", "ETag: W/\"a\""], body: "0123456789")

  private static let ifRange: [Row] = [
    condition("If-Range with the stored tag", digits, "\"a\"", holds: true),
    condition("If-Range with another tag", digits, "\"b\"", holds: false),
    condition("If-Range with the tag made weak", digits, "W/\"a\"", holds: false),
    condition("If-Range with a stored weak tag", weak, "W/\"a\"", holds: false),
    condition("If-Range with a stored weak tag made strong", weak, "\"a\"", holds: false),
    condition("If-Range with the stored date", dated, modified, holds: true),
    condition(
      "If-Range with an earlier date", dated, "Mon, 01 Jan 2024 11:00:00 GMT", holds: false),
    condition("If-Range with a later date", dated, "Mon, 01 Jan 2024 13:00:00 GMT", holds: false),
    condition("If-Range with a tag where a date is stored", dated, "\"a\"", holds: false),
    condition("If-Range with a date where a tag is stored", digits, modified, holds: false),
    Row(
      "If-Range without Range does nothing", "RFC 9110, 13.1.5", .miss(digits),
      .send("GET", .notAsked, .status(200), fields: ["If-Range: \"b\""])),
  ]

  private static let throughTheOrigin: [Row] = [
    Row(
      "a part that nobody asked for is not the whole", "RFC 9111, 3.3",
      .send(
        "GET", .asked,
        answers: [.partial("0-1/10", "01", "Cache-Control: max-age=3600", "ETag: \"a\"")]),
      .send("GET", .asked, .status(200), .body("0123456789"), answers: [digits])),
    Row(
      "a part is not served as the whole", "RFC 9111, 3.3",
      .send(
        "GET", .asked, fields: ["Range: bytes=0-1"],
        answers: [.partial("0-1/10", "01", "Cache-Control: max-age=3600", "ETag: \"a\"")]),
      .send("GET", .asked, .status(200), .body("0123456789"), answers: [digits])),
    Row(
      "a range of what is not stored", "RFC 9110, 14.2",
      .send(
        "GET", .asked, .status(206), .body("23"), .field("Content-Range", "bytes 2-3/10"),
        fields: ["Range: bytes=2-3"], answers: [digits])),
    Row(
      "a 416 of the origin is not stored", "RFC 9110, 15.5.17",
      .send(
        "GET", .status(416), fields: ["Range: bytes=100-"],
        answers: [.status(416, "Content-Range: bytes */10")]),
      .send("GET", .asked, .status(200), .body("0123456789"), answers: [digits])),
    Row(
      "ranges go through where nothing is cached", "RFC 9110, 14.2", route: "cache: false",
      .send(
        "GET", .status(206), .body("01"), .originGot("Range", "bytes=0-1"),
        .originGot("If-Range", "\"a\""), .field("Content-Range", "bytes 0-1/10"),
        fields: ["Range: bytes=0-1", "If-Range: \"a\""],
        answers: [.partial("0-1/10", "01", "ETag: \"a\"")])),
  ]
}
