import Foundation
import Testing

/// HTTP/2 through the whole edge: what its windows hold back, and what interim responses and
/// trailers become on their way.
@Suite struct HTTP2FrontTests {
  private static let window = 65_535

  private func request(_ edge: Edge, _ path: String, _ more: String...) -> [String] {
    [
      ":method: GET", ":scheme: http", ":path: \(path)", ":authority: 127.0.0.1:\(edge.port)",
    ] + more
  }

  /// Bytes that the edge has read from anywhere, files that lie in memory included.
  private func bytesRead(_ edge: Edge) throws -> Int {
    let process = try #require(edge.process).identifier
    let text = try String(contentsOfFile: "/proc/\(process)/io", encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("rchar: ") })
    return try #require(Int(line.dropFirst(7)))
  }

  @Test("A stream whose window is shut reads nothing further from the disk")
  func aShutWindowHoldsTheDiskBack() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(
      originPort: origin.port,
      store: """
          memory: { size: 1 MiB, largest: 256 KiB }
          disk: { path: cache, size: 256 MiB }
        """)
    let size = 30_000_000
    let path = "/large?bytes=\(size)"
    #expect(try edge.get(path).bytes.count == size)
    #expect(try edge.get(path, "-I").header("X-Cache") == "Hit from edge")
    let client = try HTTP2Client(port: edge.port)
    #expect(client.settle() == 0)
    let before = try bytesRead(edge)
    client.send(HTTP2Client.headers(1, request(edge, path), ends: true))
    #expect(client.receiveContent(Self.window) == Self.window)
    for _ in 0..<3 { #expect(client.settle() == 0) }
    let early = try bytesRead(edge) - before
    #expect(early >= Self.window && early < 1 << 20, "\(early) bytes")
    client.widen(0, size)
    client.widen(1, size)
    #expect(client.receiveContent(size) == size - Self.window)
    #expect(try bytesRead(edge) - before >= size)
  }

  @Test("Nor from the origin")
  func aShutWindowHoldsTheOriginBack() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port)
    let size = 100 << 20
    let path = "/large?bytes=\(size)&cache-control=no-store"
    let client = try HTTP2Client(port: edge.port)
    client.send(HTTP2Client.headers(1, request(edge, path), ends: true))
    #expect(client.receiveContent(Self.window) == Self.window)
    for _ in 0..<3 { #expect(client.settle() == 0) }
    #expect(try edge.metric("edge_origin_bytes_total") < Double(4 << 20))
    client.widen(0, size)
    client.widen(1, size)
    #expect(client.receiveContent(size) == size - Self.window)
  }

  @Test func interimResponsesAndTrailersOfTheOriginPass() throws {
    let origin = try ScriptedOrigin { _, connection in
      connection.send(
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n"
          + "Cache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n")
      return true
    }
    let edge = try Edge(originPort: origin.port)
    let client = try HTTP2Client(port: edge.port)
    client.send(HTTP2Client.headers(1, request(edge, "/a"), ends: true))
    var kinds: [UInt8] = []
    while let frame = client.nextFrame() {
      guard frame.stream == 1 else { continue }
      kinds.append(frame.kind)
      if frame.flags & HTTP2Client.endStream != 0 { break }
    }
    // 103, 200, content, trailers.
    #expect(kinds == [1, 1, 0, 1])
  }
}
