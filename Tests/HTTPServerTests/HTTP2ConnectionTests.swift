import HTTPMessage
import HTTPServer
import NIOCore
import Testing

struct HTTP2ConnectionTests {
  @Test("The server's SETTINGS come first and state its limits (RFC 9113 section 3.4)")
  func settingsStateTheLimits() throws {
    let peer = HTTP2Peer()
    let settings = try #require(peer.frames.first)
    #expect(settings.isA(.settings) && settings.stream == 0)
    var values: [UInt16: UInt32] = [:]
    for offset in stride(from: 0, to: settings.payload.count, by: 6) {
      let id = UInt16(settings.payload[offset]) << 8 | UInt16(settings.payload[offset + 1])
      values[id] = settings.word(at: offset + 2)
    }
    #expect(values == [3: 100, 4: 65536, 6: 35568, 9: 1])
    let widened = try #require(peer.frames(.windowUpdate).first)
    #expect(widened.stream == 0 && widened.word(at: 0) == (192 << 10) - 65535)
    #expect(peer.goAwayCode == nil)
  }

  @Test func aRequestIsAnsweredOnItsStream() {
    let peer = HTTP2Peer()
    peer.get(1, "/one?x=1")
    peer.get(3, "/three")
    #expect(peer.answer(1).status == 200 && peer.answer(1).text == "/one?x=1")
    #expect(peer.answer(1).fields == ["content-length: 8"] && peer.answer(1).hasEnded)
    #expect(peer.answer(3).text == "/three")
    #expect(peer.connection.isIdle && peer.statistics.requests.value == 2)
  }

  @Test func aHeadIsWhatHTTP1WouldMakeOfIt() throws {
    let peer = HTTP2Peer(isSecure: true)
    var heads: [RequestHead] = []
    peer.responder.answer = { head, writer in
      heads.append(head)
      writer.answer("", to: head)
      return true
    }
    peer.headers(
      1, HTTP2Peer.request("/p/q?r=s?t", method: "PUT", [("accept", "*/*"), ("x-a", "")]))
    let head = try #require(heads.first)
    #expect(head.method == .put && head.version == .http2 && head.isSecure && head.keepsAlive)
    #expect(head.text(head.methodName) == "PUT" && head.text(head.target) == "/p/q?r=s?t")
    #expect(head.text(head.path) == "/p/q" && head.query.map(head.text) == "r=s?t")
    #expect(head.text(head.authority) == "a" && head.framing == .none)
    #expect(head.fields.text(.accept) == "*/*" && head.fields.texts(named: "X-A") == [""])
    #expect(head.fields.count == 2)
  }

  @Test("Pieces of Cookie are one field (RFC 9113 section 8.2.3)")
  func piecesOfCookieAreJoined() throws {
    let peer = HTTP2Peer()
    var fields: [String] = []
    peer.responder.answer = { head, writer in
      head.fields.forEachLine { name, value, _ in fields.append("\(name.text): \(value.text)") }
      writer.answer("", to: head)
      return true
    }
    peer.headers(
      1,
      HTTP2Peer.request("/", [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c")]))
    #expect(fields == ["cookie: a=1; b=2; c", "x: y"])
    peer.headers(3, HTTP2Peer.request("/", [("cookie", "a=1")]))
    #expect(fields.last == "cookie: a=1")
  }

  @Test func aHundredStreamsAreAnsweredTogether() {
    let peer = HTTP2Peer()
    let count = peer.bufferSizes.count
    let streams = (0..<100).map { UInt32($0 * 2 + 1) }
    peer.send(frames: streams.map { HTTP2Peer.headers($0, HTTP2Peer.request("/\($0)")) })
    for stream in streams { #expect(peer.answer(stream).text == "/\(stream)") }
    // All of it in one buffer: one system call.
    #expect(peer.bufferSizes.count == count + 1)
  }

  @Test func bytesMayComeOneByOne() {
    let peer = HTTP2Peer(isOpen: false)
    let bytes =
      HTTP2Peer.preface + HTTP2Frame(.settings).bytes
      + HTTP2Peer.headers(1, HTTP2Peer.request("/slow")).bytes
    for byte in bytes { peer.send(bytes: [byte]) }
    #expect(peer.answer(1).text == "/slow")
  }

  @Test func anotherPrefaceEndsTheConnection() {
    let peer = HTTP2Peer(isOpen: false)
    peer.send(bytes: Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    #expect(peer.goAwayCode == 1 && peer.connection.closeIntent == .lingering)
  }

  @Test func headIsAnsweredWithoutContent() {
    let peer = HTTP2Peer()
    peer.headers(1, HTTP2Peer.request("/abc", method: "HEAD"))
    #expect(peer.answer(1).fields == ["content-length: 4"])
    #expect(peer.answer(1).hasEnded && peer.answer(1).dataFrames == 0)
  }

  @Test("No field of a connection of HTTP/1.1 is sent, names are lower case (section 8.2)")
  func responseLinesBecomeFields() {
    let peer = HTTP2Peer(ownLines: "Strict-Transport-Security: max-age=1\r\n")
    peer.responder.answer = { _, writer in
      writer.head(
        200, .length(2),
        "Content-Type: text/plain\r\nCONNECTION: x\r\nKeep-Alive: 1\r\nUpgrade: y\r\n"
          + "Proxy-Connection: z\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n"
          + "ETag:\"a\" \r\nX-Empty:\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n")
      writer.text("ok")
      writer.finish(trailers: nil)
      return true
    }
    peer.get(1)
    #expect(
      peer.answer(1).fields == [
        "content-length: 2", "strict-transport-security: max-age=1", "content-type: text/plain",
        "etag: \"a\"", "x-empty: ", "set-cookie: a=1", "set-cookie: b=2",
      ])
    #expect(peer.answer(1).text == "ok")
  }

  @Test func aLongHeadOfManyFieldsIsSent() {
    let peer = HTTP2Peer()
    let lines = (0..<300).map { "X-Field-\($0): \(String(repeating: "v", count: 400))\r\n" }
    peer.responder.answer = { _, writer in
      writer.head(200, .bodyless(contentLength: nil), lines.joined())
      writer.finish(trailers: nil)
      return true
    }
    peer.get(1)
    // In CONTINUATION frames, which the peer here does not put together.
    let frames = peer.frames.filter { $0.stream == 1 }
    #expect(frames.count > 2 && frames.dropFirst().allSatisfy { $0.isA(.continuation) })
    #expect(frames.map(\.payload.count).reduce(0, +) > 10_000)
  }

  @Test func trailersGoOutBehindTheContent() throws {
    let peer = HTTP2Peer()
    var trailers = FieldBlock()
    trailers.append("Server-Timing", "x")
    trailers.append("Content-Length", "4")
    peer.responder.answer = { _, writer in
      writer.head(200, .streamed)
      writer.text("abc")
      writer.finish(trailers: trailers)
      return true
    }
    peer.get(1)
    #expect(peer.answer(1).text == "abc" && peer.answer(1).trailers == ["server-timing: x"])
    #expect(peer.answer(1).hasEnded && peer.answer(1).fields == [])
    // Without content, and where nothing is left of them.
    trailers = FieldBlock()
    trailers.append("Content-Length", "4")
    peer.get(3)
    #expect(peer.answer(3).trailers == nil && peer.answer(3).hasEnded)
  }

  @Test func interimResponsesComeBeforeTheFinalOne() throws {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    peer.get(1)
    let exchange = try #require(peer.responder.exchanges.first)
    var links = FieldBlock()
    links.append("Link", "</a>; rel=preload")
    exchange.writer.writeInformational(status: 103, fields: links)
    exchange.writer.writeInformational(status: 101, fields: FieldBlock())
    peer.look()
    #expect(peer.answer(1).informational == [[":status: 103", "link: </a>; rel=preload"]])
    exchange.writer.head(204, .bodyless(contentLength: 0))
    exchange.writer.finish(trailers: nil)
    peer.look()
    #expect(peer.answer(1).status == 204 && peer.answer(1).fields == [])
    #expect(peer.answer(1).hasEnded)
  }

  @Test("An aborted response is cut with INTERNAL_ERROR, before its head and within it")
  func anAbortedResponseIsCut() throws {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    peer.get(1)
    peer.get(3)
    peer.get(5)
    let writers = peer.responder.exchanges.map(\.writer)
    writers[0].abort()
    writers[1].head(200, .length(10))
    writers[1].text("abc")
    writers[1].finish(trailers: nil)
    writers[2].head(200, .streamed)
    writers[2].text("abc")
    peer.look()
    writers[2].abort()
    // Late calls reach nothing.
    writers[2].text("more")
    writers[2].finish(trailers: nil)
    writers[0].head(200, .length(0))
    peer.look()
    #expect([1, 3, 5].map { peer.answer($0).resetCode } == [2, 2, 2])
    #expect([1, 3, 5].map { peer.answer($0).hasEnded } == [false, false, false])
    #expect(peer.answer(5).text == "abc" && writers[2].contentBytesWritten == 3)
    #expect(!writers[2].isWritable && peer.pool.statistics.provokedResets.value == 0)
    #expect(peer.responder.exchanges.allSatisfy { $0.closeReason == nil })
    #expect(peer.connection.closeIntent == .none && peer.connection.isIdle)
  }

  @Test func aResetOfTheClientsCancelsItsExchange() throws {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    peer.get(1)
    peer.get(3)
    peer.reset(1)
    #expect(peer.responder.exchanges[0].closeReason == .disconnected)
    #expect(peer.responder.exchanges[1].closeReason == nil)
    let writer = peer.responder.exchanges[0].writer
    writer.head(200, .length(3))
    writer.text("abc")
    writer.finish(trailers: nil)
    peer.look()
    #expect(peer.answer(1).status == nil && peer.pool.statistics.clientResets.value == 1)
    #expect(peer.connection.closeIntent == .none)
  }

  @Test func whatKeepsAWriterDoesNotGetTheNextStream() throws {
    let peer = HTTP2Peer()
    var kept: (any ResponseWriter)?
    peer.responder.answer = { head, writer in
      if kept == nil { kept = writer }
      writer.answer("x", to: head)
      return true
    }
    peer.get(1)
    peer.get(3)
    let writer = try #require(kept)
    writer.abort()
    writer.requestBodyChunk()
    #expect(writer.contentBytesWritten == 1)
    peer.get(5)
    #expect([1, 3, 5].allSatisfy { peer.answer($0).text == "x" && peer.answer($0).hasEnded })
  }

  @Test func streamsAreUsedAgain() {
    let peer = HTTP2Peer()
    var writers: Set<ObjectIdentifier> = []
    peer.responder.answer = { head, writer in
      writers.insert(ObjectIdentifier(writer))
      writer.answer("x", to: head)
      return true
    }
    for index in 0..<50 { peer.get(UInt32(index * 2 + 1)) }
    #expect(writers.count == 1)
  }

  @Test func aClosedConnectionTellsItsExchanges() {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    peer.get(1)
    peer.get(3)
    peer.connection.close(.shutdown)
    #expect(peer.responder.exchanges.map(\.closeReason) == [.shutdown, .shutdown])
    peer.responder.exchanges[0].writer.head(200, .length(0))
    peer.look()
    #expect(peer.answer(1).status == nil)
  }

  @Test func aClientThatEndsItsInputGetsItsAnswers() {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    peer.get(1)
    peer.post(3)
    peer.endInput()
    #expect(peer.responder.exchanges[1].closeReason == .disconnected)
    #expect(peer.connection.closeIntent == .none)
    peer.responder.exchanges[0].writer.head(200, .length(0))
    peer.responder.exchanges[0].writer.finish(trailers: nil)
    peer.look()
    #expect(peer.answer(1).hasEnded && peer.connection.closeIntent == .afterOutput)
  }
}

struct HTTP2DrainTests {
  @Test("GOAWAY, the streams under way, a last GOAWAY, the end (RFC 9113 section 6.8)")
  func aDrainLetsStreamsEnd() throws {
    let peer = HTTP2Peer()
    peer.responder.answer = { head, writer in
      guard head.text(head.path) != "/slow" else { return false }
      writer.answer("x", to: head)
      return true
    }
    peer.get(1, "/slow")
    peer.drain()
    var goAways = peer.frames(.goAway)
    #expect(goAways.map { $0.word(at: 0) } == [0x7FFF_FFFF] && goAways[0].word(at: 4) == 0)
    // A request that crossed the GOAWAY is answered.
    peer.get(3)
    #expect(peer.answer(3).text == "x")
    let ping = try #require(peer.frames(.ping).first)
    peer.send(HTTP2Frame(.ping, flags: HTTP2Frame.acknowledged, payload: ping.payload))
    goAways = peer.frames(.goAway)
    #expect(goAways.map { $0.word(at: 0) } == [0x7FFF_FFFF, 3])
    // One that comes later is not.
    peer.get(5)
    #expect(peer.answer(5).status == nil && peer.connection.closeIntent == .none)
    peer.responder.exchanges[0].writer.head(200, .length(2))
    peer.responder.exchanges[0].writer.text("ok")
    peer.responder.exchanges[0].writer.finish(trailers: nil)
    peer.look()
    #expect(peer.answer(1).text == "ok" && peer.connection.closeIntent == .lingering)
    peer.pass(.seconds(2))
    #expect(peer.connection.closeIntent == .afterOutput)
  }

  @Test func aClientThatDoesNotAnswerThePingIsGivenASecond() {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    peer.get(1)
    peer.drain()
    peer.pass(.milliseconds(999))
    #expect(peer.frames(.goAway).count == 1)
    peer.pass(.milliseconds(1))
    #expect(peer.frames(.goAway).count == 2)
  }

  @Test func anIdleConnectionDrainsAtOnce() {
    let peer = HTTP2Peer()
    peer.get(1)
    peer.drain()
    #expect(peer.frames(.goAway).map { $0.word(at: 0) } == [1] && peer.goAwayCode == 0)
    #expect(peer.connection.closeIntent == .lingering)
  }

  @Test func aLimitOfRequestsDrains() {
    let peer = HTTP2Peer { $0.requestsPerConnection = 2 }
    peer.get(1)
    #expect(peer.frames(.goAway).isEmpty)
    peer.get(3)
    #expect(peer.answer(3).text == "/" && peer.frames(.goAway).count == 1)
    peer.pass(.seconds(1))
    #expect(peer.connection.closeIntent == .lingering)
  }

  @Test func aRejectedConnectionIsToldSo() {
    let peer = HTTP2Peer(isOpen: false)
    peer.connection.reject(.tooManyConnections, lingers: true)
    peer.look()
    #expect(peer.frames.first?.isA(.settings) == true && peer.goAwayCode == 0)
    #expect(peer.connection.closeIntent == .lingering)
    #expect(peer.responder.faults == [.tooManyConnections])
  }
}
