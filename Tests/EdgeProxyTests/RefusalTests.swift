import CachePolicy
import HTTPMessage
import NIOCore
import Observability
import Testing

@testable import EdgeProxy

/// What the edge answers by itself says who says so, and why, whichever part of it answers.
@Suite struct RefusalTests {
  /// The lines that the proxy gives the front for an answer of its own.
  private func lines(_ fault: RequestFault, _ edge: SimulatedEdge) -> FieldBlock {
    var lines = ByteBuffer()
    edge.proxy.describe(fault, into: &lines)
    return FieldBlock(lines: lines)
  }

  @Test(arguments: [
    (RequestFault.badRequestLine, "malformed-request"), (.hostMismatch, "malformed-request"),
    (.badChunk, "malformed-request"), (.badTrailer, "malformed-request"),
    (.unsupportedMethod, "not-supported"), (.unsupportedVersion, "not-supported"),
    (.targetTooLong, "request-too-large"), (.tooManyFields, "request-too-large"),
    (.contentTooLarge, "request-too-large"), (.headerTimeout, "request-timeout"),
    (.bodyTooSlow, "request-timeout"), (.tooManyConnections, "client-limit"),
    (.tooManyRequests, "client-limit"),
  ])
  func theFrontsOwnAnswersCarryCacheStatus(_ fault: RequestFault, _ detail: String) throws {
    let fields = lines(fault, try SimulatedEdge())
    #expect(fields.text(.cacheStatus) == "edge; detail=\(detail)")
    #expect(fields.text(.xCache) == "Refused from edge")
    #expect(fields.count == 2)
  }

  @Test func everyFaultHasItsLines() throws {
    let edge = try SimulatedEdge()
    for fault in RequestFault.allCases {
      #expect(lines(fault, edge).count == 2, "\(fault)")
      #expect((400...599).contains(fault.status), "\(fault)")
    }
  }

  @Test func theProxysRefusalsSayItAlike() throws {
    let pattern = try #require(RoutePattern("b/*"))
    let edge = try SimulatedEdge(routes: [Route(pattern: pattern, origin: 0, rules: PolicyRules())])
    let unrouted = try edge.get("/a")
    #expect(unrouted.status == 404 && unrouted.isFinished)
    #expect(unrouted.fields.text(.cacheStatus) == "edge; detail=no-route")
    #expect(unrouted.fields.text(.xCache) == "Refused from edge")
    let document =
      "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"no-route\"}\n"
    #expect(unrouted.body == document)
    #expect(unrouted.fields.text(.contentType) == "application/problem+json")
    #expect(unrouted.fields.text(.cacheControl) == "no-store")
    #expect(unrouted.framing == .length(document.utf8.count))
    let head = try edge.request("HEAD /a HTTP/1.1\nHost: a\n")
    #expect(head.framing == .bodyless(contentLength: document.utf8.count) && head.body == "")
  }

  @Test func everyRefusalIsCountedOnce() throws {
    let pattern = try #require(RoutePattern("b/*"))
    let route = Route(
      pattern: pattern, origin: 0, rules: PolicyRules(), allowsWebSocket: true)
    let edge = try SimulatedEdge(routes: [route])
    func refusals() -> Int { edge.metrics.loops[0].value(of: .refused) }
    try edge.get("/a")
    #expect(refusals() == 1)
    let upgrade = try edge.request(
      "GET / HTTP/1.1\nHost: b\nConnection: Upgrade\nUpgrade: websocket\n")
    #expect(upgrade.status == 400 && upgrade.isFinished && refusals() == 2)
    let loop = try edge.request("GET / HTTP/1.1\nHost: b\nCDN-Loop: edge\n")
    #expect(loop.status == 508 && loop.isFinished && refusals() == 3)
    edge.proxy.refused(
      RefusedRequest(
        fault: .missingHost, version: .http11, isSecure: false, remoteAddress: nil))
    #expect(refusals() == 4 && edge.origin.fetches.isEmpty)
  }
}
