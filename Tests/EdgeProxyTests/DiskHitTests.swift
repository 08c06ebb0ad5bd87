import CacheStore
import Glibc
import NIOCore
import Testing

@testable import EdgeProxy

/// Hits on disk that the page cache answers.
@Suite struct DiskHitTests {
  /// An edge that finds in its disk tier, and only there, what `prepare` stored and `change` left.
  private func stored(
    in path: String, _ prepare: (SimulatedEdge) throws -> Void,
    change: (String) throws -> Void = { _ in }
  ) async throws -> SimulatedEdge {
    let first = try SimulatedEdge(disk: path)
    try prepare(first)
    await first.store.shutdown(deadline: .now() + .seconds(30))
    try change(path + "/segments")
    let second = try SimulatedEdge(disk: path)
    try await waitUntilLoaded(second.store)
    return second
  }

  private func temporaryFolder() throws -> String {
    var template = Array("/tmp/disk-hit-XXXXXX".utf8CString)
    return try #require(mkdtemp(&template).map { String(cString: $0) })
  }

  private func end(_ edge: SimulatedEdge, _ path: String) async {
    await edge.store.shutdown(deadline: .now() + .seconds(30))
    remove(path)
  }

  private func waitUntilLoaded(_ store: Store) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while store.statistics.disk?.recovery == .loading, .now < deadline { await Task.yield() }
    #expect(store.statistics.disk?.recovery == .complete)
  }

  private func remove(_ path: String) {
    for name in (try? PosixBlockDevice().list(path)) ?? [] {
      if unlink(path + "/" + name) != 0 { remove(path + "/" + name) }
    }
    rmdir(path)
  }

  @Test func anObjectInThePageCacheIsAnsweredWithoutAnExchange() async throws {
    let path = try temporaryFolder()
    let edge = try await stored(in: path) {
      try $0.fill("/a", "Cache-Control: max-age=60", body: "from disk")
    }
    try expectHit(edge)
    await end(edge, path)
  }

  private func expectHit(_ edge: SimulatedEdge) throws {
    let client = try edge.get("/a")
    #expect(client.exchange == nil)
    #expect(client.isFinished)
    #expect(client.status == 200)
    #expect(client.body == "from disk")
    #expect(client.reason == "fresh-on-disk")
    #expect(edge.origin.fetches.isEmpty)
    #expect(edge.store.statistics.traffic.diskHits == 1)
    // It is in memory from then on.
    let again = try edge.get("/a")
    #expect(again.reason == "fresh")
    #expect(again.body == "from disk")
  }

  @Test func aVariantIsFoundThroughItsListOnDisk() async throws {
    let path = try temporaryFolder()
    let edge = try await stored(in: path) { edge in
      try edge.get("/a", "Accept-Language: de\n")
      try edge.origin.last.answer(
        200, "Cache-Control: max-age=60\nVary: Accept-Language", "deutsch")
    }
    try expectVariant(edge)
    await end(edge, path)
  }

  private func expectVariant(_ edge: SimulatedEdge) throws {
    let other = try edge.get("/a", "Accept-Language: fr\n")
    #expect(other.status == 0)
    let client = try edge.get("/a", "Accept-Language: de\n")
    #expect(client.exchange == nil)
    #expect(client.body == "deutsch")
  }

  @Test func whatHasGrownStaleOnDiskIsRevalidated() async throws {
    let path = try temporaryFolder()
    let edge = try await stored(in: path) {
      try $0.fill("/a", "Cache-Control: max-age=60\nETag: \"v1\"", body: "old")
    }
    edge.now += 100
    let client = try edge.get("/a")
    let wasAsked = client.exchange != nil
    #expect(wasAsked)
    try edge.origin.last.answer(304, "Cache-Control: max-age=60\nETag: \"v1\"", "")
    #expect(client.status == 200)
    #expect(client.body == "old")
    await end(edge, path)
  }

  @Test func aRecordThatDoesNotVerifyIsAMiss() async throws {
    let path = try temporaryFolder()
    let edge = try await stored(in: path) {
      try $0.fill("/a", "Cache-Control: max-age=60", body: "right")
    } change: {
      try damage("right", in: $0)
    }
    let client = try edge.get("/a")
    #expect(client.status == 0)
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "anew")
    #expect(client.body == "anew")
    #expect(client.reason == "unreadable-on-disk")
    #expect(edge.store.statistics.disk?.corruptRecords == 1)
    await end(edge, path)
  }

  /// Flips a bit of `text` in the segment that holds it.
  private func damage(_ text: String, in segments: String) throws {
    let device = PosixBlockDevice()
    let body = Array(text.utf8)
    for name in try device.list(segments) {
      let file = try device.open(segments + "/" + name, .read)
      var bytes = [UInt8](repeating: 0, count: try file.byteCount())
      let read = try read(file, into: &bytes)
      #expect(read == bytes.count)
      guard let place = bytes.indices.first(where: { bytes[$0...].starts(with: body) }) else {
        continue
      }
      bytes[place] ^= 1
      try write(bytes, to: device.open(segments + "/" + name, .create))
    }
  }

  private func read(_ file: any BlockFile, into bytes: inout [UInt8]) throws -> Int {
    try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
  }

  private func write(_ bytes: [UInt8], to file: any BlockFile) throws {
    try bytes.withUnsafeBytes { try file.write($0, at: 0) }
  }
}
