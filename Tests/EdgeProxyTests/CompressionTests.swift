import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore
import Testing

@testable import EdgeProxy

/// What comes of gzip in a response.
private struct Seen {
  let client: SimulatedClient
  var coding: String? { client.fields.text(.contentEncoding) }
  var tag: String? { client.fields.text(.etag) }
  var vary: [String] { client.fields.texts(named: "Vary") }
  var length: Int? {
    switch client.framing {
    case .length(let count), .bodyless(.some(let count)): count
    default: nil
    }
  }
}

@Suite struct CompressionTests {
  private static let rules = CompressionRules(
    types: ["text/*", "application/json", "application/*+json"], sizes: 256...800_000)
  private static let text = String(repeating: "All work and no play. ", count: 60)
  private static let html = "Content-Type: text/html; charset=utf-8\nETag: \"v\""
  private static let gzip = "Accept-Encoding: gzip\n"

  private func edge(_ rules: CompressionRules = CompressionTests.rules) throws -> SimulatedEdge {
    try SimulatedEdge(compression: rules)
  }

  /// An edge whose object at `/a` is stored gzip'd.
  private func compressed(
    _ fields: String = CompressionTests.html, body: String = CompressionTests.text
  ) throws -> SimulatedEdge {
    let edge = try edge()
    let client = try edge.get("/a", Self.gzip)
    try edge.origin.last.answer(200, fields, body)
    #expect(client.body == body)
    #expect(edge.proxy.shared.compressor.statistics.compressed == 1)
    return edge
  }

  private func get(_ edge: SimulatedEdge, _ fields: String, path: String = "/a") throws -> Seen {
    Seen(client: try edge.get(path, fields))
  }

  private func plain(_ bytes: [UInt8], count: Int) -> String? {
    guard let inflater = GzipInflater(.exactly(count)) else { return nil }
    inflater.feed(ByteBuffer(bytes: bytes))
    var plain = ByteBuffer()
    while true {
      switch inflater.next() {
      case .plain(var piece): plain.writeBuffer(&piece)
      case .end: return String(buffer: plain)
      case .needsInput, .damaged: return nil
      }
    }
  }

  // MARK: Storing

  @Test func theFirstClientGetsPlainBytesAndTheNextOnesGzip() throws {
    let edge = try edge()
    let first = try get(edge, Self.gzip)
    try edge.origin.last.answer(200, Self.html, Self.text)
    #expect(first.coding == nil)
    #expect(first.client.body == Self.text)
    #expect(first.tag == "\"v\"")
    #expect(first.vary == ["Accept-Encoding"])
    let next = try get(edge, Self.gzip)
    #expect(next.client.result == "Hit")
    #expect(next.coding == "gzip")
    #expect(next.tag == "W/\"v\"")
    #expect(next.vary == ["Accept-Encoding"])
    #expect(next.client.fields.text(.contentType) == "text/html; charset=utf-8")
    #expect(next.length == next.client.bytes.count)
    #expect(next.client.bytes.count < Self.text.utf8.count / 4)
    #expect(plain(next.client.bytes, count: Self.text.utf8.count) == Self.text)
    #expect(edge.origin.fetches.count == 1)
  }

  @Test func whoTakesNoGzipGetsTheOriginsBytesAndStrongTag() throws {
    let edge = try compressed()
    for fields in ["", "Accept-Encoding: br\n", "Accept-Encoding: gzip;q=0\n"] {
      let seen = try get(edge, fields)
      #expect(seen.client.result == "Hit")
      #expect(seen.coding == nil)
      #expect(seen.client.body == Self.text)
      #expect(seen.length == Self.text.utf8.count)
      #expect(seen.tag == "\"v\"")
      #expect(seen.vary == ["Accept-Encoding"])
    }
  }

  @Test func gzipIsMadeWhenTheFirstClientThatTakesItAsks() throws {
    let edge = try edge()
    try edge.fill("/a", Self.html, body: Self.text)
    #expect(try get(edge, "").client.body == Self.text)
    #expect(edge.proxy.shared.compressor.statistics.compressed == 0)
    let asking = try get(edge, Self.gzip)
    #expect(asking.coding == nil)
    #expect(asking.vary == ["Accept-Encoding"])
    #expect(edge.proxy.shared.compressor.statistics.compressed == 1)
    #expect(try get(edge, Self.gzip).coding == "gzip")
    #expect(edge.store.statistics.memory.objects == 1)
  }

  @Test(arguments: [
    "Content-Type: image/png", "Content-Type: text", "ETag: \"v\"",
    "Content-Type: text/html\nCache-Control: max-age=60, no-transform",
    "Content-Type: text/html\nContent-Encoding: br",
    "Content-Type: text/html\nContent-Encoding: identity",
    "Content-Type: text/html\nRepr-Digest: sha-256=:AA==:",
    "Content-Type: text/html\nContent-MD5: AA==",
    "Content-Type: text/html\nVary: Accept-Encoding, *",
  ])
  func whatMayNotBeTransformedIsNot(fields: String) throws {
    let edge = try edge()
    for _ in 0..<3 {
      let seen = try get(edge, Self.gzip)
      if seen.client.status == 0 { try edge.origin.last.answer(200, fields, Self.text) }
      #expect(seen.client.body == Self.text)
      #expect(seen.coding != "gzip")
    }
    #expect(edge.proxy.shared.compressor.statistics == .init())
  }

  @Test(arguments: [(255, false), (256, true), (800_000, true), (800_001, false)])
  func sizesHaveBounds(count: Int, isCompressed: Bool) throws {
    let edge = try edge()
    let body = String(repeating: "a", count: count)
    for length in [count, nil] {
      let client = try edge.get("/\(length ?? 0)", Self.gzip)
      let fetch = try edge.origin.last
      fetch.head(200, Self.html, length: length)
      fetch.chunk(body)
      fetch.end()
      #expect(client.body == body)
      let next = try get(edge, Self.gzip, path: "/\(length ?? 0)")
      #expect((next.coding == "gzip") == isCompressed)
      #expect(next.vary == (isCompressed ? ["Accept-Encoding"] : []))
    }
  }

  @Test func whatGainsTooLittleStaysAndIsNotTriedAgain() throws {
    let edge = try edge()
    var generator = SeededGenerator(state: 1)
    let noise = (0..<4096).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    try edge.get("/a", Self.gzip)
    let fetch = try edge.origin.last
    fetch.head(200, Self.html, length: noise.count)
    fetch.chunk(noise)
    fetch.end()
    for _ in 0..<3 {
      let seen = try get(edge, Self.gzip)
      #expect(seen.client.bytes == noise)
      #expect(seen.coding == nil)
    }
    #expect(edge.proxy.shared.compressor.statistics.incompressible == 1)
  }

  @Test func aVariantThatNobodyTakesGzippedStaysAsItIs() throws {
    let edge = try edge()
    let fields = Self.html + "\nVary: Accept-Encoding"
    let plain = try get(edge, "Accept-Encoding: br\n")
    try edge.origin.last.answer(200, fields, Self.text)
    #expect(plain.vary == ["Accept-Encoding"])
    let gzip = try get(edge, Self.gzip)
    try edge.origin.last.answer(200, fields, Self.text)
    #expect(gzip.client.body == Self.text)
    #expect(edge.proxy.shared.compressor.statistics.compressed == 1)
    let next = try get(edge, Self.gzip)
    #expect(next.coding == "gzip")
    #expect(next.vary == ["Accept-Encoding"])
    #expect(try get(edge, "Accept-Encoding: br\n").client.body == Self.text)
    #expect(edge.origin.fetches.count == 2)
  }

  @Test func otherVaryFieldsStay() throws {
    let edge = try edge()
    try edge.get("/a", Self.gzip + "Accept-Language: en\n")
    try edge.origin.last.answer(200, Self.html + "\nVary: Accept-Language", Self.text)
    let next = try get(edge, Self.gzip + "Accept-Language: en\n")
    #expect(next.coding == "gzip")
    #expect(next.vary == ["Accept-Language", "Accept-Encoding"])
  }

  // MARK: Choosing

  @Test(arguments: [
    ("gzip", true), ("GZIP", true), ("x-gzip", true), ("*", true), ("br, gzip;q=0.1", true),
    ("gzip, identity", true), ("gzip;q=0.5, identity;q=0.6", false), ("gzip;q=0", false),
    ("identity", false), ("", false), ("deflate", false), ("*;q=0", false),
    ("gzip;q=0, *", false), ("identity;q=0, gzip;q=0.1", true), ("gzip;q=2", false),
  ])
  func acceptEncodingChooses(value: String, isGzip: Bool) throws {
    let edge = try compressed()
    let seen = try get(edge, "Accept-Encoding: \(value)\n")
    #expect((seen.coding == "gzip") == isGzip)
    #expect(seen.client.result == "Hit")
    if !isGzip { #expect(seen.client.body == Self.text) }
  }

  @Test func headTellsWhatGetWouldSend() throws {
    let edge = try compressed()
    let body = try get(edge, Self.gzip).client.bytes
    let gzip = Seen(client: try edge.request("HEAD /a HTTP/1.1\nHost: a\n" + Self.gzip))
    #expect(gzip.coding == "gzip")
    #expect(gzip.length == body.count)
    #expect(gzip.tag == "W/\"v\"")
    #expect(gzip.client.bytes.isEmpty)
    let plain = Seen(client: try edge.request("HEAD /a HTTP/1.1\nHost: a\n"))
    #expect(plain.coding == nil)
    #expect(plain.length == Self.text.utf8.count)
    #expect(plain.tag == "\"v\"")
  }

  // MARK: Ranges and conditions

  @Test func aRangeIsOfThePlainBytes() throws {
    let edge = try compressed()
    let seen = try get(edge, Self.gzip + "Range: bytes=100-119\n")
    #expect(seen.client.status == 206)
    #expect(seen.coding == nil)
    #expect(seen.tag == "\"v\"")
    #expect(seen.client.body == String(Self.text.dropFirst(100).prefix(20)))
    #expect(seen.client.fields.text(.contentRange) == "bytes 100-119/\(Self.text.utf8.count)")
    let beyond = try get(edge, Self.gzip + "Range: bytes=99999-\n")
    #expect(beyond.client.status == 416)
    #expect(beyond.client.fields.text(.contentRange) == "bytes */\(Self.text.utf8.count)")
  }

  @Test func rangesInOrderAreParts() throws {
    let edge = try compressed()
    let seen = try get(edge, Self.gzip + "Range: bytes=0-2,100-102\n")
    #expect(seen.client.status == 206)
    #expect(seen.client.body.contains("\r\n\r\nAll\r\n--"))
    #expect(seen.client.body.contains("Content-Range: bytes 100-102/"))
    #expect(seen.length == seen.client.bytes.count)
    let backwards = try get(edge, Self.gzip + "Range: bytes=100-102,0-2\n")
    #expect(backwards.client.status == 200)
    #expect(backwards.client.body == Self.text)
  }

  @Test func aRangeWithoutPlainBytesIsTheWhole() throws {
    let edge = try compressed()
    let seen = try get(edge, "Accept-Encoding: gzip, identity;q=0\nRange: bytes=0-9\n")
    #expect(seen.client.status == 200)
    #expect(seen.coding == "gzip")
  }

  @Test(arguments: [("\"v\"", 206), ("W/\"v\"", 200), ("\"w\"", 200)])
  func ifRangeComparesThePlainTagStrongly(tag: String, status: Int) throws {
    let edge = try compressed()
    let seen = try get(edge, Self.gzip + "Range: bytes=0-2\nIf-Range: \(tag)\n")
    #expect(seen.client.status == status)
    #expect(seen.coding == nil)
    #expect(seen.client.body == (status == 206 ? "All" : Self.text))
  }

  @Test(arguments: ["\"v\"", "W/\"v\"", "*", "\"x\", W/\"v\""])
  func ifNoneMatchComparesWeakly(tags: String) throws {
    let edge = try compressed()
    let gzip = try get(edge, Self.gzip + "If-None-Match: \(tags)\n")
    #expect(gzip.client.status == 304)
    #expect(gzip.tag == "W/\"v\"")
    #expect(gzip.coding == nil)
    #expect(gzip.vary == ["Accept-Encoding"])
    let plain = try get(edge, "If-None-Match: \(tags)\n")
    #expect(plain.client.status == 304)
    #expect(plain.tag == "\"v\"")
    #expect(plain.vary == ["Accept-Encoding"])
    #expect(try get(edge, Self.gzip + "If-None-Match: \"x\"\n").coding == "gzip")
  }

  @Test func ifMatchIsForThePlainBytes() throws {
    let edge = try compressed()
    let same = try get(edge, Self.gzip + "If-Match: \"v\"\n")
    #expect(same.client.status == 200)
    #expect(same.coding == nil)
    #expect(same.client.body == Self.text)
    for fields in ["If-Match: W/\"v\"\n", "If-Match: \"w\"\n"] {
      #expect(try get(edge, Self.gzip + fields).client.status == 412)
    }
    let refused = try get(
      edge, "Accept-Encoding: gzip, identity;q=0\nIf-Match: \"v\"\n")
    #expect(refused.client.status == 412)
    #expect(refused.coding == nil)
    #expect(refused.tag == nil)
  }

  @Test func withoutATagThereIsNone() throws {
    let edge = try compressed("Content-Type: text/plain")
    let gzip = try get(edge, Self.gzip)
    #expect(gzip.coding == "gzip")
    #expect(gzip.tag == nil)
    let weak = try compressed("Content-Type: text/plain\netag: W/\"v\"")
    #expect(try get(weak, Self.gzip).tag == "W/\"v\"")
    #expect(try get(weak, "").tag == "W/\"v\"")
  }

  // MARK: Validation

  @Test func aValidatedResponseStaysGzipped() throws {
    let edge = try compressed(Self.html + "\nCache-Control: max-age=60")
    edge.now += 61
    let client = try edge.get("/a", Self.gzip)
    #expect(try edge.origin.last.request.fields.text(.ifNoneMatch) == "\"v\"")
    try edge.origin.last.answer(304, "ETag: \"v\"\nX-New: 1\nCache-Control: max-age=60")
    #expect(Seen(client: client).coding == "gzip")
    #expect(client.result == "RefreshHit")
    let next = try get(edge, Self.gzip)
    #expect(next.coding == "gzip")
    #expect(next.tag == "W/\"v\"")
    #expect(next.client.fields.texts(named: "X-New") == ["1"])
    let plain = try get(edge, "")
    #expect(plain.client.body == Self.text)
    #expect(plain.tag == "\"v\"")
    #expect(edge.proxy.shared.compressor.statistics.compressed == 1)
  }

  @Test func aValidatedResponseThatIsNotGzippedYetStillWillBe() throws {
    let edge = try edge()
    try edge.fill("/a", Self.html + "\nCache-Control: max-age=60", body: Self.text)
    edge.now += 61
    try edge.get("/a")
    try edge.origin.last.answer(304, "ETag: \"v\"\nCache-Control: max-age=60")
    try edge.get("/a", Self.gzip)
    #expect(try get(edge, Self.gzip).coding == "gzip")
  }

  @Test func noTransformInA304EndsGzip() throws {
    let edge = try compressed(Self.html + "\nCache-Control: max-age=60")
    edge.now += 61
    let client = try edge.get("/a", Self.gzip)
    try edge.origin.last.answer(304, "ETag: \"v\"\nCache-Control: max-age=60, no-transform")
    for seen in [Seen(client: client), try get(edge, Self.gzip)] {
      #expect(seen.coding == nil)
      #expect(seen.client.body == Self.text)
      #expect(seen.tag == "\"v\"")
    }
  }

  @Test func aHeadsAnswerComparesThePlainLength() throws {
    let edge = try compressed(Self.html + "\nCache-Control: max-age=60")
    edge.now += 61
    try edge.request("HEAD /a HTTP/1.1\nHost: a\n")
    let fetch = try edge.origin.last
    fetch.head(
      200, "ETag: \"v\"\nCache-Control: max-age=60\nContent-Length: \(Self.text.utf8.count)")
    fetch.end()
    #expect(try get(edge, Self.gzip).coding == "gzip")
    #expect(edge.origin.fetches.count == 2)
  }

  // MARK: Large and damaged bodies

  @Test func aLargeBodyInflatesAsItIsTaken() throws {
    var body = ""
    for number in 0..<60_000 { body += "line \(number)\n" }
    let edge = try SimulatedEdge(compression: Self.rules)
    try edge.get("/a", Self.gzip)
    try edge.origin.last.answer(200, Self.html, body)
    #expect(edge.proxy.shared.compressor.statistics.compressed == 1)
    // Both ways through the streamed path: held back by its client, and a range from its end.
    let client = SimulatedClient(eventLoop: edge.eventLoop)
    client.takesBytes = 1
    try edge.send("GET /a HTTP/1.1\nHost: a\n", to: client)
    #expect(client.bytes.count > 0)
    #expect(client.bytes.count <= Gzip.pieceBytes)
    client.takesBytes = .max
    client.isWritable = true
    client.exchange?.outputDrained()
    edge.eventLoop.run()
    #expect(client.isFinished)
    #expect(client.body == body)
    let part = try edge.get("/a", "Range: bytes=-12\n")
    edge.eventLoop.run()
    #expect(part.status == 206)
    #expect(part.body == String(body.suffix(12)))
    let gzip = try edge.get("/a", Self.gzip)
    #expect(plain(gzip.bytes, count: body.utf8.count) == body)
  }

  /// Puts an object whose gzip'd body does not fit what its head says in the place of a good one.
  private func damage(
    _ edge: SimulatedEdge, plainCount: Int, _ change: (inout [UInt8]) -> Void
  ) throws {
    let key = Array("http://a/a".utf8)
    try key.withUnsafeBytes { key in
      let hash = edge.store.hasher.hash(key)
      guard case .memory(let good) = edge.store.lookup(hash, key: key, nowSeconds: edge.now) else {
        Issue.record("the object is not there")
        return
      }
      var head = good.withHead { ByteBuffer(bytes: $0) }
      head.setInteger(UInt64(plainCount), at: head.readerIndex)
      var body = good.withInlineBody { [UInt8]($0) }
      change(&body)
      let bad = try #require(CompressedObject(good)).object
      head.withUnsafeReadableBytes { head in
        body.withUnsafeBytes { body in
          _ = edge.store.insert(
            .make(
              hash: hash, key: key, head: head, body: .bytes(body), metadata: bad.metadata))
        }
      }
    }
  }

  @Test(arguments: [1, 1000, 1319, 1321, 100_000])
  func aBodyOfAnotherSizeThanSaidIsCutAndRemoved(plainCount: Int) throws {
    let edge = try compressed()
    try damage(edge, plainCount: plainCount) { _ in }
    let client = try edge.get("/a")
    edge.eventLoop.run()
    #expect(client.isAborted)
    #expect(client.bytes.count <= min(plainCount, Self.text.utf8.count))
    #expect(edge.proxy.shared.compressor.statistics.damaged == 1)
    try edge.get("/a")
    #expect(edge.origin.fetches.count == 2)
  }

  @Test(arguments: 0..<24)
  func aFlippedByteIsNeverServed(place: Int) throws {
    let edge = try compressed()
    try damage(edge, plainCount: Self.text.utf8.count) { body in
      // Flags and times in the header (bytes 4 to 9) change nothing of the content.
      let places = [0, 1, 2] + Array(10..<body.count)
      body[places[place * (places.count - 1) / 23]] ^= 0x55
    }
    let client = try edge.get("/a")
    #expect(client.isAborted)
    #expect(edge.proxy.shared.compressor.statistics.damaged == 1)
  }

  @Test func aBombGivesNoMoreThanItsHeadSays() throws {
    // 16 MiB of zeros in 16 KiB of gzip, said to be 100,000 bytes.
    let zeros = [UInt8](repeating: 0, count: 16 << 20)
    let bomb = try #require(
      Gzip.compress(
        .make(
          hash: KeyHash(high: 1, low: 1), key: .init(start: nil, count: 0),
          head: .init(start: nil, count: 0), body: .buffers([ByteBuffer(bytes: zeros)]),
          metadata: ObjectMetadata()), level: 9))
    let edge = try compressed()
    try damage(edge, plainCount: 100_000) { $0 = bomb.flatMap { [UInt8]($0.readableBytesView) } }
    let client = try edge.get("/a")
    edge.eventLoop.run()
    #expect(client.isAborted)
    #expect(client.bytes.count <= 100_000)
    #expect(edge.proxy.shared.compressor.statistics.damaged == 1)
  }

  // MARK: Invalidation

  @Test func aPurgeTakesTheGzippedForm() async throws {
    let edge = try compressed()
    _ = await edge.store.invalidate([try InvalidationSelector.parse("/a", host: nil)])
    let seen = try get(edge, Self.gzip)
    #expect(seen.client.status == 0)
    #expect(edge.origin.fetches.count == 2)
  }

  @Test func whatLeftMeanwhileIsNotPutBack() async throws {
    let edge = try edge()
    try edge.fill("/a", Self.html, body: Self.text)
    let key = Array("http://a/a".utf8)
    let object = key.withUnsafeBytes { key -> StoredObject? in
      guard
        case .memory(let object) = edge.store.lookup(
          edge.store.hasher.hash(key), key: key, nowSeconds: edge.now)
      else { return nil }
      return object
    }
    let plain = try #require(object)
    let gzip = try #require(Gzip.compress(plain, level: 6))
    edge.store.remove(plain.hash)
    #expect(!edge.store.replace(plain, with: CompressedObject.make(from: plain, gzip: gzip)))
    #expect(edge.store.statistics.memory.objects == 0)
  }
}
