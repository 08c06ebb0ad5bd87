import Foundation
import HTTPServer
import Testing

/// A client that reads when it is told to, with a small receive buffer.
private struct UnhurriedClient {
  private let descriptor: CInt

  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    // Small, so that reading makes room bit by bit: larger ones hide what this is about.
    var size: CInt = 4 << 10
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(result == 0)
  }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Foundation.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL))
  }

  /// Reads as many bytes, or up to the end.
  func read(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let taken = recv(descriptor, &bytes, count, CInt(MSG_WAITALL))
    return Array(bytes.prefix(max(taken, 0)))
  }

  func end() { close(descriptor) }
}

@Suite(.timeLimit(.minutes(5)))
struct OutputOrderTests {
  /// Small answers may go past NIO's queue of writes only while that queue is empty. Here large
  /// answers fill the kernel's buffers and then a part of that queue: how many it takes depends on
  /// the machine, so every number is tried until the server takes no more.
  @Test func aSmallAnswerNeverOvertakesALargeOne() async throws {
    try await TLSServer.run({ configuration, _ in configuration.listeners[0].tls = nil }) { tls in
      let chunk = Array(ok(String(repeating: "b", count: 64 << 10)).utf8)
      let small = Array(ok("clear", "Connection: close\r\n").utf8)
      for count in 1...256 {
        let before = tls.count { $0.requests.value }
        let client = try UnhurriedClient(port: tls.port)
        defer { client.end() }
        client.send(String(repeating: get("/chunk"), count: count))
        let deadline = ContinuousClock.now + .milliseconds(300)
        while tls.count({ $0.requests.value }) < before + count, .now < deadline {
          await Task.yield()
        }
        if tls.count({ $0.requests.value }) < before + count { break }
        let first = client.read(24 << 10)
        client.send(get("/", "Connection: close\r\n"))
        let rest = client.read(count * chunk.count + small.count - first.count)
        let expected = Array(repeatElement(chunk, count: count).joined()) + small
        // Not within the expectation, which would print megabytes.
        let isInOrder = first + rest == expected
        #expect(isInOrder, "after \(count) large answers")
      }
    }
  }
}
