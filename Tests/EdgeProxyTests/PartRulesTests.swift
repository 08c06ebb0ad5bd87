import CacheStore
import HTTPMessage
import NIOCore
import Testing

@testable import EdgeProxy

/// The pure rules of partial content: which range was asked, which 206 is a part, which validator
/// is strong, what is asked of the origin.
@Suite struct PartRulesTests {
  private func request(_ fields: String, method: String = "GET") throws -> RequestHead {
    var parser = HTTP1RequestParser(limits: HeadLimits())
    let text = "\(method) /a HTTP/1.1\nHost: a\n\(fields)\n"
    var buffer = ByteBuffer(string: text.replacing("\n", with: "\r\n"))
    return try #require(try parser.parse(&buffer, isSecure: false))
  }

  private func response(
    _ lines: [(String, String)], status: Int = 206, length: Int? = nil
  ) -> OriginResponseHead {
    var fields = FieldBlock()
    for (name, value) in lines { fields.append(name, value) }
    return OriginResponseHead(status: status, fields: fields, contentLength: length)
  }

  // MARK: RFC 9110 section 14.1.2: Range

  @Test(arguments: [
    ("bytes=0-9", AskedRange.between(0, 9)), ("bytes=5-5", .between(5, 5)),
    ("BYTES=5-", .from(5)), ("bytes=-3", .last(3)), ("bytes= 1-2 ", .between(1, 2)),
    ("bytes=1-99999999999999999999", .between(1, .max)),
  ])
  func oneRangeIsRead(_ value: String, _ range: AskedRange) throws {
    #expect(AskedRange(try request("Range: \(value)\n")) == range)
  }

  @Test(arguments: [
    "bytes=0-1,5-6", "bytes=", "bytes", "bytes=-", "bytes=-0", "bytes=9-5", "bytes=a-b",
    "items=0-1", "bytes=0 - 1", "bytes=--1",
  ])
  func whatIsNoSingleRangeAsksForTheWhole(_ value: String) throws {
    #expect(AskedRange(try request("Range: \(value)\n")) == nil)
  }

  @Test func onlyAGetWithOneRangeFieldAsksForARange() throws {
    #expect(AskedRange(try request("Range: bytes=0-1\n", method: "HEAD")) == nil)
    #expect(AskedRange(try request("Range: bytes=0-1\nRange: bytes=0-1\n")) == nil)
    #expect(AskedRange(try request("")) == nil)
  }

  @Test func aRangeIsResolvedWithinTheLength() {
    #expect(AskedRange.between(2, 5).resolved(length: 10) == 2..<6)
    #expect(AskedRange.between(2, .max).resolved(length: 10) == 2..<10)
    #expect(AskedRange.between(10, 11).resolved(length: 10) == nil)
    #expect(AskedRange.from(9).resolved(length: 10) == 9..<10)
    #expect(AskedRange.last(3).resolved(length: 10) == 7..<10)
    #expect(AskedRange.last(30).resolved(length: 10) == 0..<10)
    #expect(AskedRange.last(1).resolved(length: 0) == nil)
  }

  // MARK: RFC 9110 sections 14.4 and 15.3.7.1: Content-Range

  @Test func aPartIsWhatItsContentRangeSays() throws {
    let part = try #require(
      ReceivedPart(response([("Content-Range", "bytes 2-5/10")], length: 4)))
    #expect(part.range == 2..<6 && part.completeLength == 10 && !part.isWhole)
    #expect(ReceivedPart(response([("Content-Range", "bytes 0-9/10")]))?.isWhole == true)
  }

  @Test(arguments: [
    [("Content-Range", "bytes 2-5/*")], [("Content-Range", "bytes */10")],
    [("Content-Range", "bytes 5-2/10")], [("Content-Range", "bytes 2-10/10")],
    [("Content-Range", "items 2-5/10")], [("Content-Range", "bytes=2-5/10")], [],
    [("Content-Range", "bytes 2-5/10"), ("Content-Range", "bytes 2-5/10")],
    [("Content-Range", "bytes 2-5/10"), ("Content-Type", "multipart/byteranges; boundary=x")],
  ])
  func whatIsNoSinglePartOfAKnownWholeIsPassedOn(_ lines: [(String, String)]) {
    #expect(ReceivedPart(response(lines, length: 4)) == nil)
  }

  @Test func contentOfAnotherLengthThanItsRangeIsNoPart() {
    #expect(ReceivedPart(response([("Content-Range", "bytes 2-5/10")], length: 5)) == nil)
    #expect(
      ReceivedPart(response([("Content-Range", "bytes 2-5/10")], status: 200, length: 4)) == nil)
  }

  @Test func theRepresentationOfAPartIsItsOKWithoutContentRange() throws {
    let head = response(
      [("ETag", "\"1\""), ("Content-Range", "bytes 2-5/10"), ("Content-Length", "4")], length: 4)
    let whole = try #require(ReceivedPart(head)).representation(of: head)
    #expect(whole.status == 200 && whole.contentLength == 10)
    #expect(whole.fields.text(.etag) == "\"1\"")
    #expect(!whole.fields.contains(.contentRange) && !whole.fields.contains(.contentLength))
  }

  // MARK: RFC 9110 sections 8.8.2.2, 8.8.3, 13.1.5: strong validators

  private func validator(_ lines: [(String, String)]) -> StrongValidator? {
    StrongValidator(response(lines).fields, now: 1_000_000_000)
  }

  @Test func aStrongEntityTagIsAStrongValidator() {
    #expect(validator([("ETag", "\"a\"")]) == .entityTag(ByteBuffer(string: "\"a\"")))
    #expect(validator([("ETag", "W/\"a\"")]) == nil)
    #expect(validator([("ETag", "a")]) == nil, "a tag without quotes proves nothing")
    #expect(validator([]) == nil)
  }

  @Test func aDateIsStrongAfterASecondAndOnlyWithoutATag() {
    let date = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
    let second = [date, ("Last-Modified", "Sun, 06 Nov 1994 08:49:36 GMT")]
    #expect(validator(second) == .lastModified(784_111_776))
    #expect(validator([date, ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")]) == nil)
    #expect(validator(second + [("ETag", "W/\"a\"")]) == nil)
    #expect(validator([("Last-Modified", "yesterday")]) == nil)
    #expect(
      validator(second)?.fieldValue == ByteBuffer(string: "Sun, 06 Nov 1994 08:49:36 GMT"))
  }

  // MARK: What is asked of the origin

  /// Parts of a representation of 100 bytes whose bytes are their places.
  private func stored(_ parts: [Range<Int>], etag: String = "\"1\"") throws -> StoredObject {
    var content = PartContent(completeLength: 100)
    for part in parts { content.insert([ByteBuffer(bytes: part.map { UInt8($0) })], at: part) }
    var metadata = ObjectMetadata()
    metadata.etagOffset = 6
    metadata.etagCount = UInt16(etag.utf8.count)
    let lines = Array("ETag: \(etag)\r\n".utf8)
    return Array("key".utf8).withUnsafeBytes { key in
      lines.withUnsafeBytes { lines in
        PartialObject.make(
          content, hash: KeyHash(high: 1, low: 2), key: key, lines: lines, metadata: metadata)
      }
    }
  }

  private func plan(
    _ fields: String, _ stored: StoredObject? = nil, fetching: RangeFetching = .part,
    isCovered: Bool = false, needsWhole: Bool = false
  ) throws -> RangeFetch? {
    RangeFetch.plan(
      for: try request(fields), stored: stored, isCovered: isCovered, fetching: fetching,
      needsWhole: needsWhole)
  }

  @Test func aRangeOfWhatIsNotStoredIsAskedAsItIs() throws {
    let fetch = try #require(try plan("Range: bytes=5-9\n"))
    #expect(fetch.range == ByteBuffer(string: "bytes=5-9") && fetch.ifRange == nil)
    #expect(fetch.base == nil && fetch.withoutBase == nil && !fetch.completesWhole)
    #expect(try plan("Range: bytes=-9\n")?.range == ByteBuffer(string: "bytes=-9"))
    #expect(try plan("Range: bytes=5-9\n", fetching: .whole) == nil)
    #expect(try plan("Range: bytes=0-\n") == nil, "that is the whole")
    #expect(try plan("Range: bytes=5-9\n", needsWhole: true) == nil)
    #expect(try plan("") == nil)
  }

  @Test func theClientsIfRangeGoesAlongUnlessItIsWeak() throws {
    let fetch = try #require(try plan("Range: bytes=5-9\nIf-Range: \"1\"\n"))
    #expect(fetch.ifRange == ByteBuffer(string: "\"1\""))
    #expect(fetch.label != (try plan("Range: bytes=5-9\n"))?.label)
    #expect(try plan("Range: bytes=5-9\nIf-Range: W/\"1\"\n") == nil)
  }

  @Test func onlyWhatIsMissingIsAskedUnderTheStoredValidator() throws {
    let stored = try stored([0..<10, 20..<30])
    let fetch = try #require(try plan("Range: bytes=5-24\n", stored))
    #expect(fetch.range == ByteBuffer(string: "bytes=10-19"))
    #expect(fetch.ifRange == ByteBuffer(string: "\"1\""))
    #expect(fetch.base?.stretch == 5..<25 && !fetch.completesWhole)
    #expect(fetch.withoutBase?.range == ByteBuffer(string: "bytes=5-24"))
    let whole = try #require(try plan("", stored))
    #expect(whole.range == ByteBuffer(string: "bytes=10-99") && whole.completesWhole)
    #expect(whole.withoutBase == nil)
    #expect(try plan("Range: bytes=5-24\n", stored, fetching: .whole)?.completesWhole == true)
    #expect(try plan("Range: bytes=5-24\n", stored, needsWhole: true)?.completesWhole == true)
  }

  @Test func partsWithoutAStrongValidatorAreNotExtended() throws {
    let stored = try stored([0..<10], etag: "W/\"1\"")
    let fetch = try #require(try plan("Range: bytes=5-24\n", stored))
    #expect(fetch.range == ByteBuffer(string: "bytes=5-24") && fetch.ifRange == nil)
    #expect(try plan("", stored) == nil)
  }

  @Test func coveredPartsAreOnlyValidated() throws {
    let stored = try stored([0..<10])
    let fetch = try #require(try plan("Range: bytes=5-7\n", stored, isCovered: true))
    #expect(fetch.range == ByteBuffer(string: "bytes=5-7") && fetch.base == nil)
  }

  // MARK: RFC 9111 section 3.4: combining

  private func composed(
    _ range: Range<Int>, of length: Int = 100, etag: String = "\"1\""
  ) throws -> PartComposition? {
    let fetch = try #require(try plan("Range: bytes=5-24\n", try stored([0..<10, 20..<30])))
    let base = try #require(fetch.base)
    let place = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(length)"
    let head = response([("ETag", etag), ("Content-Range", place)])
    return PartComposition(
      try #require(ReceivedPart(head)),
      validator: StrongValidator(head.fields, now: 1_000_000_000), base: base)
  }

  @Test func thePartFillsTheGapBetweenStoredOnes() throws {
    let composition = try #require(try composed(10..<20))
    #expect(composition.stretch == 5..<25 && !composition.isWhole)
    #expect(composition.prefix == [ByteBuffer(bytes: [5, 6, 7, 8, 9])])
    #expect(composition.suffix == [ByteBuffer(bytes: [20, 21, 22, 23, 24])])
  }

  @Test func aPartLargerThanAskedReplacesStoredBytes() throws {
    let composition = try #require(try composed(8..<40))
    #expect(composition.stretch == 5..<40)
    #expect(composition.prefix == [ByteBuffer(bytes: [5, 6, 7])])
    #expect(composition.suffix.isEmpty)
  }

  @Test func anotherRepresentationOrTooLittleIsNotCombined() throws {
    #expect(try composed(10..<20, etag: "\"2\"") == nil)
    #expect(try composed(10..<20, etag: "W/\"1\"") == nil)
    #expect(try composed(10..<20, of: 101) == nil)
    #expect(try composed(10..<19) == nil)
    #expect(try composed(11..<20) == nil)
  }
}
