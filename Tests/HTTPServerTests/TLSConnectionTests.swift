import Foundation
import HTTPMessage
import HTTPServer
import NIOCore
import NIOPosix
import Testing

/// What goes over a connection behind TLS: records, ends, time and other protocols.
@Suite(.timeLimit(.minutes(5)))
struct TLSConnectionTests {
  @Test("Head and content of a small answer share a record (RFC 8446 section 5.1)")
  func aSmallAnswerIsOneRecord() async throws {
    try await TLSServer.run { tls in
      let page = ok(String(repeating: "p", count: 10 << 10)).utf8.count
      let hello = ok("secure").utf8.count
      // The first answer comes with the handshake's tickets.
      let (answer, records) = try await TLSClient().exchange(
        [
          (get("/"), hello), (get("/page"), page), (get("/"), hello),
          (get("/") + get("/") + get("/"), 3 * hello),
        ], port: tls.port, files: tls.files, halfCloses: true)
      #expect(records.dropFirst() == [1, 1, 1])
      #expect(answer.text.utf8.count == page + 5 * hello)
    }
  }

  @Test("Over HTTP/2, too: HEADERS and DATA share a record")
  func aSmallHTTP2AnswerIsOneRecord() async throws {
    try await TLSServer.run({ configuration, _ in configuration.isHTTP2Enabled = true }) { tls in
      func text(_ frames: [UInt8]...) -> String {
        // None of these bytes is beyond ASCII.
        String(decoding: frames.flatMap { $0 }, as: UTF8.self)
      }
      func request(_ stream: UInt32) -> [UInt8] {
        HTTP2Peer.headers(stream, HTTP2Peer.request("/")).bytes
      }
      // Two frame headers, the fields, the content.
      let small = 9 + 1 + 4 + 9 + "secure".utf8.count
      let settings = HTTP2Frame(.settings)
      let opening = (9 + 4 * 6) + (9 + 4) + 9
      let (answer, records) = try await TLSClient().exchange(
        [
          (text(HTTP2Peer.preface, settings.bytes, request(1)), opening + small),
          (text(request(3)), small), (text(request(5), request(7), request(9)), 3 * small),
        ], port: tls.port, files: tls.files, halfCloses: true, protocols: ["h2"])
      #expect(records.dropFirst() == [1, 1])
      #expect(answer.text.components(separatedBy: "secure").count == 6)
      #expect(tls.count { $0.http2.streams.value } == 5)
    }
  }

  @Test func largeContentGoesThroughBothWays() async throws {
    try await TLSServer.run { tls in
      let big = try await tls.curl("/big", host: "a.test")
      #expect(big.text == String(repeating: "b", count: 1 << 20))
      let content = String(repeating: "0123456789abcdef", count: 3 << 16)
      let file = tls.files.url("upload-\(UUID().uuidString)")
      try Data(content.utf8).write(to: file)
      let echo = try await tls.curl(
        "/echo", host: "a.test", "--data-binary", "@" + file.path, "--header", "Expect:")
      #expect(echo.text == content)
    }
  }

  @Test func aClientThatReadsNothingHoldsItsExchangeBack() async throws {
    try await TLSServer.run({ configuration, _ in
      configuration.limits.sendTimeout = .milliseconds(500)
    }) { tls in
      let file = tls.files.url("upload-\(UUID().uuidString)")
      try Data(repeating: 0x61, count: 64 << 20).write(to: file)
      // 64 KiB a second of an echo: most of what is sent has to wait with the client.
      let slow = try await tls.curl(
        "/echo", host: "a.test", "--data-binary", "@" + file.path, "--header", "Expect:",
        "--limit-rate", "64K", "--max-time", "2")
      #expect(slow.code == 28)
      #expect(tls.count { $0.bytesIn.value } < 32 << 20)
    }
  }

  @Test("A clean end is said with close_notify (RFC 8446 section 6.1)")
  func aCompleteAnswerEndsWithCloseNotify() async throws {
    try await TLSServer.run { tls in
      let text = get("/", "Connection: close\r\n")
      let expected = ok("secure", "Connection: close\r\n")
      let (answer, _) = try await TLSClient().exchange(
        [(text, expected.utf8.count)], port: tls.port, files: tls.files)
      #expect(answer.text == expected)
      #expect(answer.endsCleanly)
    }
  }

  @Test("A truncated answer ends without close_notify (RFC 8446 section 6.1)")
  func aCutAnswerEndsWithoutCloseNotify() async throws {
    try await TLSServer.run { tls in
      let (answer, _) = try await TLSClient().exchange(
        [(get("/cut"), 1 << 20)], port: tls.port, files: tls.files)
      #expect(answer.text == "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.")
      #expect(!answer.endsCleanly)
    }
  }

  @Test func aClientThatEndsItsSideGetsItsAnswer() async throws {
    try await TLSServer.run { tls in
      let (answer, _) = try await TLSClient().exchange(
        [(get("/") + get("/"), 0)], port: tls.port, files: tls.files, halfCloses: true)
      #expect(answer.text == ok("secure") + ok("secure"))
    }
  }

  @Test func plainHTTPIsAnsweredInPlainText() async throws {
    try await TLSServer.run { tls in
      let text = try await sendInClear(get("/"), port: tls.port)
      #expect(text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
      #expect(text.hasSuffix("\r\n\r\nThis port speaks TLS: use an https URL.\n"))
      #expect(tls.count { $0.handshakeFailures.value } == 1)
      #expect(tls.count { $0.requests.value } == 0)
    }
  }

  @Test func otherBytesAreNoHandshake() async throws {
    try await TLSServer.run { tls in
      _ = try await sendInClear("SSH-2.0-OpenSSH_9.2\r\n", port: tls.port)
      #expect(tls.count { $0.handshakeFailures.value } == 1)
      #expect(tls.count { $0.accepted.value } == 0)
    }
  }

  @Test func aSilentClientIsClosedWhenTheTimeIsUp() async throws {
    try await TLSServer.run({ configuration, _ in
      configuration.listeners[0].tls?.handshakeTimeout = .milliseconds(100)
    }) { tls in
      // Three bytes of a handshake record, and no more.
      let text = try await sendInClear("\u{16}\u{3}\u{1}", port: tls.port)
      #expect(text == "")
      #expect(tls.count { $0.handshakeTimeouts.value } == 1)
      #expect(tls.count { $0.handshakeFailures.value } == 0)
    }
  }

  @Test func aHandshakeInTimeIsNotClosed() async throws {
    try await TLSServer.run({ configuration, _ in
      configuration.listeners[0].tls?.handshakeTimeout = .seconds(1)
      configuration.limits.headerTimeout = .milliseconds(1500)
    }) { tls in
      // The connection's own deadline ends it, after that of the handshake.
      let (answer, _) = try await TLSClient().exchange([], port: tls.port, files: tls.files)
      #expect(answer.text == "")
      #expect(answer.endsCleanly)
      #expect(tls.count { $0.handshakeTimeouts.value } == 0)
      #expect(tls.count { $0.idleTimeouts.value } == 1)
    }
  }

  @Test func oneConnectionTooManyIsToldSo() async throws {
    try await TLSServer.run({ configuration, _ in configuration.maxConnections = 0 }) { tls in
      let (_, text) = try await tls.curl(host: "a.test", "--include")
      #expect(text.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
      #expect(tls.count { $0.rejected.value } == 1)
    }
  }

  @Test func aHandshakeGivesItsPlaceBack() async throws {
    try await TLSServer.run({ configuration, _ in configuration.maxConnections = 1 }) { tls in
      for _ in 0..<5 {
        _ = try await sendInClear(get("/"), port: tls.port)
        #expect(try await tls.curl(host: "a.test").text == "secure")
      }
      #expect(tls.count { $0.rejected.value } == 0)
    }
  }

  @Test func aDrainEndsHandshakesAndRequests() async throws {
    try await TLSServer.run { tls in
      async let silent = sendInClear("\u{16}", port: tls.port)
      async let hanging = tls.curl("/hang", host: "a.test")
      let limit = ContinuousClock.now + .seconds(120)
      while tls.count({ $0.requests.value }) == 0, .now < limit { await Task.yield() }
      await tls.server.drain(limit: .zero)
      let (unsaid, unanswered) = try await (silent, hanging)
      #expect(unsaid == "")
      #expect(unanswered.code != 0)
      #expect(tls.count { $0.open } == 0)
    }
  }
}
