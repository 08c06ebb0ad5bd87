import HTTPMessage
import Testing

@testable import CachePolicy

/// RFC 9110 section 9.3.3: answers to POST that answer later GETs.
@Suite struct StorePostTests {
  private func decision(
    _ fields: [(String, String)], status: Int = 200, target: String = "/form?a=b",
    _ rules: PolicyRules = PolicyRules()
  ) -> StoreDecision {
    decide(
      makeResponse(status, fields), to: makeRequest("POST", target, framing: .length(3)), rules)
  }

  private let lifetime = ("Cache-Control", "max-age=60")

  @Test(arguments: [
    "/form?a=b", "http://example.com/form?a=b", "http://EXAMPLE.com:80/form?a=b", "form?a=b",
    "//example.com/form?a=b", "?a=b", "/form?a=b#part", "./form?a=b",
  ])
  func anAnswerThatIsWhatItsTargetNowHasIsStored(location: String) {
    let fields = [lifetime, ("Content-Location", location)]
    #expect(decision(fields).source == .maxAge)
    #expect(
      StorePolicy.isStorablePost(
        request: makeRequest("POST", "/form?a=b"), response: makeResponse(200, fields),
        rules: PolicyRules()))
  }

  @Test(arguments: [
    "/form", "/form?a=c", "/", "http://example.org/form?a=b", "https://example.com/form?a=b",
    "http://example.com:81/form?a=b", "", "/form?A=b", "/form%3Fa=b",
  ])
  func anAnswerAboutAnotherResourceIsNot(location: String) {
    #expect(decision([lifetime, ("Content-Location", location)]).refusal == .method)
  }

  @Test func aLifetimeAndOneContentLocationAreNeeded() {
    let location = ("Content-Location", "/form?a=b")
    #expect(decision([lifetime]).refusal == .method)
    #expect(decision([location]).refusal == .method)
    #expect(decision([lifetime, location, location]).refusal == .method)
    #expect(decision([("Expires", httpDate(receipt + 9)), location]).source == .expires)
    #expect(decision([("CDN-Cache-Control", "max-age=9"), location]).source == .maxAge)
    #expect(decision([("Cache-Control", "no-store, max-age=9"), location]).refusal == .noStore)
    // No minimum makes up for what the origin did not say.
    let minimum = PolicyRules(ttl: TTLBounds(minimumSeconds: 60))
    #expect(decision([location], minimum).refusal == .method)
    #expect(
      decision([("Cache-Control", "no-store, max-age=9"), location], minimum).refusal == .method)
    for fields in [[location], [("CDN-Cache-Control", "foo"), ("Expires", "0"), location]] {
      #expect(
        !StorePolicy.isStorablePost(
          request: makeRequest("POST", "/form?a=b"), response: makeResponse(200, fields),
          rules: PolicyRules()))
    }
  }

  @Test(arguments: [201, 204, 206, 303, 404]) func onlyA200IsTheTargetsState(status: Int) {
    #expect(
      decision([lifetime, ("Content-Location", "/form?a=b")], status: status).refusal == .method)
  }

  @Test(arguments: ["PUT", "PATCH", "DELETE"]) func otherUnsafeMethodsAreNot(method: String) {
    let response = makeResponse(200, [lifetime, ("Content-Location", "/")])
    #expect(decide(response, to: makeRequest(method)).refusal == .method)
    #expect(decide(response, to: makeRequest("POST")).source == .maxAge)
  }
}
