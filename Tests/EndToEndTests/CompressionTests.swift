import Foundation
import TestSupport
import Testing

/// Bodies that are stored gzip'd, as the real curl sees them.
@Suite struct CompressionEndToEndTests {
  private static let text = (0..<2000).map { "line \($0)\n" }.joined()
  private static let fields =
    "Content-Type: text/plain\r\nETag: \"v\"\r\nCache-Control: max-age=3600\r\n"

  /// curl's answer to a request with `--compressed`, once the gzip'd form is stored.
  private func compressed(_ edge: Edge, _ path: String) throws -> CurlAnswer? {
    var answer: CurlAnswer?
    let isThere = try eventually {
      let next = try edge.get(path, "--compressed", "-H", "Accept-Encoding: gzip")
      guard next.header("Content-Encoding") == "gzip" else { return false }
      answer = next
      return true
    }
    return isThere ? answer : nil
  }

  @Test(arguments: [false, true])
  func curlUnpacksWhatIsStoredOnceAndServedBothWays(isOnDisk: Bool) throws {
    let origin = try ScriptedOrigin.constant(Self.text, fields: Self.fields)
    let edge = try Edge(
      originPort: origin.port,
      store: isOnDisk ? "  disk: { path: cache, size: 256 MiB }" : "  disk: off")
    let first = try edge.get("/a", "--compressed", "-H", "Accept-Encoding: gzip")
    #expect(first.body == Self.text)
    #expect(first.header("Content-Encoding") == nil)
    #expect(first.header("Vary") == "Accept-Encoding")
    let gzip = try #require(try compressed(edge, "/a"))
    #expect(gzip.body == Self.text)
    #expect(gzip.header("ETag") == "W/\"v\"")
    #expect(gzip.header("Vary") == "Accept-Encoding")
    let packed = try edge.get("/a", "--raw", "-H", "Accept-Encoding: gzip")
    #expect(packed.bytes.prefix(2) == Data([0x1F, 0x8B]))
    #expect(packed.header("Content-Length") == "\(packed.bytes.count)")
    #expect(packed.bytes.count < Self.text.utf8.count / 2)
    if isOnDisk {
      // Written behind at the first hit, and found again by the next process.
      edge.process?.signal(SIGTERM)
      edge.process?.wait()
      try edge.start()
    }
    let plain = try edge.get("/a")
    #expect(plain.body == Self.text)
    #expect(plain.header("ETag") == "\"v\"")
    #expect(plain.header("X-Cache") == "Hit from edge")
    #expect(try compressed(edge, "/a")?.body == Self.text)
    let part = try edge.get("/a", "-r", "10-19", "-H", "Accept-Encoding: gzip")
    #expect(part.status == 206)
    #expect(part.body == String(Self.text.dropFirst(10).prefix(10)))
    #expect(try edge.get("/a", "-H", "If-None-Match: W/\"v\"").status == 304)
    #expect(origin.requestLines.count == 1)
  }

  /// Bodies that go to disk as they arrive: the gzip'd form has its place in memory, or on disk
  /// where it is still too large for that.
  @Test(arguments: ["1 MiB", "64 KiB"])
  func whatIsTooLargeForMemoryIsStoredGzippedToo(largestInMemory: String) throws {
    let text = (0..<250_000).map { "line \($0)\n" }.joined()
    let origin = try ScriptedOrigin.constant(text, fields: Self.fields)
    let edge = try Edge(
      originPort: origin.port,
      store: """
          memory: { size: 8 MiB, largest: \(largestInMemory) }
          disk: { path: cache, size: 256 MiB }
        """)
    #expect(try eventually { try edge.get("/a").header("X-Cache") == "Hit from edge" })
    #expect(try edge.get("/a", "-H", "Accept-Encoding: gzip").header("Vary") == "Accept-Encoding")
    #expect(try compressed(edge, "/a")?.body == text)
    #expect(try edge.metric("edge_compression_objects_total") == 1)
    let packed = try edge.get("/a", "--raw", "-H", "Accept-Encoding: gzip")
    #expect(packed.header("ETag") == "W/\"v\"")
    #expect((100_000..<1_000_000).contains(packed.bytes.count))
    let plain = try edge.get("/a")
    #expect(plain.body == text)
    #expect(plain.header("ETag") == "\"v\"")
    #expect(plain.header("X-Cache") == "Hit from edge")
    let part = try edge.get("/a", "-r", "2000000-2000099")
    #expect(part.body == text.dropFirst(2_000_000).prefix(100))

    edge.stop()
    try edge.start()
    let again = try edge.get("/a", "--raw", "-H", "Accept-Encoding: gzip")
    #expect(again.header("Content-Encoding") == "gzip")
    #expect(Bool(again.bytes == packed.bytes))
    #expect(try edge.get("/a").body == text)
    let requests = origin.requestLines.count
    #expect(try edge.invalidate("/a").status == 201)
    #expect(try edge.get("/a").header("X-Cache") == "Miss from edge")
    #expect(origin.requestLines.count == requests + 1)
  }

  @Test func aRouteCanLeaveItOff() throws {
    let origin = try ScriptedOrigin.constant(Self.text, fields: Self.fields)
    let edge = try Edge(originPort: origin.port, route: "    compression: off")
    for _ in 0..<3 {
      let answer = try edge.get("/a", "-H", "Accept-Encoding: gzip")
      #expect(answer.body == Self.text)
      #expect(answer.header("Vary") == nil)
    }
  }

  @Test func theMetricsTellWhatWasGained() throws {
    let origin = try ScriptedOrigin.constant(Self.text, fields: Self.fields)
    let edge = try Edge(originPort: origin.port)
    _ = try edge.get("/a", "-H", "Accept-Encoding: gzip")
    _ = try #require(try compressed(edge, "/a"))
    #expect(try edge.metric("edge_compression_objects_total") == 1)
    let bytes = try edge.metric("edge_compression_bytes_total")
    #expect(bytes > Double(Self.text.utf8.count))
    #expect(bytes < 1.5 * Double(Self.text.utf8.count))
    // The store's thread reads the heap in its first round.
    #expect(try eventually { try edge.metric("edge_heap_bytes") > 0 })
    #expect((0...1).contains(try edge.metric("edge_heap_fragmentation_ratio")))
  }
}
