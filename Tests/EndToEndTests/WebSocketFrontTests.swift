import Foundation
import TestSupport
import Testing

/// WebSockets through the running edge: real peers, and clients that mean harm.
@Suite struct WebSocketFrontTests {
  static let handshake =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
  static let switching =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
  static let route = "    websocket: true"

  @Test func realPeersTalkThroughTheEdge() throws {
    let server = try WebSocketPeer()
    let edge = try Edge(originPort: server.port, route: Self.route)
    let talk = try WebSocketPeer.talk("ws://127.0.0.1:\(edge.port)/chat")
    #expect(talk.status == 0, "\(talk.output)")
    #expect(
      try eventually { try edge.metric("edge_websockets_total") == 1 }, "the end is counted")
    #expect(try edge.metric("edge_websockets_open") == 0)
    #expect(eventually { edge.accessLog().contains { $0.contains("\"status\":101") } })
  }

  @Test func realPeersTalkWithTLSOnBothSides() throws {
    let certificate = try WebSocketCertificate()
    let server = try WebSocketPeer(certificate: certificate)
    let port = try freePort()
    let edge = try Edge(
      originPort: server.port,
      listeners: """
          - address: 127.0.0.1:\(port)
            tls: { certificate: \(certificate.file), key: \(certificate.keyFile) }
        """, route: Self.route, originScheme: "https",
      origin: "    ca_file: \(certificate.file)")
    let talk = try WebSocketPeer.talk(
      "wss://127.0.0.1:\(port)/chat", authorities: certificate.file)
    #expect(talk.status == 0, "\(talk.output)")
    #expect(try eventually { try edge.metric("edge_websockets_open") == 0 })
  }

  @Test(arguments: ["200 OK", "400 Bad Request", "426 Upgrade Required"])
  func aRequestHiddenBehindAnUpgradeThatTheOriginDeclinesIsTheEdgesToRoute(
    _ status: String
  ) throws {
    let origin = try ScriptedOrigin { request, connection in
      connection.send("HTTP/1.1 \(status)\r\nContent-Length: 2\r\n\r\nno")
      // Whatever else comes on this connection would be in `requestLines`.
      return true
    }
    let edge = try Edge(
      originPort: origin.port, route: Self.route + "\n  - { match: /private, origin: none }",
      moreOrigins: "  none: { servers: [http://127.0.0.1:1] }")
    let client = try RawSocket(port: edge.port)
    client.send(
      "GET /chat HTTP/1.1\r\nHost: a\r\n\(Self.handshake)\r\n"
        + "GET /private HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    let answers = client.receiveAll().components(separatedBy: "HTTP/1.1 ").dropFirst()
    #expect(answers.map { String($0.prefix(3)) } == [String(status.prefix(3)), "502"])
    #expect(origin.requestLines == ["GET /chat HTTP/1.1"])
  }

  @Test func whatTheClientSendsAheadReachesTheOriginOnlyBehindThe101() throws {
    let early = Box()
    let origin = try ScriptedOrigin { request, connection in
      early.set(connection.receiveNow())
      connection.send(Self.switching)
      connection.send(Array(connection.receive(until: "ahead!").utf8))
      return false
    }
    let edge = try Edge(originPort: origin.port, route: Self.route)
    let client = try RawSocket(port: edge.port)
    client.send("GET /chat HTTP/1.1\r\nHost: a\r\n\(Self.handshake)\r\nahead!")
    let answer = client.receiveAll()
    #expect(answer.hasPrefix("HTTP/1.1 101 "))
    #expect(answer.hasSuffix("\r\n\r\nahead!"))
    #expect(early.text == "")
  }

  @Test(arguments: [
    ("Content-Length: 5\r\n", "hello", 400), ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n", 400),
    ("Upgrade: h2c\r\n", "", 400), ("Upgrade: websocket\r\n", "", 400),
    ("Sec-WebSocket-Version: 8\r\n", "", 400),
  ])
  func aHandshakeThatIsNotOneNeverReachesTheOrigin(
    _ line: String, _ content: String, _ status: Int
  ) throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port, route: Self.route)
    let client = try RawSocket(port: edge.port)
    client.send(
      "GET /chat HTTP/1.1\r\nHost: a\r\n\(Self.handshake)\(line)\r\n\(content)")
    #expect(client.receive(until: "}\n").hasPrefix("HTTP/1.1 \(status) "))
    #expect(origin.requestLines.isEmpty)
  }

  @Test func connectIsRefusedAndOtherUpgradesAreNotTaken() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port, route: Self.route)
    let connect = try RawSocket(port: edge.port)
    connect.send("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")
    #expect(connect.receiveAll().hasPrefix("HTTP/1.1 501 "))
    #expect(origin.requestLines.isEmpty)
    let plain = try RawSocket(port: edge.port)
    plain.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
        + "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
    #expect(plain.receiveAll().hasPrefix("HTTP/1.1 200 "))
  }

  @Test func anIdleWebSocketIsClosed() throws {
    let origin = try ScriptedOrigin { _, connection in
      connection.send(Self.switching)
      _ = connection.receiveAll()
      return false
    }
    let edge = try Edge(
      originPort: origin.port, route: Self.route,
      more: "limits: { websocket_idle_timeout: 300 ms }")
    let client = try RawSocket(port: edge.port)
    client.send("GET /chat HTTP/1.1\r\nHost: a\r\n\(Self.handshake)\r\n")
    #expect(client.receiveAll().hasPrefix("HTTP/1.1 101 "))
    #expect(try edge.metric("edge_websocket_idle_timeouts_total") == 1)
  }

  @Test func aShutdownCutsOpenWebSocketsAtItsLimit() throws {
    let origin = try ScriptedOrigin { _, connection in
      connection.send(Self.switching)
      _ = connection.receiveAll()
      return false
    }
    let edge = try Edge(
      originPort: origin.port, route: Self.route, more: "limits: { drain: 500 ms }")
    let client = try RawSocket(port: edge.port)
    client.send("GET /chat HTTP/1.1\r\nHost: a\r\n\(Self.handshake)\r\n")
    #expect(client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 101 "))
    edge.process?.signal(SIGTERM)
    #expect(client.receiveAll().isEmpty)
    #expect(edge.process?.wait() == 0)
  }
}

/// A text that one thread sets and another reads afterwards.
private final class Box: @unchecked Sendable {
  // @unchecked: guarded by `lock`.
  private let lock = NSLock()
  private var value: String?

  func set(_ text: String) { lock.withLock { value = text } }
  var text: String? { lock.withLock { value } }
}

/// The WebSocket peers of `fixtures/`.
private final class WebSocketPeer {
  let process: ChildProcess
  let port: Int

  /// Debian's interpreter has Debian's packages, whatever else stands first on PATH.
  private static let python =
    FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")
    ? "/usr/bin/python3" : "python3"
  private static let script = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("fixtures/websocket_peer.py").path

  init(certificate: WebSocketCertificate? = nil) throws {
    let tls = certificate.map { ["--certificate", $0.file, "--key", $0.keyFile] } ?? []
    let process = try ChildProcess(
      "/usr/bin/env", [Self.python, "-u", Self.script, "serve"] + tls)
    var port = 0
    guard
      eventually({
        guard let line = process.text.split(separator: "\n").first else {
          return !process.isRunning
        }
        port = line.split(separator: ":").last.flatMap { Int($0) } ?? 0
        return true
      }), port > 0
    else { throw SocketFailure(what: "the WebSocket server did not start: \(process.text)") }
    self.process = process
    self.port = port
  }

  deinit {
    process.signal(SIGKILL)
    process.wait()
  }

  static func talk(
    _ url: String, authorities: String? = nil
  ) throws -> (status: Int32, output: String) {
    try ChildProcess.run(
      "/usr/bin/env",
      [python, script, "talk", url] + (authorities.map { ["--ca", $0] } ?? []))
  }
}

/// A certificate for 127.0.0.1 that signs itself.
private final class WebSocketCertificate {
  let folder: URL
  var file: String { folder.appendingPathComponent("a.pem").path }
  var keyFile: String { folder.appendingPathComponent("a.key").path }

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "edge-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let made = try ChildProcess.run(
      "/usr/bin/env",
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
        "subjectAltName=IP:127.0.0.1", "-out", file, "-keyout", keyFile,
      ])
    guard made.status == 0 else { throw SocketFailure(what: "openssl: \(made.output)") }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }
}
