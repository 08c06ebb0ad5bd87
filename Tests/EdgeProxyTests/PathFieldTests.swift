import CachePolicy
import Testing

@testable import EdgeProxy

/// CDN-Loop (RFC 8586) and Max-Forwards (RFC 9110 section 7.6.2).
@Suite struct PathFieldTests {
  @Test func aRequestThatWasHereBeforeIsALoop() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a", "CDN-Loop: other, edge; v=1\n")
    #expect(client.status == 508 && client.isFinished && client.reason == "loop")
    #expect(
      client.fields.texts(named: "proxy-status").first?.contains("proxy_loop_detected") == true)
    #expect(edge.origin.fetches.isEmpty)
  }

  @Test func anotherCachesNameIsNoLoopAndOursIsAdded() throws {
    let edge = try SimulatedEdge()
    try edge.get("/a", "CDN-Loop: edge2\n")
    #expect(try edge.origin.last.request.fields.texts(named: "cdn-loop") == ["edge2, edge"])
  }

  @Test func aTraceWithNoForwardLeftIsReflectedWithoutSecrets() throws {
    let edge = try SimulatedEdge()
    let client = try edge.request(
      "TRACE /a HTTP/1.1\nHost: a\nMax-Forwards: 0\nCookie: s=1\nX-Seen: yes\n")
    #expect(client.status == 200 && client.fields.text(.contentType) == "message/http")
    #expect(client.body.contains("TRACE /a HTTP/1.1\r\n") && client.body.contains("X-Seen: yes"))
    #expect(!client.body.contains("Cookie"))
    #expect(edge.origin.fetches.isEmpty)
  }

  @Test func maxForwardsCountsDownForOptionsAndIsIgnoredForGet() throws {
    let edge = try SimulatedEdge()
    try edge.request("OPTIONS /a HTTP/1.1\nHost: a\nMax-Forwards: 1\n")
    #expect(try edge.origin.last.request.fields.texts(named: "max-forwards") == ["0"])
    let last = try edge.request("OPTIONS /a HTTP/1.1\nHost: a\nMax-Forwards: 0\n")
    #expect(last.status == 200 && last.fields.texts(named: "allow").count == 1)
    try edge.get("/b", "Max-Forwards: 0\n")
    #expect(edge.origin.fetches.count == 2)
  }
}
