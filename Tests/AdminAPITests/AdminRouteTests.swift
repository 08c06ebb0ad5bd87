import CacheStore
import EdgeSecurity
import Logging
import Synchronization
import Testing

@testable import AdminAPI

struct AdminRouteTests {
  @Test func probesNeedNoPassword() async throws {
    try await AdminFixture.run { admin in
      let health = try await admin.send("GET", "/healthz", fields: "")
      #expect(health.status == 200)
      #expect(health.body == "ok\n")
      #expect(try await admin.send("GET", "/readyz", fields: "").status == 200)
      admin.backend.state.withLock { $0.isReady = false }
      #expect(try await admin.send("GET", "/readyz", fields: "").status == 503)
      #expect(try await admin.send("GET", "/healthz", fields: "").status == 200)
      let head = try await admin.send("HEAD", "/healthz?x=1", fields: "")
      #expect(head.status == 200)
      #expect(head.body.isEmpty)
    }
  }

  @Test func metricsArePrometheusText() async throws {
    try await AdminFixture.run { admin in
      admin.backend.metrics.loops[0].count(.hit, by: 3)
      let answer = try await admin.send("GET", "/metrics")
      #expect(answer.status == 200)
      #expect(answer.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
      #expect(answer.body.contains("edge_requests_total{result=\"hit\"} 3\n"))
    }
  }

  @Test func statusIsJSONWithTheSectionsOfTheBackend() async throws {
    try await AdminFixture.run { admin in
      admin.backend.metrics.loops[0].count(.hit, by: 3)
      admin.backend.metrics.loops[0].count(.miss)
      let answer = try await admin.send("GET", "/v1/status")
      #expect(answer.status == 200)
      #expect(answer.fields["content-type"] == "application/json")
      #expect(answer.fields["cache-control"] == "no-store")
      #expect(answer.json["version"] == .string("1.0"))
      #expect(answer.json["ready"] == .bool(true))
      #expect(answer.json["hit_ratio"] == .number(0.75))
      #expect(answer.json["store"] == .object([JSONMember("objects", .integer(7))]))
    }
  }

  @Test func explainTakesAURLAMethodAndFields() async throws {
    try await AdminFixture.run { admin in
      let answer = try await admin.send(
        "GET",
        "/v1/explain?url=http%3A%2F%2Fa%2Fb%3Fc%3D1&method=HEAD&header=X-One:%201"
          + "&header=X-Two:2")
      #expect(answer.status == 200)
      #expect(answer.json["result"] == .string("miss"))
      #expect(answer.json["key"] == .string("HEAD http://a/b?c=1 X-One=1 X-Two=2"))
      #expect(answer.json["stored"] == nil)
    }
  }

  @Test(arguments: [
    "/v1/explain", "/v1/explain?url=a", "/v1/explain?url=http://a/&header=none",
    "/v1/explain?url=http://a/" + String(repeating: "&header=a:b", count: 65),
  ])
  func explainSaysWhatItWants(_ target: String) async throws {
    try await AdminFixture.run { admin in
      let answer = try await admin.send("GET", target)
      #expect(answer.status == 400)
      #expect(answer.fields["content-type"] == "application/problem+json")
    }
  }

  @Test func everythingElseNeedsThePassword() async throws {
    try await AdminFixture.run { admin in
      for (method, target) in [
        ("GET", "/metrics"), ("GET", "/v1/status"), ("POST", "/v1/invalidations"),
        ("PURGE", "/a"), ("PURGE", "/healthz"), ("GET", "/"), ("GET", "/absent"),
        ("DELETE", "/v1/status"), ("GET", "/healthz/"), ("GET", "//healthz"),
      ] {
        let answer = try await admin.send(method, target, fields: jsonType)
        #expect(answer.status == 401, "\(method) \(target)")
        #expect(answer.fields["www-authenticate"]?.hasPrefix("Basic realm=") == true)
        #expect(answer.fields["content-type"] == "application/problem+json")
        #expect(answer.detail.contains("admin.users"))
      }
      #expect(admin.backend.invalidations.isEmpty)
    }
  }

  @Test func malformedCredentialsAreRefusedAndSayWhy() async throws {
    try await AdminFixture.run { admin in
      for value in ["Digest abc", "Basic !!!!", "Basic", "Bearer", "Bearer a b"] {
        let answer = try await admin.send("GET", "/metrics", fields: "Authorization: \(value)\r\n")
        #expect(answer.status == 401)
        #expect(answer.detail.contains("base 64"))
      }
    }
  }

  @Test func wrongPasswordsAreSlowedAndThenRefused() async throws {
    let pauses = Mutex<[Duration]>([])
    let start = ContinuousClock.now
    // The clock stands still: all attempts come at once.
    try await AdminFixture.run(
      now: { start }, pause: { pause in pauses.withLock { $0.append(pause) } }
    ) { admin in
      var statuses: [Int] = []
      for _ in 0..<20 {
        statuses.append(try await admin.send("GET", "/metrics", fields: wrongLogin).status)
      }
      #expect(statuses.prefix(8).allSatisfy { $0 == 401 })
      #expect(statuses.last == 429)
      let refused = try await admin.send("GET", "/metrics")
      #expect(refused.status == 429)
      #expect(refused.fields["retry-after"].flatMap { Int($0) } ?? 0 > 10)
      #expect(try await admin.send("GET", "/healthz", fields: "").status == 200)
    }
    let taken = pauses.withLock { $0 }
    #expect(taken.first == .milliseconds(250))
    #expect(taken == taken.sorted())
  }

  @Test func theRightPasswordWorksAmongWrongOnes() async throws {
    try await AdminFixture.run { admin in
      for _ in 0..<6 { _ = try await admin.send("GET", "/metrics", fields: wrongLogin) }
      #expect(try await admin.send("GET", "/metrics").status == 200)
    }
  }

  @Test func wrongMethodsNameTheRightOnes() async throws {
    try await AdminFixture.run { admin in
      for (method, target, allow) in [
        ("GET", "/v1/purge", "POST"), ("DELETE", "/v1/invalidations", "POST, GET, HEAD"),
        ("POST", "/v1/status", "GET, HEAD"), ("PUT", "/metrics", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
      ] {
        let answer = try await admin.send(method, target)
        #expect(answer.status == 405, "\(method) \(target)")
        #expect(answer.fields["allow"] == allow)
      }
    }
  }

  @Test func unknownPathsListTheKnownOnes() async throws {
    try await AdminFixture.run { admin in
      let answer = try await admin.send("GET", "/v1/nothing")
      #expect(answer.status == 404)
      #expect(answer.fields["content-type"] == "application/problem+json")
      #expect(answer.json["status"] == .integer(404))
      #expect(answer.detail.contains("/v1/invalidations"))
    }
  }

  @Test func nothingSecretIsLogged() async throws {
    try await AdminFixture.run { admin in
      _ = try await admin.send("GET", "/metrics")
      _ = try await admin.send("GET", "/metrics", fields: wrongLogin)
      _ = try await admin.invalidate(#"{"paths": ["/*"]}"#)
    }
    let lines = CollectedLog.lines.withLock { $0 }
    #expect(!lines.isEmpty)
    for line in lines {
      for secret in ["secret", "wrong ", "YWRtaW4", "d3Jvbmc"] {
        #expect(!line.contains(secret), "\(line)")
      }
    }
  }

  @Test func aTakenAddressIsAnErrorThatNamesItAndTheRemedy() async throws {
    try await AdminFixture.run { admin in
      let server = AdminServer(
        configuration: AdminConfiguration(port: admin.port), backend: admin.backend,
        authenticator: AdminAuthenticator(users: []),
        auditLog: AuditLog(.off, logger: Logger(label: "test") { _ in CollectedLog() }),
        logger: Logger(label: "test") { _ in CollectedLog() })
      let error = await #expect(throws: AdminServerError.self) { try await server.run() }
      let text = try #require(error).description
      #expect(text.contains("127.0.0.1:\(admin.port)"))
      #expect(text.contains("admin.address"))
      #expect(text.contains("in use"))
    }
  }
}
