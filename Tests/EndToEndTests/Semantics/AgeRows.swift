/// Age and Date of what is served (RFC 9111, section 5.1; RFC 9110, section 6.6.1).
enum AgeRows {
  static let all = Row.numbered("age", rows)

  private static let rows: [Row] = [
    Row(
      "a hit has an Age", "RFC 9111, 5.1",
      .fill("Cache-Control: max-age=3600"), .hit(.age(0...30))),
    Row(
      "Age goes on from the origin's", "RFC 9111, 4.2.3",
      .fill("Cache-Control: max-age=3600", "Age: 100"), .hit(.age(100...130))),
    Row(
      "Age goes on from the origin's Date", "RFC 9111, 4.2.3",
      .fill("Cache-Control: max-age=3600", "Date: {now-100}"), .hit(.age(100...130))),
    Row(
      "the larger of Age and Date counts", "RFC 9111, 4.2.3",
      .fill("Cache-Control: max-age=3600", "Date: {now-100}", "Age: 500"),
      .hit(.age(500...530))),
    Row(
      "an Age passed on the first time is not lost", "RFC 9111, 5.1",
      .miss(.ok("Cache-Control: max-age=3600", "Age: 100"), .age(100...130))),
    Row(
      "an invalid Age is not passed on from the store", "RFC 9111, 5.1",
      .fill("Cache-Control: max-age=3600", "Age: abc"), .hit(.age(0...30))),
    Row(
      "two Ages become one", "RFC 9111, 5.1",
      .fill("Cache-Control: max-age=3600", "Age: 100", "Age: 200"),
      .hit(.age(100...130))),
    Row(
      "Date is kept as the origin sent it", "RFC 9110, 6.6.1", route: "ttl: { max: 3650 days }",
      .fill(
        "Cache-Control: max-age=2147483648", "Date: Mon, 01 Jan 2024 00:00:00 GMT"),
      .hit(.field("Date", "Mon, 01 Jan 2024 00:00:00 GMT"))),
    Row(
      "a 304 from the store has an Age", "RFC 9111, 5.1",
      .fill("Cache-Control: max-age=3600", "Age: 100", "ETag: \"a\""),
      .send(
        "GET", .notAsked, .status(304), .age(100...130), fields: ["If-None-Match: \"a\""])),
    Row(
      "a 206 from the store has an Age", "RFC 9111, 5.1",
      .fill("Cache-Control: max-age=3600", "Age: 100"),
      .send("GET", .notAsked, .status(206), .age(100...130), fields: ["Range: bytes=0-0"])),
    Row(
      "an answer to HEAD from the store has an Age", "RFC 9111, 5.1",
      .fill("Cache-Control: max-age=3600", "Age: 100"),
      .send("HEAD", .notAsked, .status(200), .age(100...130))),
    Row(
      "a stale answer has its whole Age", "RFC 9111, 4.2.4",
      .fill("Cache-Control: max-age=60, stale-while-revalidate=3600", "Age: 100"),
      .stale(.ok("Cache-Control: max-age=3600"), .age(100...130))),
    Row(
      "an answer confirmed by a 304 is young again", "RFC 9111, 4.3.4",
      .fill("Cache-Control: max-age=60", "Age: 100", "ETag: \"a\""),
      .stale(.notModified("ETag: \"a\""), .asked, .age(0...50)),
      .hit(.age(0...50))),
    Row(
      "a 304 brings its own Age", "RFC 9111, 4.3.4",
      .fill("Cache-Control: max-age=3600", "Age: 7200", "ETag: \"a\""),
      .stale(.notModified("ETag: \"a\"", "Age: 1000"), .asked),
      .hit(.age(1000...1100))),
    Row(
      "an answer passed by has no Age of the edge's", "RFC 9111, 5.1", route: "cache: false",
      .miss(.ok("Cache-Control: max-age=3600"), .noAge)),
    Row(
      "the ttl told is lifetime minus age", "RFC 9211, 2.4",
      .fill("Cache-Control: max-age=3600", "Age: 600"), .hit(.ttl(2900...3000))),
    Row(
      "the ttl told of a stale answer is negative", "RFC 9211, 2.4",
      .fill("Cache-Control: max-age=60, stale-while-revalidate=3600", "Age: 160"),
      .stale(.ok("Cache-Control: max-age=3600"), .ttl(-200...(-100)))),
  ]
}
