/// What a route's options change.
enum OptionRows {
  static let all = Row.numbered(
    "option", errors, heuristics, adaptive, stale, targeted, keys, fields)

  /// A status without a lifetime of the origin's is stored for so long.
  private static func kept(
    _ claim: String, route: String, _ status: Int, _ ttl: ClosedRange<Int>, _ fields: String...
  ) -> Row {
    Row(
      claim, "ttl.error", route: route, .miss(Answer(status: status, fields: fields)),
      .send("GET", .notAsked, .status(status), .body("b1"), .ttl(ttl)))
  }

  private static func asked(
    _ claim: String, _ section: String = "ttl.error", route: String, _ status: Int,
    _ fields: String...
  ) -> Row {
    Row(
      claim, section, route: route, .miss(Answer(status: status, fields: fields)),
      .miss(.ok(), .body("b2")))
  }

  private static let shortly = "ttl: { default: 1 hour, error: 30 s }"
  private static let every = "ttl: { default: 1 hour, error: 30 s, error_statuses: all }"

  private static let errors: [Row] =
    [404, 405, 410, 414, 501].map { status in
      kept("\(status) is kept for the error's time", route: shortly, status, 1...30)
    }
    + [500, 502, 503, 504].map { status in
      asked("\(status) is not kept by default", route: shortly, status)
    }
    + [404, 405, 410, 414, 500, 501, 502, 503, 504].map { status in
      kept("\(status) is kept where all errors are", route: every, status, 1...30)
    } + [
      kept("404 is kept for 10 seconds by default", route: "", 404, 1...10),
      kept(
        "an error's own lifetime goes before", route: shortly, 404, 1770...1800,
        "Cache-Control: max-age=1800"),
      kept("a 200 is not an error", route: shortly, 200, 3570...3600),
      kept("a 301 is not an error", route: shortly, 301, 3570...3600),
      asked("an error's time of 0 keeps none", route: "ttl: { error: 0 }", 404),
      asked(
        "an error's no-store goes before", route: shortly, 404, "Cache-Control: no-store"),
      asked(
        "an error's max-age=0 goes before", route: shortly, 404, "Cache-Control: max-age=0"),
      asked("400 is not kept where all errors are", route: every, 400),
      asked("505 is not kept where all errors are", route: every, 505),
      kept(
        "an error's short lifetime is raised where all errors are", route: every, 404, 6...30,
        "Cache-Control: max-age=5"),
    ]

  private static let guessing = "ttl: { default: 0, heuristic: { percent: 10, max: 1 day } }"

  private static let heuristics: [Row] = [
    Row(
      "a tenth of the time since Last-Modified", "RFC 9111, 4.2.2", route: guessing,
      .fill("Last-Modified: {now-10000}"), .hit(.ttl(960...1001))),
    Row(
      "at most the heuristic's maximum", "RFC 9111, 4.2.2", route: guessing,
      .fill("Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT"), .hit(.ttl(86360...86400))),
    Row(
      "at most the route's maximum", "RFC 9111, 4.2.2",
      route: "ttl: { default: 0, max: 10 minutes, heuristic: { percent: 10 } }",
      .fill("Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT"), .hit(.ttl(560...600))),
    Row(
      "another share", "RFC 9111, 4.2.2",
      route: "ttl: { default: 0, heuristic: { percent: 50 } }",
      .fill("Last-Modified: {now-10000}"), .hit(.ttl(4960...5001))),
    Row(
      "a lifetime of the origin's goes before", "RFC 9111, 4.2.2", route: guessing,
      .fill("Last-Modified: {now-10000}", "Cache-Control: max-age=60"), .hit(.ttl(30...60))),
    Row(
      "a max-age=0 goes before", "RFC 9111, 4.2.2", route: guessing,
      .fill("Last-Modified: {now-10000}", "Cache-Control: max-age=0"), .miss(.ok(), .body("b2"))),
    Row(
      "an invalid Expires goes before", "RFC 9111, 5.3", route: guessing,
      .fill("Last-Modified: {now-10000}", "Expires: 0"), .miss(.ok(), .body("b2"))),
    Row(
      "no-store goes before", "RFC 9111, 5.2.2.5", route: guessing,
      .fill("Last-Modified: {now-10000}", "Cache-Control: no-store"), .miss(.ok(), .body("b2"))),
    Row(
      "no-cache goes before", "RFC 9111, 5.2.2.4", route: guessing,
      .fill("Last-Modified: {now-10000}", "Cache-Control: no-cache"), .miss(.ok(), .body("b2"))),
    Row(
      "the age counts", "RFC 9111, 4.2", route: guessing,
      .fill("Last-Modified: {now-10000}", "Age: 5000"), .miss(.ok(), .body("b2"))),
    Row(
      "without Last-Modified the default stands", "RFC 9111, 4.2.2", route: guessing,
      .fill("ETag: \"a\""), .miss(.ok(), .body("b2"))),
    Row(
      "a Last-Modified in the future tells nothing", "RFC 9111, 4.2.2", route: guessing,
      .fill("Last-Modified: {now+10000}"), .miss(.ok(), .body("b2"))),
    Row(
      "an invalid Last-Modified tells nothing", "RFC 9111, 4.2.2", route: guessing,
      .fill("Last-Modified: yesterday"), .miss(.ok(), .body("b2"))),
    Row(
      "a status that is not stored by default is not", "RFC 9110, 15.1", route: guessing,
      .miss(.status(302, "Last-Modified: {now-10000}")), .miss(.ok(), .body("b2"))),
    Row(
      "off is the default", "RFC 9111, 4.2.2", route: "ttl: { default: 0 }",
      .fill("Last-Modified: {now-10000}"), .miss(.ok(), .body("b2"))),
  ]

  private static let learning = "ttl: { default: 1 s, max: 1 hour, adaptive: true }"

  private static let adaptive: [Row] = [
    Row(
      "a lifetime grows while nothing changes and shrinks with a change", "ttl.adaptive",
      route: learning, .fill("ETag: \"a\""),
      Exchange(
        answers: [.notModified("ETag: \"a\"")],
        expectations: [.asked, .status(200), .body("b1")], isRepeated: true),
      .hit(.ttl(1...2)),
      Exchange(
        answers: [.ok("ETag: \"b\"")], expectations: [.asked, .status(200), .bodyIsNot("b1")],
        isRepeated: true)),
    Row(
      "a lifetime of the origin's does not grow", "ttl.adaptive", route: learning,
      .fill("ETag: \"a\"", "Cache-Control: max-age=60", "Age: 100"),
      .stale(.notModified("ETag: \"a\"", "Age: 0"), .asked), .hit(.ttl(30...60))),
  ]

  private static func aged(_ control: String) -> Exchange {
    .fill("Cache-Control: \(control)", "Age: 100", "ETag: \"a\"")
  }

  private static let strict = "stale: { strict: true }"

  private static let stale: [Row] = [
    Row(
      "strict lets s-maxage go before stale-if-error", "stale.strict", route: strict,
      aged("s-maxage=60, stale-if-error=3600"), .miss(.status(503), .body("b2"))),
    Row(
      "strict lets s-maxage go before stale-while-revalidate", "stale.strict", route: strict,
      aged("s-maxage=60, stale-while-revalidate=3600"), .miss(.ok(), .body("b2"))),
    Row(
      "strict lets must-revalidate go before stale-if-error", "stale.strict", route: strict,
      aged("max-age=60, must-revalidate, stale-if-error=3600"),
      .miss(.status(503), .body("b2"))),
    Row(
      "strict leaves stale-if-error beside max-age", "stale.strict", route: strict,
      aged("max-age=60, stale-if-error=3600"), .stale(.status(503), .asked)),
    Row(
      "strict leaves stale-while-revalidate beside max-age", "stale.strict", route: strict,
      aged("max-age=60, stale-while-revalidate=3600"), .stale(), .hit(of: 2).repeated),
    Row(
      "the time for an unreachable origin ends", "stale.if_unreachable",
      route: "stale: { if_unreachable: 10 s }", aged("max-age=60"),
      .send("GET", .failed, .proxyError, answers: [.fails])),
    Row(
      "the time for an unreachable origin lasts", "stale.if_unreachable",
      route: "stale: { if_unreachable: 1 hour }", aged("max-age=60"), .stale(.fails, .asked)),
    Row(
      "a time of 0 for an unreachable origin", "stale.if_unreachable",
      route: "stale: { if_unreachable: 0 }", aged("max-age=60"),
      .send("GET", .failed, answers: [.fails])),
    Row(
      "a day for an unreachable origin by default", "stale.if_unreachable",
      .fill("Cache-Control: max-age=60", "Age: 90000", "ETag: \"a\""),
      .send("GET", .failed, answers: [.fails])),
  ]

  private static let list = "targeted: [Edge-Cache-Control, CDN-Cache-Control]"

  private static func chosen(_ claim: String, _ ttl: ClosedRange<Int>, _ fields: String...) -> Row {
    Row(
      claim, "RFC 9213, 2.2", route: list, .miss(Answer(fields: fields)), .hit(.ttl(ttl)))
  }

  private static let targeted: [Row] = [
    chosen(
      "the first of the list counts", 570...600, "CDN-Cache-Control: max-age=1800",
      "Edge-Cache-Control: max-age=600", "Cache-Control: max-age=60"),
    chosen(
      "the second of the list counts without the first", 1770...1800,
      "CDN-Cache-Control: max-age=1800", "Cache-Control: max-age=60"),
    chosen(
      "the second of the list counts where the first does not parse", 1770...1800,
      "CDN-Cache-Control: max-age=1800", "Edge-Cache-Control: max-age=600,,"),
    chosen(
      "the second of the list counts where the first is empty", 1770...1800,
      "CDN-Cache-Control: max-age=1800", "Edge-Cache-Control: "),
    chosen(
      "Cache-Control counts where none of the list parses", 30...60,
      "CDN-Cache-Control: &", "Edge-Cache-Control: &", "Cache-Control: max-age=60"),
    chosen(
      "the fields of the list are not mixed", 570...600, "CDN-Cache-Control: no-store",
      "Edge-Cache-Control: max-age=600"),
    Row(
      "a field that is not on the list does not count", "RFC 9213, 2.2",
      route: "targeted: [Edge-Cache-Control]",
      .fill("CDN-Cache-Control: no-store", "Cache-Control: max-age=60"),
      .hit(.ttl(30...60), .field("CDN-Cache-Control", "no-store"))),
  ]

  private static let phone =
    "User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    + "(KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
  private static let otherPhone =
    "User-Agent: Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    + "Chrome/120.0.0.0 Mobile Safari/537.36"
  private static let desktop =
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
  private static let crawler =
    "User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
  private static let byDevice = "key: { device: true }"

  private static let keys: [Row] = [
    Row(
      "devices are kept apart", "key.device", route: byDevice,
      .miss(.ok(), .originGot("X-Device-Class", "mobile"), fields: [phone]),
      .miss(.ok(), .originGot("X-Device-Class", "desktop"), fields: [desktop]),
      .miss(.ok(), .originGot("X-Device-Class", "bot"), fields: [crawler])),
    Row(
      "two devices of a class share", "key.device", route: byDevice,
      .miss(fields: [phone]), .hit(fields: [otherPhone])),
    Row(
      "a client does not choose its class", "key.device", route: byDevice,
      .miss(
        .ok(), .originGot("X-Device-Class", "desktop"),
        fields: [desktop, "X-Device-Class: mobile"])),
    Row(
      "devices share by default", "key.device", .miss(fields: [phone]), .hit(fields: [desktop])),
    Row(
      "the variants have a limit", "variants", route: "variants: 2",
      .miss(.ok("Cache-Control: max-age=3600", "Vary: Foo"), fields: ["Foo: 1"]),
      .miss(.ok("Cache-Control: max-age=3600", "Vary: Foo"), fields: ["Foo: 2"]),
      .miss(.ok("Cache-Control: max-age=3600", "Vary: Foo"), fields: ["Foo: 3"]),
      .hit(fields: ["Foo: 3"], of: 3), .hit(fields: ["Foo: 2"], of: 2),
      .miss(.ok("Cache-Control: max-age=3600", "Vary: Foo"), fields: ["Foo: 1"])),
    Row(
      "a large QUERY passes", "query_body_size", route: "query_body_size: 4",
      .send("QUERY", .asked, fields: ["Content-Type: a/b"], body: "12345"),
      .send("QUERY", .asked, .body("b2"), fields: ["Content-Type: a/b"], body: "12345")),
    Row(
      "a small QUERY does not pass", "query_body_size", route: "query_body_size: 4",
      .send("QUERY", .asked, fields: ["Content-Type: a/b"], body: "1234"),
      .send("QUERY", .notAsked, .body("b1"), fields: ["Content-Type: a/b"], body: "1234")),
  ]

  private static let spoken = "languages: [en, de, fr]"

  private static func speaks(_ claim: String, _ wanted: String?, _ language: String) -> Row {
    Row(
      claim, "RFC 4647, 3.4", route: spoken,
      .miss(
        .ok("Cache-Control: max-age=3600", "Vary: Accept-Language"),
        .originGot("Accept-Language", language),
        fields: wanted.map { ["Accept-Language: \($0)"] } ?? []),
      .hit(fields: ["Accept-Language: \(language)"]))
  }

  private static let fields: [Row] = [
    Row(
      "Accept-Encoding is normalized", "RFC 9110, 12.5.3",
      .miss(
        .ok(), .originGotContaining("Accept-Encoding", "gzip"),
        .originGotWithout("Accept-Encoding", "foo"),
        fields: ["Accept-Encoding: foo, gzip;q=0.9"])),
    Row(
      "Accept-Encoding can be kept", "accept_encoding", route: "accept_encoding: keep",
      .miss(
        .ok(), .originGot("Accept-Encoding", "foo, gzip;q=0.9"),
        fields: ["Accept-Encoding: foo, gzip;q=0.9"])),
    speaks("a language that is spoken", "de", "de"),
    speaks("a language with a region that is not spoken", "de-AT", "de"),
    speaks("a language in another case", "DE", "de"),
    speaks("the preferred language", "en;q=0.5, fr;q=0.9", "fr"),
    speaks("the second language where the first is not spoken", "it, de;q=0.5", "de"),
    speaks("the default where none is spoken", "it, es", "en"),
    speaks("the default for any language", "*", "en"),
    speaks("a refused language", "de;q=0, fr;q=0.1", "fr"),
    Row(
      "Accept-Language is the client's own by default", "languages",
      .miss(
        .ok(), .originGot("Accept-Language", "de-AT,de;q=0.5"),
        fields: ["Accept-Language: de-AT,de;q=0.5"])),
    Row(
      "a field can be let through", "forward_headers",
      route: "forward_headers: [X-HTTP-Method-Override]",
      .miss(
        .ok(), .originGot("X-HTTP-Method-Override", "DELETE"),
        fields: ["X-HTTP-Method-Override: DELETE"])),
    Row(
      "what is in the key goes through", "key.headers", route: "key: { headers: [X-Host] }",
      .miss(.ok(), .originGot("X-Host", "a"), fields: ["X-Host: a"])),
  ]
}
