import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore
import Testing

@testable import EdgeProxy

/// Partial content through the whole request path (RFC 9110 sections 14 and 15.3.7, RFC 9111
/// sections 3.3 and 3.4). The resource has 100 bytes.
@Suite struct PartialContentTests {
  // MARK: Storing and hitting

  @Test("a 206 is stored and answers the same range (RFC 9111 3.3)")
  func a206IsStoredAndAnswersTheSameRange() throws {
    let edge = try SimulatedEdge()
    let miss = try edge.get("/a", "Range: bytes=10-19\n")
    #expect(try edge.origin.last.request.fields.text(.range) == "bytes=10-19")
    try edge.origin.last.part(10..<20)
    #expect(miss.status == 206 && miss.body == Resource.text(10..<20) && miss.isFinished)
    #expect(miss.fields.text(.contentRange) == "bytes 10-19/100" && miss.framing == .length(10))
    #expect(
      miss.fields.text(.cacheStatus)?.contains("fwd=uri-miss; fwd-status=206") == true)
    let hit = try edge.get("/a", "Range: bytes=10-19\n")
    #expect(hit.exchange == nil && hit.status == 206 && hit.body == Resource.text(10..<20))
    #expect(hit.fields.texts(named: "content-range") == ["bytes 10-19/100"])
    #expect(hit.result == "Hit" && hit.fields.text(.etag) == "\"1\"")
    #expect(hit.fields.text(.contentType) == "text/plain")
    #expect(edge.origin.fetches.count == 1)
  }

  @Test("sub-ranges and suffixes are answered from stored parts (RFC 9110 14.1.2)")
  func subRangesAndSuffixesHit() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    try edge.part(90..<100)
    #expect(try edge.get("/a", "Range: bytes=12-15\n").body == Resource.text(12..<16))
    #expect(try edge.get("/a", "Range: bytes=19-19\n").body == Resource.text(19..<20))
    #expect(try edge.get("/a", "Range: bytes=-3\n").body == Resource.text(97..<100))
    #expect(try edge.get("/a", "Range: bytes=95-\n").body == Resource.text(95..<100))
    #expect(try edge.get("/a", "Range: bytes=95-500\n").body == Resource.text(95..<100))
    #expect(edge.origin.fetches.count == 2)
    try edge.get("/a", "Range: bytes=9-12\n")
    #expect(edge.origin.fetches.count == 3, "one byte is missing")
  }

  @Test("several ranges are answered as multipart/byteranges from parts (RFC 9110 14.6)")
  func severalRangesAreAnsweredFromParts() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    try edge.part(90..<100)
    let client = try edge.get("/a", "Range: bytes=95-96,10-11\n")
    #expect(client.status == 206 && edge.origin.fetches.count == 2)
    let type = try #require(client.fields.text(.contentType))
    let boundary = try #require(type.components(after: "multipart/byteranges; boundary="))
    #expect(client.body == Resource.multipart([95..<97, 10..<12], boundary: boundary))
    #expect(client.framing == .length(client.body.utf8.count))
    #expect(!client.fields.contains(.contentRange))
  }

  @Test("HEAD, conditions and 416 are answered from parts (RFC 9110 9.3.2, 13.2.2, 15.5.17)")
  func theHeadOfPartsIsTheRepresentations() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    let head = try edge.request("HEAD /a HTTP/1.1\nHost: a\n")
    #expect(head.status == 200 && head.framing == .bodyless(contentLength: 100))
    #expect(!head.fields.contains(.contentRange))
    #expect(try edge.get("/a", "If-None-Match: \"1\"\n").status == 304)
    #expect(try edge.get("/a", "If-Match: \"2\"\n").status == 412)
    let beyond = try edge.get("/a", "Range: bytes=100-\n")
    #expect(beyond.status == 416 && beyond.fields.text(.contentRange) == "bytes */100")
    #expect(edge.origin.fetches.count == 1)
  }

  @Test("stored parts are fresh only as long as their response (RFC 9111 4.2)")
  func stalePartsAreValidated() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    edge.now += 59
    #expect(try edge.get("/a", "Range: bytes=10-19\n").result == "Hit")
    edge.now += 1
    let client = try edge.get("/a", "Range: bytes=12-14\n")
    let fields = try edge.origin.last.request.fields
    #expect(fields.text(.ifNoneMatch) == "\"1\"" && fields.text(.range) == "bytes=12-14")
    try edge.origin.last.answer(304, "Cache-Control: max-age=100\nETag: \"1\"")
    #expect(client.status == 206 && client.body == Resource.text(12..<15))
    #expect(client.result == "RefreshHit")
    edge.now += 99
    let hit = try edge.get("/a", "Range: bytes=10-19\n")
    #expect(hit.result == "Hit" && hit.body == Resource.text(10..<20))
  }

  @Test("a validation that brings another representation replaces the parts (RFC 9111 4.3.3)")
  func aChangedPartReplacesStaleOnes() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    edge.now += 60
    let client = try edge.get("/a", "Range: bytes=12-14\n")
    try edge.origin.last.part(12..<15, etag: "\"2\"", "xyz")
    #expect(client.status == 206 && client.body == "xyz")
    #expect(try edge.get("/a", "Range: bytes=12-14\n").body == "xyz")
    try edge.get("/a", "Range: bytes=10-11\n")
    #expect(edge.origin.fetches.count == 3, "the old parts are gone")
  }

  // MARK: Extending

  @Test("only what is missing is fetched, under If-Range (RFC 9110 13.1.5, RFC 9111 3.4)")
  func onlyWhatIsMissingIsFetched() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    try edge.part(30..<40)
    let client = try edge.get("/a", "Range: bytes=15-34\n")
    let fields = try edge.origin.last.request.fields
    #expect(fields.text(.range) == "bytes=20-29" && fields.text(.ifRange) == "\"1\"")
    try edge.origin.last.part(20..<30)
    #expect(client.status == 206 && client.body == Resource.text(15..<35) && client.isFinished)
    #expect(client.fields.text(.contentRange) == "bytes 15-34/100")
    #expect(client.reason == "part-not-stored-yet")
    #expect(client.fields.text(.cacheStatus)?.contains("fwd=partial; fwd-status=206") == true)
    #expect(try edge.get("/a", "Range: bytes=10-39\n").body == Resource.text(10..<40))
    #expect(edge.origin.fetches.count == 3)
  }

  @Test("the newer part's fields update the stored ones (RFC 9111 3.4)")
  func aNewPartFreshensTheStoredOnes() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    edge.now += 100
    try edge.get("/a", "Range: bytes=10-29\n")
    try edge.origin.last.part(20..<30, more: "X-New: 1\n")
    edge.now += 59
    let hit = try edge.get("/a", "Range: bytes=10-12\n")
    #expect(hit.result == "Hit" && hit.fields.texts(named: "x-new") == ["1"])
    #expect(hit.fields.text(.age) == "59")
    #expect(hit.fields.texts(named: "etag") == ["\"1\""])
  }

  @Test("several ranges that are missing in part are fetched and sent as they arrive")
  func severalMissingRangesAreFetchedAtOnce() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    let client = try edge.get("/a", "Range: bytes=12-13,40-41\n")
    #expect(try edge.origin.last.request.fields.text(.range) == "bytes=20-41")
    try edge.origin.last.part(20..<42)
    let type = try #require(client.fields.text(.contentType))
    let boundary = try #require(type.components(after: "boundary="))
    #expect(client.body == Resource.multipart([12..<14, 40..<42], boundary: boundary))
    #expect(client.isFinished && client.framing == .length(client.body.utf8.count))
    #expect(try edge.get("/a", "Range: bytes=10-41\n").result == "Hit")
  }

  // MARK: Completing

  @Test("a full GET fetches only what is missing and completes the response (RFC 9111 3.4)")
  func aFullGETCompletesTheParts() throws {
    let edge = try SimulatedEdge()
    try edge.part(0..<20)
    try edge.part(60..<100)
    let client = try edge.get("/a")
    let follower = try edge.get("/a")
    let within = try edge.get("/a", "Range: bytes=30-39\n")
    #expect(edge.origin.fetches.count == 3)
    #expect(try edge.origin.last.request.fields.text(.range) == "bytes=20-59")
    let fetch = try edge.origin.last
    fetch.partHead(20..<60)
    #expect(client.status == 200 && client.body == Resource.text(0..<20), "what is there is sent")
    fetch.chunk(Resource.text(20..<50))
    #expect(within.body == Resource.text(30..<40) && within.isFinished && within.status == 206)
    fetch.chunk(Resource.text(50..<60))
    fetch.end()
    for whole in [client, follower] {
      #expect(whole.body == Resource.text(0..<100) && whole.isFinished && whole.status == 200)
      #expect(whole.framing == .length(100) && !whole.fields.contains(.contentRange))
    }
    let hit = try edge.get("/a")
    #expect(hit.result == "Hit" && hit.body == Resource.text(0..<100))
    #expect(edge.origin.fetches.count == 3)
  }

  @Test("parts that together are the whole become the whole (RFC 9111 3.4)")
  func partsThatTogetherAreAllBecomeTheWhole() throws {
    let edge = try SimulatedEdge()
    try edge.part(0..<50)
    try edge.part(50..<100)
    let hit = try edge.get("/a")
    #expect(hit.status == 200 && hit.result == "Hit" && hit.body == Resource.text(0..<100))
    try edge.get("/b", "Range: bytes=0-999\n")
    try edge.origin.last.part(0..<100)
    #expect(try edge.get("/b").result == "Hit", "one part may be all")
  }

  @Test("a completion cut short stores nothing new and is seen as cut short (RFC 9112 8)")
  func aCompletionCutShortKeepsOnlyTheParts() throws {
    let edge = try SimulatedEdge()
    try edge.part(0..<20)
    let client = try edge.get("/a")
    let fetch = try edge.origin.last
    fetch.partHead(20..<100)
    fetch.chunk(Resource.text(20..<60))
    fetch.fail(.truncated)
    #expect(client.isAborted && !client.isFinished)
    #expect(try edge.get("/a", "Range: bytes=0-19\n").result == "Hit")
    try edge.get("/a", "Range: bytes=20-21\n")
    #expect(edge.origin.fetches.count == 3)
  }

  @Test("content that is not what Content-Range says is not stored (RFC 9110 14.4)")
  func contentOfAnotherLengthIsNotStored() throws {
    for length in [9, 11] {
      let edge = try SimulatedEdge()
      let client = try edge.get("/a", "Range: bytes=10-19\n")
      let fetch = try edge.origin.last
      fetch.partHead(10..<20, declares: false)
      fetch.chunk(Resource.text(10..<10 + length))
      if length < 10 { fetch.end() }
      #expect(client.isAborted)
      try edge.get("/a", "Range: bytes=10-19\n")
      #expect(edge.origin.fetches.count == 2)
    }
  }

  // MARK: Validators

  @Test("a part of another representation is not combined (RFC 9110 15.3.7.3)")
  func aPartWithAnotherValidatorIsNotCombined() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    let client = try edge.get("/a", "Range: bytes=15-24\n")
    // The origin does not know If-Range.
    try edge.origin.last.part(20..<25, etag: "\"2\"")
    #expect(client.status == 0 && edge.origin.fetches[1].isCancelled)
    let fields = try edge.origin.last.request.fields
    #expect(fields.text(.range) == "bytes=15-24" && !fields.contains(.ifRange))
    try edge.origin.last.part(15..<25, etag: "\"2\"", "klmnopqrst")
    #expect(client.status == 206 && client.body == "klmnopqrst")
    #expect(try edge.get("/a", "Range: bytes=15-24\n").body == "klmnopqrst")
    try edge.get("/a", "Range: bytes=10-14\n")
    #expect(edge.origin.fetches.count == 4, "the old part is gone")
  }

  @Test("the same validator over another length is not the same representation (RFC 9111 3.4)")
  func aPartOfAnotherLengthIsNotCombined() throws {
    let edge = try SimulatedEdge()
    try edge.part(0..<20)
    let client = try edge.get("/a")
    #expect(try edge.origin.last.request.fields.text(.range) == "bytes=20-99")
    try edge.origin.last.part(20..<100, of: 101)
    #expect(client.status == 0)
    #expect(try !edge.origin.last.request.fields.contains(.range), "the whole is asked for")
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "whole")
    #expect(client.body == "whole" && client.isFinished)
    #expect(try edge.get("/a").body == "whole")
  }

  @Test("a full response to If-Range replaces the parts (RFC 9110 13.1.5)")
  func aWholeResponseReplacesTheParts() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    let client = try edge.get("/a", "Range: bytes=2-24\n")
    try edge.origin.last.answer(200, "Cache-Control: max-age=60\nETag: \"2\"", "0123456789")
    #expect(client.status == 206 && client.body == "23456789")
    #expect(client.fields.text(.contentRange) == "bytes 2-9/10")
    #expect(try edge.get("/a").body == "0123456789")
    #expect(edge.origin.fetches.count == 2)
  }

  @Test("parts with a weak validator are used and never combined (RFC 9110 15.3.7.3)")
  func partsWithAWeakValidatorAreNeverCombined() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20, etag: "W/\"1\"")
    #expect(try edge.get("/a", "Range: bytes=12-13\n").result == "Hit")
    let client = try edge.get("/a", "Range: bytes=15-24\n")
    let fields = try edge.origin.last.request.fields
    #expect(fields.text(.range) == "bytes=15-24" && !fields.contains(.ifRange))
    try edge.origin.last.part(15..<25, etag: "W/\"1\"")
    #expect(client.body == Resource.text(15..<25))
    try edge.get("/a", "Range: bytes=10-12\n")
    #expect(edge.origin.fetches.count == 3, "the newer part took the older one's place")
    try edge.get("/a")
    #expect(try !edge.origin.last.request.fields.contains(.range))
  }

  @Test("a strong Last-Modified serves as a validator, a weak one does not (RFC 9110 8.8.2.2)")
  func lastModifiedIsAValidatorOnlyWhenItIsStrong() throws {
    for (lastModified, isStrong) in [
      ("Sun, 06 Nov 1994 08:49:36 GMT", true), ("Sun, 06 Nov 1994 08:49:37 GMT", false),
    ] {
      let edge = try SimulatedEdge()
      edge.now = 784_111_777
      let more = "Date: Sun, 06 Nov 1994 08:49:37 GMT\nLast-Modified: \(lastModified)\n"
      try edge.part(10..<20, etag: nil, more: more)
      let client = try edge.get("/a", "Range: bytes=15-24\n")
      let fields = try edge.origin.last.request.fields
      #expect(fields.text(.ifRange) == (isStrong ? lastModified : nil))
      #expect(fields.text(.range) == (isStrong ? "bytes=20-24" : "bytes=15-24"))
      try edge.origin.last.part(isStrong ? 20..<25 : 15..<25, etag: nil, more: more)
      #expect(client.body == Resource.text(15..<25))
    }
  }

  @Test("the client's own If-Range decides between its range and the whole (RFC 9110 13.1.5)")
  func theClientsIfRangeCounts() throws {
    let edge = try SimulatedEdge()
    let fresh = try edge.get("/a", "Range: bytes=0-19\nIf-Range: \"1\"\n")
    #expect(try edge.origin.last.request.fields.text(.ifRange) == "\"1\"")
    try edge.origin.last.part(0..<20)
    #expect(fresh.status == 206 && fresh.body == Resource.text(0..<20))
    #expect(try edge.get("/a", "Range: bytes=10-19\nIf-Range: \"1\"\n").result == "Hit")
    let changed = try edge.get("/a", "Range: bytes=10-19\nIf-Range: \"0\"\n")
    #expect(try edge.origin.last.request.fields.text(.range) == "bytes=20-99")
    try edge.origin.last.part(20..<100)
    #expect(changed.status == 200 && changed.body == Resource.text(0..<100))
    let weak = try edge.get("/b", "Range: bytes=10-19\nIf-Range: W/\"1\"\n")
    #expect(try !edge.origin.last.request.fields.contains(.range))
    try edge.origin.last.answer(200, "Cache-Control: max-age=60\nETag: W/\"1\"", "whole")
    #expect(weak.status == 200 && weak.body == "whole")
  }

  @Test("a part that the client's If-Range forbids is followed by the whole (RFC 9110 13.1.5)")
  func aPartThatIfRangeForbidsIsFollowedByTheWhole() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a", "Range: bytes=10-19\nIf-Range: \"0\"\n")
    // The origin does not know If-Range.
    try edge.origin.last.part(10..<20)
    #expect(client.status == 0 && edge.origin.fetches.count == 2)
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "whole")
    #expect(client.status == 200 && client.body == "whole" && client.isFinished)
  }
}
