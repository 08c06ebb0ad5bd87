import Foundation
import HTTPMessage
import NIOCore
import Testing

@testable import OriginClient

/// WebSockets over libcurl: the handshake, the switch, bytes both ways, the ends.
struct WebSocketTests {
  static let switching =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    + "Sec-WebSocket-Accept: x\r\n\r\n"

  private func handshake(
    _ edge: Edge, set: @escaping @Sendable (Recorder) -> Void = { _ in }
  ) async throws -> Recorder {
    try await edge.start(
      "GET", "/chat", fields: [("Sec-WebSocket-Key", "k"), ("Sec-WebSocket-Version", "13")],
      asksForWebSocket: true, set: set)
  }

  @Test func theHandshakeIsAPlainGetAndBytesPassBothWays() async throws {
    let seen = Seen()
    try await withOrigin { connection in
      seen.note(connection.readHead() ?? "")
      connection.write(Self.switching + "ahead")
      // Raw bytes, in whatever form: no chunk, no length.
      seen.note(connection.read(6))
      connection.write("answer")
    } _: { edge, _ in
      let recorder = try await handshake(edge) {
        $0.pieces = ["\r\n\0", "two"]
        $0.endsContent = false
      }
      try await recorder.received(11)
      let outcome = try await recorder.finished()
      #expect(outcome.status == 101)
      #expect(outcome.body == "aheadanswer")
      #expect(outcome.failure == nil)
      #expect(seen.notes.last == "\r\n\0two")
      let head = try #require(seen.notes.first).lowercased()
      #expect(head.hasPrefix("get /chat http/1.1\r\n"))
      #expect(head.components(separatedBy: "connection: upgrade\r\n").count == 2)
      #expect(head.components(separatedBy: "upgrade: websocket\r\n").count == 2)
      #expect(head.contains("sec-websocket-key: k\r\n"))
      for absent in ["transfer-encoding", "content-length", "expect"] {
        #expect(!head.contains(absent), "\(absent)")
      }
    }
  }

  @Test func nothingGoesOutBeforeTheSwitch() async throws {
    let seen = Seen()
    try await withOrigin { connection in
      _ = connection.readHead()
      seen.note(connection.readNow() ?? "nothing")
      connection.write(Self.switching)
      seen.note(connection.read(5))
    } _: { edge, _ in
      let recorder = try await handshake(edge) { $0.pieces = ["first"] }
      // Sent without being asked: it has to wait all the same.
      _ = try await recorder.finished()
      #expect(seen.notes == ["nothing", "first"])
    }
  }

  @Test(arguments: [200, 400, 426, 503])
  func anOriginThatDeclinesIsAnAnswerLikeAnyOther(_ status: Int) async throws {
    let seen = Seen()
    try await withOrigin { connection in
      _ = connection.readHead()
      connection.write("HTTP/1.1 \(status) X\r\nContent-Length: 2\r\n\r\nno")
      // Nothing follows, and the connection is not used again.
      seen.note(connection.read(1))
    } _: { edge, server in
      let outcome = try await handshake(edge) { $0.pieces = ["smuggled"] }.finished()
      #expect(outcome.status == status)
      #expect(outcome.body == "no")
      try await #expect(edge.get().status == status)
      #expect(server.connections == 2)
      #expect(seen.notes.first == "")
    }
  }

  @Test(arguments: [
    "HTTP/1.1 101 X\r\nConnection: Upgrade\r\n\r\n",
    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n",
    "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n\r\n",
    "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.0 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  ])
  func aSwitchToAnythingElseIsMalformed(_ head: String) async throws {
    try await withOrigin { connection in
      _ = connection.readHead()
      connection.write(head)
      connection.waitForClose()
    } _: { edge, _ in
      let outcome = try await handshake(edge).finished()
      #expect(outcome.failure?.kind == .malformed)
    }
  }

  @Test func aSwitchThatNobodyAskedForIsMalformed() async throws {
    try await withOrigin { connection in
      _ = connection.readHead()
      connection.write(Self.switching)
      connection.waitForClose()
    } _: { edge, _ in
      try await #expect(edge.get().failure?.kind == .malformed)
    }
  }

  @Test func theClientsEndEndsTheConnectionBehindWhatItSent() async throws {
    let seen = Seen()
    try await withOrigin { connection in
      _ = connection.readHead()
      connection.write(Self.switching)
      seen.note(connection.read(1 << 20))
      connection.waitForClose()
      seen.note("closed")
    } _: { edge, _ in
      let piece = String(repeating: "p", count: 1 << 16)
      let recorder = try await handshake(edge) {
        $0.pieces = Array(repeating: piece, count: 16)
      }
      let outcome = try await recorder.finished()
      #expect(outcome.failure == nil)
      try await seen.wait(for: 2)
      #expect(seen.notes.map(\.utf8.count) == [1 << 20, 6])
      #expect(edge.transport.statistics[0].active == 0)
    }
  }

  @Test func theOriginIsHeldBackByWhatWasGranted() async throws {
    try await withOrigin { connection in
      _ = connection.readHead()
      connection.write(Self.switching + String(repeating: "x", count: 1 << 20))
    } _: { edge, _ in
      let recorder = try await handshake(edge) { $0.grants = false }
      try await recorder.received(CurlTransfer.initialCredit)
      let held = try await recorder.loop.submit { recorder.outcome.byteCount }.get()
      #expect(held <= CurlTransfer.initialCredit + (64 << 10))
      try await recorder.loop.submit {
        recorder.grants = true
        recorder.fetch?.grant(1 << 20)
      }.get()
      let outcome = try await recorder.finished()
      #expect(outcome.byteCount == 1 << 20)
      #expect(outcome.failure == nil)
    }
  }

  @Test func itsOwnLimitsOfTimeEndWithTheSwitch() async throws {
    let mayEnd = DispatchSemaphore(value: 0)
    try await withOrigin {
      $0.origins[0].timeouts.idle = .milliseconds(100)
      $0.origins[0].timeouts.firstByte = .milliseconds(100)
    } script: { connection in
      let isSlow = connection.readHead()?.contains("/slow") == true
      if isSlow { return connection.waitForClose() }
      connection.write(Self.switching)
      mayEnd.wait()
      connection.write("late")
    } _: { edge, _ in
      let recorder = try await handshake(edge)
      _ = try await recorder.head()
      // A fetch with these limits meets its end meanwhile.
      try await #expect(edge.start("GET", "/slow").finished().failure?.kind == .firstByteTimeout)
      mayEnd.signal()
      try await #expect(recorder.finished().body == "late")
    }
  }

  @Test func aHandshakeThatIsNotAnsweredTimesOut() async throws {
    try await withOrigin {
      $0.origins[0].timeouts.firstByte = .milliseconds(100)
    } script: {
      $0.waitForClose()
    } _: { edge, _ in
      try await #expect(handshake(edge).finished().failure?.kind == .firstByteTimeout)
    }
  }
}

/// What an origin's thread has seen.
private final class Seen: @unchecked Sendable {
  // @unchecked: guarded by `lock`.
  private let lock = NSLock()
  private var list: [String] = []

  func note(_ text: String) { lock.withLock { list.append(text) } }
  var notes: [String] { lock.withLock { list } }

  /// Waits, without blocking the caller's thread, until so many were noted.
  func wait(for count: Int) async throws {
    for _ in 0..<2000 where notes.count < count { try await Task.sleep(for: .milliseconds(10)) }
    #expect(notes.count >= count)
  }
}
