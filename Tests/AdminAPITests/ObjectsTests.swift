import CacheStore
import EdgeProxy
import Testing

@testable import AdminAPI

struct ObjectsTests {
  @Test func aListingAsksForWhatTheQuerySays() async throws {
    try await AdminFixture.run { admin in
      let plain = try await admin.send("GET", "/v1/objects")
      #expect(plain.status == 200)
      #expect(plain.json["objects"] == .array([]))
      #expect(plain.json["complete"] == .bool(true))
      let full = try await admin.send(
        "GET", "/v1/objects?prefix=http%3A%2F%2Fa%2Fb%2Bc&host=A.test:80&tag=t&limit=7&cursor=m3.9")
      #expect(full.status == 200)
      let sorted = try await admin.send("GET", "/v1/objects?sort=bytes")
      #expect(sorted.status == 200)
      var expected = ObjectQuery()
      let queries = admin.backend.state.withLock { $0.queries }
      #expect(queries.count == 3)
      #expect(queries[0] == expected)
      expected.prefix = "http://a/b+c"
      expected.host = "a.test"
      expected.tag = "t"
      expected.limit = 7
      expected.cursor = try #require(ObjectCursor("m3.9"))
      #expect(queries[1] == expected)
      #expect(queries[2].order == .bytes)
    }
  }

  @Test(arguments: [
    "limit=0", "limit=1001", "limit=x", "sort=size", "cursor=x", "cursor=m1", "cursor=m-1.2",
    "sort=bytes&cursor=m0.0",
  ])
  func aListingSaysWhatIsWrong(_ query: String) async throws {
    try await AdminFixture.run { admin in
      let answer = try await admin.send("GET", "/v1/objects?\(query)")
      #expect(answer.status == 400)
      #expect(answer.fields["content-type"] == "application/problem+json")
      #expect(admin.backend.state.withLock { $0.queries.isEmpty })
    }
  }

  @Test func whatIsNotThereIsNotFound() async throws {
    try await AdminFixture.run { admin in
      for hash in ["0", String(repeating: "0", count: 32), "%2e%2e"] {
        #expect(try await admin.send("GET", "/v1/objects/\(hash)").status == 404)
        #expect(try await admin.send("DELETE", "/v1/objects/\(hash)").status == 404)
      }
      #expect(try await admin.send("POST", "/v1/objects/0").status == 405)
      let other = try await admin.send("DELETE", "/v1/objects")
      #expect(other.status == 405)
      #expect(other.fields["allow"] == "GET, HEAD, PUT")
    }
  }

  @Test func aResponsePutInByHandIsReadInFull() throws {
    let text = """
      {"url": "http://a/b", "status": 404, "headers": {"A": "1", "B": "2"}, "ttl": 5,
       "request_headers": {"C": "3"}, "body_base64": "AP8="}
      """
    let response = try PlacedResponse(json: Array(text.utf8))
    #expect(response.url == "http://a/b" && response.status == 404)
    #expect(response.content == [0, 255])
    #expect(response.fields.map(\.name) == ["A", "B", "Cache-Control"])
    #expect(response.fields.last?.value == "s-maxage=5")
    #expect(response.requestFields.map(\.value) == ["3"])
    #expect(try PlacedResponse(json: Array(#"{"url": "/"}"#.utf8)).content.isEmpty)
  }

  @Test(arguments: [
    "", "[]", "{}", #"{"url": 1}"#, #"{"url": "/", "status": 199}"#, #"{"url": "/", "ttl": -1}"#,
    #"{"url": "/", "ttl": 1.5}"#, #"{"url": "/", "headers": []}"#,
    #"{"url": "/", "headers": {"A": 1}}"#, #"{"url": "/", "body": "a", "body_base64": "YQ=="}"#,
    #"{"url": "/", "body_base64": "YQ"}"#, #"{"url": "/", "unknown": 1}"#,
    #"{"url": "/", "ttl": 1, "headers": {"cache-control": "x"}}"#,
  ])
  func aResponsePutInByHandIsReadStrictly(_ text: String) {
    #expect(throws: Problem.self) { try PlacedResponse(json: Array(text.utf8)) }
  }
}
