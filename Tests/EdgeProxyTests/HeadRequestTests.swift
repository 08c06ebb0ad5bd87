import CachePolicy
import Testing

@testable import EdgeProxy

/// HEAD and what GET stored (RFC 9110 section 9.3.2, RFC 9111 section 4.3.5).
@Suite struct HeadRequestTests {
  private func head(_ edge: SimulatedEdge, _ fields: String = "") throws -> SimulatedClient {
    try edge.request("HEAD /a HTTP/1.1\nHost: a\n\(fields)")
  }

  @Test func aHeadThatMissesStoresTheWholeObject() throws {
    let edge = try SimulatedEdge()
    let client = try head(edge)
    let fetch = try edge.origin.last
    #expect(fetch.request.method == .get)
    fetch.answer(200, "Cache-Control: max-age=60", "body")
    #expect(
      client.isFinished && client.body.isEmpty && client.framing == .bodyless(contentLength: 4))
    #expect(try edge.get("/a").result == "Hit")
  }

  @Test func aStaleObjectIsFreshenedByAHeadThatAgrees() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=60\nETag: \"1\"\nX-Old: yes")
    edge.now += 61
    let client = try head(edge)
    let fetch = try edge.origin.last
    #expect(fetch.request.method == .head)
    fetch.head(200, "Cache-Control: max-age=60\nETag: \"1\"\nContent-Length: 4\nX-New: yes")
    fetch.end()
    #expect(client.isFinished && client.status == 200)
    let hit = try edge.get("/a")
    #expect(hit.result == "Hit" && hit.body == "body")
    #expect(hit.fields.texts(named: "x-new") == ["yes"])
  }

  @Test(arguments: ["ETag: \"2\"\nContent-Length: 4", "ETag: \"1\"\nContent-Length: 5"])
  func aHeadThatDisagreesRemovesTheObject(_ fields: String) throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=60, stale-while-revalidate=600\nETag: \"1\"")
    edge.now += 700
    _ = try head(edge)
    let fetch = try edge.origin.last
    fetch.head(200, "Cache-Control: max-age=60\n\(fields)")
    fetch.end()
    let next = try edge.get("/a")
    #expect(next.status == 0, "nothing is stored any more")
    #expect(!(try edge.origin.last.request.fields.contains(.ifNoneMatch)))
  }

  @Test func aHeadIsAnsweredFromTheStoreWhenTheOriginFails() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=60, stale-if-error=600")
    edge.now += 61
    let refused = try head(edge)
    try edge.origin.last.fail(.refused)
    #expect(refused.status == 200 && refused.result == "StaleHit")
    let failed = try head(edge)
    try edge.origin.last.head(503)
    #expect(failed.status == 200 && failed.result == "StaleHit" && failed.isFinished)
  }
}
