import Testing

/// What an origin answers with and no strict proxy passes on. The edge answers 502 and keeps
/// nothing, neither the response nor the connection.
struct ResponseRow: Sendable, CustomTestStringConvertible {
  let claim: String
  let bytes: String
  /// Whether the head is fine: it may have been passed on before the fault came, and then the
  /// response ends early.
  var mayBeCutShort = false

  var testDescription: String { claim }

  /// A head with a good status line.
  static func head(_ claim: String, _ lines: String, _ content: String = "evil") -> ResponseRow {
    ResponseRow(
      claim: claim,
      bytes: "HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\n\(lines)\r\n\(content)")
  }

  static func raw(_ claim: String, _ bytes: String) -> ResponseRow {
    ResponseRow(claim: claim, bytes: bytes)
  }

  static func chunks(_ claim: String, _ content: String) -> ResponseRow {
    var row = head(claim, "Transfer-Encoding: chunked\r\n", content)
    row.mayBeCutShort = true
    return row
  }

  static let all: [ResponseRow] = framing + lines + statusLines + interim + sizes + content

  private static let framing: [ResponseRow] = [
    .head("two lengths", "Content-Length: 4\r\nContent-Length: 5\r\n"),
    .head("the same length twice", "Content-Length: 4\r\nContent-Length: 4\r\n"),
    .head("a list of lengths", "Content-Length: 4, 4\r\n"),
    .head("a signed length", "Content-Length: +4\r\n"),
    .head("a negative length", "Content-Length: -4\r\n"),
    .head("a hexadecimal length", "Content-Length: 0x4\r\n"),
    .head("a length with an underscore", "Content-Length: 0_4\r\n"),
    .head("no length", "Content-Length:\r\n"),
    .head("2^64 and four", "Content-Length: 18446744073709551620\r\n"),
    .head(
      "a length before chunked", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
      "0\r\n\r\n"),
    .head(
      "a length behind chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
      "0\r\n\r\n"),
    .head(
      "chunked on two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
      "0\r\n\r\n"),
    .head("chunked twice", "Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
    .head("gzip before chunked", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
    .head("gzip behind chunked", "Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"),
    .head("identity", "Transfer-Encoding: identity\r\nConnection: close\r\n"),
    .head("a coding that is not chunked", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    .head("chunked with a parameter", "Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"),
    .head("no coding", "Transfer-Encoding:\r\nContent-Length: 4\r\n"),
    .raw(
      "chunked in HTTP/1.0",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n"),
  ]

  private static let lines: [ResponseRow] = [
    .head("a NUL in a value", "X: a\0b\r\nContent-Length: 4\r\n"),
    .head("a CR in a value", "X: a\rb\r\nContent-Length: 4\r\n"),
    .head("a control in a value", "X: a\u{1}b\r\nContent-Length: 4\r\n"),
    .head("a DEL in a value", "X: \u{7F}\r\nContent-Length: 4\r\n"),
    .head("LF behind a field", "X: y\nContent-Length: 4\r\n"),
    .head("LF as the last line", "Content-Length: 4\r\n\n"),
    .head("CR CR LF behind a field", "X: y\r\r\nContent-Length: 4\r\n"),
    .head("a folded line", "X: y\r\n z\r\nContent-Length: 4\r\n"),
    .head("a folded length", "Content-Length:\r\n 4\r\n"),
    .head("an empty name", ": y\r\nContent-Length: 4\r\n"),
    .head("no colon", "XY\r\nContent-Length: 4\r\n"),
    .head("a blank before the colon", "X : y\r\nContent-Length: 4\r\n"),
    .head("a blank before Content-Length's colon", "Content-Length : 4\r\n"),
    .head("a blank in a name", "X Y: z\r\nContent-Length: 4\r\n"),
    .head("a NUL in a name", "X\0: y\r\nContent-Length: 4\r\n"),
    .head("bytes above ASCII in a name", "X\u{E9}: y\r\nContent-Length: 4\r\n"),
  ]

  private static func status(_ claim: String, _ line: String) -> ResponseRow {
    ResponseRow(claim: claim, bytes: "\(line)Content-Length: 4\r\n\r\nevil")
  }

  private static let statusLines: [ResponseRow] = [
    .raw("HTTP/0.9", "evil, and no head at all"),
    status("HTTP/2", "HTTP/2 200\r\n"),
    status("HTTP/2.0", "HTTP/2.0 200 OK\r\n"),
    status("HTTP/0.9 in a status line", "HTTP/0.9 200 OK\r\n"),
    status("another protocol", "ICY 200 OK\r\n"),
    status("lower case", "http/1.1 200 OK\r\n"),
    status("two digits", "HTTP/1.1 20 OK\r\n"),
    status("four digits", "HTTP/1.1 2000 OK\r\n"),
    status("letters", "HTTP/1.1 2OO OK\r\n"),
    status("a status below 100", "HTTP/1.1 099 OK\r\n"),
    status("a negative status", "HTTP/1.1 -20 OK\r\n"),
    status("no status", "HTTP/1.1 OK\r\n"),
    status("two blanks", "HTTP/1.1  200 OK\r\n"),
    status("a tab", "HTTP/1.1\t200\tOK\r\n"),
    status("a NUL in the reason", "HTTP/1.1 200 O\0K\r\n"),
    status("a CR in the reason", "HTTP/1.1 200 O\rX: y\r\n"),
    status("LF behind the status line", "HTTP/1.1 200 OK\n"),
    status("an empty line before it", "\r\nHTTP/1.1 200 OK\r\n"),
    status("garbage before it", "evil\r\nHTTP/1.1 200 OK\r\n"),
    status("a request", "GET / HTTP/1.1\r\n"),
  ]

  private static let interim: [ResponseRow] = [
    status("101 that nobody asked for", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
    status("a length in 103", "HTTP/1.1 103 Early\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\n"),
    status(
      "chunks in 100",
      "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\n"),
    status("a NUL in 103", "HTTP/1.1 103 Early\r\nLink: \0\r\n\r\nHTTP/1.1 200 OK\r\n"),
    .raw("interim responses alone", "HTTP/1.1 103 Early\r\nX: y\r\n\r\n"),
    .raw("endless interim responses", String(repeating: "HTTP/1.1 100 C\r\n\r\n", count: 5000)),
  ]

  private static let sizes: [ResponseRow] = [
    .head("a field of 70 KiB", "X: \(String(repeating: "y", count: 70 << 10))\r\n"),
    .head("a field of 200 KiB", "X: \(String(repeating: "y", count: 200 << 10))\r\n"),
    .head("201 fields", String(repeating: "X: y\r\n", count: 201)),
    .raw("half a head", "HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\n"),
  ]

  private static let content: [ResponseRow] = [
    cut("a length that is not reached", "Content-Length: 9\r\n", "evil"),
    .chunks("no last chunk", "4\r\nevil\r\n"),
    .chunks("half a chunk", "9\r\nevil"),
    .chunks("no end of the trailers", "4\r\nevil\r\n0\r\n"),
    .chunks("0x before a size", "0x4\r\nevil\r\n0\r\n\r\n"),
    .chunks("a sign before a size", "+4\r\nevil\r\n0\r\n\r\n"),
    .chunks("a blank behind a size", "4 \r\nevil\r\n0\r\n\r\n"),
    .chunks("an underscore in a size", "0_4\r\nevil\r\n0\r\n\r\n"),
    .chunks("a size that is no number", "four\r\nevil\r\n0\r\n\r\n"),
    .chunks("a size of 2^64 and four", "10000000000000004\r\nevil\r\n0\r\n\r\n"),
    .chunks("text behind the last size", "4\r\nevil\r\n0 x\r\n\r\n"),
    .chunks("LF behind a size", "4\nevil\r\n0\r\n\r\n"),
    .chunks("LF behind a chunk", "4\r\nevil\n0\r\n\r\n"),
    .chunks("a chunk longer than its size", "4\r\nevil!\r\n0\r\n\r\n"),
    .chunks("a NUL in an extension", "4;\0\r\nevil\r\n0\r\n\r\n"),
    .chunks("a trailer without a colon", "4\r\nevil\r\n0\r\nXY\r\n\r\n"),
    .chunks("a folded trailer", "4\r\nevil\r\n0\r\nX: y\r\n z\r\n\r\n"),
    .chunks("LF as the trailers' end", "4\r\nevil\r\n0\r\n\n"),
  ]

  private static func cut(_ claim: String, _ lines: String, _ content: String) -> ResponseRow {
    var row = head(claim, lines, content)
    row.mayBeCutShort = true
    return row
  }
}
