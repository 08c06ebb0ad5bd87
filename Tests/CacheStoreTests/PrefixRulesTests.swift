import Testing

@testable import CacheStore

/// The short way of comparing prefixes says what the general one says.
@Suite struct PrefixRulesTests {
  private static let keys = [
    "http://www.example.com/images/1.png", "https://www.example.com/images", "http://a/images/",
    "http://a/image", "http://a:8080/images/x?y=/images/", "http://a", "http://a\nx:/images/",
    "http://a/images/\nvary=1", "http://a/im\nages/", "://a/images/1", "/images/1", "/imag",
    "images/1", "ab\nhttp://a/images/1", "\n", "x", "http:/a/images/1", "http://",
    "http:///images/",
    "averylongschemeindeed://a/images/1",
  ]

  private func general(
    _ set: InvalidationRuleSet, _ key: String, newerThan sequence: UInt64
  ) -> InvalidationMatch? {
    Array(key.utf8).withUnsafeBytes {
      set.match(InvalidationSubject(key: $0, fetchSequence: 0), newerThan: sequence)
    }
  }

  private func short(
    _ rules: PrefixRules, _ key: String, newerThan sequence: UInt64
  ) -> InvalidationMatch? {
    Array(key.utf8).withUnsafeBytes { rules.view.match($0, newerThan: sequence) }
  }

  private func rule(_ pattern: String, _ sequence: UInt64, host: String? = nil) -> InvalidationRule
  {
    InvalidationRule(sequence: sequence, host: host, pattern: pattern)
  }

  @Test(arguments: [
    [("/images/*", 5, InvalidationKind.hard)], [("*", 5, .soft)], [("/*", 3, .hard)],
    [("/images/*", 5, .soft), ("/images/1*", 4, .hard)],
    [("/images/*", 5, .hard), ("/image*", 6, .hard), ("/*", 2, .soft), ("/im*", 7, .soft)],
    [("im*", 4, .hard), ("x*", 5, .hard), ("/images/x?y=*", 6, .hard)],
  ])
  func bothWaysAgree(_ rules: [(String, UInt64, InvalidationKind)]) throws {
    var set = InvalidationRuleSet()
    for (pattern, sequence, kind) in rules { set.append(rule(pattern, sequence), kind) }
    let prefixes = try #require(PrefixRules(set))
    for key in Self.keys {
      for sequence in UInt64(0)...8 {
        #expect(
          short(prefixes, key, newerThan: sequence) == general(set, key, newerThan: sequence),
          "\(key.debugDescription) after \(sequence)")
      }
    }
    #expect(short(prefixes, "", newerThan: 0) == general(set, "", newerThan: 0))
  }

  @Test(arguments: ["/a", "*.png", "/a*b*", "/a*b", "/a\n*"])
  func otherPatternsGoTheGeneralWay(pattern: String) {
    var set = InvalidationRuleSet()
    set.append(rule("/images/*", 4), .hard)
    set.append(rule(pattern, 5), .hard)
    #expect(PrefixRules(set) == nil)
  }

  @Test func hostsTagsAndManyRulesGoTheGeneralWay() {
    #expect(PrefixRules(InvalidationRuleSet()) == nil)
    var ofHost = InvalidationRuleSet()
    ofHost.append(rule("/images/*", 4, host: "a"), .hard)
    #expect(PrefixRules(ofHost) == nil)
    var ofTag = InvalidationRuleSet()
    ofTag.append(rule("/images/*", 4), .soft)
    ofTag.append(InvalidationRule(sequence: 5, host: nil, matcher: .tag(1)), .soft)
    #expect(PrefixRules(ofTag) == nil)
    var many = InvalidationRuleSet()
    for number in 1...8 { many.append(rule("/\(number)/*", UInt64(number)), .hard) }
    #expect(PrefixRules(many) != nil)
    many.append(rule("/9/*", 9), .hard)
    #expect(PrefixRules(many) == nil)
  }
}
