import CachePolicy
import HTTPMessage
import Testing

@testable import EdgeProxy

/// WebSockets through the request path, on a scripted origin.
@Suite struct WebSocketTests {
  // The example of RFC 6455 section 1.3.
  static let key = "dGhlIHNhbXBsZSBub25jZQ=="
  static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
  static let fields =
    "Connection: keep-alive, Upgrade\nUpgrade: WebSocket\nSec-WebSocket-Version: 13\n"
    + "Sec-WebSocket-Key: \(key)\n"

  private func edge(allowsWebSocket: Bool = true) throws -> SimulatedEdge {
    try SimulatedEdge(allowsWebSocket: allowsWebSocket)
  }

  @Test func theHandshakeGoesOnAnewAndThenBytesPass() throws {
    let edge = try edge()
    let client = try edge.get("/chat?room=1", Self.fields + "Sec-WebSocket-Protocol: chat\n")
    let fetch = try edge.origin.last
    #expect(fetch.request.asksForWebSocket)
    #expect(fetch.request.target.text == "/chat?room=1")
    #expect(fetch.request.fields.text(named: "Sec-WebSocket-Key") == Self.key)
    #expect(fetch.request.fields.text(named: "Sec-WebSocket-Protocol") == "chat")
    #expect(!fetch.request.fields.contains(.upgrade))
    #expect(!fetch.request.fields.contains(.connection))
    fetch.head(101, "Sec-WebSocket-Accept: \(Self.accept)\nSec-WebSocket-Protocol: chat")
    #expect(client.isSwitched)
    #expect(client.fields.text(named: "Sec-WebSocket-Protocol") == "chat")
    fetch.chunk("from the origin")
    #expect(client.body == "from the origin")
    client.content = ["one", "two"]
    fetch.takeContent(on: edge.eventLoop)
    #expect(fetch.content == "onetwo")
    fetch.end()
    #expect(client.isFinished)
    #expect(edge.metrics.loops[0].value(of: .webSockets) == 1)
  }

  @Test func nothingOfTheClientsGoesOutBeforeTheSwitch() throws {
    let edge = try edge()
    let client = try edge.get("/chat", Self.fields)
    client.content = ["smuggled"]
    let fetch = try edge.origin.last
    fetch.want()
    edge.eventLoop.run()
    #expect(fetch.content.isEmpty)
    #expect(client.content == ["smuggled"])
    fetch.head(101, "Sec-WebSocket-Accept: \(Self.accept)")
    edge.eventLoop.run()
    #expect(fetch.content == "smuggled")
  }

  @Test(arguments: [200, 204, 400, 401, 426, 503])
  func anOriginThatDeclinesIsRelayed(_ status: Int) throws {
    let edge = try edge()
    let client = try edge.get("/chat", Self.fields)
    client.content = ["smuggled"]
    let fetch = try edge.origin.last
    fetch.want()
    fetch.answer(status, "Cache-Control: max-age=60", status == 204 ? "" : "no")
    edge.eventLoop.run()
    #expect(client.status == status)
    #expect(client.isFinished)
    #expect(client.reason == "upgrade")
    #expect(fetch.content.isEmpty)
    // Not stored: a GET of the same URL asks the origin.
    try edge.get("/chat")
    #expect(edge.origin.fetches.count == 2)
  }

  @Test(arguments: [
    "", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOx=",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\nSec-WebSocket-Accept: x",
  ])
  func anOriginThatHasNotReadTheKeyIsAFailure(_ fields: String) throws {
    let edge = try edge()
    let client = try edge.get("/chat", Self.fields)
    let fetch = try edge.origin.last
    fetch.head(101, fields)
    #expect(client.status == 502)
    #expect(!client.isSwitched)
    #expect(fetch.isCancelled)
  }

  @Test(arguments: [
    ("GET", "Sec-WebSocket-Version: 8\nSec-WebSocket-Key: \(key)\n", 426),
    ("GET", "Sec-WebSocket-Key: \(key)\n", 400),
    ("GET", "Sec-WebSocket-Version: 13\n", 400),
    ("GET", "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: short\n", 400),
    ("GET", "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTEy\n", 400),
    (
      "GET",
      "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: \(key)\nSec-WebSocket-Key: \(key)\n", 400
    ),
    (
      "GET", "Sec-WebSocket-Version: 13\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: \(key)\n",
      400
    ),
    ("POST", "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: \(key)\n", 400),
    ("GET", "Content-Length: 5\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: \(key)\n", 400),
    ("GET", "Content-Length: 0\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: \(key)\n", 400),
    (
      "GET",
      "Transfer-Encoding: chunked\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: \(key)\n", 400
    ),
    ("GET", "Upgrade: h2c\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: \(key)\n", 400),
    (
      "GET",
      "Connection: Sec-WebSocket-Key\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: \(key)\n", 400
    ),
  ])
  func aHandshakeThatTwoServersMightReadDifferentlyIsRefused(
    _ method: String, _ fields: String, _ status: Int
  ) throws {
    let edge = try edge()
    let client = try edge.request(
      "\(method) /chat HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\n\(fields)")
    #expect(client.status == status)
    #expect(client.reason == "bad-upgrade")
    #expect(edge.origin.fetches.isEmpty)
    if status == 426 { #expect(client.fields.text(named: "Sec-WebSocket-Version") == "13") }
  }

  @Test(arguments: [
    "Connection: Upgrade\nUpgrade: h2c\n", "Connection: Upgrade\nUpgrade: foo\n",
    "Upgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: \(key)\n",
  ])
  func anythingElseIsAnsweredAsIfItHadNotAsked(_ fields: String) throws {
    let edge = try edge()
    let client = try edge.get("/chat", fields)
    let fetch = try edge.origin.last
    #expect(!fetch.request.asksForWebSocket)
    #expect(!fetch.request.fields.contains(.upgrade))
    fetch.answer(200, "", "plain")
    #expect(client.body == "plain")
  }

  @Test func aRouteThatDoesNotAllowThemPassesThePlainRequest() throws {
    let edge = try edge(allowsWebSocket: false)
    let client = try edge.get("/chat", Self.fields)
    let fetch = try edge.origin.last
    #expect(!fetch.request.asksForWebSocket)
    #expect(!fetch.request.fields.contains(.upgrade))
    fetch.answer(200, "", "plain")
    #expect(client.status == 200)
  }

  @Test func theOriginIsHeldBackByTheClient() throws {
    let edge = try edge()
    let client = try edge.get("/chat", Self.fields)
    let fetch = try edge.origin.last
    fetch.head(101, "Sec-WebSocket-Accept: \(Self.accept)")
    client.isWritable = false
    let before = fetch.granted
    fetch.chunk("12345")
    #expect(fetch.granted == before)
    client.isWritable = true
    client.exchange?.outputDrained()
    #expect(fetch.granted == before + 5)
  }

  @Test func theClientsLeavingEndsTheFetch() throws {
    let edge = try edge()
    let client = try edge.get("/chat", Self.fields)
    let fetch = try edge.origin.last
    fetch.head(101, "Sec-WebSocket-Accept: \(Self.accept)")
    client.exchange?.clientClosed(.disconnected)
    #expect(fetch.isCancelled)
  }

  @Test func anOriginThatBreaksOffCutsTheClientOff() throws {
    let edge = try edge()
    let client = try edge.get("/chat", Self.fields)
    let fetch = try edge.origin.last
    fetch.head(101, "Sec-WebSocket-Accept: \(Self.accept)")
    fetch.fail(.reset)
    #expect(client.isAborted)
  }
}
