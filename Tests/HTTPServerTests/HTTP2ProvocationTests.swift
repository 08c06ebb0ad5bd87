import HTTPMessage
import HTTPServer
import NIOCore
import Testing

/// Streams and connections that the client breaks by its own doing.
struct HTTP2ProvocationTests {
  /// What a client does on a stream to have it come to nothing without resetting it itself.
  struct Provocation: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let act: @Sendable (HTTP2Peer, UInt32) -> Void

    init(_ name: String, _ act: @escaping @Sendable (HTTP2Peer, UInt32) -> Void) {
      testDescription = name
      self.act = act
    }

    private static let tooMuch = [("x", String(repeating: "y", count: 1100))]

    static let all = [
      Provocation("a window beyond its limit") {
        $0.get($1)
        $0.widen($1, 0x7FFF_FFFF)
      },
      Provocation("more content than declared") {
        $0.post($1, [("content-length", "1")])
        $0.data($1, "ab")
      },
      Provocation("less content than declared") {
        $0.post($1, [("content-length", "3")])
        $0.data($1, "ab", ends: true)
      },
      Provocation("a malformed trailer") {
        $0.post($1)
        $0.headers($1, [("X", "y")])
      },
      Provocation("trailers beyond their limit") {
        $0.post($1)
        $0.headers($1, tooMuch)
      },
      Provocation("content beyond its limit") {
        $0.post($1)
        $0.data($1, "0123456789a")
      },
      Provocation("a malformed head") {
        $0.headers($1, HTTP2Peer.request("/", [("upgrade", "x")]))
      },
      Provocation("a head beyond its limit") { $0.headers($1, HTTP2Peer.request("/", tooMuch)) },
    ]
  }

  @Test("Every way to waste the server's work is held to the limit", arguments: Provocation.all)
  func wastedStreamsEndTheConnection(_ provocation: Provocation) {
    let peer = HTTP2Peer {
      $0.http2.provokedResets = 20
      $0.head = HeadLimits(headSizeBytes: 1024)
      $0.requestBodyBytes = 10
    }
    peer.responder.answer = { _, _ in false }
    for index in 0..<20 { provocation.act(peer, UInt32(index * 2 + 1)) }
    peer.expectUnharmed()
    #expect(peer.responder.exchanges.allSatisfy { $0.closeReason != nil })
    provocation.act(peer, 41)
    peer.expectCalmed(.provokedReset)
  }

  @Test("What breaks the whole connection ends it at once (RFC 9113 sections 5.1, 6.5, 6.9)")
  func brokenConnectionsEnd() {
    let breaks: [(name: String, code: UInt32, frame: HTTP2Frame)] = [
      ("DATA on an idle stream", 1, HTTP2Frame(.data, stream: 9, payload: [1])),
      ("a reset of an idle stream", 1, HTTP2Frame(.reset, stream: 9, payload: [0, 0, 0, 8])),
      ("no increment", 1, HTTP2Frame(.windowUpdate, payload: [0, 0, 0, 0])),
      ("too much increment", 3, HTTP2Frame(.windowUpdate, payload: HTTP2Frame.word(0x7FFF_FFFF))),
      (
        "33 settings", 11,
        HTTP2Frame(.settings, payload: (0..<33).flatMap { _ in [0, 4, 0, 0, 255, 255] })
      ),
      ("a PING of 7 bytes", 6, HTTP2Frame(.ping, payload: [1, 2, 3, 4, 5, 6, 7])),
      ("SETTINGS of 5 bytes", 6, HTTP2Frame(.settings, payload: [0, 4, 0, 0, 0])),
      (
        "a window beyond its limit", 3,
        HTTP2Frame(.settings, payload: [0, 4] + HTTP2Frame.word(0x8000_0000))
      ),
      (
        "an acknowledgement of nothing", 1,
        HTTP2Frame(.settings, flags: HTTP2Frame.acknowledged)
      ),
      ("a head on a stream of the server's", 1, HTTP2Peer.headers(2, HTTP2Peer.request("/"))),
      ("a CONTINUATION of nothing", 1, HTTP2Frame(.continuation, stream: 1, payload: [])),
      ("a push", 1, HTTP2Frame(.pushPromise, stream: 1, payload: [0, 0, 0, 2])),
      (
        "a head that HPACK cannot read", 9,
        HTTP2Frame(
          .headers, flags: HTTP2Frame.endHeaders | HTTP2Frame.endStream, stream: 1,
          payload: [0x80])
      ),
    ]
    for (name, code, frame) in breaks {
      let peer = HTTP2Peer()
      peer.send(frame)
      #expect(peer.goAwayCode == code, "\(name)")
      #expect(peer.pool.statistics.protocolErrors.value == 1, "\(name)")
      #expect(peer.connection.closeIntent == .lingering, "\(name)")
    }
  }

  @Test("A frame larger than SETTINGS_MAX_FRAME_SIZE ends the connection (section 4.2)")
  func framesAreBounded() {
    for (count, isTooMuch) in [(16_384, false), (16_385, true)] {
      let peer = HTTP2Peer()
      peer.responder.answer = { _, _ in false }
      peer.post(1)
      peer.send(
        HTTP2Frame(.data, stream: 1, payload: [UInt8](repeating: 0x61, count: count)))
      #expect((peer.goAwayCode == 6) == isTooMuch)
    }
  }
}
