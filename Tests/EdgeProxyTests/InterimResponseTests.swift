import CachePolicy
import Testing

@testable import EdgeProxy

/// Interim responses (RFC 9110 section 15.2, RFC 8297).
@Suite struct InterimResponseTests {
  @Test func interimResponsesReachEveryClientOfAFillOnce() throws {
    let edge = try SimulatedEdge()
    let leader = try edge.get("/a")
    let follower = try edge.get("/a")
    let fetch = try edge.origin.last
    fetch.interim(103, "Link", "</style.css>; rel=preload")
    #expect(leader.informational == [103])
    #expect(follower.informational == [103])
    fetch.interim(102, "X-Progress", "half")
    let late = try edge.get("/a")
    #expect(late.informational == [103, 102], "a late follower gets what came before")
    fetch.answer(200, "Cache-Control: max-age=60", "body")
    for client in [leader, follower, late] {
      #expect(client.informational == [103, 102] && client.body == "body" && client.isFinished)
    }
  }

  @Test func interimResponsesAreNotStored() throws {
    let edge = try SimulatedEdge()
    try edge.get("/a")
    let fetch = try edge.origin.last
    fetch.interim(103, "Link", "</style.css>; rel=preload")
    fetch.answer(200, "Cache-Control: max-age=60", "body")
    let hit = try edge.get("/a")
    #expect(hit.result == "Hit" && hit.informational.isEmpty)
    #expect(hit.fields.texts(named: "link").isEmpty)
  }

  @Test func atMostSixteenInterimResponsesOfAFillArePassedOn() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a")
    let fetch = try edge.origin.last
    for _ in 0..<20 { fetch.interim(102, "X-Progress", "on") }
    fetch.answer(200, "Cache-Control: max-age=60", "body")
    #expect(client.informational.count == 16 && client.isFinished)
  }
}
