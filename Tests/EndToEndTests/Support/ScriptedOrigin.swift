import Foundation
import Synchronization

/// An origin whose answers a test writes byte by byte.
///
/// One thread a connection; the script gets each request's head and the connection, and returns
/// whether the connection is kept for another request.
final class ScriptedOrigin: Sendable {
  typealias Script = @Sendable (_ request: String, _ connection: RawSocket) -> Bool

  private let listener: Listener
  private let seen = Mutex<[String]>([])
  let port: Int

  init(_ script: @escaping Script) throws {
    let listener = try Listener()
    self.listener = listener
    port = listener.port
    Thread.detachNewThread { [self] in
      while let connection = listener.accept() {
        Thread.detachNewThread { self.serve(connection, script) }
      }
    }
  }

  /// Request lines seen so far, in order of arrival.
  var requestLines: [String] { seen.withLock { $0 } }

  func stop() { listener.stop() }

  private func serve(_ connection: RawSocket, _ script: Script) {
    while true {
      let request = connection.receive(until: "\r\n\r\n")
      guard request.contains("\r\n\r\n") else { return }
      seen.withLock { $0.append(String(request.prefix { $0 != "\r\n" })) }
      if !script(request, connection) { return }
    }
  }

  /// Answers everything with this body, cacheable for an hour.
  static func constant(_ body: String, fields: String = "Cache-Control: max-age=3600\r\n") throws
    -> ScriptedOrigin
  {
    try ScriptedOrigin { _, connection in
      connection.send(
        "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)")
      return true
    }
  }
}
