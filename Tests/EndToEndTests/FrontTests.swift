import Foundation
import TestSupport
import Testing

/// The HTTP/1.1 front with real sockets.
@Suite struct FrontTests {
  @Test func pipelinedRequestsAreAnsweredInOrder() throws {
    let origin = try ScriptedOrigin { request, connection in
      let path = request.split(separator: " ")[1]
      connection.send(
        "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n"
          + "Content-Length: \(path.count)\r\n\r\n\(path)"
      )
      return true
    }
    let edge = try Edge(originPort: origin.port)
    _ = try edge.get("/two")  // so that a hit stands between two misses
    let client = try RawSocket(port: edge.port)
    client.send(
      ["/one", "/two", "/three"].map {
        "GET \($0) HTTP/1.1\r\nHost: 127.0.0.1:\(edge.port)\r\n\r\n"
      }
      .joined())
    client.send("GET /last HTTP/1.1\r\nHost: 127.0.0.1:\(edge.port)\r\nConnection: close\r\n\r\n")
    let bodies = client.receiveAll().components(separatedBy: "\r\n\r\n").dropFirst()
      .map { $0.components(separatedBy: "HTTP/1.1")[0] }
    #expect(bodies == ["/one", "/two", "/three", "/last"])
  }

  /// Large answers from disk, one behind the other on a connection: each is written in pieces as
  /// the client takes the one before, and the next request goes on when the last piece is out.
  @Test(arguments: [
    [524_288, 100], [300_000, 524_288, 262_144, 1], [65_537, 131_072, 9_000_000],
  ])
  func pipelinedLargeAnswersAreWhole(sizes: [Int]) throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(
      originPort: origin.port,
      store: """
          memory: { size: 1 MiB, largest: 64 KiB }
          disk: { path: cache, size: 256 MiB }
        """)
    for size in sizes {
      #expect(
        try eventually { try edge.get("/large?bytes=\(size)").header("X-Cache") == "Hit from edge" }
      )
    }
    let reference = try edge.get("/large?bytes=\(sizes.max() ?? 0)").bytes
    for isOpen in [true, false] {
      let client = try RawSocket(port: edge.port)
      for size in sizes {
        client.send("GET /large?bytes=\(size) HTTP/1.1\r\nHost: 127.0.0.1:\(edge.port)\r\n\r\n")
      }
      if !isOpen { client.finishSending() }
      for size in sizes {
        let head = client.receiveHead()
        #expect(head.contains("X-Cache: Hit from edge"), "\(head)")
        let body = client.receive(count: size)
        #expect(Bool(body == Array(reference.prefix(size))), "\(body.count) of \(size)")
      }
    }
  }

  @Test func aSlowHeadIsTimedOutWith408() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port, more: "limits: { header_timeout: 300 ms }")
    let client = try RawSocket(port: edge.port)
    client.send("GET / HTTP/1.1\r\nHost:")
    #expect(client.receiveAll().hasPrefix("HTTP/1.1 408 "))
    #expect(origin.requestLines.isEmpty)
  }

  @Test(arguments: [
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\nHost: a\n\n", 400),
    ("GET /\u{01} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    ("GET / HTTP/1.1\r\nHost: a\r\nExpect: something\r\n\r\n", 417),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
    ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 20000))\r\n\r\n", 431),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n", 413),
  ])
  func badRequestsAreRefusedAndNeverReachTheOrigin(_ request: String, _ status: Int) throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port, more: "limits: { request_body_size: 1 MiB }")
    let client = try RawSocket(port: edge.port)
    client.send(request)
    let answer = client.receiveAll()
    #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
    #expect(answer.lowercased().contains("connection: close"))
    #expect(answer.contains("\r\nCache-Status: edge; detail="))
    #expect(answer.contains("\r\nX-Cache: Refused from edge\r\n"))
    #expect(answer.contains("\r\nContent-Type: application/problem+json\r\n"))
    #expect(origin.requestLines.isEmpty)
  }

  @Test func whatTheFrontRefusesIsLoggedWithTheReason() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port, threads: 1)
    let client = try RawSocket(port: edge.port)
    client.send("GET / HTTP/1.1\r\n\r\n")
    #expect(client.receiveAll().contains("\r\nCache-Status: edge; detail=malformed-request\r\n"))
    let h2 = try HTTP2Client(port: edge.port)
    h2.send(
      HTTP2Client.headers(
        1, [":method: GET", ":scheme: http", ":path: /", ":authority: a", "host: b"], ends: true))
    #expect(h2.outcome(of: 1).head != nil)
    #expect(eventually { edge.accessLog().count == 2 })
    let lines = try edge.accessLog().map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(lines.allSatisfy { $0["cache"] as? String == "Refused" && $0["status"] as? Int == 400 })
    #expect(lines.allSatisfy { $0["reason"] as? String == "malformed-request" })
    #expect(lines.allSatisfy { $0["remote"] as? String == "127.0.0.1" }, "\(lines)")
    #expect(lines.map { $0["version"] as? String } == ["1.1", "2"])
  }

  @Test func contentIsStreamedUpwardsInChunksAndByLength() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port)
    let file = edge.folder.appendingPathComponent("upload")
    try Data(repeating: UInt8(ascii: "u"), count: 3_000_000).write(to: file)
    for more in [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]] {
      let answer = try Curl.get(
        edge.url + "/echo", ["-X", "POST", "--data-binary", "@\(file.path)"] + more)
      #expect(answer.status == 200)
      #expect(answer.body.contains("uuuuuuuuuu"))
      #expect(answer.body.utf8.count > 3_000_000)
    }
  }

  @Test func aStreamReachesTheClientWhileTheOriginStillSends() throws {
    let mayEnd = DispatchSemaphore(value: 0)
    let origin = try ScriptedOrigin { _, connection in
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
      mayEnd.wait()
      connection.send("6\r\nsecond\r\n0\r\nX-Sum: 11\r\n\r\n")
      return true
    }
    let edge = try Edge(originPort: origin.port)
    let client = try RawSocket(port: edge.port)
    client.send("GET /stream HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n")
    let begin = client.receive(until: "first")
    #expect(begin.contains("5\r\nfirst"))
    mayEnd.signal()
    let end = client.receive(until: "\r\n0\r\n")
    #expect(end.contains("6\r\nsecond"))
  }

  @Test func aLargeResponseToAClientThatDoesNotReadIsHeldBack() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port)
    let client = try RawSocket(port: edge.port)
    let size = 200 << 20
    client.send("GET /large?bytes=\(size)&cache-control=no-store HTTP/1.1\r\nHost: a\r\n\r\n")
    _ = client.receive(until: "\r\n\r\n")
    // Nobody reads: what the edge takes from the origin stays bounded by its buffers.
    let early = try edge.metric("edge_origin_bytes_total")
    #expect(early < Double(size) / 4)
    var received = 0
    while received < size - (1 << 20), case let bytes = client.receive(1 << 20), !bytes.isEmpty {
      received += bytes.count
    }
    #expect(received >= size - (1 << 20))
  }

  /// An origin on loopback answers at once over a connection that is used again, and the first
  /// bytes already fill what the fetch was granted.
  @Test func heldBackFetchesOverUsedConnectionsArriveWhole() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port)
    for number in 0..<60 {
      let answer = try edge.get("/large?bytes=3000000&cache-control=no-store&tag=\(number)")
      #expect(answer.exit == 0)
      #expect(answer.bytes.count == 3_000_000)
    }
    #expect(try edge.metric("edge_origin_failures_total") == 0)
  }

  @Test func anUnknownRouteIs404() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port)
    let configuration = try String(contentsOfFile: edge.configurationPath, encoding: .utf8)
      .replacingOccurrences(of: "match: /*", with: "match: www.example.com/api/*")
    edge.killHard()
    try configuration.write(toFile: edge.configurationPath, atomically: true, encoding: .utf8)
    try edge.start()
    let answer = try edge.get("/api/x")
    #expect(answer.status == 404)
    #expect(answer.header("Content-Type") == "application/problem+json")
    #expect(try edge.get("/api/x", "-H", "Host: www.example.com").status == 200)
  }
}
