import HTTPMessage
import HTTPServer
import NIOCore
import Testing

/// Windows that stay shut, or nearly so.
struct HTTP2StallTests {
  private func hangingPeer(_ settings: [UInt16: UInt32]) -> HTTP2Peer {
    let peer = HTTP2Peer(settings: settings) {
      $0.sendTimeout = .seconds(10)
      $0.http2.stalledStreams = 2
    }
    peer.responder.answer = { _, _ in false }
    return peer
  }

  private func respond(_ peer: HTTP2Peer, _ bytes: Int) {
    for exchange in peer.responder.exchanges where exchange.writer.contentBytesWritten == 0 {
      exchange.writer.head(200, .streamed)
      exchange.writer.text(String(repeating: "x", count: bytes))
    }
    peer.look()
  }

  @Test func aStreamWhoseWindowStaysShutIsReset() {
    let peer = hangingPeer([4: 0])
    peer.get(1)
    respond(peer, 10)
    peer.pass(.seconds(1))
    peer.pass(.milliseconds(9999))
    #expect(peer.answer(1).resetCode == nil)
    peer.pass(.milliseconds(1))
    #expect(peer.answer(1).resetCode == 8)
    #expect(peer.responder.exchanges[0].closeReason == .timedOut)
    #expect(peer.pool.statistics.stalledStreams.value == 1)
    peer.expectUnharmed()
  }

  @Test func aWindowThatOpensByAByteAtATimeIsShut() {
    let peer = hangingPeer([4: 0])
    peer.get(1)
    respond(peer, 20_000)
    peer.pass(.seconds(1))
    for _ in 0..<10 {
      #expect(peer.answer(1).resetCode == nil)
      peer.widen(1, 1)
      peer.pass(.seconds(1))
    }
    #expect(peer.answer(1).body.count == 10 && peer.answer(1).resetCode == 8)
  }

  @Test("The mere end of a response waits for a window, too, and no longer")
  func anEndThatWaitsForAWindowHasItsTime() {
    let peer = hangingPeer([4: 10])
    for stream: UInt32 in [1, 3] {
      peer.get(stream)
      respond(peer, 10)
      peer.responder.exchanges.last?.writer.finish(trailers: nil)
      peer.look()
    }
    #expect(peer.answer(1).body.count == 10 && !peer.answer(1).hasEnded)
    peer.pass(.seconds(1))
    peer.widen(3, 1)
    #expect(peer.answer(3).hasEnded)
    peer.pass(.milliseconds(9999))
    #expect(peer.answer(1).resetCode == nil)
    peer.pass(.milliseconds(1))
    #expect(peer.answer(1).resetCode == 8 && peer.connection.isIdle)
    #expect(peer.pool.statistics.stalledStreams.value == 1)
    peer.expectUnharmed()
  }

  @Test func aSlowClientIsServed() {
    let peer = hangingPeer([4: 0])
    peer.get(1)
    respond(peer, 60_000)
    for _ in 0..<12 {
      peer.widen(1, 5000)
      peer.pass(.seconds(9))
    }
    #expect(peer.answer(1).body.count == 60_000 && peer.answer(1).resetCode == nil)
  }

  @Test func manyStalledStreamsEndTheConnection() {
    let peer = hangingPeer([4: 0])
    for stream: UInt32 in [1, 3, 5] { peer.get(stream) }
    respond(peer, 10)
    peer.pass(.seconds(1))
    peer.pass(.seconds(10))
    peer.expectCalmed(.stalledWindow)
    #expect(peer.responder.exchanges.allSatisfy { $0.closeReason != nil })
  }

  @Test func aConnectionWhoseWindowStaysShutEnds() {
    let peer = hangingPeer([4: 1 << 20])
    peer.get(1)
    respond(peer, 70_000)
    #expect(peer.answer(1).body.count == 65_535)
    peer.pass(.seconds(1))
    peer.pass(.seconds(10))
    peer.expectCalmed(.stalledWindow)
  }
}
