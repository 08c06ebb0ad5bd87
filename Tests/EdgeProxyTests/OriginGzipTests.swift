import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore
import Testing

@testable import EdgeProxy

/// Responses that come gzip'd from an origin that sends them so to everybody.
@Suite struct OriginGzipTests {
  private static let text = String(repeating: "All play and no work. ", count: 200)
  private static let fields =
    "Content-Type: text/css\nContent-Encoding: gzip\nETag: \"g\"\nCache-Control: max-age=60"

  private static func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
    let pieces = try #require(
      Gzip.compress(
        .make(
          hash: KeyHash(high: 1, low: 1), key: .init(start: nil, count: 0),
          head: .init(start: nil, count: 0), body: .buffers([ByteBuffer(bytes: bytes)]),
          metadata: ObjectMetadata()), level: 6))
    return pieces.flatMap { [UInt8]($0.readableBytesView) }
  }

  /// An edge that has got this body for `/a`.
  private func edge(
    _ fields: String = OriginGzipTests.fields, body: [UInt8], request: String = ""
  ) throws -> SimulatedEdge {
    let edge = try SimulatedEdge(
      compression: CompressionRules(types: ["text/*"], sizes: 256...800_000))
    let client = try edge.get("/a", request)
    let fetch = try edge.origin.last
    fetch.head(200, fields, length: body.count)
    fetch.chunk(body)
    fetch.end()
    #expect(client.bytes == body)
    #expect(client.fields.text(.contentEncoding) == "gzip")
    return edge
  }

  @Test func whoTakesNoGzipGetsItPlainFromThenOn() throws {
    let body = try Self.gzip(Array(Self.text.utf8))
    let edge = try edge(body: body)
    let plain = try edge.get("/a")
    #expect(plain.result == "Hit")
    #expect(plain.body == Self.text)
    #expect(plain.fields.text(.contentEncoding) == nil)
    #expect(plain.fields.text(.etag) == "W/\"g\"")
    #expect(plain.fields.texts(named: "Vary") == ["Accept-Encoding"])
    #expect(edge.proxy.shared.compressor.statistics.inflatable == 1)
    let gzip = try edge.get("/a", "Accept-Encoding: gzip\n")
    #expect(gzip.bytes == body)
    #expect(gzip.fields.text(.contentEncoding) == "gzip")
    #expect(gzip.fields.text(.etag) == "\"g\"")
    #expect(gzip.fields.texts(named: "Vary") == ["Accept-Encoding"])
  }

  @Test func nothingIsLookedThroughWhileEverybodyTakesGzip() throws {
    let body = try Self.gzip(Array(Self.text.utf8))
    let edge = try edge(body: body, request: "Accept-Encoding: gzip\n")
    #expect(try edge.get("/a", "Accept-Encoding: gzip\n").bytes == body)
    #expect(edge.proxy.shared.compressor.statistics == .init())
  }

  @Test func rangesAreOfTheOriginsBytes() throws {
    let body = try Self.gzip(Array(Self.text.utf8))
    let edge = try edge(body: body)
    let part = try edge.get("/a", "Accept-Encoding: gzip\nRange: bytes=0-3\nIf-Range: \"g\"\n")
    #expect(part.status == 206)
    #expect(part.bytes == Array(body[0...3]))
    #expect(part.fields.text(.contentEncoding) == "gzip")
    let whole = try edge.get("/a", "Range: bytes=0-3\n")
    #expect(whole.status == 200)
    #expect(whole.body == Self.text)
  }

  @Test func conditionsMatchEitherForm() throws {
    let body = try Self.gzip(Array(Self.text.utf8))
    let edge = try edge(body: body)
    for tag in ["\"g\"", "W/\"g\""] {
      #expect(try edge.get("/a", "If-None-Match: \(tag)\n").status == 304)
    }
    #expect(try edge.get("/a", "Accept-Encoding: gzip\nIf-Match: \"g\"\n").status == 200)
    #expect(try edge.get("/a", "If-Match: \"g\"\n").status == 412)
  }

  @Test func aValidatedResponseKeepsBothForms() throws {
    let body = try Self.gzip(Array(Self.text.utf8))
    let edge = try edge(body: body)
    edge.now += 61
    let plain = try edge.get("/a")
    #expect(try edge.origin.last.request.fields.text(.ifNoneMatch) == "\"g\"")
    try edge.origin.last.answer(304, "ETag: \"g\"\nCache-Control: max-age=60")
    #expect(plain.body == Self.text)
    #expect(try edge.get("/a", "Accept-Encoding: gzip\n").bytes == body)
    edge.now += 61
    let last = try edge.get("/a")
    try edge.origin.last.answer(304, "ETag: \"g\"\nCache-Control: max-age=60, no-transform")
    #expect(last.bytes == body)
    #expect(last.fields.text(.contentEncoding) == "gzip")
  }

  @Test(arguments: [
    "Vary: Accept-Encoding", "Cache-Control: no-transform, max-age=60", "Digest: x=y",
    "Content-Encoding: br",
  ])
  func whatTheOriginWantsAsItIsStaysAsItIs(field: String) throws {
    let body = try Self.gzip(Array(Self.text.utf8))
    let edge = try edge(
      Self.fields.replacing("Cache-Control: max-age=60", with: field), body: body)
    for _ in 0..<2 { #expect(try edge.get("/a").bytes == body) }
    #expect(edge.proxy.shared.compressor.statistics == .init())
  }

  @Test(arguments: [true, false])
  func aBombAndWhatIsDamagedAreServedAsTheyCame(isBomb: Bool) throws {
    // Beyond 200 times its size: a megabyte of zeros is a kilobyte.
    var body = try Self.gzip(
      isBomb ? [UInt8](repeating: 0, count: 700_000) : Array(Self.text.utf8))
    if !isBomb { body[body.count - 6] ^= 1 }
    let edge = try edge(body: body)
    for _ in 0..<3 {
      let client = try edge.get("/a")
      #expect(client.bytes == body)
      #expect(client.fields.text(.contentEncoding) == "gzip")
    }
    #expect(edge.proxy.shared.compressor.statistics.refused == 1)
    #expect(edge.proxy.shared.compressor.statistics.inflatable == 0)
  }

  @Test func largerThanTheRoutesLargestIsServedAsItCame() throws {
    var generator = SeededGenerator(state: 9)
    let plain = (0..<800_001).map { _ in UInt8.random(in: 0..<4, using: &generator) }
    let body = try Self.gzip(plain)
    let edge = try edge(body: body)
    #expect(try edge.get("/a").bytes == body)
    #expect(edge.proxy.shared.compressor.statistics.refused == 1)
  }
}
