import HTTPMessage
import HTTPServer
import NIOCore
import Testing

/// Each way of wearing the server out ends in GOAWAY(ENHANCE_YOUR_CALM) and is counted; just below
/// its limit nothing happens.
struct HTTP2AbuseTests {
  /// Opens and resets `count` streams in one go.
  private func openAndReset(_ peer: HTTP2Peer, _ count: Int, from first: UInt32 = 1) {
    var frames: [HTTP2Frame] = []
    for index in 0..<UInt32(count) {
      let stream = first + index * 2
      frames.append(HTTP2Peer.headers(stream, HTTP2Peer.request("/")))
      frames.append(HTTP2Frame(.reset, stream: stream, payload: HTTP2Frame.word(8)))
    }
    peer.send(frames: frames)
  }

  @Test func rapidResetsEndTheConnection() {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    openAndReset(peer, 200)
    peer.expectUnharmed()
    #expect(peer.responder.exchanges.allSatisfy { $0.closeReason == .disconnected })
    openAndReset(peer, 1, from: 401)
    peer.expectCalmed(.rapidReset)
    #expect(peer.pool.statistics.clientResets.value == 201)
  }

  @Test func resetsAreCountedOverAMinute() {
    let peer = HTTP2Peer { $0.idleTimeout = .hours(1) }
    peer.responder.answer = { _, _ in false }
    openAndReset(peer, 200)
    peer.pass(.seconds(60))
    // The minute just past still counts in full, then by what of it the sliding minute covers.
    peer.pass(.seconds(30))
    openAndReset(peer, 100, from: 401)
    peer.expectUnharmed()
    openAndReset(peer, 1, from: 601)
    peer.expectCalmed(.rapidReset)

    let patient = HTTP2Peer { $0.idleTimeout = .hours(1) }
    patient.responder.answer = { _, _ in false }
    openAndReset(patient, 200)
    patient.pass(.seconds(120))
    openAndReset(patient, 200, from: 401)
    patient.expectUnharmed()
  }

  @Test("Resets that the client provokes count as its own")
  func provokedResetsEndTheConnection() {
    let peer = HTTP2Peer { $0.http2.provokedResets = 20 }
    peer.responder.answer = { _, _ in false }
    for index in 0..<20 {
      let stream = UInt32(index * 2 + 1)
      // A window beyond 2^31 - 1 is an error of the stream (RFC 9113 section 6.9.1).
      peer.get(stream)
      peer.widen(stream, 0x7FFF_FFFF)
      #expect(peer.answer(stream).resetCode == 3)
    }
    peer.expectUnharmed()
    #expect(peer.responder.exchanges.allSatisfy { $0.closeReason == .disconnected })
    peer.headers(41, HTTP2Peer.request("/", [("connection", "close")]))
    peer.expectCalmed(.provokedReset)
    #expect(peer.pool.statistics.provokedResets.value == 21)
  }

  @Test("More CONTINUATION frames than the limit end the connection, fewer make a head")
  func continuationsAreBounded() {
    for (count, isTooMuch) in [(8, false), (9, true)] {
      let peer = HTTP2Peer()
      let block = HTTP2Peer.block(HTTP2Peer.request("/"))
      var frames = [HTTP2Frame(.headers, flags: HTTP2Frame.endStream, stream: 1, payload: block)]
      for index in 1...count {
        frames.append(
          HTTP2Frame(
            .continuation, flags: index == count ? HTTP2Frame.endHeaders : 0, stream: 1,
            payload: HTTP2Peer.block([("x\(index)", "y")])))
      }
      peer.send(frames: frames)
      if isTooMuch {
        peer.expectCalmed(.continuationFlood)
        #expect(peer.responder.targets.isEmpty)
      } else {
        #expect(peer.answer(1).status == 200)
      }
    }
  }

  @Test("A head that unpacks to many times its limit ends the connection")
  func headerBombsEndTheConnection() {
    let peer = HTTP2Peer()
    // One field of 3,000 bytes goes into the table (RFC 7541 section 6.2.1), then comes again and
    // again as one byte.
    let value = String(repeating: "y", count: 3000)
    var block = HTTP2Peer.block(HTTP2Peer.request("/"))
    block += [0x40] + HTTP2Peer.block([("x", value)]).dropFirst()
    block += [UInt8](repeating: 0x80 | 62, count: 60)
    peer.send(
      HTTP2Frame(
        .headers, flags: HTTP2Frame.endHeaders | HTTP2Frame.endStream, stream: 1, payload: block))
    peer.expectCalmed(.headerBomb)
    #expect(peer.responder.targets.isEmpty)
  }

  @Test func trailersThatUnpackToMuchEndTheConnectionToo() {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    peer.post(1)
    let value = String(repeating: "y", count: 3000)
    let block =
      [0x40] + HTTP2Peer.block([("x", value)]).dropFirst()
      + [UInt8](repeating: 0x80 | 62, count: 60)
    peer.send(
      HTTP2Frame(
        .headers, flags: HTTP2Frame.endHeaders | HTTP2Frame.endStream, stream: 1, payload: block))
    peer.expectCalmed(.headerBomb)
    #expect(peer.responder.exchanges.map(\.closeReason) == [.disconnected])
  }

  @Test func pingsAreBounded() {
    let ping = HTTP2Frame(.ping, payload: [UInt8](repeating: 1, count: 8))
    let peer = HTTP2Peer()
    peer.send(frames: Array(repeating: ping, count: 200))
    peer.expectUnharmed()
    #expect(peer.frames(.ping).count == 200)
    peer.send(ping)
    peer.expectCalmed(.pingFlood)
  }

  @Test func pingsThatComeWithTrafficAreNot() {
    let ping = HTTP2Frame(.ping, payload: [UInt8](repeating: 1, count: 8))
    let peer = HTTP2Peer()
    for index in 0..<500 {
      peer.get(UInt32(index * 2 + 1))
      peer.send(ping)
    }
    peer.expectUnharmed()
  }

  @Test func settingsAreBounded() {
    let peer = HTTP2Peer()
    // The first came with the preface; acknowledgements are no settings.
    peer.send(frames: Array(repeating: HTTP2Frame(.settings), count: 59))
    peer.expectUnharmed()
    peer.send(HTTP2Frame(.settings))
    peer.expectCalmed(.settingsFlood)
  }

  @Test func prioritiesAreBounded() {
    let old = HTTP2Frame(.priority, stream: 1, payload: HTTP2Frame.word(0) + [16])
    let new = HTTP2Frame(.priorityUpdate, payload: HTTP2Frame.word(1) + Array("u=1".utf8))
    for frame in [old, new] {
      let peer = HTTP2Peer()
      peer.responder.answer = { _, _ in false }
      peer.get(1)
      peer.send(frames: Array(repeating: frame, count: 510))
      peer.expectUnharmed()
      peer.send(frame)
      peer.expectCalmed(.priorityFlood)
    }
  }

  @Test func emptyDataIsBounded() {
    let bare = HTTP2Frame(.data, stream: 1)
    let padded = HTTP2Frame(.data, flags: HTTP2Frame.padded, stream: 1, payload: [2, 0, 0])
    for frame in [bare, padded] {
      let peer = HTTP2Peer()
      peer.responder.answer = { _, _ in false }
      peer.post(1)
      peer.send(frames: Array(repeating: frame, count: 200))
      peer.expectUnharmed()
      peer.send(frame)
      peer.expectCalmed(.emptyDataFlood)
    }
  }

  @Test func windowUpdatesAreBounded() {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    peer.get(1)
    let update = HTTP2Frame(.windowUpdate, stream: 1, payload: HTTP2Frame.word(1))
    peer.send(frames: Array(repeating: update, count: 1002))
    peer.expectUnharmed()
    peer.send(update)
    peer.expectCalmed(.windowUpdateFlood)
  }

  @Test("A client that reads 4 KiB at a time, and says so for both windows, does no harm")
  func carefulReadersAreServed() {
    let peer = HTTP2Peer()
    let body = String(repeating: "x", count: 60_000)
    peer.responder.answer = { head, writer in
      writer.answer(body, to: head)
      return true
    }
    for index in 0..<200 {
      let stream = UInt32(index * 2 + 1)
      peer.get(stream)
      #expect(peer.answer(stream).body.count == body.utf8.count)
      for _ in 0..<(body.utf8.count / 4000) {
        peer.widen(0, 4000)
        peer.widen(stream, 4000)
      }
    }
    peer.expectUnharmed()
  }

  @Test func framesOfUnknownTypesAreBounded() {
    let peer = HTTP2Peer()
    let frame = HTTP2Frame(.unknown, stream: 0, payload: [1, 2, 3])
    peer.send(frames: Array(repeating: frame, count: 200))
    peer.expectUnharmed()
    peer.send(frame)
    peer.expectCalmed(.otherFrameFlood)
  }

  // MARK: Other bounds

  @Test func streamsBeyondTheLimitAreNotServed() {
    let peer = HTTP2Peer { $0.http2.concurrentStreams = 2 }
    peer.responder.answer = { _, _ in false }
    for stream: UInt32 in [1, 3, 5] { peer.get(stream) }
    #expect(peer.responder.exchanges.count == 2)
    #expect(peer.answer(5).resetCode == 7 || peer.goAwayCode == 1)
  }

  @Test func theLibrarysMemoryIsBounded() {
    let peer = HTTP2Peer { $0.http2.sessionBytes = 48 << 10 }
    peer.responder.answer = { _, _ in false }
    var stream: UInt32 = 1
    while peer.connection.closeIntent == .none, stream < 200 {
      peer.get(stream)
      #expect(peer.connection.sessionByteCount <= 48 << 10)
      stream += 2
    }
    #expect(peer.goAwayCode == HTTP2Peer.calm && peer.pool.statistics.count(of: .bufferLimit) == 1)
  }

  @Test func connectionsTakeLittleMemory() {
    let peer = HTTP2Peer()
    peer.get(1)
    #expect(peer.connection.sessionByteCount < 40 << 10)
    peer.responder.answer = { _, _ in false }
    for index in 1...100 { peer.get(UInt32(index * 2 + 1)) }
    let lines = (0..<20).map { "X-Field-\($0): \(String(repeating: "v", count: 40))\r\n" }.joined()
    peer.setWritable(false)
    for exchange in peer.responder.exchanges {
      exchange.writer.head(200, .length(10), lines)
      exchange.writer.text("0123456789")
      exchange.writer.finish(trailers: nil)
    }
    // A head of 1 KiB takes 1.5, and libnghttp2 1 for its list of fields.
    #expect(peer.connection.sessionByteCount < 384 << 10)
    peer.expectUnharmed()
    peer.setWritable(true)
    #expect(peer.connection.sessionByteCount < 40 << 10)
    #expect(peer.connection.bufferedByteCount == 0)
  }

  @Test func aBurstOfLargeHeadsIsAnswered() {
    let peer = HTTP2Peer()
    let lines = (0..<50).map { "X-Field-\($0): \(String(repeating: "v", count: 90))\r\n" }.joined()
    peer.responder.answer = { _, writer in
      writer.head(200, .length(0), lines)
      writer.finish(trailers: nil)
      return true
    }
    peer.send(
      frames: (0..<100).map { HTTP2Peer.headers(UInt32($0 * 2 + 1), HTTP2Peer.request("/")) })
    peer.expectUnharmed()
    #expect((0..<100).allSatisfy { peer.answer(UInt32($0 * 2 + 1)).hasEnded })
  }

  @Test func whatComesAfterTheEndIsThrownAway() {
    let peer = HTTP2Peer()
    peer.send(HTTP2Frame(.data, stream: 0, payload: [1]))
    #expect(peer.goAwayCode == 1 && peer.pool.statistics.protocolErrors.value == 1)
    let count = peer.frames.count
    peer.get(1)
    #expect(peer.frames.count == count && peer.responder.targets.isEmpty)
  }

  @Test func junkNeverStopsTheProcess() {
    var generator = SystemRandomNumberGenerator()
    let seed = generator.next()
    var state = seed
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    for _ in 0..<200 {
      let peer = HTTP2Peer()
      peer.responder.answer = { head, writer in
        if next() & 1 == 0 { return false }
        writer.answer("x", to: head)
        return true
      }
      for _ in 0..<40 {
        var frame = HTTP2Frame(.data)
        frame.kind = UInt8(next() % 11)
        frame.flags = UInt8(next() & 0x2D)
        frame.stream = UInt32(next() % 8)
        frame.payload =
          frame.kind == 1
          ? HTTP2Peer.block(HTTP2Peer.request("/"))
          : (0..<Int(next() % 24)).map { _ in UInt8(truncatingIfNeeded: next()) }
        peer.send(frame)
        for exchange in peer.responder.exchanges where next() & 3 == 0 {
          exchange.writer.requestBodyChunk()
        }
        if next() & 7 == 0 { peer.pass(.seconds(1)) }
      }
      #expect(peer.connection.bufferedByteCount <= 1 << 20, "seed \(seed)")
      peer.connection.close(.disconnected)
    }
  }
}
