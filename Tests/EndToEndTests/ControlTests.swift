import Foundation
import TestSupport
import Testing

/// The command line, the admin listener and shutdown.
@Suite struct ControlTests {
  @Test func invalidationsTakePathsGlobsAndQueries() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port)
    let urls = ["/a?b=1", "/a?b=2", "/images/x.png", "/images/x.jpg", "/other"]
    func results() throws -> [String] {
      try urls.map { try edge.get($0).header("X-Cache")?.components(separatedBy: " ")[0] ?? "" }
    }
    #expect(try results() == ["Miss", "Miss", "Miss", "Miss", "Miss"])
    #expect(try results() == ["Hit", "Hit", "Hit", "Hit", "Hit"])
    #expect(try edge.invalidate("/images/*.png", "/a?b=1").status == 201)
    #expect(try results() == ["Miss", "Hit", "Miss", "Hit", "Hit"])
    #expect(try edge.invalidate("/*").status == 201)
    #expect(try results() == ["Miss", "Miss", "Miss", "Miss", "Miss"])
    #expect(try edge.admin("/other", "-X", "PURGE").status == 200)
    #expect(try results() == ["Hit", "Hit", "Hit", "Hit", "Miss"])
  }

  @Test func theAdminListenerWantsThePassword() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port)
    let body = ["-X", "POST", "-H", "Content-Type: application/json", "-d", "{\"paths\":[\"/*\"]}"]
    #expect(try Curl.get(edge.adminURL + "/v1/invalidations", body).status == 401)
    #expect(
      try Curl.get(edge.adminURL + "/v1/invalidations", body + ["-u", "admin:wrong"]).status == 401)
    #expect(try Curl.get(edge.adminURL + "/metrics").status == 401)
    #expect(try Curl.get(edge.adminURL + "/healthz").status == 200)
  }

  @Test func edgePurgeDoesTheSameFromTheShell() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port)
    _ = try edge.get("/a")
    #expect(try edge.get("/a").header("X-Cache") == "Hit from edge")
    let environment = ["EDGE_ADMIN_PASSWORD": Edge.password]
    let byFile = try ChildProcess.run(
      Edge.binary, ["purge", "--config", edge.configurationPath, "/*"], environment: environment)
    #expect(byFile.status == 0, "\(byFile.output)")
    #expect(try edge.get("/a").header("X-Cache") == "Miss from edge")
    let byURL = try ChildProcess.run(
      Edge.binary, ["purge", "--admin", edge.adminURL, "/a"], environment: environment)
    #expect(byURL.status == 0, "\(byURL.output)")
    #expect(try edge.get("/a").header("X-Cache") == "Miss from edge")
    let refused = try ChildProcess.run(
      Edge.binary, ["purge", "--admin", edge.adminURL, "/a"],
      environment: ["EDGE_ADMIN_PASSWORD": "wrong"])
    #expect(refused.status != 0)
    #expect(refused.output.contains("password"))
  }

  @Test func tagsAreInvalidatedFromTheShell() throws {
    let origin = try ScriptedOrigin.constant("x", fields: "Cache-Tag: one, two\r\n")
    let edge = try Edge(originPort: origin.port)
    let environment = ["EDGE_ADMIN_PASSWORD": Edge.password]
    for arguments in [["--tag", "two"], ["--tag", "none", "--tag", "one"]] {
      _ = try edge.get("/a")
      #expect(try edge.get("/a").header("X-Cache") == "Hit from edge")
      let purge = try ChildProcess.run(
        Edge.binary, ["purge", "--config", edge.configurationPath] + arguments,
        environment: environment)
      #expect(purge.status == 0, "\(purge.output)")
      #expect(try edge.get("/a").header("X-Cache") == "Miss from edge")
    }
  }

  @Test func explainTellsKeyRouteFreshnessAndVariants() throws {
    let origin = try ScriptedOrigin.constant(
      "x", fields: "Cache-Control: s-maxage=7200\r\nVary: X-Kind\r\nETag: \"1\"\r\n")
    let edge = try Edge(
      originPort: origin.port, route: "    ttl: { default: 1 minute, max: 1 hour }")
    let environment = ["EDGE_ADMIN_PASSWORD": Edge.password]
    func explain(_ arguments: String...) throws -> (status: Int32, output: String) {
      let result = try ChildProcess.run(
        Edge.binary, ["explain", "--config", edge.configurationPath] + arguments,
        environment: environment)
      return (result.status, result.output)
    }
    let url = edge.url + "/a?b=1"
    #expect(try explain(url).output.contains("miss (not-stored-yet)"))
    _ = try edge.get("/a?b=1", "-H", "X-Kind: k")
    let stored = try explain("-H", "X-Kind: k", url)
    #expect(stored.status == 0)
    for fact in [
      "hit (fresh)", "/*", "http://127.0.0.1:\(edge.port)/a?b=1", "status 200 in memory", "3600",
      "s-maxage", "cut at the maximum", "has a validator", "x-kind",
    ] {
      #expect(stored.output.contains(fact), "\(fact) in:\n\(stored.output)")
    }
    #expect(try explain("-H", "X-Kind: other", url).output.contains("miss (no-such-variant)"))
    #expect(try explain("-X", "QUERY", url).output.contains("miss (not-stored-yet)"))
    #expect(try explain("-X", "POST", url).output.contains("pass (method)"))
    let json = try explain("--json", "-H", "X-Kind: k", url).output
    #expect(json.contains("\"lifetime_row\":\"s-maxage\""))
    #expect(try explain("nowhere").status == 1)
    #expect(try edge.metric("edge_origin_fetches_total") == 1, "explaining fetches nothing")
  }

  @Test func everyFaultOfAConfigurationIsReportedWithItsPlace() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "edge-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("edge.conf")
    try """
    listeners:
      - address: 127.0.0.1:8080
    origins:
      api: { servers: [http://127.0.0.1:9000] }
    routes:
      - match: /*
        origin: apo
        tll: { default: 1 day }
    store: { memory: { size: many } }
    """.write(to: file, atomically: true, encoding: .utf8)
    for command in ["check", "serve"] {
      let result = try ChildProcess.run(Edge.binary, [command, "--config", file.path])
      #expect(result.status == 78)
      #expect(result.output.contains("edge.conf:7:13: "))
      #expect(result.output.contains("edge.conf:8:5: unknown option 'tll' (did you mean 'ttl'?)"))
      #expect(result.output.contains("edge.conf:9:26: "))
    }
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func aSignalDrains(_ signal: Int32) throws {
    let arrived = DispatchSemaphore(value: 0)
    let mayAnswer = DispatchSemaphore(value: 0)
    let origin = try ScriptedOrigin { _, connection in
      arrived.signal()
      mayAnswer.wait()
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
      return false
    }
    let edge = try Edge(originPort: origin.port)
    let process = try #require(edge.process)
    let client = try RawSocket(port: edge.port)
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    arrived.wait()
    process.signal(signal)
    // The listener is gone while the running request still gets its answer.
    #expect(eventually { (try? RawSocket(port: edge.port)) == nil })
    mayAnswer.signal()
    #expect(client.receiveAll().hasSuffix("done"))
    #expect(process.wait() == 0)
  }

  @Test("A signal at the very moment the listener opens", arguments: [SIGTERM, SIGINT])
  func anEarlySignalDrainsToo(_ signal: Int32) throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port)
    edge.killHard()
    for _ in 0..<3 {
      let process = try ChildProcess(
        "/usr/bin/env", [Edge.binary, "serve", "--config", edge.configurationPath],
        environment: ["EDGE_ADMIN_PASSWORD": Edge.password, "SWIFT_BACKTRACE": "enable=no"])
      let isListening = eventually {
        for _ in 0..<20 where (try? RawSocket(port: edge.port)) == nil { usleep(1000) }
        return (try? RawSocket(port: edge.port)) != nil
      }
      process.signal(signal)
      #expect(isListening)
      #expect(process.wait() == 0, "\(process.text)")
    }
  }

  @Test func aDrainHasALimit() throws {
    let arrived = DispatchSemaphore(value: 0)
    let origin = try ScriptedOrigin { _, connection in
      arrived.signal()
      _ = connection.receive()
      return false
    }
    let edge = try Edge(originPort: origin.port, more: "limits: { drain: 300 ms }")
    let process = try #require(edge.process)
    let client = try RawSocket(port: edge.port)
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    arrived.wait()
    process.signal(SIGTERM)
    #expect(process.wait() == 0)
  }

  @Test func theCommandLineDocumentsItself() throws {
    #expect(try ChildProcess.run(Edge.binary, ["version"]).output.hasPrefix("edge "))
    #expect(
      try ChildProcess.run(Edge.binary, ["config", "reference"]).output.contains("`listeners"))
    let schema = try ChildProcess.run(Edge.binary, ["config", "schema"]).output
    #expect(try JSONSerialization.jsonObject(with: Data(schema.utf8)) is [String: Any])
  }

  @Test func aPortInUseIsNamed() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port)
    let second = try ChildProcess.run(
      Edge.binary, ["serve", "--config", edge.configurationPath],
      environment: ["EDGE_ADMIN_PASSWORD": Edge.password])
    #expect(second.status == 69)
    #expect(second.output.contains("127.0.0.1:\(edge.port)"))
  }
}
