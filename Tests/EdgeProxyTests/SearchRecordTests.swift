import CachePolicy
import Testing

@testable import EdgeProxy

/// No-Vary-Search.
@Suite struct SearchRecordTests {
  private let fields = "Cache-Control: max-age=60\nNo-Vary-Search: params=(\"utm\")"

  private func result(_ edge: SimulatedEdge, _ path: String) throws -> String? {
    let client = try edge.get(path)
    client.exchange?.clientClosed(.disconnected)
    return client.result
  }

  @Test func queriesThatDifferInWhatDoesNotMatterShareAResponse() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a?q=1&utm=x", fields)
    #expect(try result(edge, "/a?q=1&utm=y") == "Hit")
    #expect(try result(edge, "/a?q=1") == "Hit")
    #expect(try result(edge, "/a?q=2&utm=x") == nil, "what matters differs")
    #expect(try result(edge, "/b?q=1&utm=x") == nil, "another path has nothing to do with it")
  }

  @Test func withoutTheFieldEveryDifferenceCounts() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a?q=1&utm=x", "Cache-Control: max-age=60")
    #expect(try result(edge, "/a?q=1&utm=y") == nil)
  }

  @Test func anUnsafeRequestTakesWhatStandsUnderTheReducedKey() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a?q=1&utm=x", fields)
    try edge.request("DELETE /a?q=1&utm=z HTTP/1.1\nHost: a\n")
    try edge.origin.last.answer(204)
    #expect(try result(edge, "/a?q=1&utm=y") == nil)
  }

  @Test func aResponseThatVariesIsStoredUnderTheReducedKeyToo() throws {
    let edge = try SimulatedEdge()
    try edge.get("/a?utm=1", "X-Kind: k\n")
    try edge.origin.last.answer(200, fields + "\nVary: X-Kind", "body")
    let hit = try edge.get("/a?utm=2", "X-Kind: k\n")
    #expect(hit.result == "Hit" && hit.body == "body")
    try edge.get("/a?utm=2", "X-Kind: other\n")
    #expect(edge.origin.fetches.count == 2)
  }

  @Test func aStaleResponseUnderAReducedKeyIsValidatedAndStaysThere() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a?utm=1", fields + "\nETag: \"1\"")
    edge.now += 61
    let client = try edge.get("/a?utm=2")
    try edge.origin.last.answer(304, "ETag: \"1\"")
    #expect(client.result == "RefreshHit" && client.body == "body")
    #expect(try result(edge, "/a?utm=3") == "Hit")
  }
}
