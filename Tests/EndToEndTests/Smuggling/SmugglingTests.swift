import Foundation
import Testing

/// No two readings of one message: what a client or an origin sends that is not exactly HTTP/1.1 is
/// refused, its connection ended, and nothing of it goes anywhere. A failing row prints what came.
@Suite struct SmugglingTests {
  private static func token(_ kind: String, _ number: Int) -> String { "row\(kind)\(number)x" }

  @Test(arguments: Array(RequestRow.all.enumerated()), [false, true])
  func aFaultyRequestIsRefusedAndReachesNobody(
    _ row: (offset: Int, element: RequestRow), _ isKeptAlive: Bool
  ) throws {
    let edge = try SmugglingEdge.shared.get()
    let token = Self.token(isKeptAlive ? "k" : "f", row.offset)
    let bytes = row.element.bytes.replacing("{t}", with: token)
    let behind = "GET /\(token)/behind HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    let exchange = try edge.exchange(bytes + behind, onKeptAlive: isKeptAlive)
    let came = exchange.text.debugDescription
    #expect(exchange.status == row.element.status, "\(came)")
    #expect(exchange.answerCount == 1, "\(came)")
    #expect(exchange.text.contains("\r\nConnection: close\r\n"), "\(came)")
    #expect(exchange.text.contains("\r\nCache-Status: edge; detail="), "\(came)")
    #expect(exchange.hasEnded)
    if row.element.isInContent {
      // The head was good and may have gone out with what content was good; it was never completed.
      #expect(edge.origin.requests(token).map(\.text) == [])
      #expect(!edge.origin.hasReceived("\(token)/behind"))
    } else {
      #expect(!edge.origin.hasReceived(token))
    }
  }

  @Test(arguments: Array(LegalRow.all.enumerated()), [false, true])
  func aLegalRequestIsWrittenAnew(
    _ row: (offset: Int, element: LegalRow), _ isKeptAlive: Bool
  ) throws {
    let edge = try SmugglingEdge.shared.get()
    let token = Self.token(isKeptAlive ? "m" : "l", row.offset)
    let bytes = LegalRow.fill(row.element.bytes, token: token)
    let behind = "GET /\(token)/behind HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    let exchange = try edge.exchange(bytes + behind, onKeptAlive: isKeptAlive)
    #expect(exchange.status == 200, "\(exchange.text.debugDescription)")
    #expect(exchange.answerCount == (row.element.keepsAlive ? 2 : 1))
    let requests = edge.origin.requests(token).filter { !$0.text.contains("behind") }
    #expect(
      requests.map { $0.text.debugDescription } == [
        LegalRow.fill(row.element.forwarded, token: token).debugDescription
      ])
  }

  @Test(arguments: Array(ResponseRow.all.enumerated()))
  func aFaultyResponseIsAnswered502AndNotKept(
    _ row: (offset: Int, element: ResponseRow)
  ) throws {
    let edge = try SmugglingEdge.shared.get()
    let token = Self.token("r", row.offset)
    edge.origin.answer(token, with: .init(raw: row.element.bytes, closes: true))
    let request = "GET /\(token) HTTP/1.1\r\nHost: a\r\n\r\n"
    let client = PlainClient(port: edge.port)
    let first = try client.send(request, method: "GET")
    let came = "\(first.head.text)\n\(first.body)"
    if !row.element.mayBeCutShort || first.status != 200 {
      #expect(first.status == 502, "\(came)")
      #expect(first.head.value("Proxy-Status")?.contains("error=") == true, "\(came)")
      #expect(first.isWhole && !first.body.contains("evil"), "\(came)")
    } else {
      #expect(!first.isWhole, "\(came)")
    }
    // Asked again, since nothing was stored, and on another connection.
    let second = try client.send(request, method: "GET")
    #expect(second.status == 200 && second.body == "clean", "\(second.head.text)")
    let connections = edge.origin.requests(token).map(\.connection)
    #expect(connections.count == 2 && connections.first != connections.last)
  }

  /// The origin keeps its connection open behind the fault and would answer the next request with
  /// what it has already sent.
  @Test(arguments: Array(ResponseRow.all.enumerated()))
  func aResponseBehindAFaultIsHandedToNobody(
    _ row: (offset: Int, element: ResponseRow)
  ) throws {
    guard Self.endsByItself(row.element) else { return }
    let edge = try SmugglingEdge.shared.get()
    let token = Self.token("s", row.offset)
    let stolen = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Stolen: 1\r\n\r\nstolen"
    edge.origin.answer(token, with: .init(raw: row.element.bytes + stolen))
    _ = try PlainClient(port: edge.port).send(
      "GET /\(token) HTTP/1.1\r\nHost: a\r\n\r\n", method: "GET")
    for number in 0..<3 {
      let other = try PlainClient(port: edge.port).send(
        "GET /\(token)/\(number) HTTP/1.1\r\nHost: a\r\n\r\n", method: "GET")
      #expect(other.body == "clean", "\(other.head.text)\n\(other.body)")
    }
  }

  /// Whether the row's fault shows without the connection's end.
  private static func endsByItself(_ row: ResponseRow) -> Bool {
    let waiting = [
      "half a head", "interim responses alone", "no last chunk",
      "half a chunk", "no end of the trailers", "a length that is not reached", "HTTP/0.9",
    ]
    return !waiting.contains(row.claim)
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
  ])
  func aSecondResponseIsHandedToNobody(_ answer: String) throws {
    let edge = try SmugglingEdge.shared.get()
    let number = answer.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF }
    let token = Self.token("t", number)
    let stolen = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Stolen: 1\r\n\r\nstolen"
    edge.origin.answer(token, with: .init(raw: answer + stolen))
    let first = try PlainClient(port: edge.port).send(
      "GET /\(token) HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"a\"\r\n\r\n", method: "GET")
    #expect(first.status == Int(answer.dropFirst(9).prefix(3)))
    for number in 0..<5 {
      let other = try PlainClient(port: edge.port).send(
        "GET /\(token)/\(number) HTTP/1.1\r\nHost: a\r\n\r\n", method: "GET")
      #expect(other.status == 200 && other.body == "clean", "\(other.head.text)\n\(other.body)")
    }
    let connections = edge.origin.requests(token).map(\.connection)
    #expect(!connections.dropFirst().contains(connections[0]))
  }

  /// The other side: the odd but legal passes.
  @Test(arguments: [
    "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nclean",
    "HTTP/1.1 200 \r\nContent-Length: 005\r\n\r\nclean",
    "HTTP/1.1 200 Gr\u{F6}\u{DF}e\tX\r\ncontent-length:\t5 \r\nX:\r\n\r\nclean",
    "HTTP/1.0 200 OK\r\n\r\nclean",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n"
      + "005;a=\"b\"\r\nclean\r\n00;x\r\nY: z\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nLink: </a>\r\n\r\n"
      + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean",
    "HTTP/1.1 200 OK\r\nX: \(String(repeating: "y", count: 60 << 10))\r\n"
      + "Content-Length: 5\r\n\r\nclean",
    "HTTP/1.1 200 OK\r\n\(String(repeating: "X: y\r\n", count: 199))Content-Length: 5\r\n\r\nclean",
  ])
  func aLegalResponsePasses(_ answer: String) throws {
    let edge = try SmugglingEdge.shared.get()
    let number = answer.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF }
    let token = Self.token("g", number)
    edge.origin.answer(token, with: .init(raw: answer, closes: true))
    let got = try PlainClient(port: edge.port).send(
      "GET /\(token) HTTP/1.1\r\nHost: a\r\n\r\n", method: "GET")
    #expect(got.status == 200 && got.body == "clean" && got.isWhole, "\(got.head.text)")
  }
}
