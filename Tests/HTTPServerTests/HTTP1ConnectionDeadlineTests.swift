import HTTPMessage
import HTTPServer
import NIOCore
import Testing

struct HTTP1ConnectionDeadlineTests {
  @Test func aHeadThatTakesTooLongIsAnswered408() {
    let client = ScriptedConnection { $0.headerTimeout = .seconds(10) }
    client.pass(.seconds(9))
    client.send("GET / HT")
    client.pass(.seconds(9))
    client.send("TP/1.1\r\n")
    #expect(client.connection.closeIntent == .none)
    #expect(client.pass(.seconds(1)).hasPrefix("HTTP/1.1 408 "))
    #expect(client.connection.closeIntent == .lingering)
    #expect(client.responder.faults == [.headerTimeout])
  }

  @Test func aNewConnectionThatSaysNothingClosesSilently() {
    let client = ScriptedConnection { $0.headerTimeout = .seconds(10) }
    client.pass(.seconds(9))
    #expect(client.connection.closeIntent == .none)
    #expect(client.pass(.seconds(1)) == "")
    #expect(client.connection.closeIntent == .afterOutput)
    #expect(client.responder.faults == [] && client.statistics.idleTimeouts.value == 1)
  }

  @Test func anIdleConnectionClosesSilently() {
    let client = ScriptedConnection { $0.idleTimeout = .seconds(20) }
    client.send(get("/1"))
    client.pass(.seconds(19))
    #expect(client.send(get("/2")) == ok("/2"))
    client.pass(.seconds(19))
    #expect(client.connection.closeIntent == .none)
    #expect(client.pass(.seconds(1)) == "")
    #expect(client.connection.closeIntent == .afterOutput)
  }

  @Test func everyPipelinedHeadHasItsOwnTime() {
    let client = ScriptedConnection { $0.headerTimeout = .seconds(10) }
    client.send("GET ")
    client.pass(.seconds(9))
    client.send("/1 HTTP/1.1\r\nHost: a\r\n\r\nGET ")
    client.pass(.seconds(9))
    #expect(client.connection.closeIntent == .none)
    client.pass(.seconds(1))
    #expect(client.connection.closeIntent == .lingering)
  }

  @Test func anExchangeUnderWayHasNoDeadlineHere() {
    let client = ScriptedConnection()
    client.responder.answer = { _, _ in false }
    client.send(get("/"))
    client.pass(.hours(1))
    #expect(client.connection.closeIntent == .none)
  }

  @Test func contentThatIsWaitedForMustComeInTime() throws {
    let client = ScriptedConnection { $0.bodyTimeout = .seconds(5) }
    client.responder.answer = { _, writer in
      writer.requestBodyChunk()
      return false
    }
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
    let exchange = try #require(client.responder.exchanges.first)
    exchange.pullsOn = true
    client.pass(.seconds(4))
    client.send("abc")
    client.pass(.seconds(4))
    client.send("def")
    client.pass(.seconds(4))
    #expect(exchange.closeReason == nil)
    #expect(client.pass(.seconds(1)).hasPrefix("HTTP/1.1 408 "))
    #expect(exchange.closeReason == .timedOut)
    #expect(client.statistics.faults == [.bodyTimeout: 1])
  }

  @Test func aClientThatTakesNothingIsReset() throws {
    let client = ScriptedConnection { $0.sendTimeout = .seconds(5) }
    client.responder.answer = { _, _ in false }
    client.send(get("/"))
    let exchange = try #require(client.responder.exchanges.first)
    exchange.writer.head(200, .length(1000))
    exchange.writer.text(String(repeating: "x", count: 500))
    _ = client.output()
    client.pass(.seconds(1), unsent: 400)
    client.pass(.seconds(4), unsent: 400)
    client.pass(.milliseconds(500), unsent: 300)
    client.pass(.milliseconds(4900), unsent: 300)
    #expect(client.connection.closeIntent == .none)
    client.pass(.milliseconds(100), unsent: 300)
    #expect(client.connection.closeIntent == .reset)
    #expect(exchange.closeReason == .timedOut)
    #expect(client.statistics.sendTimeouts.value == 1)
  }

  @Test func aClientStillReadingIsNotIdle() {
    let client = ScriptedConnection {
      $0.idleTimeout = .seconds(5)
      $0.sendTimeout = .seconds(10)
    }
    client.send(get("/"))
    client.pass(.seconds(6), unsent: 20)
    client.pass(.seconds(6), unsent: 10)
    #expect(client.connection.closeIntent == .none)
    client.pass(.seconds(6), unsent: 0)
    #expect(client.connection.closeIntent == .afterOutput)
  }

  @Test func lingeringEndsWithItsTimeOrWithTheClient() {
    let client = ScriptedConnection { $0.lingerTimeout = .seconds(2) }
    client.send("bad\r\n")
    #expect(client.connection.closeIntent == .lingering)
    client.send("more")
    client.pass(.seconds(1))
    #expect(client.connection.closeIntent == .lingering)
    client.pass(.seconds(1))
    #expect(client.connection.closeIntent == .afterOutput)

    let other = ScriptedConnection()
    other.send("bad\r\n")
    #expect(other.endInput() == "")
    #expect(other.connection.closeIntent == .afterOutput)
  }
}
