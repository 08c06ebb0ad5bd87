/// Rules that meet: what one of them grants, another takes.
enum InterplayRows {
  static let all = Row.numbered(
    "interplay", invalidated, validated, background, targeted, bounds, posts, failing, small)

  private static let lasting = "Cache-Control: max-age=3600"
  private static let credentials = ["Authorization: Basic YTpi"]

  private static func stale(_ fields: String...) -> Answer {
    Answer(fields: ["Cache-Control: max-age=60", "Age: 100", "ETag: \"a\""] + fields)
  }

  private static let change = Exchange.send("POST", .asked, body: "x", answers: [.ok()])

  private static let invalidated: [Row] = [
    Row(
      "what was invalidated is not served while it is revalidated", "RFC 9111, 4.4",
      .fill("Cache-Control: max-age=3600, stale-while-revalidate=3600", "ETag: \"a\""), change,
      .miss(.ok(), .bodyIsNot("b1"))),
    Row(
      "what was invalidated does not stand in for an error", "RFC 9111, 4.4",
      .fill("Cache-Control: max-age=3600, stale-if-error=3600", "ETag: \"a\""), change,
      .send("GET", .asked, .bodyIsNot("b1"), answers: [.status(503)])),
    Row(
      "what was invalidated does not stand in for an origin that is gone", "RFC 9111, 4.4",
      .fill("Cache-Control: max-age=3600", "ETag: \"a\""), change,
      .send("GET", .failed, .bodyIsNot("b1"), answers: [.fails])),
    Row(
      "what was invalidated is not for only-if-cached", "RFC 9111, 4.4", .fill(lasting), change,
      .send("GET", .notAsked, .status(504), fields: ["Cache-Control: only-if-cached"])),
    Row(
      "what was invalidated is not for max-stale", "RFC 9111, 4.4",
      route: "request_directives: honour", .fill(lasting), change,
      .miss(.ok(), fields: ["Cache-Control: max-stale"])),
    Row(
      "what was invalidated is not for HEAD", "RFC 9111, 4.4", .fill(lasting), change,
      .send("HEAD", .asked)),
    Row(
      "what was invalidated is not for ranges", "RFC 9111, 4.4", .fill(lasting), change,
      .send("GET", .asked, .bodyIsNot("b"), fields: ["Range: bytes=1-1"], answers: [.ok()])),
    Row(
      "a method in small letters is another one, unsafe as far as is known", "RFC 9110, 9.1",
      .fill(lasting), .send("get", .asked, .originMethod("get"), answers: [.ok()]), .miss()),
  ]

  private static let validated: [Row] = [
    Row(
      "a 304 that begins to vary counts for its own variant only", "RFC 9111, 4.1",
      .miss(stale(), fields: ["Foo: 1"]),
      .stale(.notModified("ETag: \"a\"", lasting, "Vary: Foo"), .asked, fields: ["Foo: 1"]),
      .miss(.ok(), .bodyIsNot("b1"), fields: ["Foo: 2"])),
    Row(
      "a 304 with Vary: * ends reuse", "RFC 9111, 4.1", .miss(stale()),
      .stale(.notModified("ETag: \"a\"", lasting, "Vary: *"), .asked), .miss(.ok())),
    Row(
      "a 304 that renews Expires", "RFC 9111, 3.2",
      .fill("Expires: {now-3600}", "ETag: \"a\""),
      .stale(.notModified("ETag: \"a\"", "Expires: {now+3600}"), .asked), .hit()),
    Row(
      "a 304 without Date counts from its receipt", "RFC 9110, 6.6.1",
      .miss(
        Answer(
          fields: ["Cache-Control: max-age=3600", "Age: 7200", "ETag: \"a\""], sendsDate: false)),
      Exchange(
        answers: [
          Answer(
            status: 304, fields: ["ETag: \"a\""], body: "", framing: .none, sendsDate: false)
        ], expectations: [.asked, .status(200), .body("b1"), .age(0...60)]),
      .hit(.age(0...60))),
    Row(
      "a 304 with an old Date is old", "RFC 9111, 4.2.3", .miss(stale()),
      .stale(.notModified("ETag: \"a\"", lasting, "Date: {now-1000}"), .asked),
      .hit(.age(1000...1100))),
    Row(
      "a 304 too old for its lifetime leaves the response stale", "RFC 9111, 4.2.3",
      .miss(stale()),
      .stale(.notModified("ETag: \"a\"", lasting, "Date: {now-7200}"), .asked),
      .stale(.notModified("ETag: \"a\"", lasting), .asked)),
    Row(
      "no-cache gives a client with the tag a 304 of the origin's", "RFC 9111, 4.3.3",
      .fill("Cache-Control: no-cache", "ETag: \"a\""),
      .send(
        "GET", .asked, .status(304), fields: ["If-None-Match: \"a\""],
        answers: [.notModified("ETag: \"a\"")])),
    Row(
      "a new variant is not answered with what is not its own", "RFC 9111, 4.1",
      .miss(stale("Vary: Foo"), fields: ["Foo: 1"]),
      .miss(
        .ok("Cache-Control: max-age=60", "Age: 100", "ETag: \"b\"", "Vary: Foo"),
        fields: ["Foo: 2"]),
      .send(
        "GET", .asked, .status(200), .bodyIsNot("b1"), fields: ["Foo: 3"],
        answers: [.notModified("ETag: \"b\"", lasting, "Vary: Foo")])),
    Row(
      "a client's range and condition do not reach the validation", "RFC 9111, 4.3.1",
      .miss(stale()),
      .send(
        "GET", .asked, .status(206), .originGot("If-None-Match", "\"a\""),
        fields: ["Range: bytes=0-0", "If-None-Match: \"x\""],
        answers: [.notModified("ETag: \"a\"", lasting)]),
      .hit()),
    Row(
      "a response for Authorization is validated for others", "RFC 9111, 3.5",
      .miss(
        .ok("Cache-Control: max-age=60, public", "Age: 100", "ETag: \"a\""), fields: credentials),
      .stale(.notModified("ETag: \"a\"", "Cache-Control: max-age=60, public"), .asked)),
  ]

  private static let window = "Cache-Control: max-age=60, stale-while-revalidate=3600"
  private static let oldDigits = Answer.ok([window, "Age: 100", "ETag: \"a\""], body: "0123456789")
  private static let letters = Answer(
    fields: [lasting, "ETag: \"b\""], body: "abcdefghij", isRanged: true)

  private static func whole(_ body: String) -> Exchange {
    Exchange(
      answers: [letters], expectations: [.notAsked, .status(200), .body(body)], isRepeated: true)
  }

  private static let background: [Row] = [
    Row(
      "a client's range does not reach the background", "RFC 5861, 3", .miss(oldDigits),
      .send(
        "GET", .status(206), .body("23"), fields: ["Range: bytes=2-3"], answers: [letters]),
      whole("abcdefghij")),
    Row(
      "a client's condition does not reach the background", "RFC 5861, 3", .miss(oldDigits),
      .send("GET", .status(304), fields: ["If-None-Match: \"a\""], answers: [letters]),
      whole("abcdefghij")),
    Row(
      "HEAD has the whole fetched in the background or nothing", "RFC 5861, 3", .miss(oldDigits),
      .send("HEAD", .status(200), answers: [letters]),
      Exchange(answers: [letters], expectations: [.status(200)]), whole("abcdefghij")),
    Row(
      "the background asks for the variant", "RFC 5861, 3",
      .miss(.ok(window, "Age: 100", "Vary: Foo"), fields: ["Foo: 1"]),
      .stale(.ok(lasting, "Vary: Foo"), fields: ["Foo: 1"]),
      Exchange(
        fields: ["Foo: 1"], answers: [.ok(lasting, "Vary: Foo")],
        expectations: [.notAsked, .status(200), .body("b2")], isRepeated: true),
      .miss(.ok(), .body("b3"), fields: ["Foo: 2"])),
    Row(
      "an answer for Authorization does not come in by the background", "RFC 9111, 3.5",
      .fill(window, "Age: 100"),
      .stale(.ok(lasting), fields: credentials),
      .send("GET", .status(200), .bodyIsNot("b2"), answers: [.ok(lasting)])),
    Row(
      "cookies do not come in by the background", "RFC 9111, 7.3", .fill(window, "Age: 100"),
      .stale(.ok(lasting, "Set-Cookie: a=b")),
      .send("GET", .status(200), .noField("Set-Cookie"), answers: [.ok(lasting)])),
  ]

  private static let targeted: [Row] = [
    .reused(
      "a targeted s-maxage goes before its max-age", "RFC 9213, 2.2",
      "CDN-Cache-Control: max-age=0, s-maxage=3600", "Cache-Control: no-store"),
    .notReused(
      "a targeted field without a lifetime takes Expires away", "RFC 9213, 2.2",
      route: "ttl: { default: 0 }", "CDN-Cache-Control: must-revalidate", "Expires: {now+3600}"),
    .notStored(
      "public beside a targeted field does not share", "RFC 9213, 2.2", request: credentials,
      "CDN-Cache-Control: max-age=3600", "Cache-Control: public, max-age=3600"),
    Row(
      "a targeted public shares", "RFC 9213, 2.2", route: "ttl: { default: 0 }",
      .miss(
        .ok("CDN-Cache-Control: max-age=3600, public", "Cache-Control: no-store"),
        fields: credentials), .hit()),
    Row(
      "a field that a targeted private names is not stored", "RFC 9213, 2.1",
      .fill("CDN-Cache-Control: max-age=3600, private=\"X-User\"", "X-User: 1", "X-Other: 2"),
      .hit(.noField("X-User"), .field("X-Other", "2"))),
    Row(
      "a targeted no-store in a 304 ends the stored response", "RFC 9213, 2.2",
      .fill("CDN-Cache-Control: max-age=60", "Age: 100", "ETag: \"a\""),
      .stale(.notModified("ETag: \"a\"", "CDN-Cache-Control: no-store"), .asked), .miss(.ok())),
  ]

  private static let bounds: [Row] = [
    Row(
      "a raised lifetime counts from the receipt", "CloudFront's table",
      route: "ttl: { min: 10 minutes, default: 20 minutes, max: 1 hour }",
      .fill("Cache-Control: max-age=60", "Age: 10000"), .hit(.ttl(570...600))),
    Row(
      "a cut lifetime counts from the origin", "CloudFront's table",
      route: "ttl: { min: 0, default: 10 minutes, max: 1 hour }",
      .fill("Cache-Control: max-age=86400", "Age: 600"), .hit(.ttl(2960...3000))),
    Row(
      "a raised lifetime does not store cookies", "RFC 9111, 7.3",
      route: "ttl: { min: 10 minutes, default: 20 minutes, max: 1 hour }",
      .fill("Cache-Control: max-age=60", "Set-Cookie: a=b"), .miss(.ok())),
    Row(
      "a raised lifetime is no window for stale use", "RFC 9111, 4.2.4",
      route: "ttl: { min: 10 minutes, default: 20 minutes, max: 1 hour }",
      .fill("Cache-Control: no-store"), change,
      .send("GET", .failed, .bodyIsNot("b1"), answers: [.fails])),
    Row(
      "Pragma in a response means nothing", "RFC 9111, 5.4", .fill("Pragma: no-cache"), .hit()),
  ]

  private static let posts: [Row] = [
    Row(
      "an answer to POST for Authorization is not shared", "RFC 9111, 3.5",
      .send(
        "POST", .asked, fields: credentials, body: "x",
        answers: [.ok(lasting, "Content-Location: {path}")]),
      .miss(.ok())),
    Row(
      "an answer to POST with cookies is not stored", "RFC 9111, 7.3",
      .send(
        "POST", .asked, body: "x",
        answers: [.ok(lasting, "Content-Location: {path}", "Set-Cookie: a=b")]),
      .miss(.ok())),
    Row(
      "an answer to POST with its URL as Content-Location is stored", "RFC 9110, 9.3.3",
      .send(
        "POST", .asked, body: "x",
        answers: [.ok(lasting, "Content-Location: http://{host}{path}")]),
      .hit()),
    Row(
      "an answer to POST with no-store is not stored", "RFC 9111, 5.2.2.5",
      .send(
        "POST", .asked, body: "x",
        answers: [.ok("Cache-Control: max-age=60, no-store", "Content-Location: {path}")]),
      .miss(.ok())),
    Row(
      "an answer to POST replaces what GET stored", "RFC 9110, 9.3.3", .fill(lasting),
      .send(
        "POST", .asked, .body("b2"), body: "x",
        answers: [.ok(lasting, "Content-Location: {path}")]),
      .hit(of: 2)),
  ]

  private static let hasty = "origin: hasty"

  private static let failing: [Row] = [
    Row(
      "an origin that does not answer in time", "RFC 9209, 2.3", route: hasty,
      .send("GET", .status(504), .proxyError, answers: [.hangs])),
    Row(
      "stale-if-error stands in for an origin that does not answer in time", "RFC 5861, 4",
      route: hasty,
      .fill("Cache-Control: max-age=60, stale-if-error=3600", "Age: 100", "ETag: \"a\""),
      .stale(.hangs, .asked)),
    Row(
      "must-revalidate forbids it for an origin that does not answer in time",
      "RFC 9111, 5.2.2.2", route: hasty,
      .fill("Cache-Control: max-age=60, must-revalidate", "Age: 100", "ETag: \"a\""),
      .send("GET", .status(504), answers: [.hangs])),
    Row(
      "HEAD of a failing origin has no content", "RFC 9110, 9.3.2",
      .send("HEAD", .failed, .body(""), answers: [.fails])),
    Row(
      "a stale part does not stand in after its window", "RFC 5861, 4",
      .send(
        "GET", .status(206), fields: ["Range: bytes=2-3"],
        answers: [
          .partial(
            "2-3/10", "23", "Cache-Control: max-age=60, must-revalidate", "Age: 100",
            "ETag: \"a\"")
        ]),
      .send("GET", .failed, fields: ["Range: bytes=2-3"], answers: [.fails])),
  ]

  private static let small: [Row] = [
    Row(
      "a Content-Length of 0 is no content", "RFC 9110, 8.6", .fill(lasting),
      .hit(fields: ["Content-Length: 0"])),
    Row(
      "the default port is none", "RFC 9110, 4.2.3", .fill(lasting),
      .hit(fields: ["Host: {host}:80"])),
    Row(
      "another port is another origin", "RFC 9110, 4.3.1", .fill(lasting),
      .miss(.ok(), .body("b2"), fields: ["Host: {host}:81"])),
    Row(
      "If-Range with a star", "RFC 9110, 13.1.5",
      .miss(.ok([lasting, "ETag: \"a\""], body: "0123456789")),
      .send(
        "GET", .notAsked, .status(200), .body("0123456789"),
        fields: ["Range: bytes=0-1", "If-Range: *"])),
    Row(
      "a part that is missing is told as fwd=partial", "RFC 9211, 2.2",
      .send(
        "GET", .status(206), fields: ["Range: bytes=2-3"],
        answers: [.partial("2-3/10", "23", lasting, "ETag: \"a\"")]),
      .send(
        "GET", .status(206), .cacheStatus("fwd", "partial"), fields: ["Range: bytes=7-8"],
        answers: [.partial("7-8/10", "78", lasting, "ETag: \"a\"")])),
    Row(
      "Accept-Encoding and none are apart", "RFC 9111, 4.1",
      .miss(.ok(lasting, "Vary: Accept-Encoding")),
      .miss(
        .ok(lasting, "Vary: Accept-Encoding"), .body("b2"), fields: ["Accept-Encoding: gzip"]),
      .hit()),
    Row(
      "no answer has a field of another's", "RFC 9111, 4", .fill(lasting, "X-Foo: 1"),
      .miss(.ok(lasting), .noField("X-Foo"), path: "/other"),
      .hit(.field("X-Foo", "1"))),
  ]
}
