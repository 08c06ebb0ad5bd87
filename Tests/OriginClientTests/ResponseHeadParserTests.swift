import HTTPMessage
import Testing

@testable import OriginClient

struct ResponseHeadParserTests {
  enum Expectation: Sendable {
    case head(status: Int, fields: String, length: Int?)
    case fault(ResponseFault)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let raw: String
    let expected: Expectation
    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(
      name: "plain", raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\n",
      expected: .head(status: 200, fields: "Content-Length: 2\r\nX: y\r\n", length: 2)),
    Case(
      name: "HTTP/1.0 without reason", raw: "HTTP/1.0 404\r\n\r\n",
      expected: .head(status: 404, fields: "", length: nil)),
    Case(
      name: "blanks around a value", raw: "HTTP/1.1 200 OK\r\nX:  y \t\r\n\r\n",
      expected: .head(status: 200, fields: "X: y\r\n", length: nil)),
    Case(
      name: "bare line feed behind the status line", raw: "HTTP/1.1 200 OK\nX: y\r\n\r\n",
      expected: .fault(.bareLineFeed)),
    Case(
      name: "bare line feed behind a field", raw: "HTTP/1.1 200 OK\r\nX: y\nZ: a\r\n\r\n",
      expected: .fault(.bareLineFeed)),
    Case(
      name: "bare line feed at the end", raw: "HTTP/1.1 200 OK\r\nX: y\r\n\n",
      expected: .fault(.bareLineFeed)),
    Case(
      name: "two carriage returns", raw: "HTTP/1.1 200 OK\r\nX: y\r\r\n\r\n",
      expected: .fault(.badFieldValue)),
    Case(
      name: "length in 103",
      raw: "HTTP/1.1 103 Early\r\nContent-Length: 2\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
      expected: .fault(.framedInterim)),
    Case(
      name: "chunked 100",
      raw: "HTTP/1.1 100 C\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
      expected: .fault(.framedInterim)),
    Case(name: "empty status line", raw: "\r\n\r\n", expected: .fault(.badStatusLine)),
    Case(name: "lower case", raw: "http/1.1 200 OK\r\n\r\n", expected: .fault(.badStatusLine)),
    Case(name: "two blanks", raw: "HTTP/1.1  200 OK\r\n\r\n", expected: .fault(.badStatusLine)),
    Case(name: "tab", raw: "HTTP/1.1\t200 OK\r\n\r\n", expected: .fault(.badStatusLine)),
    Case(name: "leading blank", raw: " HTTP/1.1 200 OK\r\n\r\n", expected: .fault(.badStatusLine)),
    Case(
      name: "name with a NUL", raw: "HTTP/1.1 200 OK\r\nX\0: y\r\n\r\n",
      expected: .fault(.badFieldName)),
    Case(
      name: "first field folded", raw: "HTTP/1.1 200 OK\r\n X: y\r\n\r\n",
      expected: .fault(.foldedField)),
    Case(
      name: "chunked with a parameter",
      raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked;q=1\r\n\r\n",
      expected: .fault(.badTransferEncoding)),
    Case(
      name: "identity", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
      expected: .fault(.badTransferEncoding)),
    Case(
      name: "empty value", raw: "HTTP/1.1 200 OK\r\nX:\r\nY: \r\n\r\n",
      expected: .head(status: 200, fields: "X: \r\nY: \r\n", length: nil)),
    Case(
      name: "obs-text", raw: "HTTP/1.1 200 Größe\r\nX: é\tz\r\n\r\n",
      expected: .head(status: 200, fields: "X: é\tz\r\n", length: nil)),
    Case(
      name: "chunked", raw: "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\nA: b\r\n\r\n",
      expected: .head(status: 200, fields: "A: b\r\n", length: nil)),
    Case(
      name: "connection fields",
      raw: """
        HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nKeep-Alive: 5\r\nX-Hop: 1\r\nx-hop: 2\r
        Proxy-Connection: a\r\nTE: b\r\nTrailer: c\r\nUpgrade: d\r\nProxy-Authenticate: e\r
        Proxy-Authorization: f\r\nConnection: Via\r\nVia: g\r\nStays: h\r\n\r\n
        """, expected: .head(status: 200, fields: "Stays: h\r\n", length: nil)),
    Case(
      name: "Connection may not name Cache-Control",
      raw: "HTTP/1.1 200 OK\r\nConnection: Cache-Control\r\nCache-Control: private\r\n\r\n",
      expected: .head(status: 200, fields: "Cache-Control: private\r\n", length: nil)),
    Case(
      name: "204 has no content", raw: "HTTP/1.1 204 No\r\n\r\n",
      expected: .head(status: 204, fields: "", length: 0)),
    Case(
      name: "304 keeps its Content-Length field",
      raw: "HTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n",
      expected: .head(status: 304, fields: "Content-Length: 9\r\n", length: 0)),
    Case(
      name: "after 100", raw: "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
      expected: .head(status: 200, fields: "", length: nil)),
    Case(name: "HTTP/2", raw: "HTTP/2 200\r\n\r\n", expected: .fault(.badStatusLine)),
    Case(name: "HTTP/1.2", raw: "HTTP/1.2 200 OK\r\n\r\n", expected: .fault(.badStatusLine)),
    Case(name: "two digits", raw: "HTTP/1.1 20 OK\r\n\r\n", expected: .fault(.badStatusLine)),
    Case(name: "four digits", raw: "HTTP/1.1 2000 OK\r\n\r\n", expected: .fault(.badStatusLine)),
    Case(name: "below 100", raw: "HTTP/1.1 099 OK\r\n\r\n", expected: .fault(.badStatusLine)),
    Case(name: "NUL in reason", raw: "HTTP/1.1 200 O\0\r\n\r\n", expected: .fault(.badStatusLine)),
    Case(name: "101", raw: "HTTP/1.1 101 S\r\n\r\n", expected: .fault(.switchingProtocols)),
    Case(name: "no colon", raw: "HTTP/1.1 200 OK\r\nbad\r\n\r\n", expected: .fault(.badFieldName)),
    Case(name: "no name", raw: "HTTP/1.1 200 OK\r\n: x\r\n\r\n", expected: .fault(.badFieldName)),
    Case(
      name: "space before colon", raw: "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
      expected: .fault(.badFieldName)),
    Case(
      name: "folded", raw: "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n", expected: .fault(.foldedField)),
    Case(name: "NUL", raw: "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", expected: .fault(.badFieldValue)),
    Case(
      name: "bare CR", raw: "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", expected: .fault(.badFieldValue)),
    Case(
      name: "DEL", raw: "HTTP/1.1 200 OK\r\nX: \u{7F}\r\n\r\n", expected: .fault(.badFieldValue)),
    Case(
      name: "equal lengths twice",
      raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n",
      expected: .fault(.repeatedContentLength)),
    Case(
      name: "length list", raw: "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n",
      expected: .fault(.badContentLength)),
    Case(
      name: "signed length", raw: "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n",
      expected: .fault(.badContentLength)),
    Case(
      name: "empty length", raw: "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
      expected: .fault(.badContentLength)),
    Case(
      name: "endless length", raw: "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\n",
      expected: .fault(.badContentLength)),
    Case(
      name: "length, then chunked",
      raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
      expected: .fault(.lengthAndTransferEncoding)),
    Case(
      name: "chunked, then length",
      raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
      expected: .fault(.lengthAndTransferEncoding)),
    Case(
      name: "gzip, chunked", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      expected: .fault(.badTransferEncoding)),
    Case(
      name: "chunked twice",
      raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      expected: .fault(.badTransferEncoding)),
    Case(
      name: "chunked in HTTP/1.0", raw: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      expected: .fault(.badTransferEncoding)),
    Case(
      name: "too large",
      raw: "HTTP/1.1 200 OK\r\nX: \(String(repeating: "a", count: 1000))\r\n\r\n",
      expected: .fault(.headTooLarge)),
    Case(
      name: "too many fields",
      raw: "HTTP/1.1 200 OK\r\n\(String(repeating: "A: b\r\n", count: 21))\r\n",
      expected: .fault(.tooManyFields)),
    Case(
      name: "endless interim heads",
      raw: String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 100),
      expected: .fault(.headTooLarge)),
  ]

  @Test(arguments: cases)
  func readsOrRefuses(_ test: Case) throws {
    var parser = ResponseHeadParser(limitBytes: 1000, fieldLimit: 20)
    parser.start(answersHead: false)
    do {
      let heads = try Self.heads(of: test.raw, &parser)
      guard case .head(let status, let fields, let length) = test.expected else {
        Issue.record("let through")
        return
      }
      #expect(heads.count == 1)
      #expect(heads.first?.status == status)
      #expect(heads.first?.contentLength == length)
      #expect(heads.first.map { String(buffer: $0.fields.bytes) } == fields)
    } catch {
      guard case .fault(let fault) = test.expected else {
        Issue.record("refused: \(error)")
        return
      }
      #expect(error as? ResponseFault == fault)
    }
  }

  @Test func headAnswerHasNoContentButKeepsItsLength() throws {
    var parser = ResponseHeadParser(limitBytes: 1000, fieldLimit: 20)
    parser.start(answersHead: true)
    let head = try Self.heads(of: "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", &parser).first
    #expect(head?.contentLength == 0)
    #expect(head?.fields.text(.contentLength) == "7")
  }

  @Test func contentThatA204OrHEADCannotHaveIsNoticed() throws {
    func announces(_ lines: String, _ status: Int, answersHead: Bool = false) throws -> Bool {
      var parser = ResponseHeadParser(limitBytes: 1000, fieldLimit: 20)
      parser.start(answersHead: answersHead)
      _ = try Self.heads(of: "HTTP/1.1 \(status) X\r\n\(lines)\r\n", &parser)
      return parser.announcesWrongContent
    }
    #expect(try announces("Content-Length: 1\r\n", 204))
    #expect(try !announces("Content-Length: 0\r\n", 204))
    #expect(try !announces("Content-Length: 1\r\n", 304))
    #expect(try announces("Transfer-Encoding: chunked\r\n", 304))
    #expect(try !announces("Content-Length: 1\r\n", 200, answersHead: true))
    #expect(try announces("Transfer-Encoding: chunked\r\n", 200, answersHead: true))
    #expect(try !announces("Transfer-Encoding: chunked\r\n", 200))
  }

  @Test func fieldsAreNamedForLookUp() throws {
    var parser = ResponseHeadParser(limitBytes: 1000, fieldLimit: 20)
    parser.start(answersHead: false)
    let raw = "HTTP/1.1 200 OK\r\ncache-control:   max-age=1  \r\nX-A: b\r\n\r\n"
    let fields = try #require(try Self.heads(of: raw, &parser).first?.fields)
    #expect(fields.text(.cacheControl) == "max-age=1")
    #expect(fields.texts(named: "x-a") == ["b"])
  }

  private static func heads(
    of raw: String, _ parser: inout ResponseHeadParser
  ) throws -> [OriginResponseHead] {
    var heads: [OriginResponseHead] = []
    var line: [UInt8] = []
    for byte in raw.utf8 {
      line.append(byte)
      guard byte == 0x0A else { continue }
      let bytes = line
      line = []
      let event = try bytes.withUnsafeBytes { try parser.receive($0) }
      if case .head(let head) = event { heads.append(head) }
    }
    return heads
  }
}
