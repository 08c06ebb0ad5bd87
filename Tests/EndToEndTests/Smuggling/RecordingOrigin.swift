import Foundation
import Synchronization

/// An origin that keeps every byte it gets, connection by connection, and answers what it was told
/// to. Which row a request belongs to shows in its token, `row` and a number and `x`.
final class RecordingOrigin: Sendable {
  /// A request that came whole.
  struct Request: Sendable {
    let connection: Int
    let bytes: [UInt8]
    var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  /// How a request is answered.
  struct Answer: Sendable {
    var raw: String
    /// Whether the connection is closed behind the answer.
    var closes = false
  }

  static let good = "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 5\r\n\r\nclean"

  private struct State {
    var received: [[UInt8]] = []
    var requests: [Request] = []
    var answers: [String: [Answer]] = [:]
  }

  private let listener: Listener
  private let state = Mutex(State())
  var port: Int { listener.port }

  init() throws {
    let listener = try Listener()
    self.listener = listener
    Thread.detachNewThread { [self] in
      while let connection = listener.accept() {
        let number = state.withLock { state in
          state.received.append([])
          return state.received.count - 1
        }
        Thread.detachNewThread { self.serve(connection, number) }
      }
    }
  }

  /// Answers the requests with this token so, one after the other; further ones get ``good``.
  func answer(_ token: String, with answers: Answer...) {
    state.withLock { $0.answers[token] = answers }
  }

  /// Whether these bytes ever arrived, be it in a request that never came to its end.
  func hasReceived(_ text: String) -> Bool {
    let wanted = Array(text.utf8)
    return state.withLock { $0.received.contains { $0.firstRange(of: wanted) != nil } }
  }

  /// The requests with this token that came whole.
  func requests(_ token: String) -> [Request] {
    let wanted = Array(token.utf8)
    return state.withLock { $0.requests.filter { $0.bytes.firstRange(of: wanted) != nil } }
  }

  private func serve(_ connection: RawSocket, _ number: Int) {
    var unread: [UInt8] = []
    while true {
      let bytes = connection.receive()
      if bytes.isEmpty { return }
      state.withLock { $0.received[number] += bytes }
      unread += bytes
      while let end = Self.requestEnd(unread) {
        let request = Request(connection: number, bytes: Array(unread[..<end]))
        unread.removeFirst(end)
        let answer = take(request)
        connection.send(answer.raw)
        if answer.closes { return }
      }
    }
  }

  private func take(_ request: Request) -> Answer {
    state.withLock { state in
      state.requests.append(request)
      guard let start = request.text.range(of: "row"),
        let token = request.text[start.lowerBound...].range(of: "x").map({
          String(request.text[start.lowerBound..<$0.upperBound])
        }), let answer = state.answers[token]?.first
      else { return Answer(raw: Self.good) }
      state.answers[token]?.removeFirst()
      return answer
    }
  }

  /// Where the first request ends, if it is whole. Content without surprises: it comes from the
  /// edge, and what the edge may send is checked byte by byte elsewhere.
  private static func requestEnd(_ bytes: [UInt8]) -> Int? {
    guard let head = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    let fields = HeadText(String(decoding: bytes[..<head.lowerBound], as: UTF8.self))
    if fields.value("Transfer-Encoding") != nil {
      // The head's last line end may be the one before the last chunk.
      let rest = bytes[(head.upperBound - 2)...]
      guard let last = rest.firstRange(of: Array("\r\n0\r\n".utf8)) else { return nil }
      return bytes[(last.upperBound - 2)...].firstRange(of: Array("\r\n\r\n".utf8))?.upperBound
    }
    let end = head.upperBound + (fields.value("Content-Length").flatMap { Int($0) } ?? 0)
    return bytes.count >= end ? end : nil
  }
}
