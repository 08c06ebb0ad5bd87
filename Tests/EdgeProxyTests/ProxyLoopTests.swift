import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore
import Testing

@testable import EdgeProxy

/// The request path on a simulated clock, origin and client.
@Suite struct ProxyLoopTests {
  @Test func aMissIsFetchedStoredAndThenHitUntilItIsStale() throws {
    let edge = try SimulatedEdge()
    let miss = try edge.fill("/a", "Cache-Control: max-age=60\nContent-Type: text/plain")
    #expect(miss.isFinished && miss.body == "body" && miss.result == "Miss")
    #expect(miss.framing == .length(4))
    edge.now += 59
    let hit = try edge.get("/a")
    #expect(hit.exchange == nil, "a hit is answered inside respond")
    #expect(hit.isFinished && hit.body == "body" && hit.result == "Hit")
    #expect(hit.fields.text(.age) == "59")
    #expect(hit.fields.text(.cacheStatus) == "edge; hit; ttl=1; detail=fresh")
    edge.now += 1
    #expect(try edge.get("/a").status == 0, "stale: the origin is asked first")
    #expect(edge.origin.fetches.count == 2)
  }

  @Test func theOriginGetsNeitherConditionalsNorRangesOfOneClient() throws {
    let edge = try SimulatedEdge(rangeFetching: .whole)
    try edge.get("/a", "If-None-Match: \"x\"\nRange: bytes=0-1\nConnection: X-Hop\nX-Hop: 1\n")
    let request = try edge.origin.last.request
    #expect(!request.fields.contains(.ifNoneMatch))
    #expect(!request.fields.contains(.range))
    #expect(request.fields.texts(named: "x-hop").isEmpty)
    #expect(request.fields.text(.via) == "1.1 edge")
    #expect(request.fields.text(.xForwardedFor) == "192.0.2.7")
  }

  @Test func followersGetTheBytesAsTheyArriveFromOneFetch() throws {
    let edge = try SimulatedEdge()
    let clients = try (0..<10).map { _ in try edge.get("/a") }
    #expect(edge.origin.fetches.count == 1)
    let fetch = try edge.origin.last
    fetch.head(200, "Cache-Control: max-age=60", length: 8)
    fetch.chunk("half")
    for client in clients { #expect(client.body == "half" && !client.isFinished) }
    let late = try edge.get("/a")
    #expect(late.body == "half", "a late follower begins at the first byte")
    fetch.chunk("rest")
    fetch.end()
    for client in clients + [late] { #expect(client.body == "halfrest" && client.isFinished) }
    #expect(
      clients.filter { $0.fields.text(.cacheStatus)?.contains("collapsed") == true }.count == 9)
  }

  @Test func aFetchCutShortAbortsItsReadersAndStoresNothing() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a")
    let fetch = try edge.origin.last
    fetch.head(200, "Cache-Control: max-age=60", length: 8)
    fetch.chunk("half")
    fetch.fail(.truncated)
    #expect(client.isAborted && !client.isFinished)
    try edge.get("/a")
    #expect(edge.origin.fetches.count == 2)
  }

  @Test func aResponseLongerOrShorterThanDeclaredIsNotStored() throws {
    let edge = try SimulatedEdge()
    try edge.get("/a")
    let fetch = try edge.origin.last
    fetch.head(200, "Cache-Control: max-age=60", length: 8)
    fetch.chunk("half")
    fetch.end()
    try edge.get("/a")
    #expect(edge.origin.fetches.count == 2)
  }

  @Test func aFailureBeforeTheHeadIsAnErrorOfTheEdge() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a")
    try edge.origin.last.fail(.firstByteTimeout)
    #expect(client.status == 504 && client.isFinished && client.result == "Error")
    #expect(client.fields.text(.contentType) == "application/problem+json")
  }

  @Test func anUnstorableResponseGoesToItsLeaderAndTheOthersPass() throws {
    let edge = try SimulatedEdge()
    let leader = try edge.get("/a")
    let follower = try edge.get("/a")
    try edge.origin.last.answer(200, "Cache-Control: private", "leader")
    #expect(leader.body == "leader" && leader.reason == "private")
    #expect(edge.origin.fetches.count == 2)
    try edge.origin.last.answer(200, "Cache-Control: private", "follower")
    #expect(follower.body == "follower" && follower.result == "Pass")
    // The key is remembered: the next ones do not queue up behind each other.
    let first = try edge.get("/a")
    let second = try edge.get("/a")
    #expect(edge.origin.fetches.count == 4)
    edge.origin.fetches[2].answer(200, "", "x")
    edge.origin.fetches[3].answer(200, "", "y")
    #expect(first.body == "x" && second.body == "y")
  }

  @Test func variantsAreFetchedAndHitApart() throws {
    let edge = try SimulatedEdge()
    let german = try edge.get("/a", "Accept-Language: de\n")
    let french = try edge.get("/a", "Accept-Language: fr\n")
    let fields = "Cache-Control: max-age=60\nVary: Accept-Language"
    try edge.origin.last.answer(200, fields, "hallo")
    #expect(german.body == "hallo")
    #expect(french.status == 0 && edge.origin.fetches.count == 2)
    try edge.origin.last.answer(200, fields, "salut")
    #expect(french.body == "salut")
    #expect(try edge.get("/a", "Accept-Language: de\n").body == "hallo")
    #expect(try edge.get("/a", "Accept-Language: fr\n").body == "salut")
    #expect(edge.origin.fetches.count == 2)
  }

  @Test func anUnsafeRequestInvalidatesAllVariantsAndTheFillUnderWay() throws {
    let edge = try SimulatedEdge()
    for language in ["de", "fr"] {
      try edge.get("/a", "Accept-Language: \(language)\n")
      try edge.origin.last.answer(
        200, "Cache-Control: max-age=60\nVary: Accept-Language", language)
    }
    let post = try edge.request("POST /a HTTP/1.1\nHost: a\nContent-Length: 0\n")
    try edge.origin.last.answer(204)
    #expect(post.status == 204)
    let before = edge.origin.fetches.count
    try edge.get("/a", "Accept-Language: de\n")
    #expect(edge.origin.fetches.count == before + 1)
    // A POST that succeeds while this fetch is under way.
    let fill = try edge.origin.last
    try edge.request("POST /a HTTP/1.1\nHost: a\nContent-Length: 0\n")
    try edge.origin.last.answer(200)
    fill.answer(200, "Cache-Control: max-age=60", "old")
    let after = try edge.get("/a", "Accept-Language: de\n")
    #expect(after.status == 0, "the old bytes never become a hit")
  }

  @Test func anInvalidationOvertakesTheFillUnderWay() async throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a")
    let fill = try edge.origin.last
    fill.head(200, "Cache-Control: max-age=60", length: 3)
    _ = await edge.store.invalidate([.everything])
    let next = try edge.get("/a")
    #expect(edge.origin.fetches.count == 2, "nobody joins a fetch that began before")
    fill.chunk("old")
    fill.end()
    #expect(client.body == "old")
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "new")
    #expect(next.body == "new")
    #expect(try edge.get("/a").body == "new")
  }

  @Test func a304FreshensTheStoredResponse() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=10\nETag: \"1\"")
    edge.now += 20
    let client = try edge.get("/a")
    #expect(try edge.origin.last.request.fields.text(.ifNoneMatch) == "\"1\"")
    try edge.origin.last.answer(304, "Cache-Control: max-age=100\nETag: \"1\"")
    #expect(client.body == "body" && client.result == "RefreshHit")
    edge.now += 99
    #expect(try edge.get("/a").result == "Hit")
  }

  @Test func aChangedResponseReplacesTheStaleOne() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=10\nETag: \"1\"")
    edge.now += 20
    let client = try edge.get("/a")
    try edge.origin.last.answer(200, "Cache-Control: max-age=10\nETag: \"2\"", "other")
    #expect(client.body == "other" && client.result == "Miss")
    #expect(try edge.get("/a").body == "other")
  }

  @Test func aSuccessorThatIsNotStoredTakesTheStaleOneAlong() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=10, stale-while-revalidate=600")
    edge.now += 11
    #expect(try edge.get("/a").result == "StaleHit")
    try edge.origin.last.answer(200, "Cache-Control: no-store", "new")
    #expect(try edge.get("/a").status == 0, "the origin is asked: the old one is gone")
  }

  @Test func anAnswerToSomebodyWhoHasLoggedInTakesNothingAlong() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=10, stale-while-revalidate=600")
    edge.now += 11
    #expect(try edge.get("/a", "Authorization: Basic eDp5\n").result == "StaleHit")
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "own")
    #expect(try edge.get("/a").body == "body")
  }

  @Test func a304ForSomethingElseBringsTheWhole() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=10\nETag: \"1\"")
    edge.now += 11
    let client = try edge.get("/a")
    let validation = try edge.origin.last
    validation.answer(304, "ETag: \"2\"")
    #expect(validation.isCancelled)
    let second = try edge.origin.last
    #expect(second !== validation && !second.request.fields.contains(.ifNoneMatch))
    second.answer(200, "Cache-Control: max-age=10\nETag: \"2\"", "new")
    #expect(client.body == "new" && client.isFinished)
  }

  @Test func anErrorThatStaleStandsInForDoesNotTakeItsPlace() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=10, stale-if-error=50")
    edge.now += 11
    let stale = try edge.get("/a")
    try edge.origin.last.answer(503, "Cache-Control: max-age=60", "down")
    #expect(stale.body == "body" && stale.result == "StaleHit")
    let next = try edge.get("/a")
    #expect(next.status == 0, "the error was not stored, and the origin is asked again")
    try edge.origin.last.answer(503, "Cache-Control: max-age=60", "down")
    #expect(next.body == "body")
  }

  @Test func staleIfErrorServesUntilItsWindowEnds() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=10, stale-if-error=50")
    edge.now += 59
    let inside = try edge.get("/a")
    try edge.origin.last.answer(503, "", "down")
    #expect(inside.body == "body" && inside.reason == "stale-if-error")
    edge.now += 2
    let outside = try edge.get("/a")
    try edge.origin.last.answer(503, "", "down")
    #expect(outside.status == 503 && outside.body == "down")
  }

  @Test func staleWhileRevalidateFetchesOnceInTheBackground() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=10, stale-while-revalidate=50")
    edge.now += 20
    for _ in 0..<3 { #expect(try edge.get("/a").result == "StaleHit") }
    #expect(edge.origin.fetches.count == 2)
    try edge.origin.last.answer(200, "Cache-Control: max-age=10", "new")
    #expect(try edge.get("/a").body == "new")
  }

  @Test func aClientThatLeavesAloneCancelsAnUnstorableFetchOnly() throws {
    let edge = try SimulatedEdge()
    let leaver = try edge.get("/a")
    let unstorable = try edge.origin.last
    unstorable.head(200, "Cache-Control: no-store", length: 100)
    leaver.exchange?.clientClosed(.disconnected)
    #expect(unstorable.isCancelled)
    let other = try edge.get("/b")
    let storable = try edge.origin.last
    storable.head(200, "Cache-Control: max-age=10", length: 4)
    other.exchange?.clientClosed(.disconnected)
    #expect(!storable.isCancelled)
    storable.chunk("body")
    storable.end()
    #expect(try edge.get("/b").result == "Hit")
  }

  @Test func aFollowerThatWaitsTooLongForTheHeadAsksItself() throws {
    let edge = try SimulatedEdge(coalesceTimeout: .seconds(3))
    try edge.get("/a")
    let follower = try edge.get("/a")
    edge.eventLoop.advanceTime(by: .seconds(2))
    #expect(edge.origin.fetches.count == 1)
    edge.eventLoop.advanceTime(by: .seconds(1))
    #expect(edge.origin.fetches.count == 2)
    try edge.origin.last.answer(200, "", "own")
    #expect(follower.body == "own" && follower.reason == "coalesce-timeout")
  }

  @Test func aClientThatDoesNotReadHoldsAnUnstorableFetchBack() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a")
    client.isWritable = false
    let fetch = try edge.origin.last
    fetch.head(200, "Cache-Control: no-store", length: 10 << 20)
    let piece = String(repeating: "x", count: 16 << 10)
    var sent = 0
    while sent + piece.utf8.count <= fetch.granted {
      fetch.chunk(piece)
      sent += piece.utf8.count
    }
    #expect(sent <= 1 << 20, "granted \(fetch.granted)")
    client.isWritable = true
    client.exchange?.outputDrained()
    #expect(client.body.utf8.count == sent)
    #expect(fetch.granted > sent)
  }

  @Test func aRangeIsCutFromTheFillAndFromTheStore() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a", "Range: bytes=2-3\n")
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "012345")
    #expect(client.status == 206 && client.body == "23" && client.isFinished)
    let stored = try edge.get("/a", "Range: bytes=-2\n")
    #expect(stored.status == 206 && stored.body == "45")
    #expect(stored.fields.text(.contentRange) == "bytes 4-5/6")
    #expect(try edge.get("/a", "Range: bytes=9-\n").status == 416)
  }

  @Test func onlyIfCachedIs504WhenNothingIsStored() throws {
    let edge = try SimulatedEdge()
    let client = try edge.get("/a", "Cache-Control: only-if-cached\n")
    #expect(client.status == 504 && client.reason == "only-if-cached")
    #expect(edge.origin.fetches.isEmpty)
  }
}
