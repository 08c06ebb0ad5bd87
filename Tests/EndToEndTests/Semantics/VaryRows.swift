/// Which stored response a request selects (RFC 9111, section 4.1).
enum VaryRows {
  static let all = Row.numbered("vary", selection, syntax, normalization)

  private static func varying(_ vary: String...) -> Answer {
    Answer(fields: ["Cache-Control: max-age=3600"] + vary.map { "Vary: \($0)" })
  }

  /// The second request selects what the first one stored.
  private static func same(
    _ claim: String, _ section: String = "RFC 9111, 4.1", vary: String, _ first: [String],
    _ second: [String]
  ) -> Row {
    Row(claim, section, .miss(varying(vary), fields: first), .hit(fields: second))
  }

  /// The second request needs an answer of its own, and both stay stored.
  private static func other(
    _ claim: String, _ section: String = "RFC 9111, 4.1", vary: String, _ first: [String],
    _ second: [String]
  ) -> Row {
    Row(
      claim, section, .miss(varying(vary), fields: first),
      .miss(varying(vary), .body("b2"), fields: second), .hit(fields: first),
      .hit(fields: second, of: 2))
  }

  private static let selection: [Row] = [
    same("the same value selects", vary: "Foo", ["Foo: 1"], ["Foo: 1"]),
    other("another value does not select", vary: "Foo", ["Foo: 1"], ["Foo: 2"]),
    same("a field absent from both selects", vary: "Foo", [], []),
    other("a field absent from the stored request does not", vary: "Foo", [], ["Foo: 1"]),
    other("a field absent from the new request does not", vary: "Foo", ["Foo: 1"], []),
    same("other fields do not matter", vary: "Foo", ["Foo: 1", "Bar: 1"], ["Foo: 1", "Bar: 2"]),
    same(
      "two fields that both match select", vary: "Foo, Bar", ["Foo: 1", "Bar: 1"],
      ["Bar: 1", "Foo: 1"]),
    other(
      "of two fields one does not match", vary: "Foo, Bar", ["Foo: 1", "Bar: 1"],
      ["Foo: 1", "Bar: 2"]),
    other("of two fields one is absent", vary: "Foo, Bar", ["Foo: 1", "Bar: 1"], ["Foo: 1"]),
    other("values are not swapped between fields", vary: "Foo, Bar", ["Foo: 1"], ["Bar: 1"]),
    other("values compare byte for byte", vary: "Foo", ["Foo: a"], ["Foo: A"]),
    other(
      "the order of an unknown field's values matters", vary: "Foo", ["Foo: a, b"], ["Foo: b, a"]),
    other("a longer value is another one", vary: "Foo", ["Foo: a"], ["Foo: ab"]),
    other("Cookie can be varied by", vary: "Cookie", ["Cookie: a=1"], ["Cookie: a=2"]),
    other("Origin can be varied by", vary: "Origin", ["Origin: http://a"], ["Origin: http://b"]),
    other("User-Agent can be varied by", vary: "User-Agent", ["User-Agent: a"], ["User-Agent: b"]),
    Row(
      "three variants are kept", "RFC 9111, 4.1",
      .miss(varying("Foo"), fields: ["Foo: 1"]), .miss(varying("Foo"), fields: ["Foo: 2"]),
      .miss(varying("Foo"), fields: ["Foo: 3"]), .hit(fields: ["Foo: 1"]),
      .hit(fields: ["Foo: 2"], of: 2), .hit(fields: ["Foo: 3"], of: 3)),
    Row(
      "variants of an error are kept apart", "RFC 9111, 4.1",
      .miss(.status(404, "Cache-Control: max-age=3600", "Vary: Foo"), fields: ["Foo: 1"]),
      .miss(.ok("Cache-Control: max-age=3600", "Vary: Foo"), fields: ["Foo: 2"]),
      .send("GET", .notAsked, .status(404), .body("b1"), fields: ["Foo: 1"]),
      .hit(fields: ["Foo: 2"], of: 2)),
    Row(
      "a variant of its own is asked for with vary-miss", "RFC 9211, 2.2",
      .miss(varying("Foo"), .cacheStatus("fwd", "uri-miss"), fields: ["Foo: 1"]),
      .miss(varying("Foo"), .cacheStatus("fwd", "vary-miss"), fields: ["Foo: 2"])),
    Row(
      "what a later response varies by counts too", "RFC 9111, 4.1",
      .miss(varying("Foo"), fields: ["Foo: 1", "Bar: 1"]),
      .miss(varying("Foo, Bar"), fields: ["Foo: 2", "Bar: 1"]),
      .miss(varying("Foo, Bar"), .body("b3"), fields: ["Foo: 2", "Bar: 2"]),
      .hit(fields: ["Foo: 2", "Bar: 1"], of: 2), .hit(fields: ["Foo: 2", "Bar: 2"], of: 3)),
    Row(
      "HEAD selects as GET does", "RFC 9111, 4.1",
      .miss(varying("Foo"), fields: ["Foo: 1"]),
      .send("HEAD", .notAsked, .status(200), fields: ["Foo: 1"])),
    Row(
      "Vary is passed on from the store", "RFC 9110, 12.5.5",
      .miss(varying("Foo, Bar")), .hit(.field("Vary", "Foo, Bar"))),
  ]

  private static let syntax: [Row] = [
    .notReused("Vary: * never selects", "RFC 9111, 4.1", "Cache-Control: max-age=3600", "Vary: *"),
    .notReused(
      "Vary: * never selects in a list", "RFC 9111, 4.1", "Cache-Control: max-age=3600",
      "Vary: Foo, *"),
    .notReused(
      "Vary: * never selects at the head of a list", "RFC 9111, 4.1", "Cache-Control: max-age=3600",
      "Vary: *, Foo"),
    .notReused(
      "Vary: * never selects on a line of its own", "RFC 9111, 4.1", "Cache-Control: max-age=3600",
      "Vary: Foo", "Vary: *"),
    .reused(
      "an empty Vary varies by nothing", "RFC 9110, 5.6.1.2", "Cache-Control: max-age=60",
      "Vary: "),
    other("names in another case", "RFC 9110, 5.1", vary: "fOO", ["Foo: 1"], ["Foo: 2"]),
    same(
      "empty members name nothing", "RFC 9110, 5.6.1.2", vary: ", Foo,,", ["Foo: 1"], ["Foo: 1"]),
    other(
      "names among empty members count", "RFC 9110, 5.6.1.2", vary: ",, Foo ,", ["Foo: 1"],
      ["Foo: 2"]),
    other("names without spaces", "RFC 9110, 5.6.1", vary: "Bar,Foo", ["Foo: 1"], ["Foo: 2"]),
    other("a name twice", "RFC 9110, 12.5.5", vary: "Foo, foo", ["Foo: 1"], ["Foo: 2"]),
    Row(
      "names on several lines", "RFC 9110, 5.3",
      .miss(varying("Foo", "Bar"), fields: ["Foo: 1", "Bar: 1"]),
      .miss(varying("Foo", "Bar"), fields: ["Foo: 1", "Bar: 2"]),
      .miss(varying("Foo", "Bar"), fields: ["Foo: 2", "Bar: 1"]),
      .hit(fields: ["Foo: 1", "Bar: 1"])),
  ]

  private static let normalization: [Row] = [
    same(
      "whitespace around the value", "RFC 9110, 5.5", vary: "Foo", ["Foo: 1"], ["Foo: \t 1  "]),
    same(
      "lines are joined", "RFC 9111, 4.1", vary: "Foo", ["Foo: 1, 2"], ["Foo: 1", "Foo: 2"]),
    same(
      "a list's whitespace does not matter", "RFC 9111, 4.1", vary: "Accept-Language",
      ["Accept-Language: en,de;q=0.5"], ["Accept-Language: en ,  de;q=0.5"]),
    same(
      "codings in another order", "RFC 9111, 4.1", vary: "Accept-Encoding",
      ["Accept-Encoding: gzip, br"], ["Accept-Encoding: br, gzip"]),
    same(
      "codings in another case", "RFC 9110, 8.4.1", vary: "Accept-Encoding",
      ["Accept-Encoding: gzip"], ["Accept-Encoding: GZIP"]),
    same(
      "a weight of 1 is the weight of none", "RFC 9110, 12.4.2", vary: "Accept-Encoding",
      ["Accept-Encoding: gzip"], ["Accept-Encoding: gzip;q=1.0"]),
    other(
      "a weight of 0 refuses a coding", "RFC 9110, 12.4.2", vary: "Accept-Encoding",
      ["Accept-Encoding: gzip"], ["Accept-Encoding: gzip;q=0"]),
    other(
      "another coding", "RFC 9111, 4.1", vary: "Accept-Encoding", ["Accept-Encoding: gzip"],
      ["Accept-Encoding: br"]),
    other(
      "another language", "RFC 9111, 4.1", vary: "Accept-Language", ["Accept-Language: en"],
      ["Accept-Language: de"]),
    same(
      "languages in another case", "RFC 9110, 12.5.4", vary: "Accept-Language",
      ["Accept-Language: en-GB"], ["Accept-Language: en-gb"]),
    other(
      "a preferred language is another than a less preferred one", "RFC 9110, 12.5.4",
      vary: "Accept-Language", ["Accept-Language: en, de;q=0.5"],
      ["Accept-Language: de, en;q=0.5"]),
  ]
}
