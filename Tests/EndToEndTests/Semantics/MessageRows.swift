/// How messages are read where caching depends on it (RFC 9112; RFC 9110, section 5).
enum MessageRows {
  static let all = Row.numbered("message", responses, requests)

  private static func response(_ lines: String..., body: String = "b{n}") -> Answer {
    Answer(raw: lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
  }

  /// A malformed answer that must not come to be stored as if it said less than it does.
  private static func suspicious(_ claim: String, _ section: String, _ lines: String...) -> Row {
    Row(
      claim, section,
      Exchange(answers: [response(lines)], mayBeCutShort: true), .miss(.ok(), .body("b2")))
  }

  private static func response(_ lines: [String]) -> Answer {
    Answer(raw: lines.joined(separator: "\r\n") + "\r\n\r\nb{n}")
  }

  private static func refused(_ claim: String, _ section: String, _ lines: String...) -> Row {
    Row(
      claim, section,
      .send("GET", .status(502), .proxyError, answers: [response(lines)]),
      .miss(.ok(), .bodyContains("b")))
  }

  private static let lasting = "Cache-Control: max-age=3600"

  private static let responses: [Row] = [
    Row(
      "a status line without a reason", "RFC 9112, 4",
      .miss(response("HTTP/1.1 200 ", lasting, "Content-Length: 2")), .hit()),
    Row(
      "an answer in HTTP/1.0", "RFC 9110, 2.5",
      .miss(response("HTTP/1.0 200 OK", lasting)), .hit()),
    Row(
      "an answer in HTTP/1.0 cut short", "RFC 9112, 8",
      .send(
        "GET", .asked, .cutShort,
        answers: [response("HTTP/1.0 200 OK", lasting, "Content-Length: 9")]),
      .miss(.ok(), .body("b2"))),
    Row(
      "two equal Content-Lengths", "RFC 9112, 6.3",
      Exchange(
        answers: [
          response("HTTP/1.1 200 OK", lasting, "Content-Length: 2", "Content-Length: 2")
        ], expectations: [.asked])),
    refused(
      "two different Content-Lengths", "RFC 9112, 6.3", "HTTP/1.1 200 OK", lasting,
      "Content-Length: 2", "Content-Length: 3"),
    refused(
      "a list of different Content-Lengths", "RFC 9112, 6.3", "HTTP/1.1 200 OK", lasting,
      "Content-Length: 2, 3"),
    refused(
      "a Content-Length of letters", "RFC 9112, 6.3", "HTTP/1.1 200 OK", lasting,
      "Content-Length: two"),
    refused(
      "a negative Content-Length", "RFC 9112, 6.3", "HTTP/1.1 200 OK", lasting,
      "Content-Length: -2"),
    suspicious(
      "no-store on a folded line", "RFC 9112, 5.2", "HTTP/1.1 200 OK",
      "Cache-Control: max-age=3600,", " no-store", "Content-Length: 2"),
    suspicious(
      "no-store in a field with a space before its colon", "RFC 9112, 5.1", "HTTP/1.1 200 OK",
      "Cache-Control : no-store", lasting, "Content-Length: 2"),
    suspicious(
      "a status of two digits", "RFC 9112, 4", "HTTP/1.1 20 OK", lasting, "Content-Length: 2"),
    suspicious(
      "a status of four digits", "RFC 9112, 4", "HTTP/1.1 2000 OK", lasting, "Content-Length: 2"),
    suspicious(
      "a head that ends early", "RFC 9112, 8", "HTTP/1.1 200 OK", lasting, "Content-Length: 2",
      "X-Foo"),
    Row(
      "chunks go before Content-Length", "RFC 9112, 6.3",
      Exchange(
        answers: [
          Answer(
            raw: "HTTP/1.1 200 OK\r\n\(lasting)\r\nContent-Length: 3\r\n"
              + "Transfer-Encoding: chunked\r\n\r\n2\r\nb1\r\n0\r\n\r\n")
        ], expectations: [.asked, .bodyIsNot("2\r\n")], mayBeCutShort: true)),
    Row(
      "a chunked answer with extensions and trailers", "RFC 9112, 7.1",
      .miss(
        Answer(
          raw: "HTTP/1.1 200 OK\r\n\(lasting)\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "1;a=b\r\nb\r\n1\r\n1\r\n0\r\nX-Trailer: 1\r\n\r\n"),
        .body("b1")),
      .hit(.noField("X-Trailer"))),
    Row(
      "a trailer is not a field of the head", "RFC 9110, 6.5.1",
      .miss(
        Answer(
          raw: "HTTP/1.1 200 OK\r\nX-Foo: 1\r\nCache-Control: max-age=3600\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n2\r\nb1\r\n0\r\nCache-Control: no-store\r\n\r\n")),
      .hit(.field("Cache-Control", "max-age=3600"))),
    Row(
      "a wrong chunk size ends the answer", "RFC 9112, 7.1",
      Exchange(
        answers: [
          Answer(
            raw: "HTTP/1.1 200 OK\r\n\(lasting)\r\nTransfer-Encoding: chunked\r\n\r\n"
              + "zz\r\nb1\r\n0\r\n\r\n")
        ], mayBeCutShort: true),
      .miss(.ok(), .body("b2"))),
  ]

  private static func bad(_ claim: String, _ section: String, _ status: Int, _ raw: String) -> Row {
    Row(claim, section, Exchange(raw: raw, expectations: [.notAsked, .status(status)]))
  }

  private static let requests: [Row] = [
    bad("no Host", "RFC 9112, 3.2", 400, "GET {path} HTTP/1.1\r\n\r\n"),
    bad(
      "two Hosts", "RFC 9112, 3.2", 400,
      "GET {path} HTTP/1.1\r\nHost: {host}\r\nHost: {other}\r\n\r\n"),
    bad(
      "a Host with a path", "RFC 9112, 3.2", 400, "GET {path} HTTP/1.1\r\nHost: {host}/evil\r\n\r\n"
    ),
    bad(
      "a Host with a user", "RFC 9112, 3.2", 400, "GET {path} HTTP/1.1\r\nHost: a@{host}\r\n\r\n"),
    bad(
      "a space before the colon", "RFC 9112, 5.1", 400,
      "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Foo : 1\r\n\r\n"),
    bad(
      "a field without a colon", "RFC 9112, 5", 400,
      "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Foo\r\n\r\n"),
    bad(
      "Transfer-Encoding beside Content-Length", "RFC 9112, 6.3", 400,
      "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\n"
        + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    bad(
      "two different Content-Lengths", "RFC 9112, 6.3", 400,
      "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
    bad(
      "a Content-Length of letters", "RFC 9112, 6.3", 400,
      "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: x\r\n\r\n"),
    bad(
      "a Transfer-Encoding that does not end in chunked", "RFC 9112, 6.3", 400,
      "POST {path} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n"),
    bad(
      "another major version", "RFC 9110, 15.6.6", 505,
      "GET {path} HTTP/3.0\r\nHost: {host}\r\n\r\n"),
    bad(
      "a line that is no request", "RFC 9112, 3", 400, "GET{path}HTTP/1.1\r\nHost: {host}\r\n\r\n"),
    bad("CONNECT", "RFC 9110, 9.3.6", 501, "CONNECT {host}:80 HTTP/1.1\r\nHost: {host}:80\r\n\r\n"),
    Row(
      "a chunked POST reaches the origin whole", "RFC 9112, 7.1",
      Exchange(
        method: "POST",
        raw: "POST {path} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n",
        expectations: [.asked, .status(200), .originBody("abc")])),
    Row(
      "an empty line before a request", "RFC 9112, 2.2",
      Exchange(
        raw: "\r\nGET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        expectations: [.asked, .status(200)])),
    Row(
      "field names in any case", "RFC 9110, 5.1",
      .fill("cache-control: max-age=3600", "etag: \"a\""),
      .send("GET", .notAsked, .status(304), fields: ["IF-NONE-MATCH: \"a\""])),
  ]
}
