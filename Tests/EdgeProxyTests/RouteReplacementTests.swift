import CachePolicy
import CacheStore
import NIOCore
import Testing

@testable import EdgeProxy

/// Routes exchanged while requests go on.
@Suite struct RouteReplacementTests {
  private func route(_ pattern: String, caches: Bool = true) throws -> Route {
    Route(
      pattern: try #require(RoutePattern(pattern)), origin: 0,
      rules: PolicyRules(isCachingEnabled: caches))
  }

  private func replace(_ routes: [Route], in edge: SimulatedEdge) throws {
    let replaced = edge.proxy.shared.routing.replace(by: routes, on: edge.eventLoop)
    edge.eventLoop.run()
    try replaced.wait()
  }

  @Test func theNextRequestIsTakenByTheNewRoutes() throws {
    let edge = try SimulatedEdge()
    try replace([route("/b*")], in: edge)
    #expect(try edge.get("/a").status == 404)
    try edge.fill("/b", "Cache-Control: max-age=60")
    #expect(try edge.get("/b").result == "Hit")
  }

  @Test func aLoopThatJoinsLaterHasTheNewRoutes() throws {
    let edge = try SimulatedEdge()
    try replace([route("/b*")], in: edge)
    let shared = edge.proxy.shared
    let later = ProxyLoop(
      shared: shared, eventLoop: edge.eventLoop, clock: LoopClock(), metrics: edge.metrics.loops[0],
      accessLog: nil)
    #expect(later.routes.routes.map(\.pattern.text) == ["/b*"])
  }

  @Test func whatIsFetchedForARouteThatIsGoneIsNotStored() throws {
    let edge = try SimulatedEdge()
    let waiting = try edge.get("/a")
    try replace([route("/*")], in: edge)
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "old")
    #expect(waiting.body == "old" && waiting.isFinished)
    #expect(waiting.reason == "route-replaced-during-fetch")
    try edge.fill("/a", "Cache-Control: max-age=60", body: "new")
    #expect(try edge.get("/a").body == "new")
  }

  @Test func whatIsFetchedForARouteThatStaysIsStored() throws {
    let edge = try SimulatedEdge()
    let kept = try #require(edge.proxy.shared.routes.first)
    try edge.get("/a")
    try replace([kept, route("/b*")], in: edge)
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "kept")
    #expect(try edge.get("/a").body == "kept")
    #expect(edge.origin.fetches.count == 1)
  }

  @Test func aConfirmationForARouteThatIsGoneKeepsNothing() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=1\nETag: \"1\"")
    edge.now += 5
    let waiting = try edge.get("/a")
    try replace([route("/*")], in: edge)
    try edge.origin.last.answer(304, "Cache-Control: max-age=60\nETag: \"1\"", "")
    #expect(waiting.status == 200 && waiting.body == "body")
    try edge.get("/a")
    #expect(edge.origin.fetches.count == 3)
  }
}
