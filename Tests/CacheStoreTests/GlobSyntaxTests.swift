import Testing

@testable import CacheStore

@Suite struct GlobSyntaxTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let pattern: String
    let matches: [String]
    let misses: [String]
    var testDescription: String { pattern }
  }

  static let cases: [Case] = [
    Case(pattern: "/a/**/b", matches: ["/a//b", "/a/x/y/b"], misses: ["/a/b", "/a/x/c"]),
    Case(
      pattern: "/img/?.png", matches: ["/img/1.png", "/img/é.png".replacing("é", with: "e")],
      misses: ["/img/.png", "/img/12.png"]),
    Case(pattern: "/p?q=1", matches: ["/p?q=1", "/pxq=1"], misses: ["/p?q=2", "/pq=1"]),
    Case(pattern: "/[a-c]x", matches: ["/ax", "/cx"], misses: ["/dx", "/[a-c]x", "/x"]),
    Case(pattern: "/[!a-c]x", matches: ["/dx", "//x"], misses: ["/ax"]),
    Case(pattern: "/[^0-9_-]", matches: ["/a"], misses: ["/0", "/_", "/-"]),
    Case(pattern: "/[]a]", matches: ["/]", "/a"], misses: ["/b"]),
    Case(pattern: "/[a-]", matches: ["/a", "/-"], misses: ["/b"]),
    Case(
      pattern: "/*.{jpg,png,}", matches: ["/a.jpg", "/a/b.png", "/a."], misses: ["/a.gif", "/a"]),
    Case(
      pattern: "/{a,b{c,d}*}/x", matches: ["/a/x", "/bc/x", "/bdd/e/x"], misses: ["/b/x", "/ab/x"]),
    Case(pattern: "/a\\*b", matches: ["/a*b"], misses: ["/axb", "/a\\*b"]),
    Case(pattern: "/a,b", matches: ["/a,b"], misses: ["/a"]),
    Case(
      pattern: "/*v[0-9]?/*x", matches: ["/v12/x", "/a/v3b/yx", "/v1v22/x"],
      misses: ["/v1/x", "/v12/y"]),
    Case(pattern: "*", matches: ["", "/", "/a?b"], misses: []),
    Case(pattern: "/exact", matches: ["/exact"], misses: ["/exact/", "/exac"]),
  ]

  private func matches(_ pattern: GlobPattern, _ text: String) -> Bool {
    Array(text.utf8).withUnsafeBytes { pattern.matches($0) }
  }

  @Test(arguments: cases)
  func globMatchesWhatItSays(_ row: Case) throws {
    let pattern = try GlobPattern(glob: row.pattern.utf8)
    for text in row.matches { #expect(matches(pattern, text), "\(text)") }
    for text in row.misses { #expect(!matches(pattern, text), "\(text)") }
    let prefix = String(decoding: pattern.prefix, as: UTF8.self)
    for text in row.matches { #expect(text.hasPrefix(prefix), "\(prefix)") }
  }

  @Test func whatIsNoGlobIsRefusedWithTheReason() {
    func error(_ text: String) -> GlobPatternError? {
      do throws(GlobPatternError) { _ = try GlobPattern(glob: text.utf8) } catch { return error }
      return nil
    }
    #expect(error("/a{b") == .unbalanced(offset: 2))
    #expect(error("/a}b") == .unbalanced(offset: 2))
    #expect(error("/a[b") == .unbalanced(offset: 2))
    #expect(error("/a[]") == .unbalanced(offset: 2))
    #expect(error("/[z-a]") == .emptyClass(offset: 1))
    #expect(error("/a\\") == .danglingEscape)
    #expect(error(String(repeating: "a", count: 4097)) == .tooLong(count: 4097, limit: 4096))
    #expect(error(String(repeating: "a", count: 4096)) == nil)
    let stars = String(repeating: "a*", count: 33)
    #expect(error(stars) == .tooManyWildcards(count: 33, limit: 32))
    #expect(error(String(stars.dropLast(2))) == nil)
    let letters = (0..<33).map { "x\($0)" }
    #expect(error("/{\(letters.joined(separator: ","))}") == .tooManyAlternatives(limit: 32))
    #expect(error("/{\(letters.dropLast().joined(separator: ","))}") == nil)
    #expect(error("/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}") == .tooManyAlternatives(limit: 32))
    #expect(error(String(repeating: "{", count: 9)) == .tooManyAlternatives(limit: 32))
    #expect(error("/*{a,b,c,d,e}*") == .tooManySearches(count: 5, limit: 4))
    #expect(error("/*{a,b,c,d}*") == nil)
    let long = String(repeating: "a", count: 64)
    #expect(error("/*?\(long)*") != nil)
    #expect(error("/*?\(long.dropLast())*") == nil)
    #expect(error("/*?*?*?*?*?*") != nil)
    #expect(error("/*?*?*?*?*") == nil)
    for text in ["/a{b", "/*?\(long)*", stars, "/*{a,b,c,d,e}*"] {
      #expect((error(text)?.description.count ?? 0) > 20)
    }
  }

  /// The textbook recursion over single bytes, slow and plainly right.
  private func reference(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return text.isEmpty }
    if first == UInt8(ascii: "*") {
      return reference(pattern.dropFirst(), text)
        || (!text.isEmpty && reference(pattern, text.dropFirst()))
    }
    guard let byte = text.first else { return false }
    if first == UInt8(ascii: "[") {
      // Only [ab] is written below.
      return (byte == UInt8(ascii: "a") || byte == UInt8(ascii: "b"))
        && reference(pattern.dropFirst(4), text.dropFirst())
    }
    return (first == UInt8(ascii: "?") || first == byte)
      && reference(pattern.dropFirst(), text.dropFirst())
  }

  @Test func globAgreesWithTheTextbook() throws {
    var generator = SeededGenerator(seed: 43)
    let words = ["a", "b", "c", "?", "*", "[ab]"]
    for _ in 0..<20_000 {
      let count = Int.random(in: 0...7, using: &generator)
      let pattern = (0..<count).map { _ in words.randomElement(using: &generator) ?? "" }.joined()
      let text = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
        "abc".utf8.randomElement(using: &generator) ?? 0
      }
      guard let glob = try? GlobPattern(glob: pattern.utf8) else { continue }
      let found = text.withUnsafeBytes { glob.matches($0) }
      #expect(found == reference(Array(pattern.utf8)[...], text[...]), "\(pattern) \(text)")
    }
  }

  @Test func hostileGlobStaysLinear() throws {
    let part = String(repeating: "a?", count: 30) + "b"
    let pattern = "/*" + Array(repeating: part, count: 4).joined(separator: "*") + "*"
    let text = "/" + String(repeating: "a", count: 200_000)
    #expect(!matches(try GlobPattern(glob: pattern.utf8), text))
  }

  @Test func patternsAreFoundByTheirStart() {
    var rules = InvalidationRules()
    for number in 0..<2000 {
      rules.append(
        InvalidationRule(sequence: 5, host: nil, pattern: "/group-\(number % 40)/item-\(number)/*"))
    }
    rules.append(InvalidationRule(sequence: 6, host: nil, pattern: "*.zip"))
    rules.append(InvalidationRule(sequence: 7, host: nil, pattern: "/g*/secret"))
    func match(_ path: String) -> UInt64? {
      Array(url(path).utf8).withUnsafeBytes { key in
        rules.match(InvalidationSubject(key: key, fetchSequence: 1), newerThan: 1)
      }
    }
    #expect(match("/group-39/item-1999/x") == 5)
    #expect(match("/group-38/item-1999/x") == nil)
    #expect(match("/group-1/x.zip") == 6)
    #expect(match("/group-1/secret") == 7)
    #expect(match("/g/secret") == 7)
    #expect(match("/x") == nil)
    #expect(rules.removeAll(upTo: 5).count == 2000)
    #expect(rules.linearCount == 2)
    #expect(match("/group-39/item-1999/x") == nil)
    #expect(match("/g/secret") == 7)
  }
}
