import HTTPMessage
import NIOCore
import Testing

/// What became of some bytes: a head, a fault, or neither yet.
private enum Outcome: Equatable {
  case head(String)
  case fault(RequestFault)
  case incomplete
}

/// Feeds `pieces` one after another until a head or a fault comes of them.
private func outcome(_ pieces: [ArraySlice<UInt8>], limits: HeadLimits = HeadLimits()) -> Outcome {
  var parser = HTTP1RequestParser(limits: limits)
  var buffer = ByteBuffer()
  for piece in pieces {
    buffer.writeBytes(piece)
    do throws(RequestFault) {
      if let head = try parser.parse(&buffer, isSecure: false) { return .head(describe(head)) }
    } catch {
      return .fault(error)
    }
  }
  return .incomplete
}

private func describe(_ head: RequestHead) -> String {
  var text = "\(head.text(head.methodName)) [\(head.text(head.authority))] "
  text += "\(head.text(head.target)) path=\(head.text(head.path))"
  if let query = head.query { text += " query=\(head.text(query))" }
  text += " \(head.version.text) \(head.framing) keep=\(head.keepsAlive)"
  if head.expectsContinue { text += " expect" }
  head.fields.forEachLine { name, value, known in
    text += " \(name.text)=\(value.text)(\(known))"
  }
  return text
}

/// Parses `text` whole, byte by byte, and split in two at every place: all must agree.
private func parse(
  _ text: String, limits: HeadLimits = HeadLimits(),
  sourceLocation: SourceLocation = #_sourceLocation
) -> Outcome {
  let bytes = Array(text.utf8)
  let whole = outcome([bytes[...]], limits: limits)
  let single = outcome(bytes.indices.map { bytes[$0...$0] }, limits: limits)
  #expect(single == whole, "byte by byte", sourceLocation: sourceLocation)
  for place in bytes.indices {
    let split = outcome([bytes[..<place], bytes[place...]], limits: limits)
    #expect(split == whole, "split at \(place)", sourceLocation: sourceLocation)
  }
  return whole
}

struct HTTP1RequestParserTests {
  @Test func aPlainRequestIsTakenApart() {
    #expect(
      parse(
        "GET /a/b?x=1&y=?2 HTTP/1.1\r\nHost: example.com:8080\r\nAccept:  */* \t\r\nX-A:\r\n\r\n")
        == .head(
          "GET [example.com:8080] /a/b?x=1&y=?2 path=/a/b query=x=1&y=?2 1.1 none keep=true "
            + "Host=example.com:8080(host) Accept=*/*(accept) X-A=(other)"))
  }

  @Test(arguments: [
    (
      "GET /? HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET [a] /? path=/ query= 1.1 none keep=true Host=a(host)"
    ),
    (
      "\r\n\r\nGET / HTTP/1.1\r\nhost:a\r\n\r\n", "GET [a] / path=/ 1.1 none keep=true host=a(host)"
    ),
    ("GET / HTTP/1.0\r\n\r\n", "GET [] / path=/ 1.0 none keep=false"),
    (
      "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
      "GET [] / path=/ 1.0 none keep=true Connection=Keep-Alive(connection)"
    ),
    (
      "GET / HTTP/1.7\r\nHost: a\r\nConnection: foo , CLOSE\r\n\r\n",
      "GET [a] / path=/ 1.1 none keep=false Host=a(host) Connection=foo , CLOSE(connection)"
    ),
    (
      "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
      "OPTIONS [a] * path=* 1.1 none keep=true Host=a(host)"
    ),
    (
      "GET http://EXAMPLE.com/p?q HTTP/1.1\r\nHost: example.com\r\n\r\n",
      "GET [EXAMPLE.com] /p?q path=/p query=q 1.1 none keep=true Host=example.com(host)"
    ),
    (
      "GET HTTPS://a HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET [a] / path=/ 1.1 none keep=true Host=a(host)"
    ),
    (
      "GET http://a?q=1 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET [a] /?q=1 path=/ query=q=1 1.1 none keep=true Host=a(host)"
    ),
    (
      "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n",
      "OPTIONS [a] * path=* 1.1 none keep=true Host=a(host)"
    ),
    ("GET http://a/ HTTP/1.0\r\n\r\n", "GET [a] / path=/ 1.0 none keep=false"),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
      "POST [a] / path=/ 1.1 length(0) keep=true Host=a(host) Content-Length=0(contentLength)"
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n",
      "POST [a] / path=/ 1.1 length(9223372036854775807) keep=true Host=a(host) "
        + "Content-Length=9223372036854775807(contentLength)"
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nTransfer-Encoding: Chunked\r\n\r\n",
      "POST [a] / path=/ 1.1 streamed keep=true expect Host=a(host) "
        + "Expect=100-Continue(expect) Transfer-Encoding=Chunked(transferEncoding)"
    ),
    (
      "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
      "POST [] / path=/ 1.0 length(5) keep=false Expect=100-continue(expect) "
        + "Content-Length=5(contentLength)"
    ),
    (
      "GET / HTTP/1.1\r\nHost: a\r\nX: tab\there \u{e9}\r\n\r\n",
      "GET [a] / path=/ 1.1 none keep=true Host=a(host) X=tab\there \u{e9}(other)"
    ),
  ])
  func wellFormedHeadsAreRead(_ text: String, _ expected: String) {
    #expect(parse(text) == .head(expected))
  }

  @Test(arguments: [
    // The request line.
    (" GET / HTTP/1.1\r\n\r\n", RequestFault.badRequestLine),
    ("\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", .badRequestLine),
    ("G\u{1}T / HTTP/1.1\r\n\r\n", .badMethod),
    ("G@T / HTTP/1.1\r\n\r\n", .badMethod),
    ("GET\t/ HTTP/1.1\r\n\r\n", .badMethod),
    ("GET\r\n\r\n", .badRequestLine),
    ("GET /\r\n\r\n", .badRequestLine),
    ("GET  / HTTP/1.1\r\n\r\n", .badRequestLine),
    ("GET /  HTTP/1.1\r\n\r\n", .badVersion),
    ("GET / HTTP/1.1 \r\n\r\n", .badRequestLine),
    ("GET / http/1.1\r\n\r\n", .badVersion),
    ("GET / HTTP/1.11\r\n\r\n", .badVersion),
    ("GET / HTTP/x.1\r\n\r\n", .badVersion),
    ("GET / HTTP/11\r\n\r\n", .badVersion),
    ("GET / HTTP/2.0\r\n\r\n", .unsupportedVersion),
    ("PRI * HTTP/2.0\r\n\r\n", .unsupportedVersion),
    ("GET / HTTP/0.9\r\n\r\n", .unsupportedVersion),
    ("GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
    ("GET / HTTP/1.1\rHost: a\r\n\r\n", .bareLineFeed),
    ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
    // The target.
    ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
    ("GET /\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
    ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
    ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
    ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
    ("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
    ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
    ("GET a.example:80 HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
    ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", .unsupportedMethod),
    ("GET http:///p HTTP/1.1\r\nHost: a\r\n\r\n", .badHost),
    ("GET http://u@a/p HTTP/1.1\r\nHost: a\r\n\r\n", .badHost),
    ("GET http://a:65536/ HTTP/1.1\r\nHost: a\r\n\r\n", .badHost),
    ("GET http://a/p HTTP/1.1\r\nHost: b\r\n\r\n", .hostMismatch),
    // Field lines.
    ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .foldedField),
    ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", .foldedField),
    ("GET / HTTP/1.1\r\nHost: a\r\n\tb: c\r\n\r\n", .foldedField),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .badFieldName),
    ("GET / HTTP/1.1\r\n: a\r\n\r\n", .badFieldName),
    ("GET / HTTP/1.1\r\nHost\r\n\r\n", .badFieldName),
    ("GET / HTTP/1.1\r\nH(st: a\r\n\r\n", .badFieldName),
    ("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", .badFieldValue),
    ("GET / HTTP/1.1\r\nX: abcdefghijkl\u{7f}\r\n\r\n", .badFieldValue),
    ("GET / HTTP/1.1\r\nX: abcdefghi\u{b}jkl\r\n\r\n", .badFieldValue),
    ("GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed),
    ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", .bareLineFeed),
    ("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", .bareLineFeed),
    // Host.
    ("GET / HTTP/1.1\r\n\r\n", .missingHost),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .duplicateHost),
    ("GET / HTTP/1.1\r\nHost:\r\n\r\n", .badHost),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .badHost),
    ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .badHost),
    ("GET / HTTP/1.0\r\nHost: u@a\r\n\r\n", .badHost),
    // Framing.
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", .badContentLength),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", .badContentLength),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .badContentLength),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", .badContentLength),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n",
      .badContentLength
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
      .badContentLength
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      .lengthAndTransferEncoding
    ),
    ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .badTransferEncoding),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", .badTransferEncoding),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", .badTransferEncoding),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
      .badTransferEncoding
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
      .badTransferEncoding
    ),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n", .badTransferEncoding),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", .badTransferEncoding),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      .unsupportedTransferEncoding
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
      .unsupportedTransferEncoding
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\n",
      .unsupportedExpectation
    ),
  ])
  func malformedHeadsAreRefused(_ text: String, _ fault: RequestFault) {
    #expect(parse(text) == .fault(fault))
  }

  @Test func everyPrefixOfAHeadIsIncomplete() {
    let text = "\r\nGET http://a/?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
    for count in 0..<text.utf8.count {
      #expect(parse(String(decoding: text.utf8.prefix(count), as: UTF8.self)) == .incomplete)
    }
  }

  @Test func theHeadLimitCountsEveryByteAndIsInclusive() {
    let head = "GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789abcdef\r\n\r\n"
    let count = head.utf8.count
    var limits = HeadLimits(headSizeBytes: count)
    guard case .head = parse(head, limits: limits) else {
      Issue.record("a head of just the limit was refused")
      return
    }
    limits.headSizeBytes = count - 1
    #expect(parse(head, limits: limits) == .fault(.headTooLarge))
    // Without an end in sight it is refused as soon as the limit is reached, not before.
    #expect(
      parse(String(decoding: head.utf8.prefix(count - 2), as: UTF8.self), limits: limits)
        == .incomplete)
    #expect(
      parse(String(decoding: head.utf8.prefix(count - 1), as: UTF8.self), limits: limits)
        == .fault(.headTooLarge))
  }

  @Test func theTargetLimitIsInclusive() {
    var limits = HeadLimits()
    limits.targetSizeBytes = 40
    let path = "/" + String(repeating: "a", count: 39)
    guard case .head = parse("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits) else {
      Issue.record("a target of just the limit was refused")
      return
    }
    #expect(
      parse("GET \(path)a HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits) == .fault(.targetTooLong))
    // An endless one is refused while it arrives.
    #expect(
      parse("GET \(path)aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", limits: limits) == .fault(.targetTooLong))
  }

  @Test func theFieldCountLimitIsInclusive() {
    var limits = HeadLimits()
    limits.fieldCount = 3
    let three = "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n"
    guard case .head = parse(three + "\r\n", limits: limits) else {
      Issue.record("as many fields as the limit says were refused")
      return
    }
    #expect(parse(three + "C: 3\r\n\r\n", limits: limits) == .fault(.tooManyFields))
  }

  @Test func aFaultIsReportedBeforeTheHeadIsComplete() {
    #expect(parse("GET / HTTP/1.1\r\nHost : a\r\nX: y") == .fault(.badFieldName))
  }

  @Test func pipelinedHeadsAreTakenOneByOne() throws {
    var parser = HTTP1RequestParser(limits: HeadLimits())
    var buffer = ByteBuffer(
      string: "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\nGE")
    let first = try #require(try parser.parse(&buffer, isSecure: true))
    let second = try #require(try parser.parse(&buffer, isSecure: true))
    #expect(first.text(first.target) == "/1" && first.text(first.authority) == "a")
    #expect(second.text(second.target) == "/2" && second.text(second.authority) == "b")
    #expect(first.isSecure)
    #expect(try parser.parse(&buffer, isSecure: true) == nil)
    #expect(parser.isInsideHead)
    #expect(buffer.readableBytes == 2)
  }

  @Test(arguments: 0..<40)
  func aControlIsFoundWhereverItStandsInAValue(_ place: Int) {
    var value = [UInt8](repeating: 0xE9, count: 40)
    value[place] = 0x1F
    let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + value + Array("\r\n\r\n".utf8)
    #expect(outcome([bytes[...]]) == .fault(.badFieldValue))
  }
}

struct HostSyntaxTests {
  @Test(arguments: [
    "a", "example.com", "EXAMPLE.com:443", "a:", "a:0", "a:65535", "127.0.0.1:80", "[::1]",
    "[::]:80", "[2001:db8::1]", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7::]", "[::ffff:1.2.3.4]",
    "a_b.c~d", "a%2Fb", "xn--bcher-kva.example",
  ])
  func hostsAreAccepted(_ text: String) {
    #expect(Array(text.utf8).withUnsafeBytes { HostSyntax.isValid($0) })
  }

  @Test(arguments: [
    "", ":80", "a:65536", "a:000080", "a:-1", "a:8a", "a b", "a/b", "a?b", "a#b", "a@b", "u:p@a",
    "a%2", "a%zz", "[::1", "::1", "[]", "[:]", "[:::]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]",
    "[1:2:3:4:5:6:7:8::]", "[1::2::3]", "[12345::]", "[::1.2.3]", "[::1.2.3.256]", "[::01.2.3.4]",
    "[::1]80", "[fe80::1%eth0]", "[v1.a]", "a\u{e9}", "a[b", "a\\b",
  ])
  func otherTextIsRefused(_ text: String) {
    #expect(Array(text.utf8).withUnsafeBytes { !HostSyntax.isValid($0) })
  }
}
