import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore
import Testing

@testable import EdgeProxy

/// What origins may answer to a request for a range, how its fetches are shared, and what limits
/// parts.
@Suite struct PartialOriginTests {
  // MARK: What origins answer

  @Test("an origin that ignores Range fills the cache with the whole (RFC 9110 14.2)")
  func anOriginThatIgnoresRangeFillsTheCache() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a", "Range: bytes=2-3\n")
    let fetch = try edge.origin.last
    fetch.head(200, "Cache-Control: max-age=60", length: 6)
    let whole = try edge.get("/a")
    #expect(edge.origin.fetches.count == 1, "others join it for the whole")
    fetch.chunk("012345")
    fetch.end()
    #expect(client.status == 206 && client.body == "23")
    #expect(whole.status == 200 && whole.body == "012345")
    #expect(try edge.get("/a").result == "Hit")
  }

  @Test("a 206 to a request without Range is an error (RFC 9110 15.3.7)")
  func a206ThatNobodyAskedForIsAnError() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a")
    try edge.origin.last.part(0..<50)
    #expect(client.status == 502 && client.isFinished && client.result == "Error")
    #expect(try edge.origin.last.isCancelled)
    try edge.get("/a")
    #expect(edge.origin.fetches.count == 2)
  }

  @Test("more than was asked for is cut to the client's range and stored (RFC 9110 15.3.7)")
  func aLargerPartThanAskedIsCut() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a", "Range: bytes=10-19\n")
    try edge.origin.last.part(0..<32)
    #expect(client.status == 206 && client.body == Resource.text(10..<20))
    #expect(client.fields.text(.contentRange) == "bytes 10-19/100")
    #expect(try edge.get("/a", "Range: bytes=0-31\n").result == "Hit")
  }

  @Test(
    "what cannot be used as a part is passed on as it is and not stored (RFC 9110 14.4)",
    arguments: [
      "Content-Range: bytes 10-19/*", "Content-Range: bytes 19-10/100", "X-No: range",
      "Content-Range: bytes 10-18/100",
      "Content-Type: multipart/byteranges; boundary=x\nContent-Range: bytes 10-19/100",
    ])
  func anUnusablePartIsPassedOn(_ lines: String) throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a", "Range: bytes=10-19\n")
    try edge.origin.last.answer(
      206, "Cache-Control: max-age=60\nETag: \"1\"\n" + lines, Resource.text(10..<20))
    #expect(client.status == 206 && client.body == Resource.text(10..<20) && client.isFinished)
    #expect(client.reason == "partial-content")
    try edge.get("/a", "Range: bytes=10-19\n")
    #expect(edge.origin.fetches.count == 2)
  }

  @Test("less than was asked for goes out as it is, by its Content-Range (RFC 9110 15.3.7)")
  func aSmallerPartThanAskedIsNotMadeUp() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a", "Range: bytes=10-19\n")
    try edge.origin.last.part(10..<15)
    #expect(client.status == 206 && client.body == Resource.text(10..<15))
    #expect(client.fields.text(.contentRange) == "bytes 10-14/100")
  }

  @Test("a 416 to the client's own range is passed on and not stored (RFC 9110 15.5.17)")
  func a416IsPassedOn() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a", "Range: bytes=200-\n")
    try edge.origin.last.answer(416, "Cache-Control: max-age=60\nContent-Range: bytes */100")
    #expect(client.status == 416 && client.fields.text(.contentRange) == "bytes */100")
    try edge.get("/a")
    #expect(edge.origin.fetches.count == 2)
  }

  @Test("a 416 to a missing part drops the parts and asks for the client's range")
  func a416ToAMissingPartDropsTheParts() throws {
    let edge = try SimulatedEdge()
    try edge.part(0..<20)
    let client = try edge.get("/a", "Range: bytes=15-24\n")
    try edge.origin.last.head(416, "Content-Range: bytes */18", length: 0)
    #expect(client.status == 0)
    #expect(try edge.origin.last.request.fields.text(.range) == "bytes=15-24")
    try edge.origin.last.part(15..<18, of: 18, etag: "\"2\"")
    #expect(client.status == 206 && client.fields.text(.contentRange) == "bytes 15-17/18")
    try edge.get("/a", "Range: bytes=0-9\n")
    #expect(edge.origin.fetches.count == 4)
  }

  @Test("a part that must not be stored is delivered and forgotten (RFC 9111 3)")
  func aPartThatMustNotBeStoredIsNot() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a", "Range: bytes=10-19\n")
    try edge.origin.last.part(10..<20, cacheControl: "private")
    #expect(client.status == 206 && client.body == Resource.text(10..<20))
    #expect(client.fields.text(.contentRange) == "bytes 10-19/100" && client.reason == "private")
    let next = try edge.get("/a", "Range: bytes=10-19\n")
    #expect(edge.origin.fetches.count == 2)
    #expect(try edge.origin.last.request.fields.text(.range) == "bytes=10-19", "passed as it is")
    try edge.origin.last.part(10..<20, cacheControl: "private")
    #expect(next.body == Resource.text(10..<20) && next.result == "Pass")
  }

  @Test("a newer part that must not be stored takes the stored ones along (RFC 9111 3.4)")
  func aPartThatMustNotBeStoredRemovesTheOthers() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    let client = try edge.get("/a", "Range: bytes=15-24\n")
    try edge.origin.last.part(20..<25, cacheControl: "no-store")
    #expect(client.status == 206 && client.body == Resource.text(15..<25))
    try edge.get("/a", "Range: bytes=10-11\n")
    #expect(edge.origin.fetches.count == 3)
  }

  @Test("a whole that must not be stored takes the stored parts along (RFC 9111 3)")
  func aWholeThatMustNotBeStoredRemovesTheParts() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    let client = try edge.get("/a", "Range: bytes=15-24\n")
    try edge.origin.last.answer(200, "Cache-Control: private\nETag: \"1\"", Resource.text(0..<100))
    #expect(client.status == 200 && client.body == Resource.text(0..<100))
    try edge.get("/a", "Range: bytes=10-11\n")
    #expect(edge.origin.fetches.count == 3)
  }

  @Test("a part that is all is joined for the whole while it arrives (RFC 9111 3.4)")
  func aPartThatIsAllIsJoinedForTheWhole() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a", "Range: bytes=0-999\n")
    let fetch = try edge.origin.last
    fetch.partHead(0..<100)
    let whole = try edge.get("/a")
    let other = try edge.get("/a", "Range: bytes=5-6\n")
    #expect(edge.origin.fetches.count == 1)
    fetch.chunk(Resource.text(0..<100))
    fetch.end()
    #expect(client.status == 206 && client.body == Resource.text(0..<100))
    #expect(whole.status == 200 && whole.body == Resource.text(0..<100))
    #expect(other.status == 206 && other.body == Resource.text(5..<7))
  }

  @Test("an error of the origin goes to the client; what is stored stays")
  func anErrorLeavesTheParts() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    let client = try edge.get("/a", "Range: bytes=15-24\n")
    try edge.origin.last.answer(503, "", "down")
    #expect(client.status == 503 && client.body == "down")
    let other = try edge.get("/a", "Range: bytes=15-24\n")
    try edge.origin.last.fail(.refused)
    #expect(other.status == 502)
    #expect(try edge.get("/a", "Range: bytes=10-19\n").result == "Hit")
  }

  @Test("stale parts stand in for an error only where they hold the answer (RFC 5861 4)")
  func stalePartsStandInForAnError() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20, cacheControl: "max-age=60, stale-if-error=100")
    edge.now += 70
    let within = try edge.get("/a", "Range: bytes=10-14\n")
    try edge.origin.last.answer(503, "", "down")
    #expect(within.status == 206 && within.reason == "stale-if-error")
    #expect(within.body == Resource.text(10..<15))
    let beyond = try edge.get("/a", "Range: bytes=15-24\n")
    try edge.origin.last.answer(503, "", "down")
    #expect(beyond.status == 503)
  }

  @Test("stale parts are served while they are revalidated (RFC 5861 3)")
  func stalePartsAreServedWhileRevalidated() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20, cacheControl: "max-age=60, stale-while-revalidate=100")
    edge.now += 70
    for _ in 0..<3 {
      let client = try edge.get("/a", "Range: bytes=10-14\n")
      #expect(client.result == "StaleHit" && client.body == Resource.text(10..<15))
    }
    #expect(edge.origin.fetches.count == 2)
    try edge.origin.last.answer(304, "Cache-Control: max-age=60\nETag: \"1\"")
    #expect(try edge.get("/a", "Range: bytes=10-19\n").result == "Hit")
  }

  @Test("only-if-cached is 504 when a byte is missing (RFC 9111 5.2.1.7)")
  func onlyIfCachedIs504WhenAByteIsMissing() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    let fields = "Cache-Control: only-if-cached\n"
    #expect(try edge.get("/a", "Range: bytes=10-19\n" + fields).status == 206)
    #expect(try edge.get("/a", "Range: bytes=10-20\n" + fields).status == 504)
    #expect(edge.origin.fetches.count == 1)
  }

  @Test func partsFromDiskAreJudgedLikeThoseInMemory() throws {
    let edge = try SimulatedEdge()
    try edge.part(10..<20)
    for (range, verdict) in [
      ("10-19", RequestStateMachine.LookupVerdict.fresh), ("10-20", .partAbsent),
    ] {
      var parser = HTTP1RequestParser(limits: HeadLimits())
      var buffer = ByteBuffer(
        string: "GET /a HTTP/1.1\r\nHost: a\r\nRange: bytes=\(range)\r\n\r\n")
      let head = try #require(try parser.parse(&buffer, isSecure: false))
      let route = edge.proxy.shared.routes[0]
      let found = edge.proxy.lookUp(head, route: route)
      let object = try #require(found.object)
      #expect(found.verdict == verdict)
      #expect(edge.proxy.judgeLoaded(object, head, route: route, found).verdict == verdict)
    }
  }

  // MARK: Modes

  @Test func byTheWholeARangeFetchesEverything() throws {
    let edge = try SimulatedEdge(rangeFetching: .whole)
    let client = try edge.get("/a", "Range: bytes=10-19\n")
    #expect(try !edge.origin.last.request.fields.contains(.range))
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", Resource.text(0..<100))
    #expect(client.status == 206 && client.body == Resource.text(10..<20))
    let refused = try edge.get("/b", "Range: bytes=10-19\n")
    try edge.origin.last.part(10..<20)
    #expect(refused.status == 502, "a 206 that nobody asked for")
  }

  @Test func theWholeAsARangeIsFetchedAsTheWhole() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a", "Range: bytes=0-\n")
    #expect(try !edge.origin.last.request.fields.contains(.range))
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "012345")
    #expect(client.status == 206 && client.fields.text(.contentRange) == "bytes 0-5/6")
  }

  // MARK: Sharing

  @Test func clientsOfOneRangeShareItsFetch() throws {
    let edge = try SimulatedEdge()
    let clients = try (0..<5).map { _ in try edge.get("/a", "Range: bytes=10-19\n") }
    let other = try edge.get("/a", "Range: bytes=12-15\n")
    #expect(edge.origin.fetches.count == 2, "another range has a fetch of its own")
    edge.origin.fetches[1].part(12..<16)
    #expect(other.body == Resource.text(12..<16) && clients[0].status == 0)
    let fetch = edge.origin.fetches[0]
    fetch.partHead(10..<20)
    fetch.chunk(Resource.text(10..<15))
    let late = try edge.get("/a", "Range: bytes=10-19\n")
    #expect(late.body.isEmpty || late.body == Resource.text(10..<15))
    fetch.chunk(Resource.text(15..<20))
    fetch.end()
    for client in clients { #expect(client.body == Resource.text(10..<20) && client.isFinished) }
    #expect(
      clients.filter { $0.fields.text(.cacheStatus)?.contains("collapsed") == true }.count == 4)
  }

  @Test func differentRangesAtOnceAllEndUpStored() throws {
    let edge = try SimulatedEdge()
    let first = try edge.get("/a", "Range: bytes=0-49\n")
    let second = try edge.get("/a", "Range: bytes=40-79\n")
    let fetches = edge.origin.fetches
    fetches[0].partHead(0..<50)
    fetches[1].partHead(40..<80)
    fetches[1].chunk(Resource.text(40..<60))
    fetches[0].chunk(Resource.text(0..<50))
    fetches[0].end()
    fetches[1].chunk(Resource.text(60..<80))
    fetches[1].end()
    #expect(first.body == Resource.text(0..<50) && second.body == Resource.text(40..<80))
    #expect(try edge.get("/a", "Range: bytes=0-79\n").result == "Hit")
  }

  @Test func aFillOfTheWholeServesRangesThatItIsAboutToReach() throws {
    let edge = try SimulatedEdge(largestObjectBytes: 16 << 20)
    let whole = try edge.get("/a")
    let fetch = try edge.origin.last
    fetch.head(200, "Cache-Control: max-age=60\nETag: \"1\"", length: 8 << 20)
    let near = try edge.get("/a", "Range: bytes=1-2\n")
    #expect(edge.origin.fetches.count == 1)
    let far = try edge.get("/a", "Range: bytes=7000000-7000001\n")
    #expect(edge.origin.fetches.count == 2, "it does not wait for 7 MB to arrive")
    fetch.chunk("0123")
    #expect(near.body == "12" && near.isFinished && whole.body == "0123" && far.status == 0)
  }

  @Test func aFollowerOfAnotherVariantGetsItsOwnPart() throws {
    let edge = try SimulatedEdge()
    let german = try edge.get("/a", "Accept-Language: de\nRange: bytes=0-4\n")
    let french = try edge.get("/a", "Accept-Language: fr\nRange: bytes=0-4\n")
    #expect(edge.origin.fetches.count == 1)
    try edge.origin.last.part(0..<5, more: "Vary: Accept-Language\n", "hallo")
    #expect(german.body == "hallo" && french.status == 0 && edge.origin.fetches.count == 2)
    try edge.origin.last.part(0..<5, more: "Vary: Accept-Language\n", "salut")
    #expect(french.body == "salut")
    for (language, text) in [("de", "hallo"), ("fr", "salut")] {
      let hit = try edge.get("/a", "Accept-Language: \(language)\nRange: bytes=0-4\n")
      #expect(hit.body == text && hit.result == "Hit")
    }
  }

  // MARK: Invalidation

  @Test func anUnsafeRequestOvertakesTheFetchOfAPart() throws {
    let edge = try SimulatedEdge()
    try edge.part(0..<10)
    let client = try edge.get("/a", "Range: bytes=10-19\n")
    let fetch = try edge.origin.last
    fetch.partHead(10..<20)
    try edge.request("POST /a HTTP/1.1\nHost: a\nContent-Length: 0\n")
    try edge.origin.last.answer(200)
    let next = try edge.get("/a", "Range: bytes=10-19\n")
    #expect(edge.origin.fetches.count == 4, "nobody joins a fetch that began before")
    fetch.chunk(Resource.text(10..<20))
    fetch.end()
    #expect(client.body == Resource.text(10..<20))
    let after = try edge.get("/a", "Range: bytes=0-9\n")
    #expect(next.status == 0 && after.status == 0, "neither old part is ever a hit")
  }

  @Test func anInvalidationOvertakesTheFetchOfAPart() async throws {
    let edge = try SimulatedEdge()
    try edge.part(0..<10)
    try edge.get("/a", "Range: bytes=10-19\n")
    let fetch = try edge.origin.last
    _ = await edge.store.invalidate([.everything])
    fetch.part(10..<20)
    try edge.get("/a", "Range: bytes=10-19\n")
    try edge.get("/a", "Range: bytes=0-9\n")
    #expect(edge.origin.fetches.count == 4)
  }

  // MARK: Limits

  @Test func partsOfOneObjectHaveALimitAndTheFarthestLeave() throws {
    let edge = try SimulatedEdge(largestObjectBytes: 30)
    for start in [0, 40, 80] { try edge.part(start..<start + 10) }
    try edge.part(50..<60)
    #expect(try edge.get("/a", "Range: bytes=40-59\n").result == "Hit")
    #expect(edge.origin.fetches.count == 4)
    #expect(edge.metrics.loops[0].value(of: .partBytesDropped) == 10)
    try edge.get("/a", "Range: bytes=0-9\n")
    #expect(edge.origin.fetches.count == 5, "it was the farthest from the last request")
  }

  @Test func aPartAboveTheLimitIsAnsweredAndNotStored() throws {
    let edge = try SimulatedEdge(largestObjectBytes: 30)
    let client = try edge.get("/a", "Range: bytes=10-49\n")
    try edge.origin.last.part(10..<50)
    #expect(client.status == 206 && client.body == Resource.text(10..<50))
    #expect(client.fields.text(.contentRange) == "bytes 10-49/100" && client.reason == "too-large")
    try edge.get("/a", "Range: bytes=10-49\n")
    #expect(edge.origin.fetches.count == 2)
  }
}
