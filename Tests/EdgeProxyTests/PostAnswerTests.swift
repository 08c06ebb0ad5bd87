import CachePolicy
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
}
