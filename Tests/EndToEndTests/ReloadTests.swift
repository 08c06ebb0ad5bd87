import Foundation
import TestSupport
import Testing

/// A changed edge.conf taken up by a running edge.
@Suite struct ReloadTests {
  /// Writes the file anew with one text for another, has it read, and waits for the end of that.
  private func reload(_ edge: Edge, _ old: String, _ new: String) throws {
    let path = edge.configurationPath
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.contains(old))
    try text.replacingOccurrences(of: old, with: new)
      .write(toFile: path, atomically: true, encoding: .utf8)
    let before = try edge.metric("edge_config_reloads_total")
    edge.process?.signal(SIGHUP)
    #expect(try eventually { try edge.metric("edge_config_reloads_total") > before })
  }

  private func result(_ edge: Edge, _ path: String) throws -> String? {
    try edge.get(path).header("X-Cache")?.components(separatedBy: " ").first
  }

  private func makeEdge() throws -> (ScriptedOrigin, Edge) {
    let origin = try ScriptedOrigin.constant("x", fields: "ETag: \"1\"\r\n")
    let edge = try Edge(
      originPort: origin.port,
      route: "    ttl: { default: 1 hour }\n  - match: /other/*\n    origin: api")
    for path in ["/a", "/other/a"] {
      _ = try edge.get(path)
      #expect(try result(edge, path) == "Hit")
    }
    return (origin, edge)
  }

  @Test func aChangedRouteLosesItsObjectsAndNoOtherDoes() throws {
    let (origin, edge) = try makeEdge()
    defer { withExtendedLifetime(origin) {} }
    try reload(edge, "ttl: { default: 1 hour }", "key: { query: none }")
    #expect(try result(edge, "/other/a") == "Hit")
    #expect(try result(edge, "/a?b=1") == "Miss")
    #expect(try result(edge, "/a?b=2") == "Hit", "the new key leaves the query out")
  }

  @Test func otherLifetimesHaveARoutesObjectsRevalidated() throws {
    let (origin, edge) = try makeEdge()
    defer { withExtendedLifetime(origin) {} }
    try reload(edge, "default: 1 hour", "default: 2 hours")
    #expect(try result(edge, "/other/a") == "Hit")
    #expect(try result(edge, "/a") != "Hit")
    let hit = try edge.get("/a").header("Cache-Status") ?? ""
    #expect(hit.contains("hit; ttl=7"), "\(hit)")
  }

  @Test func aNewRouteTakesItsRequests() throws {
    let (origin, edge) = try makeEdge()
    defer { withExtendedLifetime(origin) {} }
    try reload(
      edge, "  - match: /other/*",
      "  - match: /a\n    origin: api\n    cache: false\n  - match: /other/*")
    #expect(try result(edge, "/a") == "Pass")
    #expect(try result(edge, "/other/a") == "Hit")
  }

  @Test func aFaultyFileChangesNothing() throws {
    let (origin, edge) = try makeEdge()
    defer { withExtendedLifetime(origin) {} }
    try reload(edge, "ttl: { default: 1 hour }", "tll: { default: 1 hour }")
    #expect(try edge.metric("edge_config_reloads_total{result=\"refused\"}") == 1)
    for path in ["/a", "/other/a"] { #expect(try result(edge, path) == "Hit") }
    let text = edge.process?.text ?? ""
    #expect(text.contains("unknown option 'tll'"), "\(text)")
  }

  @Test func anOriginThatTheEdgeDoesNotHaveIsRefused() throws {
    let (origin, edge) = try makeEdge()
    defer { withExtendedLifetime(origin) {} }
    try reload(edge, "  api:\n", "  new: { servers: [http://127.0.0.1:1] }\n  api:\n")
    #expect(edge.process?.text.contains("origins.new") == true, "it waits for a restart")
    try reload(edge, "  - match: /other/*\n    origin: api", "  - match: /other/*\n    origin: new")
    #expect(edge.process?.text.contains("restart the edge") == true)
    #expect(try result(edge, "/other/a") == "Hit")
  }
}
