import HTTPMessage
import HTTPServer
import NIOCore
import Testing

/// Content in both directions: windows, back-pressure, deadlines.
struct HTTP2FlowTests {
  private func pulling(_ peer: HTTP2Peer) {
    peer.responder.answer = { _, _ in false }
  }

  @Test func contentIsDeliveredAsItIsAskedFor() throws {
    let peer = HTTP2Peer()
    pulling(peer)
    peer.post(1, [("content-length", "6")])
    let exchange = try #require(peer.responder.exchanges.first)
    peer.data(1, "abc")
    #expect(exchange.content == "")
    exchange.writer.requestBodyChunk()
    #expect(exchange.content == "")
    peer.look()
    #expect(exchange.content == "abc" && !exchange.hasEnded)
    exchange.writer.requestBodyChunk()
    peer.data(1, "def", ends: true)
    #expect(exchange.content == "abcdef" && !exchange.hasEnded)
    exchange.writer.requestBodyChunk()
    peer.look()
    #expect(exchange.hasEnded && exchange.trailers == nil)
  }

  @Test func theWindowOpensOnlyAsContentIsTaken() throws {
    let peer = HTTP2Peer()
    pulling(peer)
    peer.post(1)
    let exchange = try #require(peer.responder.exchanges.first)
    let updates = peer.frames(.windowUpdate).count
    peer.data(1, [UInt8](repeating: 0x61, count: 60_000))
    #expect(peer.frames(.windowUpdate).count == updates)
    exchange.writer.requestBodyChunk()
    peer.look()
    let opened = try #require(peer.frames(.windowUpdate).last)
    #expect(opened.stream == 1 && opened.word(at: 0) == 60_000)
    #expect(exchange.content.count == 60_000 && peer.connection.bufferedByteCount == 0)
  }

  @Test("More than the window holds is a FLOW_CONTROL_ERROR (RFC 9113 section 6.9)")
  func moreThanTheWindowIsRefused() throws {
    let peer = HTTP2Peer()
    pulling(peer)
    peer.post(1)
    peer.data(1, [UInt8](repeating: 0x61, count: 65_536))
    #expect(peer.answer(1).resetCode == nil && peer.connection.bufferedByteCount == 65_536)
    peer.data(1, "b")
    #expect(peer.answer(1).resetCode == 3 || peer.goAwayCode == 3)
    #expect(peer.responder.exchanges[0].closeReason == .disconnected)
  }

  @Test func contentNobodyTakesDoesNotShutTheOthersOut() {
    let peer = HTTP2Peer()
    pulling(peer)
    var sent = 0
    for index in 0..<40 {
      let stream = UInt32(index * 2 + 1)
      peer.post(stream)
      peer.data(stream, [UInt8](repeating: 0x61, count: 30_000))
      sent += 30_000
      peer.reset(stream)
    }
    #expect(connectionWindow(peer, sent) >= 96 << 10 && peer.goAwayCode == nil)
    #expect(peer.connection.bufferedByteCount == 0)
  }

  @Test("What comes behind RST_STREAM uses up no window of the others (RFC 9113 section 5.4.2)")
  func contentBehindAnEarlyResponseDoesNotShutTheOthersOut() {
    let peer = HTTP2Peer()
    var sent = 0
    for index in 0..<20 {
      let stream = UInt32(index * 2 + 1)
      peer.post(stream)
      #expect(peer.answer(stream).resetCode == 0)
      peer.data(stream, [UInt8](repeating: 0x61, count: 30_000))
      sent += 30_000
    }
    #expect(connectionWindow(peer, sent) >= 96 << 10 && peer.goAwayCode == nil)
  }

  @Test("Padding counts in the windows and is given back at once (RFC 9113 section 6.1)")
  func paddingDoesNotShutTheWindows() throws {
    let peer = HTTP2Peer()
    pulling(peer)
    peer.post(1)
    let exchange = try #require(peer.responder.exchanges.first)
    exchange.pullsOn = true
    exchange.writer.requestBodyChunk()
    let frame = HTTP2Frame(
      .data, flags: HTTP2Frame.padded, stream: 1,
      payload: [255, 0x61] + [UInt8](repeating: 0, count: 255))
    for _ in 0..<2000 { peer.send(frame) }
    #expect(exchange.content.utf8.count == 2000)
    #expect(connectionWindow(peer, 2000 * frame.payload.count) >= 96 << 10)
    #expect(peer.goAwayCode == nil && peer.answer(1).resetCode == nil)
  }

  /// What a client that has sent so much may still send.
  private func connectionWindow(_ peer: HTTP2Peer, _ sent: Int) -> Int {
    let opened = peer.frames(.windowUpdate).filter { $0.stream == 0 }.reduce(0) {
      $0 + Int($1.word(at: 0))
    }
    return 65_535 + opened - sent
  }

  @Test func trailersOfARequestAreDelivered() throws {
    let peer = HTTP2Peer()
    pulling(peer)
    peer.post(1)
    let exchange = try #require(peer.responder.exchanges.first)
    exchange.pullsOn = true
    exchange.writer.requestBodyChunk()
    peer.data(1, "abc")
    peer.headers(1, [("x-sum", "7"), ("cache-control", "no-store")])
    #expect(exchange.content == "abc" && exchange.hasEnded)
    #expect(exchange.trailers?.texts(named: "X-Sum") == ["7"] && exchange.trailers?.count == 1)
  }

  @Test("100 Continue is sent when the content is asked for (RFC 9110 section 10.1.1)")
  func continueIsSentWhenContentIsWanted() throws {
    let peer = HTTP2Peer()
    pulling(peer)
    peer.post(1, [("expect", "100-continue"), ("content-length", "3")])
    #expect(peer.answer(1).informational == [])
    peer.responder.exchanges[0].writer.requestBodyChunk()
    peer.look()
    #expect(peer.answer(1).informational == [[":status: 100"]])
    // Not when the content is there already, and not when none is wanted.
    peer.post(3, [("expect", "100-continue")])
    peer.data(3, "abc")
    peer.responder.exchanges[1].writer.requestBodyChunk()
    peer.look()
    #expect(peer.answer(3).informational == [] && peer.responder.exchanges[1].content == "abc")
    peer.post(5, [("expect", "100-continue")])
    peer.responder.exchanges[2].writer.head(403, .length(0))
    peer.responder.exchanges[2].writer.finish(trailers: nil)
    peer.look()
    #expect(peer.answer(5).informational == [] && peer.answer(5).status == 403)
  }

  @Test("A response before the request's end is followed by RST_STREAM(NO_ERROR) (section 8.1)")
  func anEarlyResponseStopsTheContent() throws {
    let peer = HTTP2Peer()
    peer.post(1)
    #expect(peer.answer(1).text == "/" && peer.answer(1).hasEnded)
    #expect(peer.answer(1).resetCode == 0 && peer.pool.statistics.provokedResets.value == 0)
    peer.data(1, "late")
    #expect(peer.goAwayCode == nil && peer.connection.isIdle)
  }

  @Test func contentBeyondItsLimitIsRefused() throws {
    let peer = HTTP2Peer { $0.requestBodyBytes = 10 }
    pulling(peer)
    peer.post(1, [("content-length", "11")])
    #expect(peer.answer(1).status == 413 && peer.responder.exchanges.isEmpty)
    peer.post(3, [("content-length", "10")])
    peer.post(5)
    peer.data(5, "0123456789")
    #expect(peer.responder.exchanges[1].closeReason == nil)
    peer.data(5, "0")
    #expect(peer.answer(5).status == 413)
    #expect(peer.responder.exchanges[1].closeReason == .badContent(.contentTooLarge))
    #expect(peer.responder.exchanges[0].closeReason == nil)
  }

  // MARK: Responses

  @Test func aLargeBodyWaitsForItsWindow() throws {
    let peer = HTTP2Peer()
    let body = ByteBuffer(bytes: (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) })
    peer.responder.answer = { _, writer in
      writer.head(200, .length(body.readableBytes))
      var rest = body
      while let chunk = rest.readSlice(length: 64 << 10) { writer.write(chunk) }
      writer.finish(trailers: nil)
      return true
    }
    peer.get(1)
    #expect(peer.answer(1).body.count == 65_535)
    // The other streams are not held up by this one's window.
    peer.widen(0, 2 << 20)
    #expect(peer.answer(1).body.count == 65_535)
    peer.widen(1, 10)
    #expect(peer.answer(1).body.count == 65_545)
    peer.widen(1, 2 << 20)
    #expect(peer.answer(1).body == Array(body.readableBytesView) && peer.answer(1).hasEnded)
  }

  @Test func largeChunksAreSentAsTheyLie() {
    let peer = HTTP2Peer(settings: [4: 1 << 20])
    peer.widen(0, 1 << 20)
    let chunk = ByteBuffer(repeating: 0x62, count: 64 << 10)
    peer.responder.answer = { _, writer in
      writer.head(200, .length(64 << 10))
      writer.write(chunk)
      writer.finish(trailers: nil)
      return true
    }
    peer.get(1)
    #expect(peer.answer(1).dataFrames == 4 && peer.answer(1).body.count == 64 << 10)
    #expect(peer.bufferSizes.filter { $0 == 16384 }.count == 4)
  }

  @Test func anExchangeHoldsBackUntilItsWindowOpens() throws {
    let peer = HTTP2Peer()
    pulling(peer)
    peer.get(1)
    peer.get(3)
    let exchange = peer.responder.exchanges[0]
    let writer = exchange.writer
    writer.head(200, .streamed)
    var written = 0
    while writer.isWritable, written < 10 << 20 {
      writer.text(String(repeating: "x", count: 10_000))
      written += 10_000
      peer.look()
    }
    // The window's 65,535 bytes went out, at most 64 KiB and one write wait.
    #expect(written > 65_535 && written < 150_000 && exchange.drainedCount == 0)
    peer.widen(1, 200_000)
    #expect(exchange.drainedCount == 0)
    peer.widen(0, 200_000)
    #expect(exchange.drainedCount == 1 && peer.answer(1).body.count == written)
    #expect(writer.isWritable)
    writer.finish(trailers: nil)
    peer.look()
    #expect(peer.answer(1).hasEnded)
  }

  @Test func aTransportThatTakesNothingHoldsBackToo() {
    let peer = HTTP2Peer(settings: [4: 10 << 20])
    peer.widen(0, 10 << 20)
    pulling(peer)
    peer.get(1)
    let exchange = peer.responder.exchanges[0]
    exchange.writer.head(200, .streamed)
    peer.setWritable(false)
    for _ in 0..<4 where exchange.writer.isWritable {
      exchange.writer.text(String(repeating: "x", count: 30_000))
      peer.look()
    }
    #expect(!exchange.writer.isWritable && peer.answer(1).body.isEmpty)
    peer.setWritable(true)
    #expect(exchange.drainedCount == 1 && peer.answer(1).body.count == 90_000)
  }

  @Test func whatAConnectionHoldsIsBounded() {
    let peer = HTTP2Peer()
    pulling(peer)
    for index in 0..<60 { peer.get(UInt32(index * 2 + 1)) }
    for exchange in peer.responder.exchanges {
      exchange.writer.head(200, .streamed)
      // Without a look at `isWritable`, as a pass of the proxy does with its first 64 KiB.
      exchange.writer.text(String(repeating: "x", count: 60_000))
      #expect(peer.connection.bufferedByteCount <= 1 << 20)
    }
    peer.look()
    let cut = peer.responder.exchanges.filter { $0.closeReason == .timedOut }.count
    #expect(cut > 0 && cut < 60 && peer.pool.statistics.count(of: .bufferLimit) == cut)
    // New requests wait until there is room, and are turned away when there is none at all.
    peer.get(201)
    #expect(peer.responder.exchanges.count == 60)
    peer.widen(0, 10 << 20)
    #expect(peer.responder.exchanges.count == 61)
  }

  @Test func aResponseMayBeCutWhileOneOfItsFramesWaits() {
    for isOurs in [true, false] {
      let peer = HTTP2Peer(settings: [4: 4 << 20])
      peer.widen(0, 4 << 20)
      pulling(peer)
      peer.get(1)
      let exchange = peer.responder.exchanges[0]
      exchange.writer.head(200, .length(200_000))
      exchange.writer.write(ByteBuffer(repeating: 0x62, count: 200_000))
      // Framed up to the output's mark; libnghttp2 holds the next frame.
      peer.connection.resume(now: peer.now)
      #expect(peer.connection.bufferedByteCount > 200_000)
      if isOurs {
        exchange.writer.abort()
        peer.look()
        #expect(peer.answer(1).resetCode == 2)
      } else {
        peer.reset(1)
        #expect(exchange.closeReason == .disconnected)
      }
      #expect(peer.answer(1).body.count < 200_000 && !peer.answer(1).hasEnded)
      peer.responder.answer = { head, writer in
        writer.answer("next", to: head)
        return true
      }
      peer.get(3)
      #expect(peer.answer(3).text == "next" && peer.connection.bufferedByteCount == 0)
    }
  }

  @Test func whatWaitsForAShutWindowIsNotEvenRead() {
    let peer = HTTP2Peer(settings: [4: 0])
    pulling(peer)
    peer.get(1)
    let exchange = peer.responder.exchanges[0]
    exchange.writer.head(200, .streamed)
    #expect(!exchange.writer.isWritable)
    peer.widen(1, 1)
    #expect(exchange.drainedCount == 1 && exchange.writer.isWritable)
  }

  @Test func exchangesThatReadAtTheSameTimeAreFew() {
    let peer = HTTP2Peer(settings: [4: 1 << 20]) { $0.http2.bufferedBytes = 384 << 10 }
    pulling(peer)
    for index in 0..<20 { peer.get(UInt32(index * 2 + 1)) }
    let writers = peer.responder.exchanges.map(\.writer)
    // Four times 64 KiB fill two thirds of what responses may hold.
    #expect(writers.map(\.isWritable) == (0..<20).map { $0 < 4 })
    #expect(writers[0].isWritable)
    // What is written makes way for others as soon as it is framed.
    for writer in writers.prefix(2) {
      writer.head(200, .streamed)
      writer.text("x")
    }
    peer.look()
    #expect(peer.responder.exchanges.filter { $0.drainedCount == 1 }.count == 16)
    #expect(writers.filter(\.isWritable).count == 4)
    // So does what has not come after a while.
    peer.pass(.milliseconds(250))
    #expect(peer.responder.exchanges.allSatisfy { $0.drainedCount < 3 })
  }

  @Test func contentThatWaitsDoesNotHoldBackResponses() {
    let peer = HTTP2Peer()
    pulling(peer)
    for index in 0..<6 {
      peer.post(UInt32(index * 2 + 1))
      peer.data(UInt32(index * 2 + 1), [UInt8](repeating: 0x61, count: 32_000))
    }
    #expect(peer.connection.bufferedByteCount == 192_000)
    #expect(peer.responder.exchanges[0].writer.isWritable)
  }

  @Test func requestsWaitWhileResponsesDo() {
    let peer = HTTP2Peer(settings: [4: 1 << 20])
    peer.responder.answer = { head, writer in
      writer.answer(String(repeating: "x", count: 60_000), to: head)
      return true
    }
    peer.send(
      frames: (0..<100).map { HTTP2Peer.headers(UInt32($0 * 2 + 1), HTTP2Peer.request("/")) })
    #expect(peer.responder.targets.count == 5)
    #expect(peer.connection.bufferedByteCount < 320 << 10)
    while peer.responder.targets.count < 100 {
      let count = peer.responder.targets.count
      peer.widen(0, 60_000)
      #expect(peer.responder.targets.count == count + 1)
      #expect(peer.connection.bufferedByteCount < 320 << 10)
    }
    peer.widen(0, 10 << 20)
    #expect((0..<100).allSatisfy { peer.answer(UInt32($0 * 2 + 1)).body.count == 60_000 })
  }
}

struct HTTP2DeadlineTests {
  @Test func aNewConnectionHasToBringARequestSoon() {
    let peer = HTTP2Peer { $0.headerTimeout = .seconds(10) }
    peer.pass(.seconds(9))
    peer.send(HTTP2Frame(.ping, payload: [UInt8](repeating: 0, count: 8)))
    #expect(peer.connection.closeIntent == .none)
    peer.pass(.seconds(1))
    #expect(peer.goAwayCode == 0 && peer.connection.closeIntent == .lingering)
    #expect(peer.statistics.idleTimeouts.value == 1)
  }

  @Test func anIdleConnectionCloses() {
    let peer = HTTP2Peer { $0.idleTimeout = .seconds(20) }
    peer.get(1)
    peer.pass(.seconds(19))
    peer.get(3)
    peer.pass(.seconds(19))
    #expect(peer.connection.closeIntent == .none)
    peer.pass(.seconds(1))
    #expect(peer.goAwayCode == 0 && peer.connection.closeIntent == .lingering)
  }

  @Test func anExchangeUnderWayHasNoDeadlineHere() {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    peer.get(1)
    peer.pass(.hours(1))
    #expect(peer.connection.closeIntent == .none && peer.goAwayCode == nil)
  }

  @Test func aHeadThatTakesTooLongEndsTheConnection() {
    let peer = HTTP2Peer { $0.headerTimeout = .seconds(10) }
    peer.get(1)
    let frame = HTTP2Peer.headers(3, HTTP2Peer.request("/"))
    peer.send(bytes: Array(frame.bytes.dropLast(3)))
    peer.pass(.seconds(9))
    peer.send(bytes: Array(frame.bytes.suffix(3).dropLast()))
    #expect(peer.connection.closeIntent == .none)
    peer.pass(.seconds(1))
    #expect(peer.goAwayCode == 11 && peer.statistics.faults == [.headerTimeout: 1])
  }

  @Test func contentThatIsWaitedForMustComeInTime() {
    let peer = HTTP2Peer { $0.bodyTimeout = .seconds(5) }
    peer.responder.answer = { _, _ in false }
    peer.post(1)
    peer.post(3)
    for exchange in peer.responder.exchanges {
      exchange.pullsOn = true
      exchange.writer.requestBodyChunk()
    }
    peer.responder.exchanges[1].writer.head(200, .streamed)
    peer.look()
    peer.pass(.seconds(4))
    peer.data(1, "a")
    peer.data(3, "a")
    peer.pass(.milliseconds(4999))
    #expect(peer.responder.exchanges.allSatisfy { $0.closeReason == nil })
    peer.pass(.milliseconds(1))
    #expect(peer.responder.exchanges.allSatisfy { $0.closeReason == .timedOut })
    #expect(peer.answer(1).status == 408 && peer.answer(1).hasEnded)
    #expect(peer.answer(3).resetCode == 8 && !peer.answer(3).hasEnded)
    #expect(peer.connection.closeIntent == .none)
  }

  @Test func aTransportThatTakesNothingIsReset() {
    let peer = HTTP2Peer { $0.sendTimeout = .seconds(5) }
    peer.responder.answer = { _, _ in false }
    peer.get(1)
    peer.pass(.seconds(1), unsent: 20)
    peer.pass(.seconds(4), unsent: 20)
    #expect(peer.connection.closeIntent == .none)
    peer.pass(.seconds(1), unsent: 20)
    #expect(peer.connection.closeIntent == .reset)
    #expect(peer.responder.exchanges[0].closeReason == .timedOut)
  }
}
