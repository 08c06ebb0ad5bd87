import CachePolicy
import Testing

@testable import EdgeProxy

/// The cap on variants of one URL.
@Suite struct VariantLimitTests {
  private func edge(limit: Int) throws -> SimulatedEdge {
    var rules = PolicyRules()
    rules.variantLimit = limit
    return try SimulatedEdge(rules)
  }

  private func fill(_ edge: SimulatedEdge, _ value: String) throws {
    try edge.get("/a", "X-Kind: \(value)\n")
    try edge.origin.last.answer(200, "Cache-Control: max-age=60\nVary: X-Kind", value)
  }

  private func result(_ edge: SimulatedEdge, _ value: String) throws -> String? {
    let client = try edge.get("/a", "X-Kind: \(value)\n")
    client.exchange?.clientClosed(.disconnected)
    return client.result
  }

  @Test func variantsUpToTheLimitAreAllKept() throws {
    let edge = try edge(limit: 3)
    for value in ["1", "2", "3"] { try fill(edge, value) }
    for value in ["1", "2", "3"] { #expect(try result(edge, value) == "Hit", "\(value)") }
  }

  @Test func theOldestVariantLeavesForANewOne() throws {
    let edge = try edge(limit: 3)
    for value in ["1", "2", "3", "4"] { try fill(edge, value) }
    for value in ["2", "3", "4"] { #expect(try result(edge, value) == "Hit", "\(value)") }
    #expect(try result(edge, "1") == nil, "the first one is gone: the origin is asked")
  }

  @Test func storingAVariantAnewDoesNotCountTwice() throws {
    let edge = try edge(limit: 2)
    try fill(edge, "1")
    try fill(edge, "2")
    edge.now += 61
    try fill(edge, "2")
    try fill(edge, "1")
    for value in ["1", "2"] { #expect(try result(edge, value) == "Hit", "\(value)") }
  }

  @Test func anInvalidationStillTakesAllVariants() throws {
    let edge = try edge(limit: 3)
    for value in ["1", "2"] { try fill(edge, value) }
    try edge.request("DELETE /a HTTP/1.1\nHost: a\n")
    try edge.origin.last.answer(204)
    for value in ["1", "2"] { #expect(try result(edge, value) == nil, "\(value)") }
  }
}
