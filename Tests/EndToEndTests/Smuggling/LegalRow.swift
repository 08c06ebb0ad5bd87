import Testing

/// A request at the edge of what is legal, and what the origin gets of it, byte for byte: written
/// anew from what was understood, never copied.
///
/// `{t}` is the row's token, `{via}` the lines that the edge adds, `{via:1.0}` those for a client
/// of HTTP/1.0.
struct LegalRow: Sendable, CustomTestStringConvertible {
  let claim: String
  let bytes: String
  let forwarded: String
  /// Whether the connection serves another request afterwards.
  var keepsAlive = true

  var testDescription: String { claim }

  init(_ claim: String, _ bytes: String, forwarded: String, keepsAlive: Bool = true) {
    self.claim = claim
    self.bytes = bytes
    self.forwarded = forwarded
    self.keepsAlive = keepsAlive
  }

  /// Text with the token and the edge's own lines filled in.
  static func fill(_ text: String, token: String, version: String = "1.1") -> String {
    text.replacing("{t}", with: token).replacing("{via}", with: added(version))
      .replacing("{via:1.0}", with: added("1.0"))
  }

  private static func added(_ version: String) -> String {
    "Via: \(version) edge\r\nCDN-Loop: edge\r\nX-Forwarded-For: 127.0.0.1\r\n"
      + "X-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n"
  }

  static let all: [LegalRow] = [
    LegalRow(
      "a plain request", "GET /{t} HTTP/1.1\r\nHost: a\r\n\r\n",
      forwarded: "GET /{t} HTTP/1.1\r\nHost: a\r\n{via}\r\n"),
    LegalRow(
      "two empty lines before it", "\r\n\r\nGET /{t} HTTP/1.1\r\nHost: a\r\n\r\n",
      forwarded: "GET /{t} HTTP/1.1\r\nHost: a\r\n{via}\r\n"),
    LegalRow(
      "a later minor version", "GET /{t} HTTP/1.2\r\nHost: a\r\n\r\n",
      forwarded: "GET /{t} HTTP/1.1\r\nHost: a\r\n{via}\r\n"),
    LegalRow(
      "HTTP/1.0", "GET /{t} HTTP/1.0\r\nHost: a\r\n\r\n",
      forwarded: "GET /{t} HTTP/1.1\r\nHost: a\r\n{via:1.0}\r\n", keepsAlive: false),
    LegalRow(
      "an absolute target", "GET HTTP://a/{t}?b HTTP/1.1\r\nHost: A\r\n\r\n",
      forwarded: "GET /{t}?b HTTP/1.1\r\nHost: a\r\n{via}\r\n"),
    LegalRow(
      "blanks and tabs around values", "GET /{t} HTTP/1.1\r\nHost:a\t \r\nX:\t y \t z \r\n\r\n",
      forwarded: "GET /{t} HTTP/1.1\r\nHost: a\r\nX: y \t z\r\n{via}\r\n"),
    LegalRow(
      "a field without a value", "GET /{t} HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n",
      forwarded: "GET /{t} HTTP/1.1\r\nHost: a\r\nX:\r\n{via}\r\n"),
    LegalRow(
      "fields of the connection stay here",
      "GET /{t} HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"
        + "Keep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers\r\nX: y\r\n\r\n",
      forwarded: "GET /{t} HTTP/1.1\r\nHost: a\r\nX: y\r\n{via}\r\n"),
    LegalRow(
      "an upgrade to h2c is not heard (RFC 9113, 3.1)",
      "GET /{t} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        + "HTTP2-Settings: AAMAAABkAAQAAP__\r\nX: y\r\n\r\n",
      forwarded: "GET /{t} HTTP/1.1\r\nHost: a\r\nX: y\r\n{via}\r\n"),
    LegalRow(
      "an upgrade to what nobody knows is not heard",
      "GET /{t} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: warp/9\r\nX: y\r\n\r\n",
      forwarded: "GET /{t} HTTP/1.1\r\nHost: a\r\nX: y\r\n{via}\r\n"),
    LegalRow(
      "content by length", "POST /{t} HTTP/1.1\r\nContent-Length: 5\r\nHost: a\r\n\r\nhello",
      forwarded: "POST /{t} HTTP/1.1\r\nHost: a\r\n{via}Content-Length: 5\r\n\r\nhello"),
    LegalRow(
      "a length with leading zeros",
      "POST /{t} HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\n\r\nhello",
      forwarded: "POST /{t} HTTP/1.1\r\nHost: a\r\n{via}Content-Length: 5\r\n\r\nhello"),
    LegalRow(
      "content in chunks",
      "POST /{t} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\t CHUNKED \r\n\r\n"
        + "005;a=\"b;c\"\r\nhello\r\n000;x\r\n\r\n",
      forwarded: "POST /{t} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n{via}\r\n"
        + "5\r\nhello\r\n0\r\n\r\n"),
    LegalRow(
      "trailers, those left out that would frame or route",
      "POST /{t} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
        + "X-Sum:  1 \r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: b\r\n"
        + "X-Forwarded-Proto: https\r\nX-Forwarded-Host: c\r\nVia: d\r\nCDN-Loop: e\r\n\r\n",
      forwarded: "POST /{t} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n{via}\r\n"
        + "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
    LegalRow(
      "a request in the content",
      "POST /{t} HTTP/1.1\r\nHost: a\r\nContent-Length: 39\r\n\r\n"
        + "GET /smuggled HTTP/1.1\r\nHost: a\r\nX: y\r\n",
      forwarded: "POST /{t} HTTP/1.1\r\nHost: a\r\n{via}Content-Length: 39\r\n\r\n"
        + "GET /smuggled HTTP/1.1\r\nHost: a\r\nX: y\r\n"),
    LegalRow(
      "a method that nobody knows", "BREW /{t} HTTP/1.1\r\nHost: a\r\n\r\n",
      forwarded: "BREW /{t} HTTP/1.1\r\nHost: a\r\n{via}\r\n"),
    LegalRow(
      "a path that is none to others",
      "GET //{t}/../%2e%00/;a\\b? HTTP/1.1\r\nHost: a\r\n\r\n",
      forwarded: "GET //{t}/../%2e%00/;a\\b? HTTP/1.1\r\nHost: a\r\n{via}\r\n"),
  ]
}
