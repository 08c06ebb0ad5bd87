import Foundation
import TestSupport

/// One edge for all rows about message framing, in front of a recording origin.
final class SmugglingEdge: Sendable {
  /// Started when the first row asks for it.
  static let shared = Result { try SmugglingEdge() }

  let origin: RecordingOrigin
  let port: Int
  // Kept until the tests' process ends; then the edge is stopped by its input's end.
  private let process: ChildProcess

  private init() throws {
    let origin = try RecordingOrigin()
    let port = try freePort()
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "edge-smuggling-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let path = folder.appendingPathComponent("edge.conf").path
    try """
    listeners:
      - address: 127.0.0.1:\(port)
    origins:
      api:
        servers: [http://127.0.0.1:\(origin.port)]
    routes:
      - match: /*
        origin: api
        ttl: { default: 1 hour }
    store: { memory: { size: 64 MiB }, disk: off }
    limits: { request_body_size: 1 MiB }
    threads: 2
    log: { level: error }
    """.write(toFile: path, atomically: true, encoding: .utf8)
    let process = try RowEdge.start(path)
    let isReady = eventually {
      guard process.isRunning else { return true }
      return (try? RawSocket(port: port)) != nil
    }
    guard isReady, process.isRunning else { throw SocketFailure(what: "the edge did not start") }
    self.origin = origin
    self.port = port
    self.process = process
  }

  /// Sends `bytes` on a connection of their own, or behind a good request on the same one, and
  /// returns everything that comes until the edge closes the connection.
  func exchange(_ bytes: String, onKeptAlive isKeptAlive: Bool) throws -> Exchange {
    let socket = try RawSocket(port: port)
    if isKeptAlive {
      socket.send("GET /warm HTTP/1.1\r\nHost: a\r\n\r\n")
      guard socket.receive(until: "clean").hasSuffix("clean") else {
        throw SocketFailure(what: "the good request before was not answered")
      }
    }
    socket.send(Array(bytes.utf8))
    return Exchange(socket)
  }

  /// What came back on a connection.
  struct Exchange {
    var text = ""
    /// Whether the edge closed it; false when nothing came for long.
    var hasEnded = false

    init(_ socket: RawSocket) {
      var all: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 65536)
      while true {
        let count = recv(socket.descriptor, &buffer, buffer.count, 0)
        hasEnded = count == 0 || (count < 0 && errno == ECONNRESET)
        guard count > 0 else { break }
        all += buffer[..<count]
      }
      text = String(decoding: all, as: UTF8.self)
    }

    var answerCount: Int { text.ranges(of: "HTTP/1.1 ").count }
    var status: Int { Int(text.dropFirst(9).prefix(3)) ?? 0 }
  }
}
