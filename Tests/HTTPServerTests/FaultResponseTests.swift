import HTTPMessage
import HTTPServer
import NIOCore
import Testing

/// What the front answers by itself: the same fields over both protocols, whatever the fault.
struct FaultResponseTests {
  private static let hsts = "Strict-Transport-Security: max-age=1\r\n"

  /// A way to be refused over HTTP/1.1, with the bytes that lead to it.
  private static let refusals: [(fault: RequestFault, bytes: String)] = [
    (.badRequestLine, "GET\r\n\r\n"),
    (.missingHost, "GET / HTTP/1.1\r\n\r\n"),
    (.unsupportedExpectation, get("/", "Expect: x\r\n")),
    (.unsupportedTransferEncoding, get("/", "Transfer-Encoding: gzip, chunked\r\n")),
    (.unsupportedMethod, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
    (.unsupportedVersion, "GET / HTTP/3.0\r\n\r\n"),
    (.targetTooLong, get("/" + String(repeating: "x", count: 9000))),
    (.tooManyFields, get("/", (0..<300).map { "X-\($0): y\r\n" }.joined())),
    (.contentTooLarge, get("/", "Content-Length: 11\r\n")),
  ]

  @Test(arguments: refusals)
  func everyRefusalSaysTheSame(_ fault: RequestFault, _ bytes: String) {
    let client = ScriptedConnection(ownLines: Self.hsts) { $0.requestBodyBytes = 10 }
    check(client.send(bytes), fault, client)
    #expect(client.responder.faults == [fault] && client.responder.targets == [])
  }

  @Test func aTimeOutAndATurnedAwayClientAreToldSo() {
    let slow = ScriptedConnection(ownLines: Self.hsts)
    slow.send("GET / HT")
    check(slow.pass(.seconds(60)), .headerTimeout, slow)

    let surplus = ScriptedConnection(ownLines: Self.hsts)
    surplus.connection.reject(.tooManyConnections, lingers: true)
    let answer = surplus.output()
    check(answer, .tooManyConnections, surplus)
    #expect(answer.contains("\r\nRetry-After: 5\r\n"))
  }

  @Test func contentThatCannotBeReadIsAnsweredAlike() {
    let client = ScriptedConnection(ownLines: Self.hsts)
    client.responder.answer = { _, _ in false }
    client.send(get("/", "Transfer-Encoding: chunked\r\n"))
    client.responder.exchanges[0].writer.requestBodyChunk()
    check(client.send("x\r\n"), .badChunk, client)
    #expect(client.responder.exchanges[0].closeReason == .badContent(.badChunk))
  }

  private func check(
    _ answer: String, _ fault: RequestFault, _ client: ScriptedConnection,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(answer.hasPrefix("HTTP/1.1 \(fault.status) "), sourceLocation: sourceLocation)
    for line in [
      Self.hsts, "X-Fault: \(fault.status)\r\n", "Content-Type: application/problem+json\r\n",
      "Cache-Control: no-store\r\n", "Date: ", "Connection: close\r\n",
    ] {
      #expect(
        answer.components(separatedBy: "\r\n" + line).count == 2, "\(line)\(answer)",
        sourceLocation: sourceLocation)
    }
    #expect(
      answer.hasSuffix("\r\n\r\n" + document(fault)), "\(answer)", sourceLocation: sourceLocation)
    #expect(client.connection.closeIntent == .lingering, sourceLocation: sourceLocation)
  }

  private func document(_ fault: RequestFault) -> String {
    var title = ""
    HTTP1ResponseSerializer.reason(fault.status).forEach { title.unicodeScalars.append(.init($0)) }
    return "{\"type\":\"about:blank\",\"title\":\"\(title)\",\"status\":\(fault.status),"
      + "\"detail\":\"\(fault.rawValue)\"}\n"
  }

  @Test("The answer to a HEAD has no content, be it a fault (RFC 9110 section 9.3.2)")
  func aFaultOfAHeadHasNoContent() {
    let refused = ScriptedConnection { $0.requestBodyBytes = 10 }
    let head = "HEAD / HTTP/1.1\r\nHost: a\r\n"
    let answer = refused.send(head + "Content-Length: 11\r\n\r\n")
    let length = document(.contentTooLarge).utf8.count
    #expect(answer.hasPrefix("HTTP/1.1 413 ") && answer.hasSuffix("\r\n\r\n"))
    #expect(answer.contains("\r\nContent-Length: \(length)\r\n"))

    let failed = ScriptedConnection()
    failed.responder.answer = { _, _ in false }
    failed.send(head + "Transfer-Encoding: chunked\r\n\r\n")
    failed.responder.exchanges[0].writer.requestBodyChunk()
    let late = failed.send("x\r\n")
    #expect(late.hasPrefix("HTTP/1.1 400 ") && late.hasSuffix("\r\n\r\n"))

    // What comes behind a HEAD and cannot be read is no HEAD.
    let next = ScriptedConnection()
    let both = next.send(head + "\r\nGET\r\n\r\n")
    #expect(both.hasSuffix(document(.badRequestLine)))
  }

  @Test func theResponderHearsOfTheVersion() {
    let new = ScriptedConnection()
    new.send("GET\r\n\r\n")
    let peer = HTTP2Peer()
    peer.headers(1, HTTP2FieldRule.get([("host", "b")]))
    #expect(new.responder.versions == [.http11] && peer.responder.versions == [.http2])
  }

  @Test func overHTTP2TheFieldsAreTheSame() {
    let peer = HTTP2Peer(ownLines: Self.hsts) { $0.requestBodyBytes = 10 }
    peer.headers(1, HTTP2FieldRule.get([("host", "b")]))
    peer.post(3, [("content-length", "11")])
    peer.headers(5, [(":method", "CONNECT"), (":authority", "a:443")])
    peer.headers(7, HTTP2Peer.request("/" + String(repeating: "p", count: 9000)))
    let faults: [RequestFault] = [
      .hostMismatch, .contentTooLarge, .unsupportedMethod, .targetTooLong,
    ]
    for (index, fault) in faults.enumerated() {
      let answer = peer.answer(UInt32(index * 2 + 1))
      #expect(answer.status == fault.status && answer.text == document(fault))
      let fields = answer.fields.filter { !$0.hasPrefix("date: ") }
      #expect(answer.fields.count == fields.count + 1)
      #expect(
        Set(fields) == [
          "content-length: \(document(fault).utf8.count)",
          "strict-transport-security: max-age=1", "content-type: application/problem+json",
          "cache-control: no-store", "x-fault: \(fault.status)",
        ])
    }
  }
}
