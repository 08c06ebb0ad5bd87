import CachePolicy
import CacheStore
import Testing

@testable import EdgeProxy

/// Cache tags, cache groups (RFC 9875) and soft invalidation on the way of a request.
@Suite struct TagTests {
  private func edge() throws -> SimulatedEdge {
    try SimulatedEdge(tagFields: ["cache-tag", "surrogate-key"])
  }

  private func result(_ edge: SimulatedEdge, _ path: String) throws -> String? {
    let client = try edge.get(path)
    client.exchange?.clientClosed(.disconnected)
    return client.result
  }

  @Test func aTagTakesEveryResponseThatCarriesIt() throws {
    let edge = try edge()
    try edge.fill("/a", "Cache-Control: max-age=60\nCache-Tag: one, two")
    try edge.fill("/b", "Cache-Control: max-age=60\nSurrogate-Key: two three")
    try edge.fill("/c", "Cache-Control: max-age=60\nCache-Tag: three")
    edge.store.invalidateSoon([.tag(TagHash("two"))])
    #expect(try result(edge, "/a") == nil)
    #expect(try result(edge, "/b") == nil)
    #expect(try result(edge, "/c") == "Hit")
  }

  /// One field that the edge does not know by name among them.
  @Test(arguments: [["x-my-tags"], ["cache-tag", "x-my-tags"]])
  func aTagInAFieldOfTheOperatorsOwnIsFound(_ names: [String]) throws {
    let edge = try SimulatedEdge(tagFields: names)
    try edge.fill("/a", "Cache-Control: max-age=60\nX-My-Tags: one")
    try edge.fill("/b", "Cache-Control: max-age=60")
    edge.store.invalidateSoon([.tag(TagHash("one"))])
    #expect(try result(edge, "/a") == nil)
    #expect(try result(edge, "/b") == "Hit")
  }

  @Test func aTagInvalidatedDuringAFetchKeepsItFromBeingStored() throws {
    let edge = try edge()
    let client = try edge.get("/a")
    edge.store.invalidateSoon([.tag(TagHash("one"))])
    try edge.origin.last.answer(200, "Cache-Control: max-age=60\nCache-Tag: one", "old")
    #expect(client.body == "old")
    #expect(try result(edge, "/a") == nil)
  }

  @Test func tagsAreKeptWhenAResponseIsValidated() throws {
    let edge = try edge()
    try edge.fill("/a", "Cache-Control: max-age=60\nCache-Tag: one\nETag: \"1\"")
    edge.now += 61
    try edge.get("/a")
    try edge.origin.last.answer(304, "ETag: \"1\"")
    #expect(try result(edge, "/a") == "Hit")
    edge.store.invalidateSoon([.tag(TagHash("one"))])
    #expect(try result(edge, "/a") == nil)
  }

  @Test func moreTagsThanAreKeptAreTakenByEveryTag() throws {
    let edge = try edge()
    let many = (0..<60).map { "t\($0)" }.joined(separator: ",")
    try edge.fill("/a", "Cache-Control: max-age=60\nCache-Tag: \(many)")
    edge.store.invalidateSoon([.tag(TagHash("t59"))])
    #expect(try result(edge, "/a") == nil)
  }

  @Test func anUnsafeRequestInvalidatesTheGroupsItsAnswerNames() throws {
    let edge = try edge()
    try edge.fill("/a", "Cache-Control: max-age=60\nCache-Groups: \"news\", \"front\"")
    try edge.fill("/b", "Cache-Control: max-age=60\nCache-Groups: \"sport\"")
    try edge.request("POST /c HTTP/1.1\nHost: a\n")
    try edge.origin.last.answer(204, "Cache-Group-Invalidation: \"front\"")
    #expect(try result(edge, "/a") == nil)
    #expect(try result(edge, "/b") == "Hit")
  }

  @Test func aSafeRequestInvalidatesNoGroup() throws {
    let edge = try edge()
    try edge.fill("/a", "Cache-Control: max-age=60\nCache-Groups: \"news\"")
    try edge.fill("/c", "Cache-Control: max-age=60\nCache-Group-Invalidation: \"news\"")
    #expect(try result(edge, "/a") == "Hit")
  }

  @Test func groupsAreTheirOriginsOwn() throws {
    let edge = try edge()
    try edge.fill("/a", "Cache-Control: max-age=60\nCache-Groups: \"news\"")
    try edge.request("POST /c HTTP/1.1\nHost: other\n")
    try edge.origin.last.answer(204, "Cache-Group-Invalidation: \"news\"")
    #expect(try result(edge, "/a") == "Hit")
  }

  @Test func aSoftInvalidationHasTheOriginAskedAndKeepsTheBody() throws {
    let edge = try edge()
    try edge.fill("/a", "Cache-Control: max-age=60\nETag: \"1\"")
    edge.store.invalidateSoon([.path(host: nil, pattern: "/a")], kind: .soft)
    let client = try edge.get("/a")
    #expect(try edge.origin.last.request.fields.contains(.ifNoneMatch))
    try edge.origin.last.answer(304, "ETag: \"1\"")
    #expect(client.result == "RefreshHit" && client.body == "body")
    #expect(try result(edge, "/a") == "Hit")
  }

  @Test func aSoftInvalidationOpensTheWindowForStaleUse() throws {
    let edge = try edge()
    try edge.fill("/a", "Cache-Control: max-age=60, stale-while-revalidate=30")
    edge.store.invalidateSoon([.path(host: nil, pattern: "/a")], kind: .soft)
    let client = try edge.get("/a")
    #expect(client.result == "StaleHit" && client.body == "body")
    #expect(edge.origin.fetches.count == 2, "one fetch in the background")
  }
}
