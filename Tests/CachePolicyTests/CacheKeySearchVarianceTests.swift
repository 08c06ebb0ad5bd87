import HTTPMessage
import NIOCore
import Testing

@testable import CachePolicy

private func variance(_ values: String...) -> SearchVariance {
  SearchVariance(response: makeFields(values.map { ("No-Vary-Search", $0) }))
}

private func names(_ list: String...) -> [[UInt8]] { list.map { Array($0.utf8) } }

private func reduced(
  _ query: String?, _ variance: SearchVariance, _ rule: QueryRule = .all
) -> String {
  var buffer = ByteBuffer()
  if let query {
    withBytes(query) { variance.writeReducedQuery($0, keeping: rule, into: &buffer) }
  } else {
    variance.writeReducedQuery(nil, keeping: rule, into: &buffer)
  }
  return String(buffer: buffer)
}

/// draft-ietf-httpbis-no-vary-search section 5.
@Suite struct CacheKeySearchVarianceParsingTests {
  @Test func theFieldDeclaresWhatDoesNotCount() {
    let order = variance("key-order")
    #expect(order.ignoresOrder && !order.countsOnlyNames && order.names.isEmpty)
    let none = variance("params")
    #expect(!none.ignoresOrder && none.countsOnlyNames && none.names.isEmpty)
    let some = variance(#"params=("utm" "a" "utm")"#)
    #expect(!some.countsOnlyNames && some.names == names("a", "utm"))
    let except = variance(#"key-order, params, except=("q")"#)
    #expect(except.ignoresOrder && except.countsOnlyNames && except.names == names("q"))
    #expect(variance("key-order, params", #"except=("q")"#) == except)
    #expect(variance(#"except=("q"), params=?1, key-order=?1;x=y"#) == except)
    #expect(!variance("params=?1").isDefault && variance("params, except=()") == none)
  }

  @Test(arguments: [
    "", "params=?0", "params=()", "key-order=?0", "unknown-key", "key-order, params=1",
  ])
  func whatDeclaresNothingIsTheDefault(value: String) {
    #expect(variance(value).isDefault)
    #expect(variance(value) == SearchVariance())
  }

  @Test(arguments: [
    "key-order=\"x\"", "key-order=1", "params=\"x\"", "params=(a)", "params=(\"a\" 1)",
    "params=(\"a\"), except=(\"x\")", "params=(), except=()", "params=?0, except=(\"x\")",
    "params, except=(x)", "params, except=\"x\"", "params, except=?1", "except=(\"x\")",
    "except=()",
    "params,", "params;;", "(\"a\")", "Params", "params=(\"a\"", "params=('a')", "key-order params",
  ])
  func malformedFieldsAreTheDefault(value: String) {
    #expect(variance(value).isDefault)
  }

  @Test func withoutTheFieldEveryDifferenceCounts() {
    #expect(variance().isDefault)
    #expect(variance(#"params=("a"), key-order=1"#).isDefault)
    #expect(!variance(#"params=("a"), extension=1"#).isDefault)
  }

  @Test func namesAreDecodedLikeQueries() {
    #expect(variance(#"params=("%C3%A9+%E6%B0%97")"#).names == names("é 気"))
    #expect(variance(#"params=("a%")"#).names == names("a%"))
    #expect(variance(#"params=("%ff")"#).names == names("\u{FFFD}"))
  }

  @Test func namesUpToTheLimitsAreTaken() {
    func list(_ count: Int) -> String {
      "params=(" + (0..<count).map { "\"n\($0)\"" }.joined(separator: " ") + ")"
    }
    #expect(variance(list(SearchVariance.nameLimit)).names.count == SearchVariance.nameLimit)
    #expect(variance(list(SearchVariance.nameLimit + 1)).isDefault)
    let long = String(repeating: "x", count: SearchVariance.nameLimitBytes)
    #expect(!variance("params=(\"\(long)\")").isDefault)
    #expect(variance("params=(\"\(long)x\")").isDefault)
  }

  @Test(arguments: [
    "key-order", "params", "key-order, params", #"params=("a" "bc" "")"#,
    #"key-order, params, except=("q" "%00")"#, "",
  ])
  func itReadsBackAsEncoded(value: String) {
    var buffer = ByteBuffer()
    variance(value).encode(into: &buffer)
    #expect(buffer.withUnsafeReadableBytes { SearchVariance(encoded: $0) } == variance(value))
  }

  @Test(arguments: [[], [4], [0, 0], [0, 0, 1], [0, 0, 2, 97], [255]] as [[UInt8]])
  func otherBytesAreNoVariance(bytes: [UInt8]) {
    #expect(bytes.withUnsafeBytes { SearchVariance(encoded: $0) } == nil)
  }
}

/// draft-ietf-httpbis-no-vary-search section 6.
@Suite struct CacheKeySearchVarianceTests {
  private func same(_ left: String?, _ right: String?, _ variance: SearchVariance) -> Bool {
    func with(_ text: String?, _ body: (UnsafeRawBufferPointer?) -> Bool) -> Bool {
      guard let text else { return body(nil) }
      return withBytes(text) { body($0) }
    }
    return with(left) { left in with(right) { variance.areEquivalent(left, $0) } }
  }

  @Test func byDefaultOnlyEqualQueriesAreEquivalent() {
    let all = SearchVariance()
    #expect(same("a=1", "a=1", all) && same(nil, nil, all) && same("", "", all))
    #expect(!same(nil, "", all) && !same("a=%61", "a=a", all) && !same("a&&b", "a&b", all))
  }

  @Test(
    arguments: [
      (nil, ""), ("a=x", "%61=%78"), ("a=é", "a=%C3%A9"), ("a=%f6", "a=%ef%bf%bd"),
      ("a=x&&&&", "a=x"), ("&a=x", "a=x"), ("a=", "a"), ("a=%20", "a=+"), ("a=b=c", "a=b%3Dc"),
      ("a=%2b", "a=%2B"), ("=x", "=x&"), ("%", "%25"),
    ] as [(String?, String)])
  func queriesCompareAsTheyDecode(left: String?, right: String) {
    #expect(same(left, right, variance("key-order")))
    #expect(!same(left, right + "&z", variance("key-order")))
  }

  @Test(arguments: [
    ("a=+", "a=%2B"), ("a=1&b=2", "a=1%26b=2"), ("a=b", "a%3Db"), ("a", "b"), ("a=1", "a=2"),
    ("a=1&a=2", "a=2&a=1"), ("a=1", "a=1&a=1"), ("A=1", "a=1"), ("a", "a&="), ("a;b", "a&b"),
  ])
  func otherQueriesStayApart(left: String, right: String) {
    #expect(!same(left, right, variance("key-order")))
  }

  @Test func theOrderOfNamesCountsUnlessDeclaredAway() {
    #expect(same("a=1&b=2", "b=2&a=1", variance("key-order")))
    #expect(same("a=1&b=2&a=3", "a=1&a=3&b=2", variance("key-order")))
    #expect(!same("a=1&b=2&a=3", "a=3&b=2&a=1", variance("key-order")))
    #expect(!same("a=1&b=2", "b=2&a=1", variance(#"params=("x")"#)))
  }

  @Test func ignoredParametersDoNotCount() {
    let utm = variance(#"params=("utm_source" "utm id")"#)
    #expect(same("a=1&utm_source=x", "utm_source=y&utm_source=z&a=1", utm))
    #expect(same("utm_source", nil, utm) && same("utm+id=1", "utm%20id=2", utm))
    #expect(same("utm%5Fsource=1", "", utm))
    #expect(!same("utm_source2=1", "", utm) && !same("UTM_SOURCE=1", "", utm))
  }

  @Test func allButTheExceptionsDoNotCount() {
    let only = variance(#"params, except=("q")"#)
    #expect(same("q=1&x=2", "y=3&q=1", only) && same("x", nil, only))
    #expect(!same("q=1", "q=2", only) && !same("q=1&q=2", "q=2&q=1", only))
    #expect(same("a=1", "b=2&c", variance("params")) && same("a", nil, variance("params")))
  }

  @Test func theReducedQueryIsWrittenInOneWay() {
    #expect(reduced("b=2&a=%7e+x&&c", variance("key-order")) == "?a=%7E+x&b=2&c=")
    #expect(reduced("a=*-._", variance("key-order")) == "?a=*-._")
    #expect(reduced("a=1", variance("params")) == "")
    #expect(reduced(nil, variance("key-order")) == "" && reduced("", variance("key-order")) == "")
    #expect(reduced("a=%2", SearchVariance()) == "?!a=%2" && reduced(nil, SearchVariance()) == "")
    #expect(reduced("", SearchVariance()) == "?!")
    #expect(reduced("id=1&utm=2&x=3", variance(#"params=("x")"#), .deny(names("utm"))) == "?id=1")
  }

  @Test func queriesBeyondTheLimitEqualOnlyThemselves() {
    func query(_ count: Int) -> String { (0..<count).map { "p\($0)" }.joined(separator: "&") }
    let limit = SearchVariance.parameterLimit
    #expect(same(query(limit), query(limit) + "&", variance("key-order")))
    #expect(!same(query(limit + 1), query(limit + 1) + "&", variance("key-order")))
    #expect(same(query(limit + 1), query(limit + 1), variance("key-order")))
  }

  /// A reduced query names what the draft's comparison calls equivalent: checked against a
  /// comparison that follows its steps.
  @Test func reductionAgreesWithComparingStepByStep() {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: seed)
    let fields = [
      "key-order", #"params=("a")"#, #"key-order, params=("a" "b")"#, #"params, except=("a")"#,
      #"key-order, params, except=("b" "a")"#,
    ]
    let pieces = ["a=1", "a=2", "b=1", "b", "%61=1", "c=+", "c=%20", "", "=", "b="]
    for _ in 0..<3_000 {
      func query() -> String {
        (0..<Int.random(in: 0...4, using: &random)).map { _ in
          pieces.randomElement(using: &random) ?? ""
        }.joined(separator: "&")
      }
      let variance = variance(fields.randomElement(using: &random) ?? "")
      let (left, right) = (query(), query())
      let areEqual = pairs(left, variance) == pairs(right, variance)
      #expect(same(left, right, variance) == areEqual, "seed \(seed): \(left) \(right)")
    }
  }

  private struct Pair: Equatable {
    var name: String
    var value: String
    var offset = 0

    static func == (left: Pair, right: Pair) -> Bool {
      left.name == right.name && left.value == right.value
    }
  }

  private func pairs(_ query: String, _ variance: SearchVariance) -> [Pair] {
    var pairs: [Pair] = []
    for part in query.split(separator: "&") {
      let text = String(part).replacing("+", with: " ").replacing("%20", with: " ")
      let halves = text.replacing("%61", with: "a")
        .split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
      let pair = Pair(
        name: halves[0], value: halves.count > 1 ? halves[1] : "", offset: pairs.count)
      let isNamed = variance.names.contains(Array(pair.name.utf8))
      if isNamed == variance.countsOnlyNames { pairs.append(pair) }
    }
    guard variance.ignoresOrder else { return pairs }
    return pairs.sorted { left, right in
      left.name == right.name ? left.offset < right.offset : left.name < right.name
    }
  }

  @Test func theRecordsKeyIsNoRequestsKey() {
    func record(_ target: String) -> String {
      var buffer = ByteBuffer()
      CacheKeyBuilder.writeWithoutQuery(
        makeRequest("GET", target), rules: KeyRules(), routeSalt: 3, into: &buffer)
      return String(buffer: buffer)
    }
    #expect(record("/a?x") == "http://example.com/a\n:3\n:search")
    #expect(record("/a?x") == record("/a") && record("/a") != record("/b"))
  }
}
