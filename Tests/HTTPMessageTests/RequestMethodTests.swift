import HTTPMessage
import Testing

/// RFC 9110 section 9.2, and the IANA registry of methods.
@Suite struct RequestMethodTests {
  private func method(_ name: String) -> RequestMethod {
    Array(name.utf8).withUnsafeBytes { RequestMethod($0) }
  }

  @Test(arguments: [
    "GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "REPORT", "SEARCH",
  ])
  func registeredSafeMethodsAreSafeAndIdempotent(name: String) {
    #expect(method(name).isSafe && method(name).isIdempotent)
  }

  @Test(arguments: [
    "POST", "PATCH", "M-SEARCH", "PURGE", "CONNECT", "get", "GETS", "", "PROPFINDX", "Search",
    "PROPPATCH", "X",
  ])
  func othersAreNeither(name: String) {
    #expect(!method(name).isSafe && !method(name).isIdempotent)
  }

  @Test func putAndDeleteAreIdempotentOnly() {
    for name in ["PUT", "DELETE"] {
      #expect(!method(name).isSafe && method(name).isIdempotent)
    }
  }

  /// RFC 9110 section 9.2.3.
  @Test func someMethodsAreCacheable() {
    #expect(RequestMethod.allCases.filter(\.isAnsweredFromCache) == [.get, .head, .query])
    #expect(RequestMethod.allCases.filter(\.isCacheable) == [.get, .head, .post, .query])
  }
}
