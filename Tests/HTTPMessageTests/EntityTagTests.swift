import HTTPMessage
import Testing

/// RFC 9110 sections 8.8.3 and 13.1.
@Suite struct EntityTagTests {
  private func matches(_ list: String, _ tag: String, weakly: Bool) -> Bool {
    Array(list.utf8).withUnsafeBytes { list in
      Array(tag.utf8).withUnsafeBytes { EntityTag.matches(list: list, tag: $0, weakly: weakly) }
    }
  }

  /// The table of RFC 9110 section 8.8.3.2.
  @Test(arguments: [
    (#"W/"1""#, #"W/"1""#, false, true), (#"W/"1""#, #"W/"2""#, false, false),
    (#"W/"1""#, #""1""#, false, true), (#""1""#, #""1""#, true, true),
  ])
  func comparisonFollowsTheTable(left: String, right: String, strong: Bool, weak: Bool) {
    #expect(matches(left, right, weakly: false) == strong)
    #expect(matches(left, right, weakly: true) == weak)
    #expect(matches(right, left, weakly: false) == strong)
    #expect(matches(right, left, weakly: true) == weak)
  }

  @Test(arguments: [
    #""a","b""#, #""a", "b""#, "  \"a\"  ,\t\"b\"  ", #","b","#, #""a" "b""#, #"W/"x", "b""#,
    #""a,c", "b""#, #"abc, "b""#, "*", " * ",
  ])
  func aMemberOfTheListMatches(list: String) {
    #expect(matches(list, #""b""#, weakly: false))
  }

  @Test(arguments: [
    "", ",", #""a""#, #""bb""#, #"b"#, #""b"#, #""B""#, #""a,"b",c""#, #""*""#, #""a", *"#,
    #"W/"b""#, #"w/"b""#,
  ])
  func nothingElseMatchesStrongly(list: String) {
    #expect(!matches(list, #""b""#, weakly: false))
  }

  @Test func commasWithinATagDoNotEndIt() {
    #expect(matches(#""x", "a,b", "y""#, #""a,b""#, weakly: true))
    #expect(!matches(#""x", "a,b", "y""#, #""a"#, weakly: true))
    #expect(matches(#"W/"a,b""#, #""a,b""#, weakly: true))
  }

  @Test func backslashesAreNoEscapes() {
    #expect(matches(#""a\", "b""#, #""b""#, weakly: true))
  }

  /// RFC 9110 section 8.8.3.2: what lacks its quotes is no tag, and is compared as it was meant
  /// only where a mistake costs nothing.
  @Test func missingQuotesMatterOnlyToStrongComparison() {
    #expect(matches("abc", "abc", weakly: false))
    #expect(matches(#""x", abc , "y""#, "abc", weakly: true))
    #expect(matches("abc", #""abc""#, weakly: true))
    #expect(matches(#""abc""#, "abc", weakly: true))
    #expect(matches("W/abc", #""abc""#, weakly: true))
    #expect(!matches("abc", #""abc""#, weakly: false))
    #expect(!matches(#""abc""#, "abc", weakly: false))
    #expect(!matches("ab", "abc", weakly: true))
    #expect(!matches(#""abc"#, #""abc""#, weakly: true))
    #expect(!matches("ABC", #""abc""#, weakly: true))
  }

  @Test func listsNeedNoSpacesAndStopAtNoComma() {
    #expect(matches(#""a","b","c""#, #""c""#, weakly: false))
    #expect(matches(#"W/"a",W/"b,c""#, #""b,c""#, weakly: true))
    #expect(matches(#"a,b,c"#, #""b""#, weakly: true))
    #expect(!matches(#""a","b","c""#, #""b","c""#, weakly: true))
  }

  @Test func onlyTheUpperCaseMarkIsWeak() {
    #expect(Array(#"W/"a""#.utf8).withUnsafeBytes { EntityTag.isWeak($0) })
    #expect(!Array(#"w/"a""#.utf8).withUnsafeBytes { EntityTag.isWeak($0) })
    #expect(!Array(#""W/a""#.utf8).withUnsafeBytes { EntityTag.isWeak($0) })
    #expect(!Array("W".utf8).withUnsafeBytes { EntityTag.isWeak($0) })
  }
}
