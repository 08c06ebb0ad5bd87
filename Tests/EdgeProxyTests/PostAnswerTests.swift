import CachePolicy
import Foundation
import NIOCore
import Testing

@testable import EdgeProxy

/// Answers to POST that later GET requests may have (RFC 9110 section 9.3.3).
@Suite struct PostAnswerTests {
  private func post(_ edge: SimulatedEdge, _ fields: String) throws -> SimulatedClient {
    let client = try edge.request("POST /a HTTP/1.1\nHost: a\nContent-Length: 0\n")
    try edge.origin.last.answer(200, fields, "new")
    return client
  }

  @Test func anAnswerWithALifetimeAndItsTargetsLocationIsStoredForGet() throws {
    let edge = try SimulatedEdge()
    let client = try post(edge, "Cache-Control: max-age=60\nContent-Location: /a")
    #expect(client.body == "new" && client.isFinished)
    #expect(client.fields.text(.cacheStatus)?.contains("; stored") == true)
    let hit = try edge.get("/a")
    #expect(hit.result == "Hit" && hit.body == "new")
    _ = try post(edge, "Cache-Control: max-age=60\nContent-Location: /a")
    #expect(edge.origin.fetches.count == 2, "a POST is never answered from the cache")
  }

  @Test(arguments: [
    "Cache-Control: max-age=60", "Content-Location: /a",
    "Cache-Control: max-age=60\nContent-Location: /b",
    "Cache-Control: max-age=60, no-store\nContent-Location: /a",
  ])
  func otherAnswersAreNot(_ fields: String) throws {
    let edge = try SimulatedEdge()
    let client = try post(edge, fields)
    #expect(client.fields.text(.cacheStatus)?.contains("; stored") == false)
    #expect(try edge.get("/a").status == 0)
  }

  @Test func thePostStillTakesWhatWasStored() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=60", body: "old")
    _ = try post(edge, "Cache-Control: max-age=60\nContent-Location: /a")
    #expect(try edge.get("/a").body == "new")
  }

  /// What waits to be written of a large answer is bounded: its origin is asked for more when the
  /// disk has caught up.
  @Test func aLargeAnswersOriginWaitsForTheDisk() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "post-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let edge = try SimulatedEdge(disk: folder)
    let client = try edge.request("POST /a HTTP/1.1\nHost: a\nContent-Length: 0\n")
    let fetch = try edge.origin.last
    // Eight times what may wait: the writer does not get there before the next line.
    let (count, rest) = (32 << 20, 1000)
    fetch.head(200, "Cache-Control: max-age=60\nContent-Location: /a", length: count + rest)
    let before = fetch.granted
    fetch.chunk([UInt8](repeating: 7, count: count))
    #expect(fetch.granted == before)
    // The writer's thread hands the loop what it is to do.
    let deadline = ContinuousClock.now + .seconds(240)
    repeat {
      try await Task.sleep(for: .milliseconds(5))
      edge.eventLoop.run()
    } while fetch.granted == before && ContinuousClock.now < deadline
    #expect(fetch.granted == before + count)
    fetch.chunk([UInt8](repeating: 7, count: rest))
    fetch.end()
    #expect(client.isFinished)
    let store = edge.store
    await store.shutdown(deadline: .now() + .seconds(30))
    let objects = store.statistics.disk?.objects
    #expect(objects == 1)
  }
}
