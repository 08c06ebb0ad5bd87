import Testing

@testable import EdgeConfig

@Suite struct ListenAddressTests {
  @Test(arguments: [
    ("127.0.0.1:8080", "127.0.0.1", 8080), ("[::1]:8080", "::1", 8080),
    ("[2001:DB8:0::1]:443", "2001:db8::1", 443), ("0.0.0.0:0", "0.0.0.0", 0),
    ("[::]:65535", "::", 65535), ("LocalHost:80", "localhost", 80),
  ])
  func addressesHaveAHostAndAPort(_ text: String, _ host: String, _ port: Int) throws {
    let address = try EdgeConfiguration.ListenAddress.parse(text)
    #expect(address == EdgeConfiguration.ListenAddress(host: host, port: port))
    #expect(try EdgeConfiguration.ListenAddress.parse(address.description) == address)
  }

  @Test(arguments: [
    ("8080", "must be host:port such as 127.0.0.1:8080 or [::1]:8080, not '8080'"),
    ("::1:8080", "must be host:port such as 127.0.0.1:8080 or [::1]:8080, not '::1:8080'"),
    (
      ":8080",
      "must name a host, but is ':8080' (0.0.0.0:8080 serves every IPv4 address, "
        + "[::]:8080 every address)"
    ),
    (
      "*:8080",
      "must name a host, but is '*:8080' (0.0.0.0:8080 serves every IPv4 address, "
        + "[::]:8080 every address)"
    ),
    ("127.0.0.1:65536", "has the port '65536' in '127.0.0.1:65536' (allowed: 0 to 65535)"),
    ("127.0.0.1:http", "has the port 'http' in '127.0.0.1:http' (allowed: 0 to 65535)"),
    (
      "127.0.0.256:80",
      "has the host '127.0.0.256' in '127.0.0.256:80', which is no address and no host name"
    ),
    ("[::g]:80", "has the host '[::g]' in '[::g]:80', which is no address and no host name"),
  ])
  func otherAddressesAreRefused(_ text: String, _ message: String) {
    #expect(throws: ValueFault(message: message)) {
      try EdgeConfiguration.ListenAddress.parse(text)
    }
  }
}

@Suite struct OriginServerTests {
  @Test(arguments: [
    ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    ("https://API.example.com", "https://api.example.com"),
    ("http://api.example.com:80/", "http://api.example.com"),
    ("HTTPS://[::1]:8443", "https://[::1]:8443"), ("http://web_1:3000", "http://web_1:3000"),
  ])
  func serversHaveSchemeHostAndPort(_ text: String, _ canonical: String) throws {
    #expect(try EdgeConfiguration.OriginServer.parse(text).description == canonical)
  }

  @Test func thePortComesFromTheScheme() throws {
    #expect(try EdgeConfiguration.OriginServer.parse("http://a").port == 80)
    #expect(try EdgeConfiguration.OriginServer.parse("https://a").port == 443)
  }

  private static let form = "must be a URL of the form http://host[:port] or https://host[:port]"

  @Test(arguments: [
    ("127.0.0.1:9000", form + ", not '127.0.0.1:9000'"),
    ("http://", form + ", not 'http://'"),
    ("http://a b", form + ", not 'http://a b'"),
    ("http://::1", form + ", not 'http://::1'"),
    ("ftp://a", "has the scheme 'ftp' in 'ftp://a' (allowed: http, https)"),
    ("http://a/b", "must not have a path, but is 'http://a/b' (use http://a)"),
    ("http://a//", "must not have a path, but is 'http://a//' (use http://a)"),
    ("http://a?b", "must not have a query, but is 'http://a?b' (use http://a)"),
    ("http://a#b", "must not have a fragment, but is 'http://a#b' (use http://a)"),
    (
      "http://me:pass@a",
      "must not hold a user name or password (use http://host[:port] or https://host[:port])"
    ),
    ("http://a:0", "has the port '0' in 'http://a:0' (allowed: 1 to 65535)"),
    ("http://a:", "has the port '' in 'http://a:' (allowed: 1 to 65535)"),
  ])
  func otherServersAreRefused(_ text: String, _ message: String) {
    #expect(throws: ValueFault(message: message)) {
      try EdgeConfiguration.OriginServer.parse(text)
    }
  }
}

@Suite struct RoutePatternTests {
  @Test func aPatternHasAHostAndAPath() throws {
    let any = try RoutePattern.parse("/images/**.png")
    #expect(any.host == .any)
    #expect(any.path == "/images/*.png")
    #expect(any.literalPrefix == "/images/")
    #expect(try RoutePattern.parse("*/a").host == .any)
    #expect(try RoutePattern.parse("WWW.Example.com/A").description == "www.example.com/A")
    #expect(try RoutePattern.parse("WWW.Example.com/A").isExactPath)
    #expect(try RoutePattern.parse("*.Example.com/*").host == .suffix(".example.com"))
    #expect(try RoutePattern.parse("[::1]/*").host == .exact("[::1]"))
  }

  @Test(arguments: [
    (
      "images",
      "must have a path that begins with '/', but is 'images' "
        + "(such as /images/* or www.example.com/*)"
    ),
    ("http://a/*", "must not have a scheme, but is 'http://a/*' (write host/path)"),
    ("/a?b", "must not have a '?', but is '/a?b' (routes match host and path)"),
    ("/a#b", "must not have a '#', but is '/a#b' (routes match host and path)"),
    ("/a b", "must not have blanks, but is '/a b' (write %20)"),
    ("a:80/*", "must not have a port, but is 'a:80/*' (a route matches every port)"),
    ("-a/*", "has the host '-a' in '-a/*', which is no host name"),
    (
      "www.*.com/*",
      "has the host 'www.*.com' in 'www.*.com/*' ('*' may only stand for whole labels in front: "
        + "*.example.com)"
    ),
  ])
  func otherPatternsAreRefused(_ text: String, _ message: String) {
    #expect(throws: ValueFault(message: message)) { try RoutePattern.parse(text) }
  }

  @Test func theMostSpecificPatternComesFirst() throws {
    let ordered = [
      "www.example.com/*", "*.www.example.com/*", "*.example.com/a", "*.example.com/a*",
      "/a/b/c", "/a/b/*/d", "/a/b/*", "/a/*/long/tail", "/a/*/tail", "/a/*a*", "/a/*", "/*.png",
      "/*",
    ]
    let routes = ordered.reversed().map { "  - { match: \"\($0)\", origin: api }" }
    let text = """
      listeners: [{ address: 127.0.0.1:8080 }]
      origins: { api: { servers: [http://127.0.0.1:9000] } }
      routes:

      """ + routes.joined(separator: "\n")
    let configuration = try load(text)
    #expect(configuration.routesBySpecificity.map(\.match.description) == ordered)
    #expect(configuration.routes.map(\.match.description) == ordered.reversed())
  }

  @Test func equalRanksKeepTheOrderOfTheFile() throws {
    let first = try RoutePattern.parse("/a/*b")
    let second = try RoutePattern.parse("/a/*c")
    #expect(!first.isMoreSpecific(than: second))
    #expect(!second.isMoreSpecific(than: first))
  }
}
