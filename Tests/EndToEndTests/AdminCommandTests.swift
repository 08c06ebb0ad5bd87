import Foundation
import TestSupport
import Testing

/// Users, tokens, TLS and the commands of the admin API, as an operator has them.
@Suite struct AdminCommandTests {
  /// Runs `edge` against a running one's file.
  private func run(
    _ edge: Edge, _ arguments: String..., environment: [String: String] = [:]
  ) throws -> (status: Int32, output: String) {
    var environment = environment
    environment["EDGE_ADMIN_PASSWORD"] = environment["EDGE_ADMIN_PASSWORD"] ?? Edge.password
    // Behind the command, or its subcommand.
    var command = arguments
    command.insert(
      contentsOf: ["--config", edge.configurationPath], at: arguments[0] == "token" ? 2 : 1)
    return try ChildProcess.run(Edge.binary, command, environment: environment)
  }

  private func shell(_ command: String) throws -> (status: Int32, output: String) {
    try ChildProcess.run("/bin/sh", ["-c", command])
  }

  @Test func aHashedPasswordLogsIn() throws {
    let made = try shell("printf 'open sesame\\n' | '\(Edge.binary)' hash-password")
    #expect(made.status == 0 && made.output.hasPrefix("scrypt$ln=15,r=8,p=3$"), "\(made.output)")
    #expect(!made.output.contains("sesame"))
    let hash = made.output.trimmingCharacters(in: .newlines)
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(
      originPort: origin.port,
      users: "    - { name: ada, password_hash: \"\(hash)\", scopes: [read] }")
    func get(_ path: String, _ login: String, _ more: String...) throws -> Int {
      try Curl.get(edge.adminURL + path, ["-u", login] + more).status
    }
    for _ in 0..<2 { #expect(try get("/metrics", "ada:open sesame") == 200) }
    #expect(try get("/metrics", "ada:open") == 401)
    #expect(try get("/metrics", "eve:open sesame") == 401)
    #expect(try get("/a", "ada:open sesame", "-X", "PURGE") == 403)
    #expect(try edge.admin("/metrics").status == 200, "a plain password beside it still works")
    #expect(try shell(": | '\(Edge.binary)' hash-password").status == 1)
  }

  @Test func tokensAreMadeUsedAndRevokedWhileTheEdgeRuns() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port, admin: "  tokens: var/tokens")
    let made = try shell(
      "EDGE_ADMIN_PASSWORD=x '\(Edge.binary)' token create --config '\(edge.configurationPath)' "
        + "--name ci --scope purge --expires 3d 2>/dev/null")
    #expect(made.status == 0 && made.output.hasPrefix("edge_"), "\(made.output)")
    let token = made.output.trimmingCharacters(in: .newlines)
    let stored = try String(
      contentsOf: edge.folder.appendingPathComponent("var/tokens"), encoding: .utf8)
    #expect(!stored.contains(token) && stored.contains("ci purge "))

    func purge(_ token: String) throws -> (status: Int32, output: String) {
      try ChildProcess.run(
        Edge.binary, ["purge", "--admin", edge.adminURL, "/a"],
        environment: ["EDGE_ADMIN_TOKEN": token])
    }
    _ = try edge.get("/a")
    #expect(try edge.get("/a").header("X-Cache") == "Hit from edge")
    let used = try purge(token)
    #expect(used.status == 0, "\(used.output)")
    #expect(try edge.get("/a").header("X-Cache") == "Miss from edge")
    let headers = try Curl.get(
      edge.adminURL + "/a", ["-X", "PURGE", "-H", "Authorization: Bearer \(token)"])
    #expect(headers.header("Edge-Token-Expires") != nil, "three days are less than a week")
    #expect(try edge.metric("edge_admin_token_expiry_seconds") > 1_000_000_000)

    let list = try run(edge, "token", "list", "--json")
    #expect(list.status == 0 && list.output.contains("\"name\":\"ci\""), "\(list.output)")
    #expect(!list.output.contains(token))
    let status = try ChildProcess.run(
      Edge.binary, ["status", "--admin", edge.adminURL],
      environment: ["EDGE_ADMIN_TOKEN": token])
    #expect(status.status == 77, "a purge token may not look: \(status.output)")

    #expect(try run(edge, "token", "revoke", "ci").status == 0)
    let refused = try purge(token)
    #expect(refused.status == 77 && !refused.output.contains(token), "\(refused.output)")
    #expect(try run(edge, "token", "revoke", "ci").status == 1)
    #expect(try run(edge, "token", "create", "--name", "a b").status == 64)
    #expect(try run(edge, "token", "create", "--name", "a", "--scope", "all").status == 64)
    #expect(try run(edge, "token", "create", "--name", "a", "--expires", "soon").status == 64)
  }

  @Test func theAdminListenerSpeaksTLS() throws {
    let certificate = try TestCertificate()
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(
      originPort: origin.port,
      admin: "  tls: { certificate: \(certificate.certificate), key: \(certificate.key) }",
      adminArguments: ["--cacert", certificate.certificate])
    #expect(edge.adminURL.hasPrefix("https://"))
    #expect(try edge.admin("/metrics").status == 200)
    #expect(try edge.admin("/metrics", "--tls-max", "1.2").status == 0, "TLS 1.3 only")
    let clear = try Curl.get("http://127.0.0.1:\(edge.adminPort)/healthz")
    #expect(clear.status == 0, "clear text gets no answer")
    // The file names the certificate to trust; elsewhere it is named, or not asked for.
    #expect(try run(edge, "purge", "/a").status == 0)
    let environment = ["EDGE_ADMIN_PASSWORD": Edge.password]
    for (more, status) in [
      ([], 69), (["--ca-file", certificate.certificate], 0), (["--insecure"], 0),
    ] as [([String], Int32)] {
      let purge = try ChildProcess.run(
        Edge.binary, ["purge", "--admin", edge.adminURL, "/a"] + more, environment: environment)
      #expect(purge.status == status, "\(more): \(purge.output)")
    }
  }

  @Test func theAdminListenerAsksForCertificatesOfClients() throws {
    let (server, client) = (try TestCertificate(), try TestCertificate())
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(
      originPort: origin.port,
      admin: """
          tls:
            certificate: \(server.certificate)
            key: \(server.key)
            clients: { authorities: \(client.certificate) }
        """,
      adminArguments: [
        "--cacert", server.certificate, "--cert", client.certificate, "--key", client.key,
      ])
    #expect(try edge.admin("/metrics").status == 200)
    let trust = ["--cacert", server.certificate]
    #expect(try Curl.get(edge.adminURL + "/healthz", trust).status == 0, "no certificate")
    let other = ["--cert", server.certificate, "--key", server.key]
    #expect(try Curl.get(edge.adminURL + "/healthz", trust + other).status == 0, "a foreign one")
  }

  @Test func clearTextIsForLoopbackOnly() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port)
    let text = try String(contentsOfFile: edge.configurationPath, encoding: .utf8)
    let open = edge.folder.appendingPathComponent("open.conf")
    try text.replacing("address: 127.0.0.1:\(edge.adminPort)", with: "address: 0.0.0.0:8081")
      .write(to: open, atomically: true, encoding: .utf8)
    let result = try ChildProcess.run(
      Edge.binary, ["check", "--config", open.path],
      environment: ["EDGE_ADMIN_PASSWORD": Edge.password])
    #expect(result.status == 78)
    #expect(result.output.contains("clear text (add tls: {"), "\(result.output)")
  }

  @Test func aPasswordHashThatCannotBeUsedIsAFaultWithItsPlace() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port)
    let text = try String(contentsOfFile: edge.configurationPath, encoding: .utf8)
    let weak = "scrypt$ln=4,r=8,p=1$c2VjcmV0LXNhbHQ$c2VjcmV0LWhhc2gtdGV4dA"
    let file = edge.folder.appendingPathComponent("weak.conf")
    try text.replacing(
      "password: \"${EDGE_ADMIN_PASSWORD}\"", with: "password_hash: \"\(weak)\""
    ).write(to: file, atomically: true, encoding: .utf8)
    let result = try ChildProcess.run(Edge.binary, ["check", "--config", file.path])
    #expect(result.status == 78)
    #expect(result.output.contains("'password_hash' costs too little"), "\(result.output)")
    #expect(result.output.contains("weak.conf:"), "\(result.output)")
    #expect(!result.output.contains("c2VjcmV0"), "\(result.output)")
  }

  @Test func statusAndObjectsAreForPeopleAndPrograms() throws {
    let origin = try ScriptedOrigin.constant(
      "0123456789", fields: "Cache-Tag: one\r\nCache-Control: max-age=600\r\n")
    let edge = try Edge(originPort: origin.port)
    for path in ["/a", "/a", "/b", "/images/c"] { _ = try edge.get(path) }
    let status = try run(edge, "status")
    #expect(status.status == 0)
    for fact in [
      "ready", "requests                4", "hit ratio               25.0 %",
      "memory                  3 objects", "alert hit_ratio",
    ] {
      #expect(status.output.contains(fact), "\(fact) in:\n\(status.output)")
    }
    let json = try run(edge, "status", "--json").output
    let fields = try #require(
      JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect((fields["alerts"] as? [[String: Any]])?.count == 6)
    #expect(fields["state"] as? String == "ok" || fields["state"] as? String == "warning")

    let list = try run(edge, "objects")
    #expect(list.output.split(separator: "\n").count == 3, "\(list.output)")
    let filtered = try run(
      edge, "objects", "--prefix", "http://127.0.0.1:\(edge.port)/images/")
    #expect(filtered.output.contains("/images/c"))
    #expect(filtered.output.split(separator: "\n").count == 1)
    #expect(try run(edge, "objects", "--tag", "one").output.split(separator: "\n").count == 3)
    #expect(try run(edge, "objects", "--tag", "two").output.isEmpty)
    #expect(try run(edge, "objects", "--host", "other.test").output.isEmpty)
    #expect(
      try run(edge, "objects", "--sort", "newest", "--limit", "2").output
        .split(separator: "\n").count == 2)
    let paged = try run(edge, "objects", "--limit", "2", "--json").output
    #expect(paged.contains("\"next\":\"m"))
    let hash = String(try #require(filtered.output.split(separator: " ").first))
    let one = try run(edge, "objects", hash)
    for fact in ["/images/c", "response", "max-age", "Cache-Tag: one", "content bytes"] {
      #expect(one.output.contains(fact), "\(fact) in:\n\(one.output)")
    }
    #expect(try run(edge, "objects", String(repeating: "0", count: 32)).status == 1)
    #expect(try run(edge, "objects", "nothing").status == 64)
    #expect(try run(edge, "objects", "--sort", "size").status == 1)
  }

  @Test func anObjectIsPutInByHandAndTakenOut() throws {
    let origin = try ScriptedOrigin.constant("from the origin")
    let edge = try Edge(originPort: origin.port)
    let url = "\(edge.url)/by-hand"
    func put(_ json: String) throws -> CurlAnswer {
      try edge.admin(
        "/v1/objects", "-X", "PUT", "-H", "Content-Type: application/json", "-d", json)
    }
    let placed = try put(
      "{\"url\":\"\(url)\",\"ttl\":600,\"headers\":{\"Content-Type\":\"text/plain\"},"
        + "\"body\":\"by hand\"}")
    #expect(placed.status == 201, "\(placed.body)")
    let hit = try edge.get("/by-hand")
    #expect(hit.body == "by hand")
    #expect(hit.header("X-Cache") == "Hit from edge")
    #expect(hit.header("Content-Type") == "text/plain")
    let fields = try JSONSerialization.jsonObject(with: Data(placed.body.utf8)) as? [String: Any]
    let hash = try #require(fields?["hash"] as? String)
    #expect(try edge.admin("/v1/objects/\(hash)").status == 200)
    #expect(try edge.admin("/v1/objects/\(hash)", "-X", "DELETE").status == 204)
    #expect(try edge.admin("/v1/objects/\(hash)").status == 404)
    #expect(try edge.get("/by-hand").body == "from the origin")
    for (json, status) in [
      ("{\"url\":\"\(url)\",\"headers\":{\"Cache-Control\":\"no-store\"}}", 409),
      ("{\"url\":\"\(url)\",\"ttl\":1,\"headers\":{\"Cache-Control\":\"max-age=1\"}}", 400),
      ("{\"url\":\"nowhere\",\"ttl\":1}", 400), ("{\"ttl\":1}", 400), ("[]", 400), ("{", 400),
      ("{\"url\":\"\(url)\",\"ttl\":1,\"headers\":{\"A b\":\"x\"}}", 400),
      ("{\"url\":\"\(url)\",\"ttl\":1,\"headers\":{\"A\":\"x\\r\\nB: y\"}}", 400),
      ("{\"url\":\"\(url)\",\"ttl\":1,\"body_base64\":\"!\"}", 400),
    ] {
      let answer = try put(json)
      #expect(answer.status == status, "\(json): \(answer.body)")
    }
    let variant = try put(
      "{\"url\":\"\(url)\",\"ttl\":600,\"headers\":{\"Vary\":\"X-Kind\"},"
        + "\"request_headers\":{\"X-Kind\":\"b\"},\"body_base64\":\"Yg==\"}")
    #expect(variant.status == 201, "\(variant.body)")
    #expect(try edge.get("/by-hand", "-H", "X-Kind: b").body == "b")
    #expect(try edge.get("/by-hand", "-H", "X-Kind: c").body == "from the origin")
  }

  @Test func nothingSecretIsEverPrinted() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(
      originPort: origin.port, admin: "  tokens: var/tokens\n  audit: audit.log", logLevel: "trace")
    let made = try shell(
      "EDGE_ADMIN_PASSWORD='\(Edge.password)' '\(Edge.binary)' token create --name ci "
        + "--scope admin --config '\(edge.configurationPath)' 2>/dev/null")
    let token = made.output.trimmingCharacters(in: .newlines)
    #expect(token.hasPrefix("edge_"))
    var outputs: [String] = []
    for login in [
      ["-u", "admin:\(Edge.password)"], ["-u", "admin:wrong-password"],
      ["-H", "Authorization: Bearer \(token)"], ["-H", "Authorization: Bearer \(token)x"],
      ["-u", "\(Edge.password):admin"],
    ] {
      for path in ["/v1/status", "/nowhere"] {
        let answer = try Curl.get(edge.adminURL + path, login)
        outputs.append(answer.head + answer.body)
      }
      let purge = try Curl.get(edge.adminURL + "/a", login + ["-X", "PURGE"])
      outputs.append(purge.head + purge.body)
    }
    for arguments in [["check"], ["purge", "/a"], ["status"], ["token", "list"]] {
      let result = try ChildProcess.run(
        Edge.binary, arguments + ["--config", edge.configurationPath],
        environment: ["EDGE_ADMIN_PASSWORD": Edge.password])
      outputs.append(result.output)
    }
    edge.process?.signal(SIGTERM)
    edge.process?.wait()
    outputs.append(edge.process?.text ?? "")
    outputs.append(edge.accessLog().joined())
    let audit = try String(
      contentsOf: edge.folder.appendingPathComponent("audit.log"), encoding: .utf8)
    #expect(audit.contains("\"user\":\"ci\""))
    outputs.append(audit)
    outputs.append(
      try String(contentsOf: edge.folder.appendingPathComponent("var/tokens"), encoding: .utf8))
    let secrets = [
      Edge.password, "wrong-password", token,
      Data("admin:\(Edge.password)".utf8).base64EncodedString(),
      Data("\(Edge.password):admin".utf8).base64EncodedString(),
    ]
    for output in outputs {
      for secret in secrets { #expect(!output.contains(secret), "\(secret) in:\n\(output)") }
    }
  }

  @Test func originsHearOnlyTheAddressThatTheEdgeSaw() throws {
    let origin = try ScriptedOrigin { request, connection in
      let line = request.split(separator: "\r\n").first {
        $0.lowercased().hasPrefix("x-forwarded-for:")
      }
      let body = String(line ?? "none")
      connection.send(
        "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
          + body)
      return true
    }
    let claim = ["-H", "X-Forwarded-For: 10.0.0.9"]
    let edge = try Edge(originPort: origin.port)
    #expect(try Curl.get(edge.url + "/a", claim).body == "X-Forwarded-For: 127.0.0.1")
    #expect(
      try Curl.get(edge.url + "/a", claim + ["-X", "DELETE"]).body
        == "X-Forwarded-For: 127.0.0.1")
    let trusting = try Edge(originPort: origin.port, more: "trusted_proxies: [127.0.0.0/8]")
    #expect(
      try Curl.get(trusting.url + "/a", claim).body == "X-Forwarded-For: 10.0.0.9, 127.0.0.1")
  }
}
