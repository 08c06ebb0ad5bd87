/// What unsafe methods invalidate (RFC 9111, section 4.4).
enum InvalidationRows {
  static let all = Row.numbered("invalidation", methods, statuses, references, more)

  private static let fresh = Answer.ok("Cache-Control: max-age=3600")

  private static let methods: [Row] =
    ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "FOO"].map { method in
      Row(
        "\(method) invalidates its target", "RFC 9111, 4.4", .miss(fresh),
        .send(method, .asked, .status(200), body: "x", answers: [.ok()]), .miss())
    }
    + ["OPTIONS", "HEAD"].map { method in
      Row(
        "\(method) invalidates nothing", "RFC 9111, 4.4", .miss(fresh),
        .send(method, .status(200), answers: [.ok()]), .hit())
    }

  private static let statuses: [Row] =
    [201, 202, 204, 301, 302, 303, 308].map { status in
      Row(
        "a POST answered with \(status) invalidates", "RFC 9111, 4.4", .miss(fresh),
        .send("POST", .asked, .status(status), body: "x", answers: [.status(status)]), .miss())
    }
    + [400, 403, 404, 409, 500, 503].map { status in
      Row(
        "a POST answered with \(status) invalidates nothing", "RFC 9111, 4.4", .miss(fresh),
        .send("POST", .asked, .status(status), body: "x", answers: [.status(status)]), .hit())
    } + [
      Row(
        "a POST that fails invalidates nothing", "RFC 9111, 4.4", .miss(fresh),
        .send("POST", .failed, body: "x", answers: [.fails]), .hit())
    ]

  /// A POST that names `{path}/other` in some way, where that is stored.
  private static func reference(
    _ claim: String, _ field: String, status: Int = 200, invalidates: Bool
  ) -> Row {
    Row(
      claim, "RFC 9111, 4.4", .miss(fresh, path: "/other"),
      .send("POST", .asked, path: "/here", body: "x", answers: [.status(status, field)]),
      invalidates ? .miss(path: "/other") : .hit(path: "/other"))
  }

  private static let references: [Row] =
    ["Location", "Content-Location"].flatMap { name in
      [
        reference("a path in \(name)", "\(name): {path}/other", invalidates: true),
        reference("a URL in \(name)", "\(name): http://{host}{path}/other", invalidates: true),
        reference(
          "a URL without scheme in \(name)", "\(name): //{host}{path}/other", invalidates: true),
        reference("a relative reference in \(name)", "\(name): other", invalidates: true),
        reference("dots in \(name)", "\(name): ./x/../other", invalidates: true),
        reference(
          "a fragment in \(name)", "\(name): {path}/other#fragment", invalidates: true),
        reference(
          "another port in \(name)", "\(name): http://{host}:81{path}/other", invalidates: false),
        reference(
          "another scheme in \(name)", "\(name): https://{host}{path}/other", invalidates: false),
        reference("another query in \(name)", "\(name): {path}/other?a", invalidates: false),
        reference(
          "an error with \(name)", "\(name): {path}/other", status: 400, invalidates: false),
        Row(
          "another host in \(name)", "RFC 9111, 4.4", .miss(fresh, fields: ["Host: {other}"]),
          .send(
            "POST", .asked, path: "/here", body: "x",
            answers: [.ok("\(name): http://{other}{path}")]),
          .hit(fields: ["Host: {other}"])),
      ]
    } + [
      reference("a redirect's Location", "Location: {path}/other", status: 303, invalidates: true),
      reference("a 201's Location", "Location: {path}/other", status: 201, invalidates: true),
      Row(
        "Location of a GET invalidates nothing", "RFC 9111, 4.4", .miss(fresh, path: "/other"),
        .miss(.status(302, "Location: {path}/other"), path: "/here"), .hit(path: "/other")),
    ]

  private static let varying = Answer.ok("Cache-Control: max-age=3600", "Vary: Foo")

  private static let more: [Row] = [
    Row(
      "another query is not invalidated", "RFC 9111, 4.4", .miss(fresh, path: "?a"),
      .send("POST", .asked, path: "?b", body: "x", answers: [.ok()]), .hit(path: "?a")),
    Row(
      "another path is not invalidated", "RFC 9111, 4.4", .miss(fresh, path: "/a/b"),
      .send("POST", .asked, path: "/a", body: "x", answers: [.ok()]), .hit(path: "/a/b")),
    Row(
      "another host is not invalidated", "RFC 9111, 4.4", .miss(fresh, fields: ["Host: {other}"]),
      .send("POST", .asked, body: "x", answers: [.ok()]), .hit(fields: ["Host: {other}"])),
    Row(
      "all variants are invalidated", "RFC 9111, 4.4", .miss(varying, fields: ["Foo: 1"]),
      .miss(varying, fields: ["Foo: 2"]),
      .send("POST", .asked, body: "x", answers: [.ok()]), .miss(varying, fields: ["Foo: 1"]),
      .miss(varying, fields: ["Foo: 2"])),
    Row(
      "a route can leave it out", "unsafe_invalidates", route: "unsafe_invalidates: false",
      .miss(fresh), .send("POST", .asked, body: "x", answers: [.ok()]), .hit()),
    Row(
      "an unsafe method reaches the origin with its content", "RFC 9110, 9.3.3",
      .send("POST", .originMethod("POST"), .originBody("x=1"), body: "x=1", answers: [.ok()])),
    Row(
      "what follows an invalidation is stored again", "RFC 9111, 4.4", .miss(fresh),
      .send("PUT", .asked, body: "x", answers: [.status(204)]), .miss(fresh, .body("b3")),
      .hit(of: 3)),
    Row(
      "an unsafe method is told as fwd=method", "RFC 9211, 2.2",
      .send("POST", .cacheStatus("fwd", "method"), .cacheStatus("hit", nil), body: "x")),
  ]
}
