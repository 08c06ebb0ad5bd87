/// What tells one stored response from another (RFC 9111, section 2), by default and by options.
enum KeyRows {
  static let all = Row.numbered("key", byDefault, query, more)

  private static func same(
    _ claim: String, _ section: String, route: String = "", _ first: String, _ second: String
  ) -> Row {
    Row(claim, section, route: route, .miss(path: first), .hit(path: second))
  }

  private static func other(
    _ claim: String, _ section: String, route: String = "", _ first: String, _ second: String
  ) -> Row {
    Row(
      claim, section, route: route, .miss(path: first), .miss(.ok(), .body("b2"), path: second),
      .hit(path: first))
  }

  private static let byDefault: [Row] = [
    other("another query", "RFC 9111, 2", "?a=1", "?a=2"),
    other("no query and an empty one", "RFC 3986, 6.2.3", "", "?"),
    other("the order of parameters", "RFC 9111, 2", "?a=1&b=2", "?b=2&a=1"),
    other("the case of the path", "RFC 9110, 4.2.3", "/a", "/A"),
    other("an encoded slash", "RFC 3986, 2.2", "/a/b", "/a%2Fb"),
    other("a slash at the end", "RFC 9111, 2", "/a", "/a/"),
    other("two slashes", "RFC 3986, 3.3", "/a/b", "/a//b"),
    other("a semicolon", "RFC 3986, 3.3", "/a", "/a;b"),
    other("a query and the same path", "RFC 9111, 2", "?/a", "/a"),
    same("the same query", "RFC 9111, 2", "?a=1&b=2", "?a=1&b=2"),
    Row(
      "the target goes on byte for byte", "RFC 9110, 7.6",
      .miss(
        .ok(), .originTarget("{path}/a%2Fb//c/%41;d?x=%20&&y=a+b"),
        path: "/a%2Fb//c/%41;d?x=%20&&y=a+b")),
    Row(
      "dots in the path go on byte for byte", "RFC 9110, 7.6",
      .miss(.ok(), .originTarget("{path}/a/../b/./c/.."), path: "/a/../b/./c/..")),
    Row(
      "rare characters of a target go on byte for byte", "RFC 3986, 2.2",
      .miss(
        .ok(), .originTarget("{path}/!$&'()*+,;=:@-._~?[a]=/?&%zz%e4%C3"),
        path: "/!$&'()*+,;=:@-._~?[a]=/?&%zz%e4%C3")),
    other("dots in the path", "RFC 9111, 2", "/a/../b", "/b"),
    other("an encoded letter in another case", "RFC 9111, 2", "/%c3%a4", "/%C3%A4"),
    Row(
      "an absolute target is the same as its path", "RFC 9112, 3.2.2", .miss(),
      .send(
        "GET", .notAsked, .status(200), .body("b1"), target: "http://{host}{path}")),
    Row(
      "the case of the host does not matter", "RFC 9110, 4.2.3",
      .miss(fields: ["Host: Other.TEST"]), .hit(fields: ["Host: {other}"])),
    Row(
      "another host", "RFC 9111, 2", .miss(), .miss(.ok(), .body("b2"), fields: ["Host: {other}"]),
      .hit(), .hit(fields: ["Host: {other}"], of: 2)),
    Row(
      "fields do not tell apart by default", "RFC 9111, 2", .miss(fields: ["X-Foo: 1"]),
      .hit(fields: ["X-Foo: 2"])),
    Row(
      "HTTP/1.0 gets what HTTP/1.1 stored", "RFC 9110, 2.5", .miss(),
      .send("GET", .notAsked, .status(200), .body("b1"), version: "HTTP/1.0")),
  ]

  private static let none = "key: { query: none }"
  private static let allow = "key: { query: { allow: [a, b] } }"
  private static let deny = "key: { query: { deny: [utm] } }"
  private static let sorted = "key: { sort_query: true }"

  private static let query: [Row] = [
    same("query none", "key.query", route: none, "?a=1", "?a=2"),
    same("query none and no query", "key.query", route: none, "?a=1", ""),
    other("query none and another path", "key.query", route: none, "/a?x", "/b?x"),
    same(
      "a parameter that is not allowed", "key.query.allow", route: allow, "?a=1&c=1", "?a=1&c=2"),
    same("only parameters that are not allowed", "key.query.allow", route: allow, "?c=1", "?d=1"),
    other("an allowed parameter", "key.query.allow", route: allow, "?a=1&c=1", "?a=2&c=1"),
    other("a second allowed parameter", "key.query.allow", route: allow, "?a=1&b=1", "?a=1&b=2"),
    other("an allowed parameter that is missing", "key.query.allow", route: allow, "?a=1", "?c=1"),
    other("a name that begins alike", "key.query.allow", route: allow, "?a=1", "?ab=1"),
    same("a denied parameter", "key.query.deny", route: deny, "?a=1&utm=1", "?a=1&utm=2"),
    same("a denied parameter and none", "key.query.deny", route: deny, "?a=1&utm=1", "?a=1"),
    same(
      "a denied parameter at another place", "key.query.deny", route: deny, "?utm=1&a=1", "?a=1"),
    same("a denied parameter without value", "key.query.deny", route: deny, "?a=1&utm", "?a=1"),
    same("an encoded denied parameter", "key.query.deny", route: deny, "?a=1&u%74m=2", "?a=1"),
    other(
      "a parameter that is not denied", "key.query.deny", route: deny, "?a=1&utm=1", "?a=2&utm=1"),
    other("a name that ends alike", "key.query.deny", route: deny, "?xutm=1", "?xutm=2"),
    same("sorted parameters", "key.sort_query", route: sorted, "?b=2&a=1", "?a=1&b=2"),
    other("sorted values of one name", "key.sort_query", route: sorted, "?a=1&a=2", "?a=2&a=1"),
    other("sorted other values", "key.sort_query", route: sorted, "?b=2&a=1", "?b=1&a=2"),
  ]

  private static func fields(
    _ claim: String, _ route: String, _ first: String, _ second: String, same: Bool
  ) -> Row {
    Row(
      claim, "key", route: route, .miss(fields: [first]),
      same ? .hit(fields: [second]) : .miss(.ok(), .body("b2"), fields: [second]))
  }

  private static let device = "key: { headers: [X-Device] }"
  private static let session = "key: { cookies: [session] }"

  private static let more: [Row] = [
    fields("a field in the key, same value", device, "X-Device: a", "X-Device: a", same: true),
    fields("a field in the key, other value", device, "X-Device: a", "X-Device: b", same: false),
    fields("a field in the key, absent", device, "X-Device: a", "X-Foo: a", same: false),
    fields(
      "a field in the key, name in another case", device, "x-device: a", "X-DEVICE: a", same: true),
    fields("a field beside the key", device, "X-Foo: a", "X-Foo: b", same: true),
    fields(
      "a cookie in the key, same value", session, "Cookie: session=1", "Cookie: session=1",
      same: true),
    fields(
      "a cookie in the key, other value", session, "Cookie: session=1", "Cookie: session=2",
      same: false),
    fields(
      "a cookie in the key among others", session, "Cookie: a=1; session=1",
      "Cookie: session=1; b=2", same: true),
    fields("a cookie in the key, absent", session, "Cookie: session=1", "Cookie: a=1", same: false),
    fields(
      "a cookie whose name ends alike", session, "Cookie: xsession=1", "Cookie: xsession=2",
      same: true),
    fields("a cookie beside the key", session, "Cookie: a=1", "Cookie: a=2", same: true),
    Row(
      "the key shows on request", "RFC 9211, 2.7",
      .send(
        "GET", .cacheStatus("key", "http://{host}{path}?x"), path: "?x",
        fields: ["Edge-Debug: 1"])),
    Row(
      "the key does not show without request", "RFC 9211, 2.7",
      .miss(.ok(), .cacheStatus("key", nil))),
    Row(
      "a route without cache passes everything", "cache", route: "cache: false", .miss(),
      .miss(.ok(), .body("b2"), .cacheStatus("fwd", "bypass"))),
  ]
}
