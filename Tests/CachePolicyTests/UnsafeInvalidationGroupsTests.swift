import HTTPMessage
import Testing

@testable import CachePolicy

/// RFC 9875.
@Suite struct UnsafeInvalidationGroupsTests {
  private func groups(_ values: String...) -> [String] {
    CacheGroups(response: makeFields(values.map { ("Cache-Groups", $0) })).names.map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// Section 2.
  @Test func groupsAreAListOfStrings() {
    #expect(groups(#""a", "b c""#) == ["a", "b c"])
    #expect(groups(#""a";revalidate;x=1 ,"b\"\\""#) == ["a", #"b"\"#])
    #expect(groups(#""a""#, #""b", "a""#) == ["a", "b"])
    #expect(groups(#""A", "a", """#) == ["A", "a", ""])
    #expect(groups() == [] && groups("") == [])
  }

  @Test(arguments: [
    "a", "\"a\", b", "\"a\",", "\"a", "'a'", "1", "(\"a\")", "\"a\" \"b\"", "\"é\"", "?1", ":YQ==:",
  ])
  func anythingElseIsIgnoredAsAWhole(value: String) {
    #expect(groups(value) == [])
  }

  /// Section 2 asks for at least 32 groups of at least 32 characters.
  @Test func groupsUpToTheLimitsAreKept() {
    func list(_ count: Int, _ length: Int) -> String {
      (0..<count).map { number in
        let digits = String(number)
        return "\"" + String(repeating: "x", count: length - digits.count) + digits + "\""
      }.joined(separator: ", ")
    }
    #expect(groups(list(32, 32)).count == 32)
    let limit = CacheGroups.groupLimit
    let length = CacheGroups.lengthLimitBytes
    #expect(groups(list(limit, length)).count == limit)
    let many = CacheGroups(response: makeFields([("Cache-Groups", list(limit + 2, 10))]))
    #expect(many.names.count == limit && many.leftOut == 2)
    let long = CacheGroups(
      response: makeFields([("Cache-Groups", list(2, length + 1) + ", \"a\"")]))
    #expect(long.names == [Array("a".utf8)] && long.leftOut == 2)
  }

  /// Section 3.
  @Test func onlyAnswersToUnsafeRequestsInvalidate() {
    let fields = makeFields([("Cache-Group-Invalidation", "\"a\"")])
    for method in [RequestMethod.post, .put, .delete, .patch, .other] {
      #expect(CacheGroups(invalidatedBy: fields, method: method).names == [Array("a".utf8)])
    }
    for method in [RequestMethod.get, .head, .options, .trace, .query, .propfind] {
      #expect(CacheGroups(invalidatedBy: fields, method: method).isEmpty)
    }
    #expect(CacheGroups(response: fields).isEmpty)
    let member = makeFields([("Cache-Groups", "\"a\"")])
    #expect(CacheGroups(invalidatedBy: member, method: .post).isEmpty)
  }

  /// Section 2.1: a group is an origin's own.
  @Test func tagsHoldTheOrigin() {
    func tags(_ host: String, isSecure: Bool = false) -> [String] {
      var result: [String] = []
      CacheGroups(response: makeFields([("Cache-Groups", "\"a\", \"b c\"")])).forEachTag(
        request: makeRequest(host: host, isSecure: isSecure)
      ) { result.append($0.text) }
      return result
    }
    #expect(tags("E.com:80") == ["http://e.com \"a", "http://e.com \"b c"])
    #expect(tags("e.com:81") != tags("e.com") && tags("e.com", isSecure: true) != tags("e.com"))
  }
}

@Suite struct UnsafeInvalidationTagsTests {
  private static let standard = ["cache-tag", "surrogate-key", "xkey"].map { Array($0.utf8) }

  private func tags(
    _ fields: [(String, String)], names: [[UInt8]] = standard
  ) -> (tags: [String], summary: CacheTags.Summary) {
    var result: [String] = []
    let summary = CacheTags.forEach(in: makeFields(fields), names: names) { result.append($0.text) }
    return (result, summary)
  }

  @Test func tagsComeFromTheFieldsThatTheRouteNames() {
    let fields = [("xkey", "d"), ("Cache-Tag", "a, b"), ("Surrogate-Key", "c"), ("X-Tags", "e")]
    #expect(tags(fields).tags == ["a", "b", "c", "d"])
    #expect(tags(fields, names: [Array("x-tags".utf8)]).tags == ["e"])
    #expect(tags(fields, names: []).tags == [])
    #expect(tags([]).tags == [])
  }

  @Test func blanksAndCommasSeparate() {
    #expect(
      tags([("Cache-Tag", "a,b  c\t,, d ,"), ("cache-tag", "e")]).tags == ["a", "b", "c", "d", "e"])
    #expect(tags([("Surrogate-Key", "a,b c")]).tags == ["a,b", "c"])
    #expect(tags([("xkey", " a  B ")]).tags == ["a", "B"])
    #expect(tags([("Cache-Tag", " , ")]).tags == [])
  }

  @Test func whatIsOverTheLimitsIsLeftOutAndReported() {
    let long = String(repeating: "x", count: CacheTags.lengthLimitBytes)
    #expect(!tags([("Cache-Tag", long)]).summary.isIncomplete)
    let (kept, summary) = tags([("Cache-Tag", "\(long)y, a")])
    #expect(kept == ["a"] && summary.tooLong == 1 && summary.count == 1 && summary.isIncomplete)
    let all = (0..<CacheTags.tagLimit).map { "t\($0)" }.joined(separator: " ")
    #expect(!tags([("xkey", all)]).summary.isIncomplete)
    let more = tags([("xkey", all + " u v")])
    #expect(more.tags.count == CacheTags.tagLimit && more.summary.tooMany == 2)
  }
}
