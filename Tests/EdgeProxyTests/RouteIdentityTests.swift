import CachePolicy
import CacheStore
import Testing

@testable import EdgeProxy

/// Objects belong to a route by its name, wherever it stands in the configuration.
@Suite struct RouteIdentityTests {
  private func route(_ match: String, name: String? = nil) throws -> Route {
    Route(
      name: name, pattern: try #require(RoutePattern(match)), origin: 0, rules: PolicyRules())
  }

  private func storedRoute(_ path: String, _ routes: [Route]) throws -> UInt16? {
    let edge = try SimulatedEdge(routes: routes)
    try edge.fill(path, "Cache-Control: max-age=60")
    let key = Array("http://a\(path)".utf8)
    let found = key.withUnsafeBytes {
      edge.store.lookup(edge.store.hasher.hash($0), key: $0, nowSeconds: edge.now)
    }
    guard case .memory(let object) = found else { return nil }
    return object.metadata.route
  }

  @Test func aRouteKeepsItsNumberWhereverItStands() throws {
    let alone = try storedRoute("/img/a", [route("/img/*")])
    let among = try storedRoute("/img/a", [route("/img/b/*"), route("/*"), route("/img/*")])
    #expect(alone == RouteIdentity(name: "/img/*").value)
    #expect(alone == among)
    #expect(try storedRoute("/other", [route("/img/*"), route("/*")]) != alone)
  }

  @Test func aNameOutlivesAChangedPattern() throws {
    let before = try storedRoute("/img/a", [route("/img/*", name: "images")])
    let after = try storedRoute("/img/a", [route("/img/a*", name: "images"), route("/*")])
    #expect(before == after && before == RouteIdentity(name: "images").value)
  }

  @Test func anInvalidationTakesOneRoutesObjectsOnly() throws {
    let edge = try SimulatedEdge(routes: [route("/*"), route("/img/*", name: "images")])
    try edge.fill("/img/a", "Cache-Control: max-age=60")
    try edge.fill("/other", "Cache-Control: max-age=60")
    edge.store.invalidateSoon([.route(RouteIdentity(name: "images").value)])
    #expect(try edge.get("/img/a").result == nil)
    #expect(try edge.get("/other").result == "Hit")
  }
}
