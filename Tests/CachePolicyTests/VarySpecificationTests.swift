import HTTPMessage
import NIOCore
import Testing

@testable import CachePolicy

/// RFC 9110 section 12.5.5, RFC 9111 section 4.1.
@Suite struct VarySpecificationTests {
  private func specification(_ values: String...) -> VarySpecification? {
    VarySpecification(response: makeFields(values.map { ("Vary", $0) }))
  }

  private func names(_ values: String...) -> String? {
    VarySpecification(response: makeFields(values.map { ("Vary", $0) })).map {
      String(decoding: $0.names, as: UTF8.self)
    }
  }

  @Test func namesAreLowerCasedSortedAndUnique() {
    #expect(names("Foo, bar", "FOO") == "bar,foo")
    #expect(names(", a,, ") == "a")
    #expect(names() == "")
    #expect(names("") == "")
  }

  @Test(arguments: [
    "*", "a, *", "*,a", "*, *", " * ", "a,,*,", "a b", "\"a\"", "a;b", "a: b", "*a, *",
    "X-Forwarded-For",
  ])
  func starsAndMalformedNamesCannotBeSelectedBy(value: String) {
    #expect(names(value) == nil)
    #expect(names("x", value) == nil)
  }

  @Test func namesUpToTheLimitAreTaken() {
    let list = (0..<VarySpecification.nameLimit).map { "n\($0)" }
    #expect(names(list.joined(separator: ",")) != nil)
    #expect(names((list + ["N0"]).joined(separator: ",")) != nil)
    #expect(names((list + ["more"]).joined(separator: ",")) == nil)
  }

  @Test func unionHoldsTheNamesOfBoth() throws {
    let left = try #require(specification("c, a"))
    let right = try #require(specification("b, a"))
    #expect(left.union(right) == specification("a,b,c"))
    #expect(left.union(VarySpecification()) == left)
    #expect(VarySpecification().union(left) == left)
    #expect(withBytes("C") { left.contains($0) })
    #expect(!withBytes("b") { left.contains($0) })
    #expect(!withBytes("") { left.contains($0) })
    #expect(VarySpecification().isEmpty && !left.isEmpty)
  }

  @Test func itReadsBackAsEncoded() throws {
    let original = try #require(specification("Accept-Encoding, X"))
    var buffer = ByteBuffer()
    original.encode(into: &buffer)
    #expect(buffer.withUnsafeReadableBytes { VarySpecification(encoded: $0) } == original)
  }

  private func variant(_ vary: String, _ fields: [(String, String)]) -> String {
    var buffer = ByteBuffer()
    specification(vary)?.writeVariantKey(request: makeRequest(fields: fields), into: &buffer)
    return String(buffer: buffer)
  }

  @Test func requestsWithEqualSelectingFieldsShareAVariant() {
    let one = variant("A, B", [("b", "x,y"), ("A", "1"), ("C", "5")])
    #expect(one == "a=1\nb=x,y\n")
    #expect(variant("A, B", [("A", "1"), ("B", "x ,\ty"), ("C", "6")]) == one)
    #expect(variant("A, B", [("A", "1"), ("B", "x"), ("B", "y")]) == one)
  }

  @Test func otherValuesAbsenceAndOrderMakeOtherVariants() {
    let requests: [[(String, String)]] = [
      [], [("A", "")], [("A", "x")], [("A", "X")], [("A", "x, y")], [("A", "y,x")], [("A", "x y")],
      [("A", "\"x , y\"")], [("A", "\"x,y\"")], [("B", "x")],
    ]
    #expect(Set(requests.map { variant("A, B", $0) }).count == requests.count)
  }

  @Test func escapesInQuotedStringsAreCopied() {
    #expect(variant("A", [("A", #""a\" , b" , c"#)]) == "a=\"a\\\" , b\",c\n")
    #expect(variant("A", [("A", #""a\"#)]) == "a=\"a\\\n")
  }
}
