import HTTPMessage
import Testing

@testable import CachePolicy

/// RFC 9110 section 7.6.
@Suite struct ForwardedFieldsTests {
  private func forwarded(
    _ request: RequestHead, address: String = "192.0.2.1", stripsConditionals: Bool = false,
    stripsRange: Bool = false, isPeerTrusted: Bool = false
  ) -> [String] {
    withBytes("edge") { pseudonym in
      withBytes(address) { address in
        lines(
          ForwardedFields.request(
            request, via: pseudonym, remoteAddress: address,
            stripsConditionals: stripsConditionals, stripsRange: stripsRange,
            isPeerTrusted: isPeerTrusted))
      }
    }
  }

  private let added = [
    "Via: 1.1 edge", "CDN-Loop: edge", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: http",
    "X-Forwarded-Host: example.com",
  ]

  @Test func endToEndFieldsGoOnWithTheEdgesOwn() {
    let request = makeRequest(fields: [("Accept", "a"), ("X-Foo", "1"), ("x-foo", "2")])
    #expect(forwarded(request) == ["Accept: a", "X-Foo: 1", "x-foo: 2"] + added)
  }

  @Test(arguments: [
    "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Transfer-Encoding", "Upgrade",
    "Proxy-Authorization", "Expect", "HTTP2-Settings", "Host", "Content-Length",
  ])
  func connectionFieldsEndHere(name: String) {
    #expect(forwarded(makeRequest(fields: [(name, "x")])) == added)
  }

  @Test func fieldsThatConnectionNamesEndHere() {
    let request = makeRequest(fields: [
      ("Connection", "close, X-Foo"), ("x-foo", "1"), ("X-Bar", "2"), ("Connection", "cookie"),
      ("Cookie", "a"), ("Cookie", "b"),
    ])
    #expect(forwarded(request) == ["X-Bar: 2"] + added)
  }

  @Test func viaIsAppendedToAndForATrustedProxyForwardedForToo() {
    let request = makeRequest(
      isSecure: true, version: .http2,
      fields: [
        ("Via", "1.0 a"), ("X-Forwarded-For", "198.51.100.1"), ("via", "1.1 b"),
        ("X-Forwarded-For", "198.51.100.2"),
      ])
    #expect(
      forwarded(request, isPeerTrusted: true) == [
        "Via: 1.0 a, 1.1 b, 2 edge", "CDN-Loop: edge",
        "X-Forwarded-For: 198.51.100.1, 198.51.100.2, 192.0.2.1",
        "X-Forwarded-Proto: https", "X-Forwarded-Host: example.com",
      ])
    #expect(
      forwarded(makeRequest(), address: "").contains { $0.hasPrefix("X-Forwarded-For") } == false)
  }

  @Test func whatOthersClaimAboutTheirAddressGoesNowhere() {
    for method in ["GET", "POST"] {
      let request = makeRequest(
        method,
        fields: [
          ("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1"),
          ("x-forwarded-for", "10.0.0.1"),
        ])
      #expect(forwarded(request) == added, "\(method)")
    }
    // With the trust of the peer, a request past the cache keeps both.
    let request = makeRequest("POST", fields: [("Forwarded", "for=198.51.100.1")])
    #expect(forwarded(request, isPeerTrusted: true) == ["Forwarded: for=198.51.100.1"] + added)
  }

  @Test func claimsOfTheClientAboutSchemeAndHostAreReplaced() {
    let request = makeRequest(fields: [
      ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"),
    ])
    #expect(forwarded(request) == added)
  }

  @Test(arguments: ["X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL"])
  func overridesOfReadsAreDropped(name: String) {
    #expect(forwarded(makeRequest(fields: [(name, "x")])) == added)
    #expect(forwarded(makeRequest("POST", fields: [(name, "x")])) == ["\(name): x"] + added)
  }

  /// RFC 9113 section 8.2.3.
  @Test func splitCookiesAreJoined() {
    let request = makeRequest(fields: [("Cookie", "a=1"), ("X", "y"), ("cookie", "b=2")])
    #expect(forwarded(request) == ["X: y", "Cookie: a=1; b=2"] + added)
  }

  @Test func conditionsAndRangesAreStrippedOnRequest() {
    let range = [("Range", "bytes=0-1"), ("If-Range", "\"a\"")]
    let conditions = [
      ("If-Match", "*"), ("If-None-Match", "*"), ("If-Modified-Since", "x"),
      ("If-Unmodified-Since", "x"),
    ]
    let request = makeRequest(fields: range + conditions)
    let text = (range + conditions).map { "\($0.0): \($0.1)" }
    #expect(forwarded(request) == text + added)
    #expect(forwarded(request, stripsRange: true) == text.dropFirst(2) + added)
    #expect(forwarded(request, stripsConditionals: true) == text.prefix(1) + added)
    #expect(forwarded(request, stripsConditionals: true, stripsRange: true) == added)
  }
}
