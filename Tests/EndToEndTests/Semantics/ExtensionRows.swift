/// Cache groups (RFC 9875), No-Vary-Search and QUERY.
enum ExtensionRows {
  static let all = Row.numbered("extension", groups, noVarySearch, queryMethod)

  private static func grouped(_ groups: String...) -> Answer {
    Answer(fields: ["Cache-Control: max-age=3600"] + groups.map { "Cache-Groups: \($0)" })
  }

  private static func invalidating(_ groups: String...) -> Answer {
    Answer(fields: groups.map { "Cache-Group-Invalidation: \($0)" })
  }

  /// A member of a group is stored, and a POST elsewhere invalidates a group.
  private static func group(
    _ claim: String, _ section: String = "RFC 9875, 3", stored: Answer, _ answer: Answer,
    method: String = "POST", invalidates: Bool
  ) -> Row {
    Row(
      claim, section, .miss(stored, path: "/member"),
      .send(
        method, .asked, .status(answer.status), path: "/elsewhere",
        body: method == "GET" ? nil : "x", answers: [answer]),
      invalidates ? .miss(path: "/member") : .hit(path: "/member"))
  }

  private static let groups: [Row] = [
    group(
      "a group is invalidated", stored: grouped("\"{path}\""), invalidating("\"{path}\""),
      invalidates: true),
    group(
      "one of several groups is invalidated", stored: grouped("\"x\", \"{path}\", \"y\""),
      invalidating("\"{path}\""), invalidates: true),
    group(
      "several groups are invalidated", stored: grouped("\"{path}\""),
      invalidating("\"x{path}\", \"{path}\""), invalidates: true),
    group(
      "groups on several lines", stored: grouped("\"x\"", "\"{path}\""),
      invalidating("\"x{path}\"", "\"{path}\""), invalidates: true),
    group(
      "another group is not invalidated", stored: grouped("\"{path}\""),
      invalidating("\"x{path}\""), invalidates: false),
    group(
      "names of groups are case-sensitive", "RFC 9875, 2.1", stored: grouped("\"{path}a\""),
      invalidating("\"{path}A\""), invalidates: false),
    group(
      "a safe method invalidates no group", stored: grouped("\"{path}\""),
      invalidating("\"{path}\""), method: "GET", invalidates: false),
    group(
      "PUT invalidates a group", stored: grouped("\"{path}\""), invalidating("\"{path}\""),
      method: "PUT", invalidates: true),
    group(
      "a member without a group is not invalidated", stored: grouped(),
      invalidating("\"{path}\""), invalidates: false),
    group(
      "parameters of a group do not matter", "RFC 9875, 2", stored: grouped("\"{path}\";a=b"),
      invalidating("\"{path}\";c"), invalidates: true),
    group(
      "a list that does not parse names no group", "RFC 9651, 4.2",
      stored: grouped("\"{path}\", ("), invalidating("\"{path}\""), invalidates: false),
    group(
      "an invalidation that does not parse invalidates nothing", "RFC 9651, 4.2",
      stored: grouped("\"{path}\""), invalidating("\"{path}\","), invalidates: false),
    group(
      "a token names no group", "RFC 9875, 2", stored: grouped("\"token\""),
      invalidating("token"), invalidates: false),
    Row(
      "a group of another origin is not invalidated", "RFC 9875, 2.1",
      .miss(grouped("\"{path}\""), fields: ["Host: {other}"]),
      .send("POST", .asked, path: "/elsewhere", body: "x", answers: [invalidating("\"{path}\"")]),
      .hit(fields: ["Host: {other}"])),
    Row(
      "all members of a group are invalidated", "RFC 9875, 3",
      .miss(grouped("\"{path}\""), path: "/a"), .miss(grouped("\"{path}\""), path: "/b"),
      .miss(grouped("\"{path}\", \"x\""), path: "/c"),
      .send("POST", .asked, body: "x", answers: [invalidating("\"{path}\"")]),
      .miss(path: "/a"), .miss(path: "/b"), .miss(path: "/c")),
    Row(
      "Cache-Groups is passed on", "RFC 9875, 2", .miss(grouped("\"a\", \"b\"")),
      .hit(.field("Cache-Groups", "\"a\", \"b\""))),
  ]

  /// The second query selects what was stored for the first, or does not.
  private static func search(
    _ claim: String, _ value: String, _ first: String, _ second: String, same: Bool
  ) -> Row {
    Row(
      claim, "No-Vary-Search",
      .miss(
        .ok("Cache-Control: max-age=3600", "No-Vary-Search: \(value)"), path: first),
      same ? .hit(path: second) : .miss(.ok(), .body("b2"), path: second))
  }

  private static let noVarySearch: [Row] = [
    search(
      "a named parameter does not count", "params=(\"utm\")", "?a=1&utm=1", "?a=1&utm=2", same: true
    ),
    search(
      "a named parameter may be missing", "params=(\"utm\")", "?a=1&utm=1", "?a=1", same: true),
    search("a named parameter may be added", "params=(\"utm\")", "?a=1", "?a=1&utm=1", same: true),
    search("other parameters count", "params=(\"utm\")", "?a=1&utm=1", "?a=2&utm=1", same: false),
    search(
      "several named parameters", "params=(\"x\" \"y\")", "?a=1&x=1&y=1", "?y=2&a=1&x=3", same: true
    ),
    search("all parameters", "params", "?a=1", "?b=2", same: true),
    search("all parameters and none", "params", "?a=1", "", same: true),
    search("params=?0 leaves all", "params=?0", "?a=1", "?a=2", same: false),
    search("all but one", "params, except=(\"a\")", "?a=1&b=1", "?a=1&b=2", same: true),
    search("the excepted one", "params, except=(\"a\")", "?a=1&b=1", "?a=2&b=1", same: false),
    search("key-order", "key-order", "?a=1&b=2", "?b=2&a=1", same: true),
    search("key-order and other values", "key-order", "?a=1&b=2", "?b=1&a=2", same: false),
    search(
      "key-order keeps values of one name in order", "key-order", "?a=1&a=2", "?a=2&a=1",
      same: false),
    search(
      "without key-order the order counts", "params=(\"utm\")", "?a=1&b=2", "?b=2&a=1",
      same: false),
    search("an empty list leaves all", "params=()", "?a=1", "?a=2", same: false),
    search("a token in place of the list", "params=utm", "?utm=1", "?utm=2", same: false),
    search("a token in the list", "params=(utm)", "?utm=1", "?utm=2", same: false),
    search("except without params", "except=(\"a\")", "?a=1&b=1", "?a=1&b=2", same: false),
    search("what does not parse", "params=(\"utm\"", "?utm=1", "?utm=2", same: false),
    search(
      "an encoded name is the same name", "params=(\"utm\")", "?u%74m=1", "?utm=2", same: true),
    search("names are case-sensitive", "params=(\"utm\")", "?UTM=1", "?UTM=2", same: false),
    search(
      "unknown members do not matter", "foo=bar, params=(\"utm\")", "?utm=1", "?utm=2", same: true),
    search(
      "params with names beside except", "params=(\"utm\"), except=(\"a\")", "?utm=1", "?utm=2",
      same: false),
    search(
      "params without beside except", "params=?0, except=(\"a\")", "?utm=1", "?utm=2", same: false),
    search(
      "except of another type", "params, except=\"a\"", "?utm=1", "?utm=2", same: false),
    search("key-order of another type", "key-order=\"x\"", "?a=1&b=2", "?b=2&a=1", same: false),
    search("key-order=?0 keeps the order", "key-order=?0", "?a=1&b=2", "?b=2&a=1", same: false),
    search(
      "a wrong key-order spoils params", "params=(\"utm\"), key-order=1", "?utm=1", "?utm=2",
      same: false),
    search(
      "plus and an encoded space are the same", "params=(\"utm\")", "?a=b+c&utm=1", "?a=b%20c",
      same: true),
    search(
      "an encoded name in the field", "params=(\"u%74m\")", "?a=1&utm=1", "?a=1&utm=2", same: true),
    search("empty pairs do not count", "params=(\"utm\")", "?a=1&&utm=1", "?&a=1", same: true),
    search(
      "a value left out is an empty one", "params=(\"utm\")", "?a&utm=1", "?a=", same: true),
    search("other paths are apart", "params", "/a?x=1", "/b?x=1", same: false),
    Row(
      "an answer without the field counts for its own query only", "No-Vary-Search",
      .miss(
        .ok("Cache-Control: max-age=3600", "No-Vary-Search: params=(\"utm\")"),
        path: "?a=1&utm=1"),
      .miss(path: "?a=2&utm=1"), .miss(.ok(), .body("b3"), path: "?a=2&utm=2"),
      .hit(path: "?a=1&utm=2"), .hit(path: "?a=2&utm=1", of: 2)),
    Row(
      "the query goes on to the origin whole", "No-Vary-Search",
      .miss(
        .ok("Cache-Control: max-age=60", "Age: 100", "No-Vary-Search: params=(\"utm\")"),
        path: "?a=1&utm=1"),
      .miss(.ok(), .originTarget("{path}?a=1&utm=2"), path: "?a=1&utm=2")),
    Row(
      "an unsafe method invalidates what is stored for its query", "RFC 9111, 4.4",
      .miss(
        .ok("Cache-Control: max-age=3600", "No-Vary-Search: params=(\"utm\")"),
        path: "?a=1&utm=1"),
      .send("POST", .asked, path: "?a=1&utm=1", body: "x", answers: [.ok()]),
      .miss(path: "?a=1&utm=1")),
    Row(
      "an unsafe method invalidates what its query would select", "RFC 9111, 4.4",
      .miss(
        .ok("Cache-Control: max-age=3600", "No-Vary-Search: params=(\"utm\")"),
        path: "?a=1&utm=1"),
      .send("POST", .asked, path: "?a=1&utm=1", body: "x", answers: [.ok()]),
      .miss(path: "?a=1&utm=2")),
    Row(
      "variants and the field go together", "No-Vary-Search",
      .miss(
        .ok("Cache-Control: max-age=3600", "Vary: Foo", "No-Vary-Search: params=(\"utm\")"),
        path: "?utm=1", fields: ["Foo: 1"]),
      .miss(
        .ok("Cache-Control: max-age=3600", "Vary: Foo", "No-Vary-Search: params=(\"utm\")"),
        path: "?utm=2", fields: ["Foo: 2"]),
      .hit(path: "?utm=3", fields: ["Foo: 1"]), .hit(path: "?utm=4", fields: ["Foo: 2"], of: 2)),
    Row(
      "without the field all parameters count", "No-Vary-Search",
      .miss(path: "?utm=1"), .miss(.ok(), .body("b2"), path: "?utm=2")),
    Row(
      "the field is passed on", "No-Vary-Search",
      .miss(.ok("Cache-Control: max-age=3600", "No-Vary-Search: key-order")),
      .hit(.field("No-Vary-Search", "key-order"))),
  ]

  private static let typed = ["Content-Type: text/plain"]

  private static func query(
    _ claim: String, _ first: String, _ second: String, fields: [String] = typed, same: Bool
  ) -> Row {
    Row(
      claim, "QUERY",
      .send("QUERY", .asked, .status(200), .originBody(first), fields: typed, body: first),
      same
        ? .send("QUERY", .notAsked, .status(200), .body("b1"), fields: fields, body: second)
        : .send("QUERY", .asked, .status(200), .body("b2"), fields: fields, body: second))
  }

  private static let queryMethod: [Row] = [
    query("the same content is answered from the store", "a=1", "a=1", same: true),
    query("other content is asked for", "a=1", "a=2", same: false),
    query("longer content is asked for", "a=1", "a=12", same: false),
    query(
      "another Content-Type is asked for", "a=1", "a=1", fields: ["Content-Type: text/html"],
      same: false),
    Row(
      "a stored QUERY has validators for its clients", "QUERY",
      .send(
        "QUERY", .asked, fields: typed, body: "a",
        answers: [.ok("Cache-Control: max-age=3600", "ETag: \"a\"")]),
      .send(
        "QUERY", .notAsked, .status(304), fields: typed + ["If-None-Match: \"a\""], body: "a")),
    Row(
      "a stale QUERY is validated with its content", "QUERY",
      .send(
        "QUERY", .asked, fields: typed, body: "abc",
        answers: [.ok("Cache-Control: max-age=60", "Age: 100", "ETag: \"a\"")]),
      .send(
        "QUERY", .asked, .status(200), .body("b1"), .originMethod("QUERY"), .originBody("abc"),
        .originGot("If-None-Match", "\"a\""), .originGot("Content-Type", "text/plain"),
        fields: typed, body: "abc",
        answers: [.notModified("ETag: \"a\"", "Cache-Control: max-age=3600")]),
      .send("QUERY", .notAsked, .body("b1"), fields: typed, body: "abc")),
    Row(
      "a QUERY is refreshed in the background with its content", "QUERY",
      .send(
        "QUERY", .asked, fields: typed, body: "abc",
        answers: [.ok("Cache-Control: max-age=60, stale-while-revalidate=3600", "Age: 100")]),
      .send("QUERY", .status(200), .body("b1"), fields: typed, body: "abc"),
      Exchange.send("QUERY", .notAsked, .body("b2"), fields: typed, body: "abc").repeated),
    Row(
      "a QUERY's variants are kept apart", "RFC 9111, 4.1",
      .send(
        "QUERY", .asked, fields: typed + ["Foo: 1"], body: "a",
        answers: [.ok("Cache-Control: max-age=3600", "Vary: Foo")]),
      .send("QUERY", .asked, .body("b2"), fields: typed + ["Foo: 2"], body: "a")),
    Row(
      "a chunked QUERY is the same as one with its length", "RFC 9112, 6",
      .send("QUERY", .asked, fields: typed, body: "abc"),
      Exchange(
        method: "QUERY",
        raw: "QUERY {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\n"
          + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        expectations: [.notAsked, .status(200), .body("b1")])),
    Row(
      "a QUERY without a lifetime in an answer to Authorization is not shared", "RFC 9111, 3.5",
      .send(
        "QUERY", .asked, fields: typed + ["Authorization: Basic YTpi"], body: "a",
        answers: [.ok("Cache-Control: max-age=3600")]),
      .send("QUERY", .asked, .body("b2"), fields: typed, body: "a")),
    Row(
      "GET is not answered with a QUERY's answer", "QUERY",
      .send("QUERY", .asked, fields: typed, body: "a"), .miss(.ok(), .body("b2"))),
    Row(
      "QUERY is not answered with a GET's answer", "QUERY", .miss(),
      .send("QUERY", .asked, .body("b2"), fields: typed, body: "a")),
    Row(
      "QUERY is safe and invalidates nothing", "QUERY", .miss(),
      .send("QUERY", .asked, fields: typed, body: "a"), .hit()),
    Row(
      "QUERY without a lifetime that may be used is asked again", "QUERY",
      .send(
        "QUERY", .asked, fields: typed, body: "a", answers: [.ok("Cache-Control: no-store")]),
      .send("QUERY", .asked, .body("b2"), fields: typed, body: "a")),
    Row(
      "an unsafe method invalidates what QUERY stored", "RFC 9111, 4.4",
      .send("QUERY", .asked, fields: typed, body: "a"),
      .send("POST", .asked, body: "x", answers: [.ok()]),
      .send("QUERY", .asked, .body("b3"), fields: typed, body: "a")),
  ]
}
