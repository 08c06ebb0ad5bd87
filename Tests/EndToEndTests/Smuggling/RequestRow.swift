import Testing

/// Bytes that a client sends and that are no request, or none that a strict proxy takes.
/// `{t}` is the row's token, by which the origin would know it.
struct RequestRow: Sendable, CustomTestStringConvertible {
  let claim: String
  let bytes: String
  let status: Int
  /// Whether the fault lies in the content: the head is fine and may be on its way by then.
  var isInContent = false

  init(_ claim: String, _ status: Int, _ bytes: String) {
    self.claim = claim
    self.bytes = bytes
    self.status = status
  }

  init(_ claim: String, _ bytes: String) { self.init(claim, 400, bytes) }

  var testDescription: String { claim }

  /// A GET with these field lines.
  static func get(_ claim: String, _ status: Int, _ lines: String) -> RequestRow {
    RequestRow(claim, status, "GET /{t} HTTP/1.1\r\nHost: a\r\n\(lines)\r\n")
  }

  static func get(_ claim: String, _ lines: String) -> RequestRow { get(claim, 400, lines) }

  /// A POST with these field lines, followed by what may be content, chunks or a request.
  static func post(_ claim: String, _ status: Int, _ lines: String) -> RequestRow {
    RequestRow(
      claim, status, "POST /{t} HTTP/1.1\r\nHost: a\r\n\(lines)\r\n5\r\nhello\r\n0\r\n\r\n")
  }

  static func post(_ claim: String, _ lines: String) -> RequestRow { post(claim, 400, lines) }

  /// A request line with its line end, before a good Host.
  static func line(_ claim: String, _ status: Int, _ line: String) -> RequestRow {
    RequestRow(claim, status, "\(line)Host: a\r\nX: {t}\r\n\r\n")
  }

  static func line(_ claim: String, _ line: String) -> RequestRow { .line(claim, 400, line) }

  /// Chunked content behind a good head.
  static func chunks(_ claim: String, _ status: Int, _ content: String) -> RequestRow {
    var row = RequestRow(
      claim, status,
      "POST /{t} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(content)")
    row.isInContent = true
    return row
  }

  static func chunks(_ claim: String, _ content: String) -> RequestRow {
    chunks(claim, 400, content)
  }
}

extension RequestRow {
  static let all =
    requestLines + targets + versions + hosts + fieldLines + lineEnds + lengths + codings + content
    + sizes

  private static let requestLines: [RequestRow] = [
    .line("no target", "GET HTTP/1.1\r\n"),
    .line("method alone", "GET\r\n"),
    .line("no version", "GET /{t}\r\n"),
    .line("two blanks before the target", "GET  /{t} HTTP/1.1\r\n"),
    .line("two blanks before the version", "GET /{t}  HTTP/1.1\r\n"),
    .line("a tab before the target", "GET\t/{t} HTTP/1.1\r\n"),
    .line("a tab before the version", "GET /{t}\tHTTP/1.1\r\n"),
    .line("a blank before the method", " GET /{t} HTTP/1.1\r\n"),
    .line("a blank behind the version", "GET /{t} HTTP/1.1 \r\n"),
    .line("a blank in the target", "GET /{t} /b HTTP/1.1\r\n"),
    .line("a second version", "GET /{t} HTTP/1.1 HTTP/1.1\r\n"),
    .line("a method that is no token", "G(T /{t} HTTP/1.1\r\n"),
    .line("a method with a colon", "GET: /{t} HTTP/1.1\r\n"),
    .line("a NUL in the method", "G\0T /{t} HTTP/1.1\r\n"),
    .line("three empty lines before it", "\r\n\r\n\r\nGET /{t} HTTP/1.1\r\n"),
    .line("an LF before it", "\nGET /{t} HTTP/1.1\r\n"),
    .line("a CR before it", "\rGET /{t} HTTP/1.1\r\n"),
    .line("CONNECT", 501, "CONNECT a:80 HTTP/1.1\r\n"),
    .line("CONNECT with a path", 501, "CONNECT /{t} HTTP/1.1\r\n"),
    .line("the answer of a server", "HTTP/1.1 200 OK\r\n"),
  ]

  private static let targets: [RequestRow] = [
    .line("a fragment", "GET /{t}#f HTTP/1.1\r\n"),
    .line("a NUL in the target", "GET /{t}\0 HTTP/1.1\r\n"),
    .line("a DEL in the target", "GET /{t}\u{7F} HTTP/1.1\r\n"),
    .line("a control in the target", "GET /{t}\u{1} HTTP/1.1\r\n"),
    .line("bytes above ASCII in the target", "GET /{t}\u{E9} HTTP/1.1\r\n"),
    .line("a relative path", "GET {t} HTTP/1.1\r\n"),
    .line("an asterisk to another method than OPTIONS", "GET * HTTP/1.1\r\n"),
    .line("an asterisk and more", "OPTIONS *{t} HTTP/1.1\r\n"),
    .line("authority form to another method than CONNECT", "GET a:80 HTTP/1.1\r\n"),
    .line("another scheme", "GET ftp://a/{t} HTTP/1.1\r\n"),
    .line("a scheme without slashes", "GET http:/{t} HTTP/1.1\r\n"),
    .line("an absolute target without a host", "GET http:///{t} HTTP/1.1\r\n"),
    .line("user information", "GET http://u@a/{t} HTTP/1.1\r\n"),
    .line("user and password", "GET http://u:p@a/{t} HTTP/1.1\r\n"),
    .line("a port out of range in the target", "GET http://a:65536/{t} HTTP/1.1\r\n"),
    .line("a backslash in the authority", "GET http://a\\b/{t} HTTP/1.1\r\n"),
    .line("a target for another host than Host", "GET http://b/{t} HTTP/1.1\r\n"),
    .line("a target for another port than Host", "GET http://a:8080/{t} HTTP/1.1\r\n"),
  ]

  private static let versions: [RequestRow] = [
    .line("HTTP/0.9", 505, "GET /{t} HTTP/0.9\r\n"),
    .line("HTTP/2.0", 505, "GET /{t} HTTP/2.0\r\n"),
    .line("HTTP/3.1", 505, "GET /{t} HTTP/3.1\r\n"),
    .line("the preface of HTTP/2 with fields", 505, "PRI * HTTP/2.0\r\n"),
    RequestRow(
      "the preface of HTTP/2 with another end", 505,
      "PRI * HTTP/2.0\r\n\r\nMS\r\n\r\nGET /{t} HTTP/1.1\r\nHost: a\r\n\r\n"),
    .line("lower case", "GET /{t} http/1.1\r\n"),
    .line("HTTP/1", "GET /{t} HTTP/1\r\n"),
    .line("HTTP/1.", "GET /{t} HTTP/1.\r\n"),
    .line("HTTP/1.10", "GET /{t} HTTP/1.10\r\n"),
    .line("HTTP/01.1", "GET /{t} HTTP/01.1\r\n"),
    .line("HTTP/1,1", "GET /{t} HTTP/1,1\r\n"),
    .line("HTTP/-1.1", "GET /{t} HTTP/-1.1\r\n"),
    .line("HTTP 1.1", "GET /{t} HTTP 1.1\r\n"),
    .line("another protocol", "GET /{t} ICY/1.1\r\n"),
  ]

  private static func host(_ claim: String, _ lines: String) -> RequestRow {
    RequestRow(claim, "GET /{t} HTTP/1.1\r\n\(lines)X: y\r\n\r\n")
  }

  private static let hosts: [RequestRow] = [
    host("no Host", ""),
    host("an empty Host", "Host:\r\n"),
    host("a Host of blanks", "Host:  \t \r\n"),
    host("two Hosts", "Host: a\r\nHost: b\r\n"),
    host("the same Host twice", "Host: a\r\nhost: a\r\n"),
    host("an empty second Host", "Host: a\r\nHost:\r\n"),
    host("a list of hosts", "Host: a, b\r\n"),
    host("a Host with a user", "Host: u@a\r\n"),
    host("a Host with a path", "Host: a/{t}\r\n"),
    host("a Host with a query", "Host: a?{t}\r\n"),
    host("a Host with a scheme", "Host: http://a\r\n"),
    host("a Host with a blank", "Host: a b\r\n"),
    host("a port out of range", "Host: a:65536\r\n"),
    host("a port of six digits", "Host: a:000080\r\n"),
    host("a negative port", "Host: a:-80\r\n"),
    host("a port of letters", "Host: a:http\r\n"),
    host("two ports", "Host: a:80:80\r\n"),
    host("a port alone", "Host: :80\r\n"),
    host("an open bracket", "Host: [::1\r\n"),
    host("an IPv6 address without brackets", "Host: ::1\r\n"),
    host("a half escape", "Host: a%4\r\n"),
    RequestRow("a bad Host in HTTP/1.0", "GET /{t} HTTP/1.0\r\nHost: u@a\r\n\r\n"),
    RequestRow(
      "Host missing beside an absolute target", "GET http://a/{t} HTTP/1.1\r\nX: y\r\n\r\n"),
  ]

  private static let fieldLines: [RequestRow] = [
    RequestRow("a first field that is folded", "GET /{t} HTTP/1.1\r\n Host: a\r\n\r\n"),
    RequestRow("a first line of blanks", "GET /{t} HTTP/1.1\r\n \r\nHost: a\r\n\r\n"),
    .get("a folded line", "X: y\r\n z\r\n"),
    .get("a line folded by a tab", "X: y\r\n\tz\r\n"),
    .get("a folded line of blanks alone", "X: y\r\n  \r\n"),
    .get("a blank before the colon", "X : y\r\n"),
    .get("a tab before the colon", "X\t: y\r\n"),
    .get("a blank in a name", "X Y: z\r\n"),
    .get("no colon", "XY\r\n"),
    .get("an empty name", ": y\r\n"),
    .get("a name with a bracket", "X[0]: y\r\n"),
    .get("a name in quotes", "\"X\": y\r\n"),
    .get("a name with a slash", "X/Y: z\r\n"),
    .get("a NUL in a name", "X\0: y\r\n"),
    .get("bytes above ASCII in a name", "X\u{E9}: y\r\n"),
    .get("a NUL in a value", "X: y\0z\r\n"),
    .get("a control in a value", "X: y\u{1}\r\n"),
    .get("a vertical tab before a value", "X:\u{B}y\r\n"),
    .get("an escape in a value", "X: \u{1B}[2J\r\n"),
    .get("a DEL in a value", "X: \u{7F}\r\n"),
    .get("an expectation that is not known", 417, "Expect: 200-ok\r\n"),
    .post("a blank before Content-Length's colon", "Content-Length : 5\r\n"),
    .post("a blank before Transfer-Encoding's colon", "Transfer-Encoding : chunked\r\n"),
    .post("a folded Transfer-Encoding", "Transfer-Encoding:\r\n chunked\r\n"),
    .post("a folded Content-Length", "Content-Length:\r\n 5\r\n"),
    .post("a NUL behind Transfer-Encoding", "Transfer-Encoding\0: chunked\r\n"),
  ]

  private static let lineEnds: [RequestRow] = [
    RequestRow("LF behind the request line", "GET /{t} HTTP/1.1\nHost: a\r\n\r\n"),
    RequestRow("CR behind the request line", "GET /{t} HTTP/1.1\rHost: a\r\n\r\n"),
    RequestRow("CR CR LF behind the request line", "GET /{t} HTTP/1.1\r\r\nHost: a\r\n\r\n"),
    RequestRow("LF alone everywhere", "GET /{t} HTTP/1.1\nHost: a\n\n"),
    RequestRow("CR alone everywhere", "GET /{t} HTTP/1.1\rHost: a\r\r"),
    .get("LF behind a field", "X: y\nZ: a\r\n"),
    .get("CR behind a field", "X: y\rZ: a\r\n"),
    .get("CR CR LF behind a field", "X: y\r\r\n"),
    .get("LF in a name", "X\nY: z\r\n"),
    .get("LF before the colon", "X\n: z\r\n"),
    RequestRow("LF as the last line", "GET /{t} HTTP/1.1\r\nHost: a\r\n\n"),
    RequestRow("CR as the last line", "GET /{t} HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n"),
    RequestRow("LF CR as a line end", "GET /{t} HTTP/1.1\r\nHost: a\n\r\n\r"),
    .post("Transfer-Encoding behind a bare LF", "X: y\nTransfer-Encoding: chunked\r\n"),
    .post("Transfer-Encoding behind a bare CR", "X: y\rTransfer-Encoding: chunked\r\n"),
  ]

  private static let lengths: [RequestRow] =
    [
      ("a signed length", "+5"), ("a negative length", "-5"), ("minus nothing", "-0"),
      ("a length with an underscore", "5_0"), ("a hexadecimal length", "0x5"),
      ("a length of letters", "five"), ("a fraction", "5.0"), ("an exponent", "5e0"),
      ("no length", ""), ("2^63", "9223372036854775808"), ("2^64", "18446744073709551616"),
      ("2^64 and five", "18446744073709551621"), ("a list of one length", "5, 5"),
      ("a list of two lengths", "5, 6"), ("a list that ends early", "5,"), ("a list of none", ","),
      ("two lengths and a blank", "5 5"), ("a length in quotes", "\"5\""),
      ("a length and a parameter", "5;q=1"), ("digits that are not ASCII", "\u{665}"),
    ].map { .post($0.0, "Content-Length: \($0.1)\r\n") } + [
      .post("the same length twice", "Content-Length: 5\r\nContent-Length: 5\r\n"),
      .post("two lengths", "Content-Length: 5\r\nContent-Length: 15\r\n"),
      .post("two lengths in two spellings", "Content-Length: 5\r\ncontent-LENGTH: 0\r\n"),
      .post("a length and an empty one", "Content-Length: 5\r\nContent-Length:\r\n"),
      RequestRow(
        "a GET with a bad length", "GET /{t} HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
    ]

  private static let codings: [RequestRow] =
    [
      ("a coding that is not chunked", "xchunked"), ("chunked and more", "chunkedx"),
      ("chunked twice", "chunked, chunked"), ("chunked with a parameter", "chunked;q=1"),
      ("chunked in quotes", "\"chunked\""), ("chunked in apostrophes", "'chunked'"),
      ("identity", "identity"), ("identity behind chunked", "chunked, identity"),
      ("gzip alone", "gzip"), ("gzip behind chunked", "chunked, gzip"), ("no coding", ""),
      ("an empty member behind", "chunked,"), ("an empty member before", ", chunked"),
      ("a blank within", "chun ked"), ("two codings and a blank", "chunked chunked"),
      ("a NUL behind", "chunked\0"), ("a vertical tab before", "\u{B}chunked"),
      ("a form feed behind", "chunked\u{C}"), ("a semicolon behind", "chunked;"),
      ("letters that look alike", "\u{441}hunked"), ("a colon before", ": chunked"),
    ].map { .post($0.0, "Transfer-Encoding: \($0.1)\r\n") } + [
      .post("gzip before chunked", 501, "Transfer-Encoding: gzip, chunked\r\n"),
      .post(
        "gzip and chunked on two lines", 501,
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
      .post(
        "chunked on two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
      .post(
        "chunked and identity on two lines",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
      .post(
        "chunked and nothing on two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n"),
      .post("a length before chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
      .post("a length behind chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
      .post("a length of 0 beside chunked", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
      .post(
        "a length beside a coding nobody knows", "Content-Length: 5\r\nTransfer-Encoding: x\r\n"),
      RequestRow(
        "chunked in HTTP/1.0",
        "POST /{t} HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      RequestRow(
        "chunked in HTTP/1.0 that keeps its connection",
        "POST /{t} HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n"
          + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ]

  private static let content: [RequestRow] = [
    .chunks("0x before a size", "0x5\r\nhello\r\n0\r\n\r\n"),
    .chunks("a sign before a size", "+5\r\nhello\r\n0\r\n\r\n"),
    .chunks("a negative size", "-5\r\nhello\r\n0\r\n\r\n"),
    .chunks("an underscore in a size", "0_5\r\nhello\r\n0\r\n\r\n"),
    .chunks("a blank before a size", " 5\r\nhello\r\n0\r\n\r\n"),
    .chunks("a blank behind a size", "5 \r\nhello\r\n0\r\n\r\n"),
    .chunks("a tab behind a size", "5\t\r\nhello\r\n0\r\n\r\n"),
    .chunks("no size", "\r\nhello\r\n0\r\n\r\n"),
    .chunks("an extension without a size", ";a\r\nhello\r\n0\r\n\r\n"),
    .chunks("a size that is no number", "five\r\nhello\r\n0\r\n\r\n"),
    .chunks("a size of 2^63", 400, "8000000000000000\r\nhello\r\n0\r\n\r\n"),
    .chunks("a size of 2^64 and five", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    .chunks("a size of seventeen digits", "00000000000000005\r\nhello\r\n0\r\n\r\n"),
    .chunks("LF behind a size", "5\nhello\r\n0\r\n\r\n"),
    .chunks("CR behind a size", "5\rhello\r\n0\r\n\r\n"),
    .chunks("CR CR LF behind a size", "5\r\r\nhello\r\n0\r\n\r\n"),
    .chunks("LF in an extension", "5;a\nb\r\nhello\r\n0\r\n\r\n"),
    .chunks("CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
    .chunks("a NUL in an extension", "5;\0\r\nhello\r\n0\r\n\r\n"),
    .chunks(
      "an extension of 2 KiB", "5;\(String(repeating: "e", count: 2048))\r\nhello\r\n0\r\n\r\n"),
    .chunks("LF behind a chunk", "5\r\nhello\n0\r\n\r\n"),
    .chunks("CR behind a chunk", "5\r\nhello\r0\r\n\r\n"),
    .chunks("no line end behind a chunk", "5\r\nhello0\r\n\r\n"),
    .chunks("a chunk longer than its size", "5\r\nhello!\r\n0\r\n\r\n"),
    .chunks("a chunk shorter than its size", "5\r\nhell\r\n0\r\n\r\n"),
    .chunks("LF behind the last size", "5\r\nhello\r\n0\n\r\n"),
    .chunks("LF as the trailers' end", "5\r\nhello\r\n0\r\n\n"),
    .chunks("text behind the last size", "5\r\nhello\r\n0 GET /{t}/behind\r\n\r\n"),
    .chunks("a trailer without a colon", "5\r\nhello\r\n0\r\nGET /{t}/behind HTTP/1.1\r\n\r\n"),
    .chunks("a blank before a trailer's colon", "5\r\nhello\r\n0\r\nX : y\r\n\r\n"),
    .chunks("a folded trailer", "5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n"),
    .chunks("LF behind a trailer", "5\r\nhello\r\n0\r\nX: y\nZ: a\r\n\r\n"),
    .chunks("a NUL in a trailer", "5\r\nhello\r\n0\r\nX: \0\r\n\r\n"),
    .chunks(
      "a trailer of 20 KiB", 431,
      "5\r\nhello\r\n0\r\nX: \(String(repeating: "y", count: 20 << 10))\r\n\r\n"),
    .chunks(
      "many trailers", 431, "0\r\n\(String(repeating: "X: y\r\n", count: 101))\r\n"),
    .chunks("a chunk beyond the limit", 413, "100001\r\nhello"),
  ]

  private static let sizes: [RequestRow] = [
    .line("a long target", 414, "GET /{t}\(String(repeating: "a", count: 9000)) HTTP/1.1\r\n"),
    .line(
      "an endless target", 414, "GET /{t}\(String(repeating: "a", count: 40_000)) HTTP/1.1\r\n"),
    .line("an endless method", 431, "\(String(repeating: "A", count: 20_000)) /{t} HTTP/1.1\r\n"),
    .get("a long field", 431, "X: \(String(repeating: "y", count: 20_000))\r\n"),
    .get("a long name", 431, "\(String(repeating: "y", count: 20_000)): x\r\n"),
    .get("many fields", 431, String(repeating: "X: y\r\n", count: 101)),
    RequestRow(
      "a length beyond the limit", 413,
      "POST /{t} HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\nhello"),
  ]
}
