import HTTPMessage
import HTTPServer
import NIOCore
import Testing

private func post(_ lines: String, _ body: String = "") -> String {
  "POST /up HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\(body)"
}

/// A connection whose exchanges are asynchronous and pull the content at once.
private func uploadConnection(
  pulls: Bool = true, _ change: (inout ConnectionLimits) -> Void = { _ in }
) -> ScriptedConnection {
  let client = ScriptedConnection(change)
  client.responder.answer = { _, writer in
    if pulls { writer.requestBodyChunk() }
    return false
  }
  return client
}

struct HTTP1ConnectionContentTests {
  @Test func countedContentIsDeliveredPieceByPieceAsItIsAskedFor() throws {
    let client = uploadConnection()
    client.send(post("Content-Length: 10\r\n", "01234"))
    let exchange = try #require(client.responder.exchanges.first)
    #expect(exchange.content == "01234")
    client.send("56789" + get("/next"))
    #expect(exchange.content == "01234")
    exchange.writer.requestBodyChunk()
    #expect(exchange.content == "01234", "never during the call")
    _ = client.output()
    #expect(exchange.content == "0123456789" && !exchange.hasEnded)
    exchange.writer.requestBodyChunk()
    _ = client.output()
    #expect(exchange.hasEnded && exchange.trailers == nil)
  }

  @Test func chunkedContentAndTrailersAreDelivered() throws {
    let client = uploadConnection(pulls: false)
    client.send(
      post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2;x\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n"))
    let exchange = try #require(client.responder.exchanges.first)
    exchange.pullsOn = true
    exchange.onEnd = { exchange in
      exchange.writer.head(200, .length(5))
      exchange.writer.text(exchange.content)
      exchange.writer.finish(trailers: nil)
    }
    exchange.writer.requestBodyChunk()
    #expect(client.output() == ok("abcde"))
    #expect(exchange.trailers?.texts(named: "x-sum") == ["5"])
    client.responder.answer = { head, writer in
      writer.answer("next", to: head)
      return true
    }
    #expect(client.send(get("/next")) == ok("next"))
  }

  @Test func aRequestWithoutContentHasItsEndAtOnce() throws {
    let client = uploadConnection()
    client.send(get("/"))
    #expect(try #require(client.responder.exchanges.first).hasEnded)
  }

  @Test func continueIsSentAtTheFirstPullOnly() throws {
    let client = uploadConnection(pulls: false)
    #expect(client.send(post("Content-Length: 4\r\nExpect: 100-continue\r\n")) == "")
    let exchange = try #require(client.responder.exchanges.first)
    exchange.writer.requestBodyChunk()
    #expect(client.output() == "HTTP/1.1 100 Continue\r\n\r\n")
    client.send("ab")
    exchange.writer.requestBodyChunk()
    #expect(client.output() == "")
    #expect(client.send("cd") == "")
    #expect(exchange.content == "abcd")
  }

  @Test func continueIsNotSentToAClientThatDidNotWait() throws {
    let client = uploadConnection()
    #expect(client.send(post("Content-Length: 4\r\nExpect: 100-continue\r\n", "abcd")) == "")
    #expect(client.responder.exchanges.first?.content == "abcd")
  }

  @Test func anAnswerInPlaceOfContinueCloses() throws {
    let client = uploadConnection(pulls: false)
    client.send(post("Content-Length: 4\r\nExpect: 100-continue\r\n"))
    let exchange = try #require(client.responder.exchanges.first)
    exchange.writer.head(403, .length(0))
    exchange.writer.finish(trailers: nil)
    #expect(
      client.output() == "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    #expect(client.connection.closeIntent == .lingering)
  }

  @Test func contentLeftOverIsDiscardedToKeepTheConnection() {
    let client = ScriptedConnection()
    #expect(client.send(post("Content-Length: 10\r\n", "0123")) == ok("/up"))
    #expect(client.send("456") == "")
    #expect(client.send("789" + get("/next")) == ok("/next"))
    #expect(
      client.send(post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n") + get("/last"))
        == ok("/up") + ok("/last"))
  }

  @Test func muchContentLeftOverClosesTheConnection() {
    let declared = ScriptedConnection { $0.discardLimitBytes = 8 }
    #expect(declared.send(post("Content-Length: 9\r\n", "")) == ok("/up"))
    #expect(declared.connection.closeIntent == .lingering)

    let within = ScriptedConnection { $0.discardLimitBytes = 8 }
    within.send(post("Content-Length: 8\r\n", "01234567"))
    #expect(within.connection.closeIntent == .none && within.connection.isIdle)

    let chunked = ScriptedConnection { $0.discardLimitBytes = 8 }
    chunked.send(post("Transfer-Encoding: chunked\r\n", "8\r\n01234567\r\n"))
    #expect(chunked.connection.closeIntent == .none)
    chunked.send("1\r\n8\r\n")
    #expect(chunked.connection.closeIntent == .lingering)
  }

  @Test func declaredContentAboveTheLimitIsRefusedBeforeTheResponder() {
    let client = ScriptedConnection { $0.requestBodyBytes = 8 }
    #expect(client.send(post("Content-Length: 9\r\n")).hasPrefix("HTTP/1.1 413 "))
    #expect(client.responder.targets == [] && client.responder.faults == [.contentTooLarge])
    let other = ScriptedConnection { $0.requestBodyBytes = 8 }
    #expect(other.send(post("Content-Length: 8\r\n", "01234567")) == ok("/up"))
  }

  @Test func malformedContentIsAnsweredAndTheExchangeHearsOfIt() throws {
    let client = uploadConnection()
    let answer = client.send(post("Transfer-Encoding: chunked\r\n", "x\r\n"))
    #expect(answer.hasPrefix("HTTP/1.1 400 "))
    let exchange = try #require(client.responder.exchanges.first)
    #expect(exchange.closeReason == .badContent(.badChunk))
    exchange.writer.head(200, .length(0))
    #expect(client.output() == "")
    #expect(client.connection.closeIntent == .lingering)
  }

  @Test func malformedContentBehindTheResponsesHeadCutsItShort() throws {
    let client = uploadConnection(pulls: false)
    client.send(post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n"))
    let exchange = try #require(client.responder.exchanges.first)
    exchange.writer.head(200, .streamed)
    exchange.pullsOn = true
    exchange.writer.requestBodyChunk()
    _ = client.output()
    #expect(client.send("zz\r\n") == "")
    #expect(exchange.closeReason == .badContent(.badChunk))
    #expect(client.connection.closeIntent == .afterOutput)
  }

  @Test func contentCutOffByTheClientIsADisconnect() throws {
    let client = uploadConnection()
    client.send(post("Content-Length: 4\r\n", ""))
    #expect(client.endInput() == "")
    #expect(try #require(client.responder.exchanges.first).closeReason == .disconnected)
    #expect(client.connection.closeIntent == .afterOutput)
  }

  @Test func contentNobodyAsksForIsNotReadBeyondTheMark() throws {
    let client = uploadConnection(pulls: false) { $0.inputHighWaterBytes = 16 }
    client.send(post("Content-Length: 100\r\n", "0123456789"))
    #expect(client.connection.wantsRead)
    client.send("0123456789")
    #expect(!client.connection.wantsRead)
    let exchange = try #require(client.responder.exchanges.first)
    exchange.writer.requestBodyChunk()
    #expect(client.connection.wantsRead)
    _ = client.output()
    #expect(exchange.content == "01234567890123456789" && client.connection.wantsRead)
  }

  @Test func aClientThatDoesNotReadIsNotServedFurther() {
    let client = ScriptedConnection { $0.outputHighWaterBytes = 100 }
    client.connection.receive(
      ByteBuffer(string: String(repeating: get("/"), count: 10)), now: client.now)
    let served = client.responder.targets.count
    #expect(served < 10 && !client.connection.wantsRead)
    client.connection.setTransportWritable(false, now: client.now)
    _ = client.taken()
    #expect(!client.connection.wantsRead && client.responder.targets.count == served)
    var rounds = 0
    while client.responder.targets.count < 10, rounds < 10 {
      client.connection.setTransportWritable(true, now: client.now)
      _ = client.taken()
      rounds += 1
    }
    #expect(client.responder.targets.count == 10)
    #expect(client.connection.wantsRead)
  }

  @Test func anExchangeIsHeldBackAndWokenWhenTheClientReads() throws {
    let client = ScriptedConnection { $0.outputHighWaterBytes = 100 }
    client.responder.answer = { _, _ in false }
    client.send(get("/"))
    let exchange = try #require(client.responder.exchanges.first)
    exchange.writer.head(200, .length(1000))
    #expect(exchange.writer.isWritable)
    exchange.writer.text(String(repeating: "x", count: 100))
    #expect(!exchange.writer.isWritable)
    client.connection.setTransportWritable(false, now: client.now)
    _ = client.output()
    #expect(exchange.drainedCount == 0)
    client.connection.setTransportWritable(true, now: client.now)
    #expect(exchange.drainedCount == 1)
    #expect(exchange.writer.isWritable)
  }
}
