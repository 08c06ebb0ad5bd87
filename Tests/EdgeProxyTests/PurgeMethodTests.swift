import CachePolicy
import CacheStore
import EdgeSecurity
import HTTPMessage
import NIOCore
import Testing

@testable import EdgeProxy

/// Who may `PURGE` on a listener that serves clients, and what that takes. That the answer comes
/// after it is done shows in EndToEndTests.
@Suite struct PurgeMethodTests {
  private func admits(_ access: PurgeAccess, _ fields: String = "") throws -> Bool {
    var parser = HTTP1RequestParser(limits: HeadLimits())
    let text = "PURGE /a HTTP/1.1\nHost: a\n\(fields)\n"
    var buffer = ByteBuffer(string: text.replacing("\n", with: "\r\n"))
    let head = try #require(try parser.parse(&buffer, isSecure: false))
    return access.admits(head, from: try SocketAddress(ipAddress: "192.0.2.7", port: 1))
  }

  private func list(_ block: String) throws -> AddressList { try AddressList(parsing: [block]) }

  @Test func addressesAreLetInByTheList() throws {
    #expect(try admits(PurgeAccess(allowed: list("192.0.2.0/24"), secret: nil)))
    #expect(try !admits(PurgeAccess(allowed: list("198.51.100.0/24"), secret: nil)))
    #expect(try !admits(PurgeAccess(allowed: nil, secret: nil)), "nobody, rather than everybody")
  }

  @Test func aSecretIsShownInOneOfTwoFields() throws {
    let access = PurgeAccess(allowed: nil, secret: Array("key".utf8))
    #expect(try admits(access, "Fastly-Key: key\n"))
    #expect(try admits(access, "Authorization: bearer key\n"))
    for fields in [
      "", "Fastly-Key: other\n", "Fastly-Key: keys\n", "Authorization: Bearer keys\n",
      "Authorization: Basic key\n", "Authorization: key\n",
    ] {
      #expect(try !admits(access, fields), "\(fields)")
    }
  }

  @Test func addressAndSecretMustBothFit() throws {
    let secret = Array("key".utf8)
    let right = "Fastly-Key: key\n"
    #expect(try admits(PurgeAccess(allowed: list("192.0.2.7/32"), secret: secret), right))
    #expect(try !admits(PurgeAccess(allowed: list("192.0.2.7/32"), secret: secret)))
    #expect(try !admits(PurgeAccess(allowed: list("10.0.0.0/8"), secret: secret), right))
  }

  @Test func aRefusedPurgeReachesNobody() throws {
    let edge = try SimulatedEdge(purge: PurgeAccess(allowed: list("10.0.0.0/8"), secret: nil))
    try edge.fill("/a", "Cache-Control: max-age=60")
    let client = try edge.request("PURGE /a HTTP/1.1\nHost: a\n")
    #expect(client.status == 403 && client.isFinished)
    #expect(try edge.get("/a").result == "Hit")
    #expect(edge.origin.fetches.count == 1)
  }

  @Test func withoutTheOptionTheOriginGetsIt() throws {
    let edge = try SimulatedEdge()
    try edge.request("PURGE /a HTTP/1.1\nHost: a\n")
    #expect(try edge.origin.last.request.method == .purge)
  }

  @Test func aPurgeTakesWhatTheKeyHasOfTheURL() throws {
    var rules = PolicyRules()
    rules.key.query = .allow([Array("q".utf8)])
    let edge = try SimulatedEdge(rules)
    let head = try ExplainedRequest(
      method: "PURGE", url: "http://A:80/b?x=1&q=2", fields: []
    ).head()
    let route = try #require(edge.proxy.shared.routes.first)
    #expect(
      edge.proxy.purgeSelectors(of: head, route: route)
        == [.url(host: "a", target: "/b?q=2", ignoresQuery: false)])
  }
}
