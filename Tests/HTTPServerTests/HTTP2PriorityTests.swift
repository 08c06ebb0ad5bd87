import HTTPMessage
import HTTPServer
import NIOCore
import Testing

/// Which responses go first (RFC 9218), as far as one connection's window holds them back.
struct HTTP2PriorityTests {
  /// A client whose requests wait for the test.
  private func peer() -> HTTP2Peer {
    let peer = HTTP2Peer()
    peer.responder.answer = { _, _ in false }
    return peer
  }

  private func ask(_ peer: HTTP2Peer, _ stream: UInt32, _ priority: String) {
    peer.headers(stream, HTTP2Peer.request("/", [("priority", priority)]))
  }

  private func update(_ stream: UInt32, _ priority: String) -> HTTP2Frame {
    HTTP2Frame(.priorityUpdate, payload: HTTP2Frame.word(stream) + Array(priority.utf8))
  }

  /// Answers all requests with as many bytes; what of it came before the window of 65,535 was shut.
  private func answer(_ peer: HTTP2Peer, _ bytes: Int) -> [Int] {
    for exchange in peer.responder.exchanges {
      exchange.writer.head(200, .length(bytes))
      exchange.writer.text(String(repeating: "x", count: bytes))
      exchange.writer.finish(trailers: nil)
    }
    peer.look()
    return peer.responder.exchanges.indices.map { peer.answer(UInt32($0 * 2 + 1)).body.count }
  }

  @Test("A response of higher urgency goes first (RFC 9218 section 10)")
  func urgentResponsesGoFirst() {
    let peer = peer()
    ask(peer, 1, "u=6")
    ask(peer, 3, "u=1")
    ask(peer, 5, "u=5")
    #expect(answer(peer, 30_000) == [5535, 30_000, 30_000])
  }

  @Test("Without a priority it is 3, and a value that does not parse is none (section 4.1)")
  func theDefaultIsThree() {
    for priority in ["u=9", "u=-1", "u=\"1\"", "u", "\u{e9}"] {
      let peer = peer()
      ask(peer, 1, "u=4")
      ask(peer, 3, priority)
      ask(peer, 5, "u=2")
      #expect(answer(peer, 30_000) == [5535, 30_000, 30_000], "\(priority)")
    }
  }

  @Test("Incremental responses share, others come one after the other (section 4.2)")
  func incrementalResponsesShare() {
    let together = peer()
    ask(together, 1, "u=3, i")
    ask(together, 3, "u=3, i")
    let shared = answer(together, 60_000)
    #expect(shared.reduce(0, +) == 65_535 && shared.allSatisfy { $0 > 20_000 })

    let inTurn = peer()
    ask(inTurn, 1, "u=3")
    ask(inTurn, 3, "u=3")
    #expect(answer(inTurn, 60_000) == [60_000, 5535])
  }

  @Test("PRIORITY_UPDATE changes it (section 7.1)")
  func priorityUpdatesAreObeyed() {
    let peer = peer()
    for stream: UInt32 in [1, 3, 5] { peer.get(stream) }
    peer.send(update(5, "u=0"))
    #expect(answer(peer, 40_000) == [25_535, 0, 40_000])
  }

  @Test("A response under way gives way to a more urgent one")
  func anUpdateCountsWithinAResponse() {
    let peer = peer()
    ask(peer, 1, "u=1")
    ask(peer, 3, "u=2")
    #expect(answer(peer, 80_000) == [65_535, 0])
    peer.send(update(3, "u=0"))
    peer.widen(1, 1 << 20)
    peer.widen(0, 60_000)
    #expect(peer.answer(1).body.count == 65_535 && peer.answer(3).body.count == 60_000)
  }

  @Test("PRIORITY_UPDATE may come before its request (section 7.1)")
  func anUpdateMayComeFirst() {
    let peer = peer()
    peer.send(update(5, "u=0"))
    ask(peer, 1, "u=2")
    ask(peer, 3, "u=2")
    peer.get(5)
    #expect(answer(peer, 40_000) == [25_535, 0, 40_000] && peer.goAwayCode == nil)
  }

  @Test("PRIORITY_UPDATE of another kind of stream ends the connection (section 7.1)")
  func updatesOfNoRequestAreRefused() {
    let ofAPush = peer()
    ofAPush.send(update(2, "u=0"))
    #expect(ofAPush.goAwayCode == 1)
    let onAStream = peer()
    var frame = update(1, "u=0")
    frame.stream = 1
    onAStream.send(frame)
    #expect(onAStream.goAwayCode == 1)
  }

  @Test("PRIORITY of RFC 7540 is taken and says nothing (RFC 9113 section 5.3.2)")
  func theOldPriorityIsIgnored() {
    let peer = peer()
    for stream: UInt32 in [1, 3] { peer.get(stream) }
    // Stream 3 alone, with the highest weight.
    peer.send(
      HTTP2Frame(.priority, stream: 3, payload: HTTP2Frame.word(0x8000_0000) + [255]))
    #expect(answer(peer, 60_000) == [60_000, 5535] && peer.goAwayCode == nil)
  }
}
