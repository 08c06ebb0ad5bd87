import HTTPMessage
import HTTPServer
import NIOCore
import Testing

struct HTTP1ConnectionTests {
  @Test func pipelinedRequestsAreAnsweredInOrderInOneBuffer() {
    let client = ScriptedConnection()
    #expect(client.send(get("/1") + get("/2") + get("/3")) == ok("/1") + ok("/2") + ok("/3"))
    #expect(client.bufferCounts == [1])
    #expect(client.statistics.requests.value == 3)
    #expect(client.connection.isIdle)
  }

  @Test func aRequestMayArriveByteByByte() {
    let client = ScriptedConnection()
    var answer = ""
    for character in (get("/slow") + get("/again")).utf8 {
      answer += client.send(String(UnicodeScalar(character)))
    }
    #expect(answer == ok("/slow") + ok("/again"))
  }

  @Test func headGetsTheLengthWithoutTheContent() {
    let client = ScriptedConnection()
    #expect(
      client.send("HEAD /abc HTTP/1.1\r\nHost: a\r\n\r\n" + get("/"))
        == "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + ok("/"))
  }

  @Test func aBodylessStatusHasNoLengthUnlessItIsGiven() {
    let client = ScriptedConnection()
    client.responder.answer = { head, writer in
      writer.head(head.text(head.target) == "/204" ? 204 : 304, .bodyless(contentLength: nil))
      writer.finish(trailers: nil)
      return true
    }
    #expect(
      client.send(get("/204") + get("/304"))
        == "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n")
  }

  @Test func contentOfUnknownLengthIsChunkedWithTrailers() {
    let client = ScriptedConnection()
    client.responder.answer = { _, writer in
      writer.head(200, .streamed, "A: b\r\n")
      writer.text("hello")
      writer.write(ByteBuffer(string: "0123456789abcdef"))
      writer.text("")
      var trailers = FieldBlock()
      trailers.append("X-Sum", "1")
      writer.finish(trailers: trailers)
      return true
    }
    #expect(
      client.send(get("/"))
        == "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nX-Sum: 1\r\n\r\n")
    #expect(client.connection.closeIntent == .none)
  }

  @Test func anOldClientGetsContentUntilTheConnectionCloses() {
    let client = ScriptedConnection()
    client.responder.answer = { _, writer in
      writer.head(200, .streamed)
      writer.text("hello")
      writer.finish(trailers: nil)
      return true
    }
    #expect(
      client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello")
    #expect(client.connection.closeIntent == .afterOutput)
  }

  @Test func anOldClientKeepsTheConnectionOnlyWhenItAsks() {
    let client = ScriptedConnection()
    #expect(
      client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        == ok("/", "Connection: keep-alive\r\n"))
    #expect(client.connection.closeIntent == .none)
    #expect(client.send("GET / HTTP/1.0\r\n\r\n") == ok("/", "Connection: close\r\n"))
    #expect(client.connection.closeIntent == .afterOutput)
  }

  @Test func afterCloseNothingIsRead() {
    let client = ScriptedConnection()
    #expect(
      client.send(get("/1", "Connection: close\r\n") + get("/2"))
        == ok("/1", "Connection: close\r\n"))
    #expect(client.send(get("/3")) == "")
    #expect(client.responder.targets == ["/1"])
    #expect(client.connection.closeIntent == .lingering)
  }

  @Test func theRequestLimitClosesBehindTheLastOne() {
    let client = ScriptedConnection { $0.requestsPerConnection = 2 }
    #expect(
      client.send(get("/1") + get("/2") + get("/3"))
        == ok("/1") + ok("/2", "Connection: close\r\n"))
  }

  @Test func laterRequestsWaitForTheOneUnderWay() throws {
    let client = ScriptedConnection()
    client.responder.answer = { head, writer in
      if head.text(head.target) == "/slow" { return false }
      writer.answer("fast", to: head)
      return true
    }
    #expect(client.send(get("/slow") + get("/fast")) == "")
    #expect(client.responder.targets == ["/slow"])
    let exchange = try #require(client.responder.exchanges.first)
    exchange.writer.head(200, .length(4))
    exchange.writer.text("slow")
    exchange.writer.finish(trailers: nil)
    #expect(exchange.writer.contentBytesWritten == 4)
    #expect(client.output() == ok("slow") + ok("fast"))
  }

  @Test func lateCallsOfAnExchangeReachNothing() throws {
    let client = ScriptedConnection()
    client.responder.answer = { _, _ in false }
    client.send(get("/1"))
    let late = try #require(client.responder.exchanges.first)
    late.writer.head(200, .length(0))
    late.writer.finish(trailers: nil)
    #expect(client.output() == ok(""))
    client.send(get("/2"))
    late.writer.head(500, .length(4))
    late.writer.text("evil")
    late.writer.requestBodyChunk()
    late.writer.finish(trailers: nil)
    late.writer.abort()
    #expect(!late.writer.isWritable)
    #expect(client.output() == "")
    client.responder.exchanges[1].writer.head(200, .length(1))
    client.responder.exchanges[1].writer.text("2")
    client.responder.exchanges[1].writer.finish(trailers: nil)
    #expect(client.output() == ok("2"))
    #expect(client.connection.closeIntent == .none)
  }

  @Test func aWriterKeptBeyondASynchronousAnswerReachesNothing() {
    let client = ScriptedConnection()
    var kept: [any ResponseWriter] = []
    client.responder.answer = { head, writer in
      kept.append(writer)
      writer.answer("x", to: head)
      return true
    }
    client.send(get("/1"))
    client.responder.answer = { _, _ in false }
    client.send(get("/2"))
    kept[0].head(500, .length(0))
    kept[0].finish(trailers: nil)
    #expect(client.output() == "")
  }

  @Test func aResponseCutShortNeverLooksComplete() throws {
    for (framing, intent) in [
      (ResponseFraming.length(11), ConnectionCloseIntent.afterOutput),
      (.streamed, .afterOutput),
    ] {
      let client = ScriptedConnection()
      client.responder.answer = { _, _ in false }
      client.send(get("/1") + get("/2"))
      let exchange = try #require(client.responder.exchanges.first)
      exchange.writer.head(200, framing)
      exchange.writer.text("part")
      exchange.writer.abort()
      let answer = client.output()
      #expect(answer.contains("part") && !answer.contains("0\r\n\r\n"))
      #expect(client.connection.closeIntent == intent)
      #expect(client.responder.targets == ["/1"])
    }
  }

  @Test func anOldClientSeesAResetWhenItsContentIsCutShort() {
    let client = ScriptedConnection()
    client.responder.answer = { _, writer in
      writer.head(200, .streamed)
      writer.text("part")
      writer.abort()
      return true
    }
    client.send("GET / HTTP/1.0\r\n\r\n")
    #expect(client.connection.closeIntent == .reset)
  }

  @Test func tooFewBytesAreAnAbort() {
    let client = ScriptedConnection()
    client.responder.answer = { _, writer in
      writer.head(200, .length(5))
      writer.text("four")
      writer.finish(trailers: nil)
      return true
    }
    client.send(get("/1") + get("/2"))
    #expect(client.connection.closeIntent == .afterOutput)
    #expect(client.responder.targets == ["/1"])
  }

  @Test func interimResponsesGoOnlyToClientsThatKnowThem() throws {
    let client = ScriptedConnection()
    client.responder.answer = { head, writer in
      writer.writeInformational(status: 103, fields: FieldBlock())
      writer.answer("x", to: head)
      return true
    }
    #expect(client.send(get("/")) == "HTTP/1.1 103 Early Hints\r\n\r\n" + ok("x"))
    #expect(
      client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        == ok("x", "Connection: keep-alive\r\n"))
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n\r\n", RequestFault.missingHost),
    ("GET / HTTP/3.0\r\n\r\n", .unsupportedVersion),
    (
      "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      .unsupportedTransferEncoding
    ),
  ])
  func aFaultIsAnsweredAndTheConnectionCloses(_ request: String, _ fault: RequestFault) {
    let client = ScriptedConnection()
    let answer = client.send(get("/before") + request + get("/after"))
    #expect(answer.hasPrefix(ok("/before") + "HTTP/1.1 \(fault.status) "))
    #expect(answer.contains("Content-Type: application/problem+json\r\n"))
    #expect(answer.contains("Connection: close\r\n"))
    #expect(answer.hasSuffix("\"status\":\(fault.status),\"detail\":\"\(fault.rawValue)\"}\n"))
    #expect(client.responder.faults == [fault])
    #expect(client.responder.targets == ["/before"])
    #expect(client.connection.closeIntent == .lingering)
    #expect(client.statistics.faults == [fault: 1])
  }

  @Test func aHalfClosedClientStillGetsItsAnswers() throws {
    let client = ScriptedConnection()
    client.responder.answer = { _, _ in false }
    client.send(get("/1"))
    #expect(client.endInput() == "")
    #expect(client.connection.closeIntent == .none)
    let exchange = try #require(client.responder.exchanges.first)
    exchange.writer.head(200, .length(1))
    exchange.writer.text("1")
    exchange.writer.finish(trailers: nil)
    #expect(client.output() == ok("1"))
    #expect(client.connection.closeIntent == .afterOutput)
  }

  @Test func anIdleConnectionClosesWhenTheClientDoes() {
    let client = ScriptedConnection()
    client.send(get("/"))
    #expect(client.endInput() == "")
    #expect(client.connection.closeIntent == .afterOutput)
  }

  @Test func aLostClientEndsTheExchange() throws {
    let client = ScriptedConnection()
    client.responder.answer = { _, _ in false }
    client.send(get("/"))
    client.connection.close(.disconnected)
    let exchange = try #require(client.responder.exchanges.first)
    #expect(exchange.closeReason == .disconnected)
    exchange.writer.head(200, .length(0))
    exchange.writer.finish(trailers: nil)
    #expect(client.taken() == "")
  }

  @Test func drainingClosesIdleConnectionsAndEndsBusyOnes() throws {
    let idle = ScriptedConnection()
    idle.send(get("/"))
    idle.connection.beginDrain(now: idle.now)
    #expect(idle.connection.closeIntent == .afterOutput)

    let busy = ScriptedConnection()
    busy.responder.answer = { _, _ in false }
    busy.send(get("/"))
    busy.connection.beginDrain(now: busy.now)
    #expect(busy.connection.closeIntent == .none)
    let exchange = try #require(busy.responder.exchanges.first)
    exchange.writer.head(200, .length(0))
    exchange.writer.finish(trailers: nil)
    #expect(busy.output() == ok("", "Connection: close\r\n"))
    #expect(busy.connection.closeIntent == .afterOutput)
  }

  @Test func largeBuffersAreSentWithoutACopy() {
    let client = ScriptedConnection()
    let chunk = ByteBuffer(repeating: 0x61, count: 64 << 10)
    client.responder.answer = { _, writer in
      writer.head(200, .length(2 * chunk.readableBytes + 1))
      writer.write(chunk)
      writer.write(chunk)
      writer.text("!")
      writer.finish(trailers: nil)
      return true
    }
    #expect(client.send(get("/")).hasSuffix("a!"))
    #expect(client.bufferCounts == [4])
  }
}
