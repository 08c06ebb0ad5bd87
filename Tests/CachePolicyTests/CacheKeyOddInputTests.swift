import HTTPMessage
import NIOCore
import Testing

@testable import CachePolicy

/// What clients and origins may send is any bytes but controls: nothing of it stops the process,
/// and what is written in one form stays as it is when it is read again.
@Suite struct CacheKeyOddInputTests {
  private static let pieces = [
    "a", "gzip", "br", "identity", "*", "en-US", "text/html", ";", ",", "=", "q=", "q=0", "0.5",
    "1.000", "\"", "\\", "(", ")", " ", "\t", "%", "%4", "%ff", "+", "&", "?1", ":YQ==:", "@1", "-",
    "99999999999999999999", "params", "except=", "key-order", "\u{E9}", "'", "1.", "--", "%\"%ff\"",
  ]

  private func text(_ random: inout SeededGenerator) -> String {
    let count = Int.random(in: 0...10, using: &random)
    return (0..<count).map { _ in Self.pieces.randomElement(using: &random) ?? "" }.joined()
  }

  private func variantValue(_ name: String, _ value: String) -> String {
    var buffer = ByteBuffer()
    VarySpecification(response: makeFields([("Vary", name)]))?.writeVariantKey(
      request: makeRequest(fields: [(name, value)]), into: &buffer)
    return String(String(buffer: buffer).dropFirst(name.utf8.count).dropLast())
  }

  @Test func normalizedValuesAreNormalizedAlready() {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<3_000 {
      let value = text(&random)
      for name in ["accept-encoding", "accept", "accept-language", "x-a"] {
        let once = variantValue(name, value)
        let again = variantValue(name, String(once.dropFirst()))
        #expect(again == once, "seed \(seed): \(name): \(value)")
      }
    }
  }

  @Test(arguments: ["-=text/html\",--", "text/html;a=\",*/*", "a\", b;q=0.5, \"c"])
  func aQuoteThatIsNeverClosedMovesNothing(_ value: String) {
    let once = variantValue("accept", value)
    #expect(variantValue("accept", String(once.dropFirst())) == once)
  }

  @Test(arguments: ["a\tb,a%c", "a b, a!c;q=0.5,ab", "a;x=\" b\",a;x=\"b\",a ;x=c"])
  func blanksThatAreNotWrittenDoNotCountInTheOrder(_ value: String) {
    for name in ["accept", "accept-language"] {
      let once = variantValue(name, value)
      #expect(variantValue(name, String(once.dropFirst())) == once)
    }
  }

  @Test func fieldsOfTheOriginNeverStopTheProcess() {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for _ in 0..<3_000 {
      let names = ["No-Vary-Search", "Cache-Groups", "Cache-Tag", "Vary"]
      let fields = makeFields(names.map { ($0, text(&random)) })
      let variance = SearchVariance(response: fields)
      var buffer = ByteBuffer()
      variance.encode(into: &buffer)
      #expect(buffer.withUnsafeReadableBytes { SearchVariance(encoded: $0) } == variance)
      #expect(CacheGroups(response: fields).leftOut == 0)
      #expect(
        !CacheTags.forEach(in: fields, names: [Array("cache-tag".utf8)]) { _ in }.isIncomplete)
      let query = text(&random)
      #expect(withBytes(query) { variance.areEquivalent($0, $0) }, "\(query)")
    }
  }

  @Test func fieldsOfTheClientNeverStopTheProcess() {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let rules = KeyRules(
      headers: [Array("accept".utf8)], cookies: [Array("a".utf8)], includesDeviceClass: true,
      languages: [Array("en".utf8)])
    let names = [
      "Connection", "Accept-Encoding", "Accept-Language", "Accept", "Cookie", "CDN-Loop", "Pragma",
      "Cache-Control", "Max-Forwards", "User-Agent", "Range", "If-Range", "If-None-Match",
    ]
    for _ in 0..<2_000 {
      let request = makeRequest(
        ["GET", "OPTIONS", "QUERY"].randomElement(using: &random) ?? "GET",
        "/?" + text(&random), fields: names.map { ($0, text(&random)) })
      var key = ByteBuffer()
      CacheKeyBuilder.write(request, rules: rules, routeSalt: 1, into: &key)
      CacheKeyBuilder.writeTarget(request, rules: rules, into: &key)
      let block = withBytes("edge") { name in
        withBytes("") {
          ForwardedFields.request(request, via: name, remoteAddress: $0, rules: rules)
        }
      }
      #expect(block.occurrences(of: .via) == 1 && block.occurrences(of: .cdnLoop) == 1)
      #expect(
        withBytes("edge") { ForwardedFields.isLoop(makeRequest(fields: loop(block)), name: $0) })
      let decision = ServePolicy.decide(
        Freshness(responseTimeSeconds: 0, initialAgeSeconds: 0, lifetimeSeconds: 9),
        request: request, now: 1, rules: PolicyRules(honoursRequestDirectives: true))
      #expect(decision != .staleWhileRevalidate)
      withBytes("\"a\"") { tag in
        _ = ConditionalPolicy.evaluate(
          request: request, etag: tag, lastModifiedSeconds: 1, dateSeconds: 2)
        _ = ConditionalPolicy.rangeApplies(
          request: request, etag: tag, lastModifiedSeconds: 1, dateSeconds: 2)
      }
    }
  }

  private func loop(_ block: FieldBlock) -> [(String, String)] {
    block.texts(named: "CDN-Loop").map { ("CDN-Loop", $0) }
  }
}
