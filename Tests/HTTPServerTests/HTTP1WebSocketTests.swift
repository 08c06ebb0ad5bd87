import HTTPMessage
import NIOCore
import Testing

@testable import HTTPServer

/// What an HTTP/1.1 connection does once its exchange has it switched over.
@Suite struct HTTP1WebSocketTests {
  static let handshake = get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n")

  /// A connection that was switched, and its exchange.
  private func switched(
    _ change: (inout ConnectionLimits) -> Void = { _ in }, more: String = ""
  ) throws -> (ScriptedConnection, ScriptedExchange) {
    let client = ScriptedConnection(change)
    client.responder.answer = { _, _ in false }
    client.send(Self.handshake + more)
    let exchange = try #require(client.responder.exchanges.first)
    exchange.pullsOn = true
    Array("Sec-WebSocket-Accept: x\r\n".utf8).withUnsafeBytes {
      exchange.writer.startWebSocket(lines: $0)
    }
    exchange.writer.requestBodyChunk()
    #expect(
      client.output()
        == "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n"
        + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    return (client, exchange)
  }

  @Test func bytesPassBothWaysAsTheyAre() throws {
    let (client, exchange) = try switched()
    client.send("GET /not-a-request HTTP/1.1\r\n\r\n")
    client.send("\0\u{1}")
    #expect(exchange.content == "GET /not-a-request HTTP/1.1\r\n\r\n\0\u{1}")
    exchange.writer.text("5\r\nhello")
    #expect(client.output() == "5\r\nhello")
    #expect(client.responder.targets == ["/ws"])
    #expect(client.statistics.webSockets.value == 1)
    #expect(client.statistics.webSocketsClosed.value == 0)
  }

  @Test func whatTheClientSentAheadWaitsForTheSwitch() throws {
    let client = ScriptedConnection()
    client.responder.answer = { _, _ in false }
    client.send(Self.handshake + "ahead")
    let exchange = try #require(client.responder.exchanges.first)
    #expect(exchange.content.isEmpty)
    exchange.writer.startWebSocket(lines: UnsafeRawBufferPointer(start: nil, count: 0))
    exchange.writer.requestBodyChunk()
    _ = client.output()
    #expect(exchange.content == "ahead")
  }

  @Test func withoutASwitchWhatTheClientSentAheadIsItsNextRequest() throws {
    let client = ScriptedConnection()
    client.responder.answer = { head, writer in
      guard head.fields.contains(.upgrade) else {
        writer.answer("next", to: head)
        return true
      }
      return false
    }
    client.send(Self.handshake + get("/next"))
    let exchange = try #require(client.responder.exchanges.first)
    exchange.writer.head(403, .length(0))
    exchange.writer.finish(trailers: nil)
    #expect(client.output().hasSuffix(ok("next")))
    #expect(client.responder.targets == ["/ws", "/next"])
  }

  @Test func theClientsEndIsTold() throws {
    let (client, exchange) = try switched()
    client.send("last")
    _ = client.endInput()
    #expect(exchange.content == "last")
    #expect(exchange.hasEnded)
  }

  @Test func theOriginsEndClosesBehindWhatItSent() throws {
    let (client, exchange) = try switched()
    exchange.writer.text("last")
    exchange.writer.finish(trailers: nil)
    #expect(client.output() == "last")
    #expect(client.connection.closeIntent == .afterOutput)
    #expect(!client.connection.isCutShort)
    #expect(client.statistics.webSocketsClosed.value == 1)
  }

  @Test func aCutConnectionIsNoOrderlyEnd() throws {
    let (client, exchange) = try switched()
    exchange.writer.abort()
    _ = client.output()
    #expect(client.connection.closeIntent == .afterOutput)
    #expect(client.connection.isCutShort)
    #expect(client.statistics.webSocketsClosed.value == 1)
  }

  @Test func bytesEitherWayKeepItOpenAndSilenceEndsIt() throws {
    let (client, exchange) = try switched { $0.webSocketIdleTimeout = .seconds(10) }
    for _ in 0..<5 {
      client.pass(.seconds(9))
      client.send("x")
      client.pass(.seconds(9))
      exchange.writer.text("y")
      _ = client.output()
    }
    #expect(exchange.closeReason == nil)
    client.pass(.seconds(9))
    #expect(exchange.closeReason == nil)
    client.pass(.seconds(2))
    #expect(exchange.closeReason == .timedOut)
    #expect(client.connection.closeIntent == .afterOutput)
    #expect(client.statistics.webSocketIdleTimeouts.value == 1)
    #expect(client.statistics.webSocketsClosed.value == 1)
  }

  @Test func aClientIsHeldBackWhoseBytesNobodyTakes() throws {
    let (client, exchange) = try switched { $0.inputHighWaterBytes = 1000 }
    exchange.pullsOn = false
    client.send("x")
    #expect(client.connection.wantsRead)
    client.send(String(repeating: "y", count: 1000))
    #expect(!client.connection.wantsRead)
    exchange.writer.requestBodyChunk()
    _ = client.output()
    #expect(client.connection.wantsRead)
    #expect(exchange.content.utf8.count == 1001)
  }

  @Test func aClientThatTakesNothingIsCutOff() throws {
    let (client, exchange) = try switched { $0.sendTimeout = .seconds(5) }
    exchange.writer.text("x")
    _ = client.output()
    client.pass(.seconds(1), unsent: 1)
    client.pass(.seconds(6), unsent: 1)
    #expect(exchange.closeReason == .timedOut)
    #expect(client.connection.closeIntent == .reset)
    #expect(client.statistics.webSocketsClosed.value == 1)
  }

  @Test func aDrainLetsItRunUntilItIsCut() throws {
    let (client, exchange) = try switched()
    client.connection.beginDrain(now: client.now)
    client.send("still")
    #expect(exchange.content == "still")
    client.connection.close(.shutdown)
    #expect(exchange.closeReason == .shutdown)
    #expect(client.statistics.webSocketsClosed.value == 1)
  }
}
