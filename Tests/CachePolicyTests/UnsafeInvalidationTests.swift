import HTTPMessage
import Testing

@testable import CachePolicy

/// RFC 9111 section 4.4.
@Suite struct UnsafeInvalidationTests {
  @Test func successfulUnsafeRequestsInvalidate() {
    for method in [RequestMethod.post, .put, .delete, .patch, .other] {
      for status in [200, 204, 302, 399] {
        #expect(UnsafeInvalidation.applies(method: method, status: status))
      }
      for status in [199, 400, 404, 500] {
        #expect(!UnsafeInvalidation.applies(method: method, status: status))
      }
    }
    for method in [RequestMethod.get, .head, .options, .trace, .query, .propfind, .report] {
      #expect(!UnsafeInvalidation.applies(method: method, status: 200))
    }
  }

  /// RFC 9110 section 9.2.1: what is not known to be safe is not.
  @Test(arguments: [
    ("M-SEARCH", true), ("get", true), ("MKCOL", true), ("X", true), ("PROPFIND", false),
    ("SEARCH", false), ("QUERY", false),
  ])
  func unknownMethodsInvalidate(name: String, applies: Bool) {
    #expect(UnsafeInvalidation.applies(method: makeRequest(name).method, status: 200) == applies)
  }

  private func targets(
    _ fields: [(String, String)], target: String = "/a/b?c", host: String = "Example.com",
    isSecure: Bool = false
  ) -> [String] {
    var result: [String] = []
    UnsafeInvalidation.forEachTarget(
      request: makeRequest("POST", target, host: host, isSecure: isSecure),
      response: makeResponse(201, fields)
    ) { result.append($0.text) }
    return result
  }

  @Test func theTargetIsAlwaysInvalidated() {
    #expect(targets([]) == ["/a/b?c"])
  }

  /// RFC 3986 section 5.
  @Test(
    arguments: [
      ("/x", "/x"), ("/x?y=z", "/x?y=z"), ("/x#y", "/x"), ("/x?y#z?w", "/x?y"), ("x", "/a/x"),
      ("./x", "/a/x"), ("../x", "/x"), ("../../../x", "/x"), ("x/../y/.", "/a/y/"), ("..", "/"),
      (".", "/a/"), ("?q", "/a/b?q"), ("x:y/z", nil), ("./x:y", "/a/x:y"), ("/x//y", "/x//y"),
      ("http://example.com/x", "/x"), ("HTTP://EXAMPLE.COM:80/x", "/x"),
      ("http://example.com", "/"), ("http://example.com?q", "/?q"), ("//example.com/x/../y", "/y"),
      ("//example.com:80", "/"), ("#top", nil), ("", nil), ("/a/b?c", nil),
      ("https://example.com/x", nil), ("http://example.com:81/x", nil),
      ("http://other.com/x", nil), ("//other.com/x", nil), ("http://example.com.evil/x", nil),
      ("http://example.com@evil/x", nil), ("http:x", nil), ("http:/x", nil), ("mailto:a@b", nil),
      ("/x y", nil), ("/x\u{7F}", nil),
      ("http://example.com:/x", "/x"), ("http://EXAMPLE.com./x", nil), ("///x", nil),
      ("http:///x", nil), ("/%2e%2e/x", "/%2e%2e/x"), ("/a/../../x", "/x"), ("/.", "/"),
      ("/x/..", "/"), ("//example.com", "/"), ("?", "/a/b?"), ("1:x", "/a/1:x"),
    ] as [(String, String?)])
  func referencesOfTheSameOriginAreResolved(reference: String, expected: String?) {
    let all = ["/a/b?c"] + (expected.map { [$0] } ?? [])
    #expect(targets([("Location", reference)]) == all)
    #expect(targets([("Content-Location", reference)]) == all)
  }

  @Test func bothFieldsAreFollowed() {
    #expect(targets([("Content-Location", "/y"), ("Location", "/x")]) == ["/a/b?c", "/x", "/y"])
  }

  @Test func theSchemesOwnPortIsTheSameOrigin() {
    #expect(
      targets([("Location", "https://example.com:443/x")], target: "/", isSecure: true)
        == ["/", "/x"])
    #expect(
      targets([("Location", "http://example.com/x")], target: "/", host: "example.com:80")
        == ["/", "/x"])
  }
}
