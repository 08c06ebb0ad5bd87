import CacheStore
import EdgeSecurity
import Testing

@testable import AdminAPI

/// CloudFront's API and events over the wire, with requests signed here.
@Suite struct SignedRequestTests {
  private static let path = "/2020-05-31/distribution/E1/invalidation"
  private static let date = "20261128T010500Z"
  private static let seconds: Int64 = 1_795_827_900

  private func run(
    _ body: @escaping @Sendable (AdminFixture) async throws -> Void
  ) async throws {
    var event = EventConfiguration(name: "product", secret: "topsecret")
    event.tags = ["product-{id}"]
    let events = [event]
    try await AdminFixture.run(
      prepare: { responder in
        responder.nowSeconds = { Self.seconds }
        responder.cloudFront = CloudFrontConfiguration(
          distribution: "E1", keys: [.init(id: "key", secret: "s3cret")])
        responder.events = Dictionary(uniqueKeysWithValues: events.map { ($0.name, $0) })
      }, body)
  }

  /// Signs as AWS describes it, in few words.
  private func signed(
    _ method: String, _ path: String, query: String = "", _ body: String, port: Int,
    secret: String = "s3cret"
  ) -> String {
    func digest(_ text: String) -> String {
      hexadecimal(Array(text.utf8).withUnsafeBytes { ContentDigest.sha256($0) })
    }
    let canonical =
      "\(method)\n\(path)\n\(query)\nhost:127.0.0.1:\(port)\nx-amz-date:\(Self.date)\n\n"
      + "host;x-amz-date\n\(digest(body))"
    let scope = "20261128/us-east-1/cloudfront/aws4_request"
    var key = Array("AWS4\(secret)".utf8)
    for part in scope.split(separator: "/") { key = HMACSHA256.code(part.utf8, key: key) }
    let text = "AWS4-HMAC-SHA256\n\(Self.date)\n\(scope)\n\(digest(canonical))"
    let signature = hexadecimal(HMACSHA256.code(text.utf8, key: key))
    return "X-Amz-Date: \(Self.date)\r\nAuthorization: AWS4-HMAC-SHA256 Credential=key/\(scope), "
      + "SignedHeaders=host;x-amz-date, Signature=\(signature)\r\n"
  }

  private func batch(_ paths: String..., reference: String) -> String {
    "<InvalidationBatch xmlns=\"\(CloudFrontBatch.namespace)\"><Paths><Quantity>\(paths.count)"
      + "</Quantity><Items>" + paths.map { "<Path>\($0)</Path>" }.joined()
      + "</Items></Paths><CallerReference>\(reference)</CallerReference></InvalidationBatch>"
  }

  private func post(
    _ admin: AdminFixture, _ body: String, path: String = Self.path, secret: String = "s3cret"
  ) async throws -> Answer {
    try await admin.send(
      "POST", path, fields: signed("POST", path, body, port: admin.port, secret: secret),
      body: body)
  }

  @Test func aBatchIsAJobOfBothAPIs() async throws {
    try await run { admin in
      let body = batch("/a", "/b/*", reference: "r")
      let made = try await post(admin, body)
      #expect(made.status == 201, "\(made.body)")
      #expect(made.fields["content-type"] == "text/xml")
      let location = try #require(made.fields["location"])
      let document = try XMLTree.read(Array(made.body.utf8))
      #expect(document.name == "Invalidation" && document.namespace == CloudFrontBatch.namespace)
      let id = try #require(document.only("Id")?.text)
      #expect(location == "\(Self.path)/\(id)")
      #expect(
        admin.backend.invalidations == [
          [.url(host: nil, target: "/a", ignoresQuery: false), .prefix(host: nil, prefix: "/b/")]
        ])
      let again = try await post(admin, body)
      #expect(again.status == 201 && again.body.contains(id))
      let found = try await admin.send(
        "GET", location, fields: signed("GET", location, "", port: admin.port))
      #expect(found.status == 200 && found.body.contains("<Status>Completed</Status>"))
      let listed = try await admin.send(
        "GET", Self.path + "?MaxItems=1",
        fields: signed("GET", Self.path, query: "MaxItems=1", "", port: admin.port))
      #expect(listed.status == 200 && listed.body.contains("<Id>\(id)</Id>"))
      #expect(try await admin.send("GET", "/v1/invalidations/\(id)").status == 200)
    }
  }

  @Test func faultsAreCloudFronts() async throws {
    try await run { admin in
      func expect(_ answer: Answer, _ status: Int, _ code: String) {
        #expect(answer.status == status, "\(answer.body)")
        #expect(answer.body.contains("<Code>\(code)</Code>"), "\(answer.body)")
      }
      let body = batch("/a", reference: "r")
      expect(try await post(admin, body, secret: "other"), 403, "AccessDenied")
      expect(
        try await admin.send("POST", Self.path, fields: rightLogin, body: body), 403,
        "AccessDenied")
      expect(
        try await post(admin, body, path: "/2020-05-31/distribution/E2/invalidation"), 404,
        "NoSuchDistribution")
      let missing = Self.path + "/INONE"
      expect(
        try await admin.send(
          "GET", missing, fields: signed("GET", missing, "", port: admin.port)), 404,
        "NoSuchInvalidation")
      expect(try await post(admin, ""), 400, "MissingBody")
      expect(try await post(admin, "<a>"), 400, "InvalidArgument")
      #expect(try await post(admin, body).status == 201)
      expect(
        try await post(admin, batch("/b", reference: "r")), 400, "InvalidationBatchAlreadyExists")
      #expect(admin.backend.invalidations.count == 1)
    }
  }

  @Test func withoutTheSectionNobodyMayUseIt() async throws {
    try await AdminFixture.run { admin in
      let answer = try await admin.send("GET", Self.path)
      #expect(answer.status == 403 && answer.body.contains("AccessDenied"))
    }
  }

  @Test func aReportedEventIsAJob() async throws {
    try await run { admin in
      func report(_ name: String, _ content: String, secret: String = "topsecret") async throws
        -> Answer
      {
        let code = hexadecimal(HMACSHA256.code(content.utf8, key: Array(secret.utf8)))
        return try await admin.send(
          "POST", "/v1/events/\(name)", fields: "X-Hub-Signature-256: sha256=\(code)\r\n",
          body: content)
      }
      #expect(try await report("product", "{\"id\":7}", secret: "x").status == 401)
      #expect(try await report("other", "{\"id\":7}").status == 401)
      #expect(try await report("product", "{\"id\":").status == 400)
      let ignored = try await report("product", "{\"name\":\"x\"}")
      #expect(ignored.status == 200 && ignored.text("status") == "Ignored")
      #expect(admin.backend.invalidations.isEmpty)
      let made = try await report("product", "{\"id\":7}")
      #expect(made.status == 201)
      #expect(admin.backend.invalidations == [[.tag(TagHash("product-7"))]])
      #expect(admin.backend.state.withLock { $0.kinds } == [.soft])
    }
  }

  @Test func tagsArePurgedAsFastlysClientsDo() async throws {
    try await run { admin in
      let tags: [(String, String, String)] = [
        ("/v1/purge/a%20b", "", ""), ("/v1/purge/t1", "", "t1"),
        ("/service/S/purge/t2", "Fastly-Soft-Purge: 1\r\n", "t2"),
        ("/service/S/purge", "Surrogate-Key: t3 t4\r\n", "t3 t4"),
        ("/v1/purge", "Cache-Tag: t5, t6\r\n", "t5 t6"), ("/v1/purge", "", ""),
      ]
      for (path, fields, expected) in tags {
        let count = admin.backend.invalidations.count
        let answer = try await admin.send("POST", path, fields: rightLogin + fields)
        #expect(answer.status == (expected.isEmpty ? 400 : 200), "\(path)")
        let selectors = admin.backend.invalidations.dropFirst(count).first ?? []
        #expect(selectors == expected.split(separator: " ").map { .tag(TagHash(String($0))) })
      }
      #expect(admin.backend.state.withLock { $0.kinds } == [.hard, .soft, .hard, .hard])
      #expect(try await admin.send("POST", "/service/S/purge_all").status == 200)
      #expect(admin.backend.invalidations.last == [.everything])
      for field in ["Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        let answer = try await admin.send("POST", "/v1/purge/t", fields: rightLogin + field)
        #expect(answer.status == 403)
      }
    }
  }
}
