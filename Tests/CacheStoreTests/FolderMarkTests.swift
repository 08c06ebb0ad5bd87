import Testing

@testable import CacheStore

/// What a sweep passes over by the folder alone, no rule may match.
@Suite struct FolderMarkTests {
  private static let targets = [
    "/images/1.png", "/images/", "/images", "/images/a/b", "/imag/es", "/", "//", "//x", "/a?u=/x",
    "/a", "", "images/1", "images/a/1", "/pages/1?x=/images/", "/pages/", "*",
  ]
  private static let prefixes = ["http://a", "https://www.example.com:8443", "", "x"]
  private static let suffixes = ["", "\nvary=1", "\n/images/"]

  private static let patterns = [
    "/images/*", "/images*", "/images/1.png", "/a*", "/a", "*", "/*", "//*", "/images/*.png",
    "/pages/*x=*", "images/*", "images/a/*", "/images/", "*/1",
  ]

  private func mark(_ key: String) -> FolderMark {
    Array(key.utf8).withUnsafeBytes { FolderMark(key: $0) }
  }

  private func matches(_ set: InvalidationRuleSet, _ key: String) -> Bool {
    Array(key.utf8).withUnsafeBytes {
      set.match(InvalidationSubject(key: $0, fetchSequence: 0), newerThan: 0) != nil
    }
  }

  private func expectNothingIsMissed(_ set: InvalidationRuleSet, _ name: String) {
    guard let filter = FolderFilter(set) else { return }
    for prefix in Self.prefixes {
      for target in Self.targets {
        for suffix in Self.suffixes {
          let key = prefix + target + suffix
          if matches(set, key) {
            #expect(filter.contains(mark(key)), "\(name) and \(key.debugDescription)")
          }
        }
      }
    }
  }

  @Test func theFolderIsAllThroughTheSecondSlash() {
    #expect(mark("http://a/images/1") == mark("https://b:1/images/2?x\nvary"))
    #expect(mark("http://a/images/1") != mark("http://a/pages/1"))
    #expect(mark("http://a/images/1") != .none)
    for key in ["http://a/images", "http://a", "", "http://a/\n/x/", "x"] {
      #expect(mark(key) == .none, "\(key.debugDescription)")
    }
  }

  @Test func noFilterPassesOverWhatARuleMatches() {
    for pattern in Self.patterns {
      for kind in [InvalidationKind.hard, .soft] {
        var set = InvalidationRuleSet()
        set.append(InvalidationRule(sequence: 5, host: nil, pattern: pattern), kind)
        expectNothingIsMissed(set, pattern)
        set.append(InvalidationRule(sequence: 6, host: "a", pattern: "/pages/*"), .soft)
        expectNothingIsMissed(set, pattern + " and another")
      }
    }
    for target in Self.targets {
      for ignoresQuery in [false, true] {
        var set = InvalidationRuleSet()
        let selector = InvalidationSelector.url(
          host: nil, target: target, ignoresQuery: ignoresQuery)
        set.append(InvalidationRule(selector, sequence: 5), .hard)
        expectNothingIsMissed(set, target)
      }
    }
    for pattern in ["/{images,pages}/[0-9]*", "/images/[0-9]*", "/images/{1,a}*"] {
      var set = InvalidationRuleSet()
      let selector = InvalidationSelector.glob(host: nil, pattern: pattern)
      set.append(InvalidationRule(selector, sequence: 5), .hard)
      expectNothingIsMissed(set, pattern)
    }
  }

  @Test(arguments: ["/images/*", "/images/1.png", "/a", "/images/*.png"])
  func rulesOfOneFolderPassTheOthersOver(pattern: String) throws {
    var set = InvalidationRuleSet()
    set.append(InvalidationRule(sequence: 5, host: nil, pattern: pattern), .hard)
    let filter = try #require(FolderFilter(set))
    #expect(!filter.contains(mark("http://a/pages/1")))
  }

  @Test(arguments: ["/images*", "/*", "*", "*.png", "/a*b"])
  func rulesOfAnyFolderPassNothingOver(pattern: String) {
    var set = InvalidationRuleSet()
    set.append(InvalidationRule(sequence: 4, host: nil, pattern: "/images/*"), .hard)
    set.append(InvalidationRule(sequence: 5, host: nil, pattern: pattern), .soft)
    #expect(FolderFilter(set) == nil)
    var ofTag = InvalidationRuleSet()
    ofTag.append(InvalidationRule(sequence: 5, host: nil, matcher: .tag(1)), .soft)
    #expect(FolderFilter(ofTag) == nil)
  }
}
