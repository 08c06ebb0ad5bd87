import NIOCore
import Testing

@testable import EdgeBench

@Suite struct TraceReaderTests {
  private func read(
    _ text: String, format: TraceFormat = .auto
  ) throws(TraceError) -> Trace {
    try TraceReader.parse(Array(text.utf8), format: format, objectSizeBytes: 1024)
  }

  @Test func onlyStoredGetsAreTakenAndTheLargestSizeCounts() throws {
    let trace = try read(
      """
      host\tmethod\turl\tresponse\tbytes
      a\tGET\t/x\t200\t10
      a\tHEAD\t/y\t200\t5
      a\tGET\t/x\t304\t0
      a\tGET\t/z\t404\t7
      a\tGET\t/x\t200\t30
      """)
    #expect(trace.requests == [0, 0, 0])
    #expect(trace.objects.map(\.path) == ["/x"])
    #expect(trace.footprintBytes == 30)
  }

  @Test func keysAreBigEndianAndShareOneSize() throws {
    let trace = try TraceReader.parse(
      [0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 1, 0], format: .auto, objectSizeBytes: 7)
    #expect(trace.objects.map(\.path) == ["/object/256", "/object/2"])
    #expect(trace.requests == [0, 1, 0])
    #expect(trace.footprintBytes == 14)
  }

  @Test func brokenTracesAreRefused() {
    #expect(throws: TraceError.partialKey(sizeBytes: 5)) { try read("abcde", format: .cache2k) }
    #expect(throws: TraceError.empty) { try read("") }
    #expect(throws: TraceError.missingColumn("bytes")) { try read("method\turl\tresponse\n") }
    #expect(throws: TraceError.malformedLine(2)) {
      try read("method\turl\tresponse\tbytes\nGET\t/\n")
    }
  }

  @Test(arguments: [
    ("/a b", "/a%20b"), ("/b%3acables", "/b%3acables"), ("/50%", "/50%25"), ("/%zz", "/%25zz"),
    ("a", "/a"), ("", "/"), ("/x?y+z,1", "/x?y+z,1"), ("/\"<#", "/%22%3C%23"), ("/é", "/%C3%A9"),
  ])
  func targetsAreSafeToSend(recorded: String, sent: String) {
    #expect(TraceReader.requestTarget(recorded.utf8) == sent)
  }
}

@Suite struct ResponseReaderTests {
  /// Feeds the bytes in pieces of `step` and collects the summaries.
  private func summaries(_ text: String, step: Int) throws -> [ResponseSummary] {
    var reader = ResponseReader()
    var input = ByteBuffer()
    var found: [ResponseSummary] = []
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: step) {
      input.writeBytes(bytes[start..<min(start + step, bytes.count)])
      while let summary = try reader.next(&input) { found.append(summary) }
    }
    return found
  }

  @Test(arguments: [1, 2, 7, 10_000])
  func pipelinedResponsesAreReadHoweverTheyAreCut(step: Int) throws {
    let text =
      "HTTP/1.1 100 Continue\r\n\r\n"
      + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Cache: HIT\r\n\r\nhello"
      + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Cache: MISS from a\r\n\r\n"
      + "3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n"
      + "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
      + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    let found = try summaries(text, step: step)
    #expect(found.map(\.status) == [200, 200, 304, 200])
    #expect(found.map(\.bodyBytes) == [5, 5, 0, 0])
    #expect(found.map(\.isHit) == [true, false, nil, nil])
    #expect(found.map(\.isPersistent) == [true, true, true, false])
  }

  @Test func aBodyWithoutLengthEndsWithTheConnection() throws {
    var reader = ResponseReader()
    var input = ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\nabc")
    #expect(try reader.next(&input) == nil)
    #expect(try reader.close().bodyBytes == 3)
  }

  @Test func aResponseCutShortIsAnError() throws {
    var reader = ResponseReader()
    var input = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc")
    #expect(try reader.next(&input) == nil)
    #expect(throws: ResponseError.closedEarly) { try reader.close() }
  }

  @Test(arguments: [
    "SMTP 1\r\n", "HTTP/1.1 20\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
    "HTTP/1.1 200 " + String(repeating: "a", count: 70_000),
  ])
  func malformedResponsesAreRefused(text: String) {
    #expect(throws: ResponseError.self) { try summaries(text, step: 10_000) }
  }

  @Test(arguments: [
    ("Edge; hit; ttl=3", true), ("\"a, hit\"; fwd=miss", false),
    ("origin; hit, Edge; fwd=miss", false),
    ("origin; fwd=miss, Edge; hit=?1", true), ("Edge; hit=?0", false),
  ])
  func theLastMemberOfCacheStatusDecides(value: String, isHit: Bool) {
    #expect(CacheVerdict.cacheStatus(value) == isHit)
  }

  @Test(arguments: [
    ("HIT", true), ("TCP_HIT", true), ("Hit from edge", true), ("MISS", false), ("white", false),
  ])
  func xCacheIsReadAsAWord(value: String, isHit: Bool) {
    #expect(CacheVerdict.xCache(value) == isHit)
  }
}
