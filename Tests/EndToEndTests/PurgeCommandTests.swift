import Foundation
import TestSupport
import Testing

/// `edge purge` with all its selectors and kinds, jobs, events and PURGE on the front, against the
/// real binary.
@Suite struct PurgeCommandTests {
  private static let environment = ["EDGE_ADMIN_PASSWORD": Edge.password]

  private func purge(_ edge: Edge, _ arguments: String...) throws -> (status: Int32, output: String)
  {
    try ChildProcess.run(
      Edge.binary, ["purge", "--config", edge.configurationPath] + arguments,
      environment: Self.environment)
  }

  private func results(_ edge: Edge, _ paths: [String]) throws -> [String] {
    try paths.map {
      try edge.get($0).header("X-Cache")?.components(separatedBy: " ")[0] ?? ""
    }
  }

  private func members(_ text: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
  }

  @Test func everySelectorTakesWhatItNames() throws {
    let origin = try ScriptedOrigin { request, connection in
      let status = request.contains("/missing") ? "404 Not Found" : "200 OK"
      connection.send(
        "HTTP/1.1 \(status)\r\nContent-Length: 1\r\nCache-Control: max-age=3600\r\n"
          + "Cache-Tag: t1\r\nCache-Groups: \"scripts\"\r\n\r\nx")
      return true
    }
    defer { origin.stop() }
    let edge = try Edge(
      originPort: origin.port,
      route: "    tags: [Cache-Tag]\n  - match: /img/*\n    origin: api\n    name: images")
    let paths = ["/img/a.png", "/b?q=1", "/b?q=2", "/missing", "/c"]
    let hit = "Hit"
    let miss = "Miss"
    func check(_ expected: [String], _ arguments: String...) throws {
      _ = try results(edge, paths)
      #expect(try results(edge, paths) == [hit, hit, hit, hit, hit])
      let done = try ChildProcess.run(
        Edge.binary, ["purge", "--config", edge.configurationPath] + arguments,
        environment: Self.environment)
      #expect(done.status == 0, "\(arguments): \(done.output)")
      #expect(try results(edge, paths) == expected, "\(arguments)")
    }
    let port = edge.port
    try check([miss, hit, hit, hit, hit], "--glob", "/{img,x}/?.[a-p]ng")
    try check([hit, miss, miss, hit, hit], "--prefix", "/b")
    try check([hit, miss, hit, hit, hit], "--url", "http://127.0.0.1:\(port)/b?q=1")
    try check([hit, miss, miss, hit, hit], "--ignore-query", "--url", "/b")
    try check([miss, hit, hit, hit, hit], "--route", "images")
    try check([hit, hit, hit, miss, hit], "--status", "404")
    try check([miss, miss, miss, miss, miss], "--tag", "t1")
    try check([miss, miss, miss, miss, miss], "--group", "http://127.0.0.1:\(port) scripts")
    try check([miss, miss, miss, miss, miss], "--host", "127.0.0.1:\(port)")
    try check([hit, hit, hit, hit, hit], "--host", "other.example")
    try check([hit, hit, hit, hit, miss], "--host", "127.0.0.1", "/c")
    try check([hit, hit, hit, hit, hit], "--host", "other.example", "/c")
    try check([hit, hit, hit, hit, hit], "--older-than", "3600")
    try check([miss, hit, hit, miss, hit], "/img/*", "/missing")
  }

  @Test func aDryRunCountsAndTakesNothing() throws {
    let origin = try ScriptedOrigin.constant("x")
    defer { origin.stop() }
    let edge = try Edge(originPort: origin.port)
    let paths = ["/a/1", "/a/2", "/b"]
    _ = try results(edge, paths)
    let counted = try purge(edge, "--dry-run", "/a/*")
    #expect(counted.status == 0)
    #expect(counted.output.hasPrefix("would invalidate 2 in memory, 0 on disk\n"))
    #expect(counted.output.contains("  http://127.0.0.1:\(edge.port)/a/1\n"))
    #expect(try results(edge, paths) == ["Hit", "Hit", "Hit"])
    let waited = try purge(edge, "--wait", "--json", "/a/*")
    let job = try members(waited.output)
    #expect(job["status"] as? String == "Completed")
    #expect((job["counts"] as? [String: Any])?["memory"] as? Int == 2)
  }

  @Test func whatIsInUseIsFetchedAgain() throws {
    let origin = try ScriptedOrigin.constant("x")
    defer { origin.stop() }
    let edge = try Edge(originPort: origin.port)
    _ = try results(edge, ["/hot", "/hot", "/cold"])
    let done = try purge(edge, "--refresh", "--wait", "/*")
    #expect(done.status == 0)
    #expect(done.output.contains("1 fetched again, 0 not fetched again"), "\(done.output)")
    #expect(origin.requestLines.count == 3)
    #expect(try results(edge, ["/hot"]) == ["Hit"])
    #expect(try results(edge, ["/cold"]) != ["Hit"])
  }

  @Test func aCallerReferenceIsOneJobAlsoAfterAKill() throws {
    let origin = try ScriptedOrigin.constant("x")
    defer { origin.stop() }
    let edge = try Edge(
      originPort: origin.port, store: "  disk: { path: cache, size: 256 MiB }")
    func id(_ arguments: String...) throws -> String? {
      let done = try ChildProcess.run(
        Edge.binary, ["purge", "--config", edge.configurationPath, "--json"] + arguments,
        environment: Self.environment)
      guard done.status == 0 else { return nil }
      return try members(done.output)["id"] as? String
    }
    let first = try #require(try id("--caller-reference", "release 7", "/a"))
    #expect(try id("--caller-reference", "release 7", "/a") == first)
    #expect(try id("--caller-reference", "release 7", "/b") == nil)
    edge.killHard()
    try edge.start()
    #expect(try id("--caller-reference", "release 7", "/a") == first)
    let answer = try edge.admin("/v1/invalidations/\(first)")
    #expect(answer.status == 200)
    #expect(
      try eventually {
        try members(try edge.admin("/v1/invalidations/\(first)").body)["status"] as? String
          == "Completed"
      })
    let conflict = try purge(edge, "--caller-reference", "release 7", "/b")
    #expect(conflict.status == 1 && conflict.output.contains("409"))
  }

  @Test func mistakesAreNamedWithTheirExitCode() throws {
    let origin = try ScriptedOrigin.constant("x")
    defer { origin.stop() }
    let edge = try Edge(originPort: origin.port)
    #expect(try purge(edge).status == 64)
    #expect(try purge(edge, "images").status == 64)
    #expect(try purge(edge, "--soft", "--refresh", "/a").status == 64)
    let glob = try purge(edge, "--glob", "/[a")
    #expect(glob.status == 1 && glob.output.contains("no partner"))
    let costly = try purge(
      edge, "--glob", "/{" + (0..<33).map { "\($0)" }.joined(separator: ",") + "}*")
    #expect(costly.status == 1 && costly.output.contains("alternatives"))
    let route = try purge(edge, "--route", "nowhere")
    #expect(route.status == 1 && route.output.contains("names no route"))
    edge.killHard()
    #expect(try purge(edge, "/a").status == 69)
  }

  @Test func aReportedEventInvalidatesWhatItsMappingSays() throws {
    let origin = try ScriptedOrigin.constant(
      "x", fields: "Cache-Control: max-age=3600\r\nCache-Tag: product-7\r\n")
    defer { origin.stop() }
    let edge = try Edge(
      originPort: origin.port, route: "    tags: [Cache-Tag]",
      admin: """
          events:
            - name: product
              secret: topsecret
              kind: hard
              tags: ["product-{id}"]
        """)
    // HMAC-SHA256 of {"id":7} and of {"id":8} under the secret, made by Python's hmac.
    func report(_ name: String, _ content: String, _ signature: String) throws -> Int {
      try Curl.get(
        edge.adminURL + "/v1/events/\(name)",
        [
          "-X", "POST", "-H", "Content-Type: application/json", "-H",
          "X-Hub-Signature-256: sha256=\(signature)", "-d", content,
        ]
      ).status
    }
    let seven = "41e89713c4859617babf2632405efbd1e90621a65a2cd863b56d22129ff054fd"
    _ = try results(edge, ["/a"])
    #expect(try report("product", "{\"id\":8}", seven) == 401)
    #expect(try report("other", "{\"id\":7}", seven) == 401)
    #expect(try results(edge, ["/a"]) == ["Hit"])
    #expect(try report("product", "{\"id\":7}", seven) == 201)
    #expect(try results(edge, ["/a"]) == ["Miss"])
  }

  @Test func theFrontTakesPurgesWhereItIsAllowed() throws {
    let origin = try ScriptedOrigin.constant("x")
    defer { origin.stop() }
    let edge = try Edge(
      originPort: origin.port, more: "purge: { allow: [127.0.0.1], secret: key }")
    _ = try results(edge, ["/a", "/b"])
    #expect(try edge.get("/a", "-X", "PURGE").status == 403)
    #expect(try results(edge, ["/a", "/b"]) == ["Hit", "Hit"])
    let purged = try edge.get("/a", "-X", "PURGE", "-H", "Fastly-Key: key")
    #expect(purged.status == 200 && purged.body.contains("\"status\":\"ok\""))
    #expect(try results(edge, ["/a", "/b"]) == ["Miss", "Hit"])
  }

  @Test func surrogateKeysArePurgedInOneRequest() throws {
    let origin = try ScriptedOrigin { request, connection in
      let tag = request.hasPrefix("GET /a") ? "one" : request.hasPrefix("GET /b") ? "two" : "three"
      connection.send(
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nCache-Control: max-age=3600\r\n"
          + "Surrogate-Key: \(tag)\r\n\r\nx")
      return true
    }
    defer { origin.stop() }
    let edge = try Edge(originPort: origin.port, route: "    tags: [Surrogate-Key]")
    let paths = ["/a", "/b", "/c"]
    _ = try results(edge, paths)
    #expect(
      try edge.admin("/service/S1/purge", "-X", "POST", "-H", "Surrogate-Key: one two").status
        == 200)
    #expect(try results(edge, paths) == ["Miss", "Miss", "Hit"])
    #expect(try edge.admin("/v1/purge/three", "-X", "POST").status == 200)
    #expect(try results(edge, paths) == ["Hit", "Hit", "Miss"])
    #expect(
      try edge.admin("/v1/purge/one", "-X", "POST", "-H", "Origin: http://evil").status == 403)
    #expect(try edge.admin("/service/S1/purge_all", "-X", "POST").status == 200)
    #expect(try results(edge, paths) == ["Miss", "Miss", "Miss"])
  }
}
