import CachePolicy
import HTTPMessage
import Testing

@testable import EdgeProxy

/// QUERY: safe, and cacheable with its content in the key.
@Suite struct QueryMethodTests {
  private func edge() throws -> SimulatedEdge {
    var rules = PolicyRules()
    rules.isQueryCacheable = true
    return try SimulatedEdge(rules)
  }

  private func query(
    _ edge: SimulatedEdge, _ content: [String], type: String = "text/plain"
  ) throws -> SimulatedClient {
    let count = content.reduce(0) { $0 + $1.utf8.count }
    let client = try edge.request(
      "QUERY /search HTTP/1.1\nHost: a\nContent-Type: \(type)\nContent-Length: \(count)\n",
      content: content)
    edge.eventLoop.run()
    return client
  }

  @Test func theContentIsPartOfTheKeyAndReachesTheOrigin() throws {
    let edge = try edge()
    let first = try query(edge, ["select ", "a"])
    let fetch = try edge.origin.last
    fetch.takeContent(on: edge.eventLoop)
    #expect(fetch.request.method == .query)
    #expect(fetch.request.framing == .length(8) && fetch.content == "select a")
    #expect(fetch.request.fields.text(.contentType) == "text/plain")
    fetch.answer(200, "Cache-Control: max-age=60", "rows of a")
    #expect(first.body == "rows of a" && first.result == "Miss")
    let second = try query(edge, ["select a"])
    #expect(second.body == "rows of a" && second.result == "Hit")
    #expect(edge.origin.fetches.count == 1)
  }

  @Test func otherContentOrAnotherTypeIsAnotherKey() throws {
    let edge = try edge()
    _ = try query(edge, ["a"])
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "rows")
    _ = try query(edge, ["b"])
    #expect(edge.origin.fetches.count == 2)
    _ = try query(edge, ["a"], type: "application/sql")
    #expect(edge.origin.fetches.count == 3)
    try edge.get("/search")
    #expect(edge.origin.fetches.count == 4, "a GET is not answered by what a QUERY stored")
  }

  @Test func anUnsafeRequestTakesWhatQueriesOfItsTargetStored() throws {
    let edge = try edge()
    _ = try query(edge, ["a"])
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "rows")
    try edge.request("POST /search HTTP/1.1\nHost: a\n")
    try edge.origin.last.answer(204)
    _ = try query(edge, ["a"])
    #expect(edge.origin.fetches.count == 3)
  }

  @Test func anUnsafeRequestForAnotherHostTakesNothing() throws {
    let edge = try edge()
    _ = try query(edge, ["a"])
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "rows")
    try edge.request("POST /search HTTP/1.1\nHost: b\n")
    try edge.origin.last.answer(204)
    #expect(try query(edge, ["a"]).result == "Hit")
  }

  @Test func anAnswerToPostIsStoredBesideQueries() throws {
    let edge = try edge()
    _ = try query(edge, ["a"])
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "rows")
    try edge.request("POST /search HTTP/1.1\nHost: a\n")
    try edge.origin.last.answer(
      200, "Cache-Control: max-age=60\nContent-Location: /search", "new")
    #expect(try edge.get("/search").result == "Hit")
  }

  @Test func itsConditionsAreThoseOfGet() throws {
    let edge = try edge()
    _ = try query(edge, ["a"])
    try edge.origin.last.answer(200, "Cache-Control: max-age=60\nETag: \"1\"", "rows")
    let client = try edge.request(
      "QUERY /search HTTP/1.1\nHost: a\nContent-Type: text/plain\nContent-Length: 1\n"
        + "If-None-Match: \"1\"\n", content: ["a"])
    edge.eventLoop.run()
    #expect(client.status == 304)
  }

  @Test func contentBeyondTheLimitPassesWhole() throws {
    let edge = try edge()
    let large = String(repeating: "x", count: 40 << 10)
    let client = try query(edge, [large, large, "end"])
    let fetch = try edge.origin.last
    fetch.takeContent(on: edge.eventLoop)
    #expect(fetch.content == large + large + "end")
    fetch.answer(200, "Cache-Control: max-age=60", "rows")
    #expect(client.result == "Pass" && client.reason == "request-content" && client.body == "rows")
  }
}
