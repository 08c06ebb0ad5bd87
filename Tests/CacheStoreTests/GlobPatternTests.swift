import Testing

@testable import CacheStore

@Suite struct GlobPatternTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let pattern: String
    let text: String
    let matches: Bool
    var testDescription: String { "\(pattern) \(matches ? "matches" : "misses") \(text)" }
  }

  static let cases: [Case] = [
    Case(pattern: "/", text: "/", matches: true),
    Case(pattern: "/", text: "/a", matches: false),
    Case(pattern: "/a", text: "/a", matches: true),
    Case(pattern: "/a", text: "/a/", matches: false),
    Case(pattern: "/a", text: "/", matches: false),
    Case(pattern: "/a", text: "/A", matches: false),
    Case(pattern: "/a", text: "/a?b=1", matches: false),
    Case(pattern: "/a*", text: "/a?b=1", matches: true),
    Case(pattern: "/images/*", text: "/images/", matches: true),
    Case(pattern: "/images/*", text: "/images", matches: false),
    Case(pattern: "/images/*", text: "/images/a/b/c.png", matches: true),
    Case(pattern: "/images/*", text: "/imagesx/a", matches: false),
    Case(pattern: "/images/*", text: "/a/images/b", matches: false),
    Case(pattern: "*", text: "", matches: true),
    Case(pattern: "*.png", text: "/a.png", matches: true),
    Case(pattern: "*.png", text: ".png", matches: true),
    Case(pattern: "*.png", text: "/a.png?x", matches: false),
    Case(pattern: "/a*b", text: "/ab", matches: true),
    Case(pattern: "/a*b", text: "/ba", matches: false),
    Case(pattern: "/aba*aba", text: "/aba", matches: false),
    Case(pattern: "/aba*aba", text: "/ababa", matches: false),
    Case(pattern: "/aba*aba", text: "/abaaba", matches: true),
    Case(pattern: "/a*b*c", text: "/abc", matches: true),
    Case(pattern: "/a*b*c", text: "/acb", matches: false),
    Case(pattern: "/a*b*c", text: "/a-b-b-c-c", matches: true),
    Case(pattern: "/a**c", text: "/ac", matches: true),
    Case(pattern: "/*aab*", text: "/aaaaab", matches: true),
    Case(pattern: "/*abab*abab*", text: "/abababab", matches: true),
    Case(pattern: "/*abab*abab*", text: "/ababab", matches: false),
    Case(pattern: "/[a-z]?", text: "/b", matches: false),
    Case(pattern: "/[a-z]?", text: "/[a-z]?", matches: true),
  ]

  private func matches(_ pattern: String, _ text: String) -> Bool {
    Array(text.utf8).withUnsafeBytes { GlobPattern(pattern.utf8).matches($0) }
  }

  @Test(arguments: cases)
  func patternMatchesWhatItSays(_ row: Case) {
    #expect(matches(row.pattern, row.text) == row.matches)
  }

  /// The textbook recursion, slow and plainly right.
  private func reference(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return text.isEmpty }
    if first == UInt8(ascii: "*") {
      return reference(pattern.dropFirst(), text)
        || (!text.isEmpty && reference(pattern, text.dropFirst()))
    }
    return text.first == first && reference(pattern.dropFirst(), text.dropFirst())
  }

  @Test func matcherAgreesWithTheTextbook() {
    var generator = SeededGenerator(seed: 42)
    for _ in 0..<20_000 {
      let pattern = (0..<Int.random(in: 0...7, using: &generator)).map { _ in
        "ab*".utf8.randomElement(using: &generator) ?? 0
      }
      let text = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
        "ab".utf8.randomElement(using: &generator) ?? 0
      }
      let found = text.withUnsafeBytes { GlobPattern(pattern).matches($0) }
      #expect(found == reference(pattern[...], text[...]), "seed 42: \(pattern) \(text)")
    }
  }

  @Test func hostilePatternStaysLinear() {
    let part = String(repeating: "a", count: 120) + "b"
    let pattern = "/*" + Array(repeating: part, count: 30).joined(separator: "*") + "*"
    let text = "/" + String(repeating: "a", count: 200_000)
    #expect(!matches(pattern, text))
  }

  @Test func keyFallsIntoItsParts() {
    func parts(_ key: String) -> [String] {
      Array(key.utf8).withUnsafeBytes { bytes in
        let parts = KeyParts(bytes)
        return [parts.authority, parts.target].map { String(decoding: $0, as: UTF8.self) }
      }
    }
    #expect(parts("http://a.example/b?c\nd=/e") == ["a.example", "/b?c"])
    #expect(parts("https://a:8443/") == ["a:8443", "/"])
    #expect(parts("http://a") == ["a", ""])
    #expect(parts("/b://c/d") == ["", "/b://c/d"])
    #expect(parts("") == ["", ""])
  }

  @Test func selectorsAreReadOrRefusedWithARemedy() throws {
    #expect(try InvalidationSelector.parse("/*") == .everything)
    #expect(try InvalidationSelector.parse("/**") == .everything)
    #expect(
      try InvalidationSelector.parse("/*", host: "A.example")
        == .path(host: "a.example", pattern: "/*"))
    #expect(try InvalidationSelector.parse("/") == .path(host: nil, pattern: "/"))
    #expect(throws: InvalidationSelectorError.noLeadingSlash(text: "*")) {
      try InvalidationSelector.parse("*")
    }
    #expect(throws: InvalidationSelectorError.noLeadingSlash(text: "")) {
      try InvalidationSelector.parse("")
    }
    #expect(throws: InvalidationSelectorError.unusableByte(offset: 2)) {
      try InvalidationSelector.parse("/a b")
    }
    let longest = "/" + String(repeating: "x", count: 4095)
    #expect(try InvalidationSelector.parse(longest) == .path(host: nil, pattern: longest))
    #expect(throws: InvalidationSelectorError.tooLong(count: 4097, limit: 4096)) {
      try InvalidationSelector.parse(longest + "x")
    }
    let stars = "/" + String(repeating: "a*", count: 32)
    #expect(try InvalidationSelector.parse(stars) == .path(host: nil, pattern: stars))
    #expect(throws: InvalidationSelectorError.tooManyWildcards(count: 33, limit: 32)) {
      try InvalidationSelector.parse(stars + "*")
    }
  }
}
