import CachePolicy
import Testing

@testable import EdgeProxy

/// Qualified `no-cache` and `private` (RFC 9111 sections 5.2.2.4 and 5.2.2.7).
@Suite struct WithheldFieldTests {
  @Test func onlyTheClientWhoseRequestWasSentGetsAWithheldField() throws {
    let edge = try SimulatedEdge()
    let leader = try edge.get("/a")
    let follower = try edge.get("/a")
    try edge.origin.last.answer(
      200, "Cache-Control: max-age=60, private=\"X-User\"\nX-User: ada\nX-All: yes", "body")
    #expect(leader.fields.texts(named: "x-user") == ["ada"])
    for client in [follower, try edge.get("/a")] {
      #expect(client.fields.texts(named: "x-user").isEmpty)
      #expect(client.fields.texts(named: "x-all") == ["yes"] && client.body == "body")
    }
  }
}
