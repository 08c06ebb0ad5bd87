import CacheStore
import Testing

@testable import AdminAPI

struct InvalidationTests {
  @Test func pathsAreInvalidatedAndTheReceiptComesBack() async throws {
    try await AdminFixture.run { admin in
      let answer = try await admin.invalidate(
        #"{"paths": ["/images/*.png", "/a?b=1"], "host": "WWW.example.com:443"}"#)
      #expect(answer.status == 201)
      let id = answer.text("id")
      #expect(id.hasPrefix("I") && id.count == 14)
      #expect(answer.fields["location"] == "/v1/invalidations/\(id)")
      #expect(answer.json["sequence"] == .integer(41))
      #expect(answer.json["kind"] == .string("hard"))
      #expect(answer.json["durable"] == .bool(true))
      #expect(answer.json["host"] == .string("www.example.com"))
      #expect(answer.json["paths"] == .array([.string("/images/*.png"), .string("/a?b=1")]))
      #expect(
        admin.backend.invalidations == [
          [
            .path(host: "www.example.com", pattern: "/images/*.png"),
            .path(host: "www.example.com", pattern: "/a?b=1"),
          ]
        ])
    }
  }

  @Test func tagsAreInvalidatedBesidePathsAndSoftlyIfAsked() async throws {
    try await AdminFixture.run { admin in
      let answer = try await admin.invalidate(
        #"{"tags": ["product-1", "x"], "paths": ["/a"], "soft": true}"#)
      #expect(answer.status == 201)
      #expect(answer.json["tags"] == .array([.string("product-1"), .string("x")]))
      #expect(answer.json["kind"] == .string("soft"))
      #expect(
        admin.backend.invalidations == [
          [.path(host: nil, pattern: "/a"), .tag(TagHash("product-1")), .tag(TagHash("x"))]
        ])
      #expect(admin.backend.state.withLock { $0.kinds } == [.soft])
      let alone = try await admin.invalidate(#"{"tags": ["x"]}"#)
      #expect(alone.status == 201 && alone.json["kind"] == .string("hard"))
    }
  }

  @Test(arguments: [
    ("{\"tags\": \"x\"}", "must be a list"), ("{\"tags\": [1]}", "tags[0] is not a string"),
    ("{\"tags\": [\"a b\"]}", "tags[0] is no cache tag"),
    ("{\"tags\": [\"x\"], \"soft\": 1}", "must be true or false"),
    ("{\"tags\": []}", "There are no paths"),
  ])
  func wrongTagsAreRefused(_ content: String, _ detail: String) async throws {
    try await AdminFixture.run { admin in
      let answer = try await admin.invalidate(content)
      #expect(answer.status == 400)
      #expect(answer.body.contains(detail))
      #expect(admin.backend.invalidations.isEmpty)
    }
  }

  @Test func aJobIsFollowedListedAndTheSameByItsReference() async throws {
    try await AdminFixture.run { admin in
      admin.backend.state.withLock { $0.progress = .pending }
      let content = #"{"paths": ["/a*"], "callerReference": "r"}"#
      let made = try await admin.invalidate(content)
      #expect(made.status == 201 && made.text("status") == "InProgress")
      let path = "/v1/invalidations/" + made.text("id")
      #expect(try await admin.send("GET", path).text("status") == "InProgress")
      let again = try await admin.invalidate(content)
      #expect(again.status == 200 && again.text("id") == made.text("id"))
      let other = try await admin.invalidate(#"{"paths": ["/b"], "callerReference": "r"}"#)
      #expect(other.status == 409 && other.detail.contains(made.text("id")))
      admin.backend.state.withLock {
        $0.progress = .completed(removedFromMemory: 2, removedFromDisk: 3)
      }
      let done = try await admin.send("GET", path)
      #expect(done.text("status") == "Completed")
      #expect(
        done.json["counts"]
          == .object([JSONMember("memory", .integer(2)), JSONMember("disk", .integer(3))]))
      let listed = try await admin.send("GET", "/v1/invalidations?limit=1")
      #expect(listed.body.contains(made.text("id")) && listed.json["next"] == .null)
      #expect(try await admin.send("GET", "/v1/invalidations?limit=0").status == 400)
      #expect(try await admin.send("GET", "/v1/invalidations?after=I1").status == 400)
      #expect(try await admin.send("GET", "/v1/invalidations/I1").status == 404)
      #expect(admin.backend.invalidations.count == 1)
    }
  }

  @Test func aDryRunTakesNothing() async throws {
    try await AdminFixture.run { admin in
      admin.backend.state.withLock {
        $0.counted.memory = 5
        $0.counted.samples = [Array("http://a/b\n=c".utf8)]
      }
      let answer = try await admin.invalidate(#"{"paths": ["/a*"], "dryRun": true}"#)
      #expect(answer.status == 200)
      #expect(answer.body.contains(#""memory":5"#))
      #expect(answer.json["samples"] == .array([.string("http://a/b")]))
      #expect(admin.backend.invalidations.isEmpty)
    }
  }

  @Test func everythingIsOneStar() async throws {
    try await AdminFixture.run { admin in
      let answer = try await admin.invalidate(
        "{\"paths\":[\"\\/*\"]}",
        fields: rightLogin + "Content-Type: Application/JSON; charset=utf-8\r\n")
      #expect(answer.status == 201)
      #expect(answer.json["host"] == nil)
      #expect(admin.backend.invalidations == [[.everything]])
    }
  }

  @Test func anInvalidationThatIsNotDurableSaysSo() async throws {
    try await AdminFixture.run { admin in
      admin.backend.state.withLock { $0.failure = "no space left" }
      let answer = try await admin.invalidate(#"{"paths": ["/*"]}"#)
      #expect(answer.status == 201)
      #expect(answer.json["durable"] == .bool(false))
      #expect(answer.json["failure"] == .string("no space left"))
    }
  }

  @Test(arguments: [
    ("", "line 1, column 1"), ("{\"paths\": [\"/a\",\n \"/b\"", "line 2, column 6"),
    ("{\"paths\": [/a]}", "line 1, column 12"), ("[\"/a\"]", "must be an object"),
    ("{\"paths\": [\"/a\"]} x", "column 19"),
    ("{\"paths\": [\"/a\"], \"paths\": []}", "named twice"),
    ("{\"path\": [\"/a\"]}", "\"path\" is not a member"), ("{}", "There are no paths"),
    ("{\"paths\": []}", "There are no paths"), ("{\"paths\": \"/a\"}", "must be a list"),
    ("{\"paths\": [1]}", "paths[0] is not a string"),
    ("{\"paths\": [\"/a\", \"images/*\"]}", "paths[1]: "),
    ("{\"paths\": [\"\"]}", "does not begin"),
    ("{\"paths\": [\"/a b\"]}", "percent-encode"),
    ("{\"paths\": [\"/a\"], \"host\": 1}", "\"host\""),
    ("{\"paths\": [\"/a\"], \"host\": \"a/b\"}", "host name"),
    ("{\"paths\": [\"/a\"], \"host\": \"\"}", "host name"),
    ("{\"paths\": [\"/a\"], \"host\": \"*.a.com\"}", "host name"),
  ])
  func wrongContentIsRefusedWithItsReason(json: String, reason: String) async throws {
    try await AdminFixture.run { admin in
      let answer = try await admin.invalidate(json)
      #expect(answer.status == 400, "\(json)")
      #expect(answer.detail.contains(reason), "\(json): \(answer.detail)")
      #expect(answer.fields["content-type"] == "application/problem+json")
      #expect(admin.backend.invalidations.isEmpty)
    }
  }

  @Test func pathsAreLimitedInNumber() async throws {
    try await AdminFixture.run { admin in
      func list(_ count: Int) -> String {
        "{\"paths\":[" + (0..<count).map { "\"/\($0)\"" }.joined(separator: ",") + "]}"
      }
      #expect(try await admin.invalidate(list(3_000)).status == 201)
      let answer = try await admin.invalidate(list(3_001))
      #expect(answer.status == 400)
      #expect(answer.detail.contains("3001 paths, the limit is 3000"))
      #expect(admin.backend.invalidations.map(\.count) == [3_000])
    }
  }

  @Test func contentIsLimitedInSize() async throws {
    try await AdminFixture.run { admin in
      let limit = AdminConfiguration.contentLimitBytes
      let fitting = #"{"paths": ["/a"]}"#
      let padded = fitting + String(repeating: " ", count: limit - fitting.utf8.count)
      #expect(try await admin.invalidate(padded).status == 201)
      let declared = try await admin.invalidate(padded + " ")
      #expect(declared.status == 413)
      #expect(declared.detail.contains("\(limit) bytes"))
      let chunk = String(repeating: " ", count: limit + 1)
      let chunked = try await admin.exchange(
        "POST /v1/invalidations HTTP/1.1\r\nHost: a\r\n\(rightLogin)\(jsonType)"
          + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
          + String(chunk.utf8.count, radix: 16) + "\r\n\(chunk)\r\n0\r\n\r\n")
      #expect(chunked.status == 413)
    }
  }

  @Test func otherContentTypesAreRefused() async throws {
    try await AdminFixture.run { admin in
      for type in ["application/x-www-form-urlencoded", "text/plain", "application/jsonx"] {
        let answer = try await admin.invalidate(
          #"{"paths": ["/*"]}"#, fields: rightLogin + "Content-Type: \(type)\r\n")
        #expect(answer.status == 415)
        #expect(answer.detail.contains("Content-Type: application/json"))
      }
      #expect(try await admin.invalidate(#"{"paths": ["/*"]}"#, fields: rightLogin).status == 415)
      #expect(admin.backend.invalidations.isEmpty)
    }
  }
}

struct PurgeTests {
  @Test(
    arguments: [
      // Target, Host (PORT stands for the listener's), own names; path and host that are purged.
      ("/a?b=1", "127.0.0.1:PORT", "/a?b=1", nil), ("/a", "localhost:9", "/a", nil),
      ("/a", "[::1]:PORT", "/a", nil), ("/a", "edge.internal:PORT", "/a", nil),
      ("/a", "admin.example.com", "/a", nil), ("/a", "", "/a", nil),
      ("/v1/status", "www.example.com", "/v1/status", "www.example.com"),
      ("/a", "WWW.example.com:80", "/a", "www.example.com"),
      ("/a", "www.example.com:8443", "/a", "www.example.com:8443"),
      ("http://www.example.com/a?b", "www.example.com", "/a?b", "www.example.com"),
      ("HTTPS://Example.com:443", "Example.com:443", "/", "example.com"),
      ("http://127.0.0.1:8080/a", "127.0.0.1:8080", "/a", nil),
    ] as [(String, String, String, String?)])
  func oneURLIsPurged(target: String, host: String, path: String, purged: String?) async throws {
    try await AdminFixture.run(ownNames: ["Admin.example.com"]) { admin in
      let host = host.replacing("PORT", with: "\(admin.port)")
      let answer = try await admin.send("PURGE", target, host: host)
      #expect(answer.status == 200)
      #expect(answer.json["paths"] == .array([.string(path)]))
      let expectedHost = purged.map { JSONValue.string($0) } ?? .null
      #expect(answer.json["host"] == expectedHost)
      #expect(answer.json["durable"] == .bool(true))
      #expect(
        admin.backend.invalidations == [[.url(host: purged, target: path, ignoresQuery: false)]])
    }
  }

  @Test func patternsAreNotPurged() async throws {
    try await AdminFixture.run { admin in
      let targets = ["/*", "/images/*.png", "*"]
      for target in targets {
        let answer = try await admin.send("PURGE", target)
        #expect(answer.status == 400)
        #expect(answer.detail.contains("POST /v1/invalidations"))
      }
      let relative = try await admin.send("PURGE", "a/b")
      #expect(relative.status == 400)
      #expect(admin.backend.invalidations.isEmpty)
    }
  }

  @Test func wrongPasswordsPurgeNothing() async throws {
    try await AdminFixture.run { admin in
      let answer = try await admin.send("PURGE", "/a", fields: wrongLogin)
      #expect(answer.status == 401)
      #expect(admin.backend.invalidations.isEmpty)
    }
  }
}
