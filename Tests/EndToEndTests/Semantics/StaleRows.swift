/// Stale responses: what forbids them, what allows them, and for how long (RFC 9111, sections 4.2.4
/// and 5.2.2; RFC 5861).
enum StaleRows {
  static let all = Row.numbered("stale", forbidden, onError, whileRevalidating, byRoute, failures)

  private static func stale(_ control: String, _ fields: String...) -> Answer {
    Answer(fields: ["Cache-Control: \(control)", "Age: 100", "ETag: \"a\""] + fields)
  }

  /// The origin fails when the stale response is asked for.
  private static func failing(
    _ claim: String, _ section: String, route: String = "", _ control: String,
    with failure: Answer = .fails, serves: Bool
  ) -> Row {
    let failed: [Expectation] =
      failure.isFailure
      ? [.failed, .bodyIsNot("b1"), .proxyError] : [.status(failure.status), .bodyIsNot("b1")]
    return Row(
      claim, section, route: route, .miss(stale(control)),
      Exchange(
        answers: [failure],
        expectations: serves ? [.asked, .status(200), .body("b1"), .age(100...200)] : failed))
  }

  private static let forbidden: [Row] = [
    failing(
      "must-revalidate forbids stale", "RFC 9111, 5.2.2.2", "max-age=60, must-revalidate",
      serves: false),
    failing(
      "proxy-revalidate forbids stale", "RFC 9111, 5.2.2.8", "max-age=60, proxy-revalidate",
      serves: false),
    failing("s-maxage forbids stale", "RFC 9111, 5.2.2.10", "s-maxage=60", serves: false),
    failing("no-cache forbids stale", "RFC 9111, 5.2.2.4", "max-age=60, no-cache", serves: false),
    failing(
      "must-revalidate goes before stale-if-error", "RFC 9111, 5.2.2.2",
      "max-age=60, must-revalidate, stale-if-error=3600", serves: false),
    failing(
      "no-cache goes before stale-if-error", "RFC 9111, 5.2.2.4",
      "max-age=60, no-cache, stale-if-error=3600", serves: false),
    failing(
      "must-revalidate goes before the route's stale-if-error", "RFC 9111, 5.2.2.2",
      route: "stale: { if_error: 1 hour }", "max-age=60, must-revalidate", serves: false),
    failing(
      "proxy-revalidate goes before the route's stale-if-error", "RFC 9111, 5.2.2.8",
      route: "stale: { if_error: 1 hour }", "max-age=60, proxy-revalidate", serves: false),
    failing(
      "s-maxage goes before the route's stale-if-error", "RFC 9111, 5.2.2.10",
      route: "stale: { if_error: 1 hour }", "s-maxage=60", serves: false),
    failing(
      "no-cache goes before the route's stale-if-error", "RFC 9111, 5.2.2.4",
      route: "stale: { if_error: 1 hour }", "no-cache", serves: false),
    Row(
      "must-revalidate goes before the route's stale-while-revalidate", "RFC 9111, 5.2.2.2",
      route: "stale: { while_revalidate: 1 hour }", .miss(stale("max-age=60, must-revalidate")),
      .miss(.ok(), .body("b2"))),
    Row(
      "must-revalidate goes before stale-while-revalidate", "RFC 9111, 5.2.2.2",
      .miss(stale("max-age=60, must-revalidate, stale-while-revalidate=3600")),
      .miss(.ok(), .body("b2"))),
    Row(
      "no-cache goes before stale-while-revalidate", "RFC 9111, 5.2.2.4",
      .miss(stale("max-age=60, no-cache, stale-while-revalidate=3600")),
      .miss(.ok(), .body("b2"))),
  ]

  private static let window = "max-age=60, stale-if-error=3600"

  private static let onError: [Row] =
    [500, 502, 503, 504].map { status in
      failing(
        "stale-if-error stands in for \(status)", "RFC 5861, 4", window, with: .status(status),
        serves: true)
    }
    + [400, 401, 403, 404, 429, 501, 505].map { status in
      failing(
        "stale-if-error does not stand in for \(status)", "RFC 5861, 4", window,
        with: .status(status, "Cache-Control: no-store"), serves: false)
    } + [
      failing(
        "stale-if-error stands in for a broken connection", "RFC 5861, 4", window, serves: true),
      failing(
        "stale-if-error ends with its window", "RFC 5861, 4", "max-age=60, stale-if-error=10",
        serves: false),
      failing(
        "stale-if-error ends with its window for a 500", "RFC 5861, 4",
        "max-age=60, stale-if-error=10", with: .status(500), serves: false),
      failing(
        "stale-if-error=0 allows nothing", "RFC 5861, 4", "max-age=60, stale-if-error=0",
        with: .status(503), serves: false),
      failing(
        "an invalid stale-if-error allows nothing", "RFC 5861, 4",
        "max-age=60, stale-if-error=abc", with: .status(503), serves: false),
      failing(
        "stale-if-error beside s-maxage is honoured", "RFC 5861, 4",
        "s-maxage=60, stale-if-error=3600", with: .status(503), serves: true),
      failing(
        "stale-if-error in capitals", "RFC 9111, 5.2", "max-age=60, STALE-IF-ERROR=\"3600\"",
        with: .status(503), serves: true),
      failing(
        "without a directive stale stands in for an origin that is gone", "RFC 9111, 4.2.4",
        "max-age=60", serves: true),
      failing(
        "without a directive a 500 is passed on", "RFC 9111, 4.3.3", "max-age=60",
        with: .status(500), serves: false),
      failing(
        "public does not forbid stale", "RFC 9111, 4.2.4", "max-age=60, public", serves: true),
      Row(
        "stale-if-error serves until the origin is well again", "RFC 5861, 4",
        .miss(stale(window)), .stale(.status(503), .asked), .stale(.fails),
        .miss(.ok("Cache-Control: max-age=3600"), .bodyIsNot("b1")), .send("GET", .notAsked)),
      Row(
        "stale-if-error does not stand in while fresh is there", "RFC 5861, 4",
        .fill("Cache-Control: max-age=3600, stale-if-error=3600"), .hit()),
      Row(
        "a stale answer to a conditional request is a 304", "RFC 9111, 4.3.2",
        .miss(stale(window)),
        .send(
          "GET", .asked, .status(304), fields: ["If-None-Match: \"a\""],
          answers: [.status(503)])),
      Row(
        "stale without validators stands in too", "RFC 5861, 4",
        .fill("Cache-Control: \(window)", "Age: 100"), .stale(.status(503), .asked)),
      Row(
        "an error that stale stands in for is not stored", "RFC 5861, 4",
        .miss(stale(window)), .stale(.status(503, "Cache-Control: max-age=3600"), .asked),
        .stale(.notModified("ETag: \"a\"", "Cache-Control: max-age=3600"), .asked), .hit()),
    ]

  private static let whileRevalidating: [Row] = [
    Row(
      "stale-while-revalidate serves at once and refreshes", "RFC 5861, 3",
      .miss(stale("max-age=60, stale-while-revalidate=3600")),
      .stale(.ok("Cache-Control: max-age=3600"), .cacheStatus("hit", "?1")), .hit(of: 2).repeated),
    Row(
      "the refresh in the background validates", "RFC 5861, 3",
      .miss(stale("max-age=60, stale-while-revalidate=3600")),
      .stale(.notModified("ETag: \"a\"", "Cache-Control: max-age=3600", "X-Foo: new")),
      // The background's fetch may come this late: the answer still stands.
      Exchange(
        answers: [.notModified("ETag: \"a\"", "Cache-Control: max-age=3600", "X-Foo: new")],
        expectations: [.notAsked, .status(200), .body("b1"), .field("X-Foo", "new")],
        isRepeated: true)),
    Row(
      "stale-while-revalidate ends with its window", "RFC 5861, 3",
      .miss(stale("max-age=60, stale-while-revalidate=10")), .miss(.ok(), .body("b2"))),
    Row(
      "stale-while-revalidate=0 allows nothing", "RFC 5861, 3",
      .miss(stale("max-age=60, stale-while-revalidate=0")), .miss(.ok(), .body("b2"))),
    Row(
      "an invalid stale-while-revalidate allows nothing", "RFC 5861, 3",
      .miss(stale("max-age=60, stale-while-revalidate=abc")), .miss(.ok(), .body("b2"))),
    Row(
      "stale-while-revalidate beside s-maxage is honoured", "RFC 5861, 3",
      .miss(stale("s-maxage=60, stale-while-revalidate=3600")), .stale(), .hit(of: 2).repeated),
    Row(
      "stale-while-revalidate does not disturb while fresh", "RFC 5861, 3",
      .fill("Cache-Control: max-age=3600, stale-while-revalidate=60"), .hit()),
    Row(
      "stale-while-revalidate counts beside max-age=0", "RFC 5861, 3",
      .fill("Cache-Control: max-age=0, stale-while-revalidate=3600", "ETag: \"a\""), .stale(),
      .hit(of: 2).repeated),
    Row(
      "an error in the background leaves the stale response", "RFC 5861, 3",
      .miss(stale("max-age=60, stale-while-revalidate=3600")), .stale(.status(500)),
      .stale(.status(500)), .stale(.fails), .stale(.ok("Cache-Control: max-age=3600"))),
    Row(
      "what is refreshed in the background and must not be stored goes", "RFC 5861, 3",
      .miss(stale("max-age=60, stale-while-revalidate=3600")),
      .stale(.ok("Cache-Control: no-store")),
      Exchange(
        answers: [.ok("Cache-Control: no-store")],
        expectations: [.asked, .status(200), .bodyIsNot("b1")], isRepeated: true)),
    Row(
      "stale-while-revalidate for HEAD", "RFC 5861, 3",
      .miss(stale("max-age=60, stale-while-revalidate=3600")),
      .send("HEAD", .status(200), .field("ETag", "\"a\""), .age(100...200))),
    Row(
      "stale-while-revalidate for a range", "RFC 5861, 3",
      .miss(stale("max-age=60, stale-while-revalidate=3600")),
      .send("GET", .status(206), .body("1"), fields: ["Range: bytes=1-1"])),
  ]

  private static let byRoute: [Row] = [
    Row(
      "a route's while_revalidate serves at once", "RFC 5861, 3",
      route: "stale: { while_revalidate: 1 hour }", .miss(stale("max-age=60")), .stale(),
      .hit(of: 2).repeated),
    Row(
      "a route's while_revalidate ends with its window", "RFC 5861, 3",
      route: "stale: { while_revalidate: 10 s }", .miss(stale("max-age=60")),
      .miss(.ok(), .body("b2"))),
    Row(
      "the origin's stale-while-revalidate goes before the route's", "RFC 5861, 3",
      route: "stale: { while_revalidate: 1 hour }",
      .miss(stale("max-age=60, stale-while-revalidate=10")), .miss(.ok(), .body("b2"))),
    failing(
      "a route's if_error stands in for 503", "RFC 5861, 4", route: "stale: { if_error: 1 hour }",
      "max-age=60", with: .status(503), serves: true),
    failing(
      "a route's if_error ends with its window", "RFC 5861, 4",
      route: "stale: { if_error: 10 s }", "max-age=60", with: .status(503), serves: false),
    failing(
      "the origin's stale-if-error goes before the route's", "RFC 5861, 4",
      route: "stale: { if_error: 1 hour }", "max-age=60, stale-if-error=10", with: .status(503),
      serves: false),
  ]

  private static let failures: [Row] = [
    Row(
      "an origin that refuses connections", "RFC 9209, 2.3.9", route: "origin: gone",
      .send("GET", .status(502), .proxyStatus("error", "connection_refused"))),
    Row(
      "an origin that ends the connection unanswered", "RFC 9209, 2.3",
      .send("GET", .status(502), .proxyError, answers: [.fails])),
    Row(
      "an origin that answers with something else", "RFC 9209, 2.3.21",
      .send(
        "GET", .status(502), .proxyStatus("error", "http_protocol_error"),
        answers: [Answer(raw: "220 mail.test ESMTP\r\n\r\n")])),
    Row(
      "a failure is not stored", "RFC 9111, 3",
      .send("GET", .failed, answers: [.fails]), .miss(.ok(), .bodyContains("b"))),
    Row(
      "a failure must not be stored by caches in front", "RFC 9111, 5.2.2.5",
      .send("GET", .failed, .fieldContains("Cache-Control", "no-store"), answers: [.fails])),
    Row(
      "a failed POST is an error and is not sent twice", "RFC 9110, 9.2.2",
      .send("POST", .failed, .askedTimes(1), body: "x", answers: [.fails])),
  ]
}
