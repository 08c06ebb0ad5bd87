import CachePolicy
import HTTPMessage
import Testing

@testable import EdgeProxy

@Suite struct RoutePatternTests {
  private func matches(_ pattern: String, host: String, path: String) throws -> Bool {
    let pattern = try #require(RoutePattern(pattern))
    return Array(host.utf8).withUnsafeBytes { host in
      Array(path.utf8).withUnsafeBytes { pattern.matches(authority: host, path: $0) }
    }
  }

  @Test(arguments: [
    ("/*", "any", "/", true), ("/*", "any", "/a/b", true),
    ("/a", "any", "/a", true), ("/a", "any", "/a/", false), ("/a", "any", "/ab", false),
    ("/images/*", "any", "/images/x.png", true), ("/images/*", "any", "/image", false),
    ("/*.png", "any", "/a/b.png", true), ("/*.png", "any", "/a/b.pngx", false),
    ("/a*b*c", "any", "/aXbYc", true), ("/a*b*c", "any", "/abc", true),
    ("/a*b*c", "any", "/acb", false), ("/ab*ba", "any", "/aba", false),
    ("example.com/*", "example.com", "/x", true), ("example.com/*", "EXAMPLE.com:8080", "/x", true),
    ("example.com/*", "www.example.com", "/x", false),
    ("*.example.com/*", "www.example.com", "/x", true),
    ("*.example.com/*", "example.com", "/x", false),
    ("*.example.com/*", "badexample.com", "/x", false),
    ("[::1]/*", "[::1]:8080", "/x", true),
  ])
  func aPatternTakesItsHostAndPath(
    _ pattern: String, _ host: String, _ path: String, _ expected: Bool
  ) throws {
    #expect(try matches(pattern, host: host, path: path) == expected)
  }

  @Test func theMostSpecificRouteComesFirst() throws {
    let patterns = [
      "/*", "/images/*", "/images/logo.png", "*.example.com/*", "*.www.example.com/*",
      "www.example.com/*", "www.example.com/a",
    ]
    let routes = try patterns.shuffled().map {
      Route(pattern: try #require(RoutePattern($0)), origin: 0, rules: PolicyRules())
    }
    let sorted = RouteTable(routes).routes.map(\.pattern)
    let expected = try [
      "www.example.com/a", "www.example.com/*", "*.www.example.com/*", "*.example.com/*",
      "/images/logo.png", "/images/*", "/*",
    ].map { try #require(RoutePattern($0)) }
    #expect(sorted == expected)
  }

  @Test func aPatternWithoutAPathIsNone() {
    #expect(RoutePattern("example.com") == nil)
  }
}
