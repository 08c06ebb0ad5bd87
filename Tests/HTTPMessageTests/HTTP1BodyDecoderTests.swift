import HTTPMessage
import NIOCore
import Testing

/// What came of a message's content: its bytes and trailers, a fault, or neither yet.
private enum Outcome: Equatable {
  case content(String, trailers: [String], left: String)
  case fault(RequestFault)
  case incomplete(String)
}

private func outcome(
  _ pieces: [ArraySlice<UInt8>], framing: BodyFraming, limit: Int?, limits: HeadLimits
) -> Outcome {
  var decoder = HTTP1BodyDecoder(framing: framing, contentLimitBytes: limit, limits: limits)
  var buffer = ByteBuffer()
  var content = ""
  var trailers: [String]?
  for piece in pieces {
    buffer.writeBytes(piece)
    guard trailers == nil else { continue }
    reading: while true {
      do throws(RequestFault) {
        switch try decoder.next(&buffer) {
        case .needMore: break reading
        case .chunk(let chunk): content += String(buffer: chunk)
        case .end(let block):
          trailers = []
          block?.forEachLine { name, value, _ in trailers?.append("\(name.text)=\(value.text)") }
          break reading
        }
      } catch {
        return .fault(error)
      }
    }
  }
  guard let trailers else { return .incomplete(content) }
  return .content(content, trailers: trailers, left: String(buffer: buffer))
}

/// Decodes `text` whole, byte by byte, and split in two at every place: all must agree.
private func decode(
  _ text: String, framing: BodyFraming = .streamed, limit: Int? = nil,
  limits: HeadLimits = HeadLimits(), sourceLocation: SourceLocation = #_sourceLocation
) -> Outcome {
  let bytes = Array(text.utf8)
  let whole = outcome([bytes[...]], framing: framing, limit: limit, limits: limits)
  let single = outcome(
    bytes.indices.map { bytes[$0...$0] }, framing: framing, limit: limit, limits: limits)
  #expect(single == whole, "byte by byte", sourceLocation: sourceLocation)
  for place in bytes.indices {
    let split = outcome(
      [bytes[..<place], bytes[place...]], framing: framing, limit: limit, limits: limits)
    #expect(split == whole, "split at \(place)", sourceLocation: sourceLocation)
  }
  return whole
}

struct HTTP1BodyDecoderTests {
  @Test func countedContentEndsAtItsLength() {
    #expect(
      decode("helloGET", framing: .length(5)) == .content("hello", trailers: [], left: "GET"))
    #expect(decode("hell", framing: .length(5)) == .incomplete("hell"))
    #expect(decode("GET", framing: .length(0)) == .content("", trailers: [], left: "GET"))
    #expect(decode("GET", framing: .none) == .content("", trailers: [], left: "GET"))
  }

  @Test func theContentLimitIsInclusive() {
    #expect(
      decode("hello", framing: .length(5), limit: 5) == .content("hello", trailers: [], left: ""))
    #expect(decode("hello!", framing: .length(6), limit: 5) == .fault(.contentTooLarge))
    let chunks = "3\r\nabc\r\n2\r\nde\r\n"
    #expect(decode(chunks + "0\r\n\r\n", limit: 5) == .content("abcde", trailers: [], left: ""))
    #expect(decode(chunks + "1\r\nf\r\n0\r\n\r\n", limit: 5) == .fault(.contentTooLarge))
    #expect(decode("7fffffffffffffff\r\n", limit: 5) == .fault(.contentTooLarge))
  }

  @Test(arguments: [
    ("0\r\n\r\nX", "", "X"),
    ("5\r\nhello\r\n0\r\n\r\n", "hello", ""),
    ("A\r\n0123456789\r\n000\r\n\r\n", "0123456789", ""),
    ("5;name=\"a;b\"\r\nhello\r\n1 ;x\r\n!\r\n0;last\r\n\r\nGET", "hello!", "GET"),
    ("0000000000000001\r\na\r\n0\r\n\r\n", "a", ""),
  ])
  func chunksAreJoined(_ text: String, _ content: String, _ left: String) {
    #expect(decode(text) == .content(content, trailers: [], left: left))
  }

  @Test(arguments: [
    "\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\na\r\n", "1\na\r\n",
    "1\r\na\n0\r\n\r\n", "1\r\nab\r\n0\r\n\r\n", "1\r\na0\r\n\r\n", "1\rx", "1;a\nb\r\na\r\n",
    "1;\u{1}\r\na\r\n", "8000000000000000\r\n", "00000000000000001\r\na\r\n",
    "1;" + String(repeating: "e", count: 1200),
  ])
  func malformedChunksAreRefused(_ text: String) {
    #expect(decode(text) == .fault(.badChunk))
  }

  @Test func extensionsOfAllChunksTogetherAreLimited() {
    let chunk = "1;" + String(repeating: "e", count: 1000) + "\r\na\r\n"
    let few = String(repeating: chunk, count: 16) + "0\r\n\r\n"
    let bytes = Array(few.utf8)
    #expect(
      outcome([bytes[...]], framing: .streamed, limit: nil, limits: HeadLimits())
        == .content(String(repeating: "a", count: 16), trailers: [], left: ""))
    let many = Array(String(repeating: chunk, count: 17).utf8)
    #expect(
      outcome([many[...]], framing: .streamed, limit: nil, limits: HeadLimits())
        == .fault(.badChunk))
  }

  @Test func trailersAreReadAndFramingFieldsLeftOut() {
    #expect(
      decode("1\r\na\r\n0\r\nX-Sum: 12 \r\nContent-Length: 5\r\nY:z\r\n\r\nGET")
        == .content("a", trailers: ["X-Sum=12", "Y=z"], left: "GET"))
  }

  @Test(arguments: ["X : 1\r\n\r\n", "X: 1\n\r\n", " X: 1\r\n\r\n", "X: \u{0}\r\n\r\n", "\n"])
  func malformedTrailersAreRefused(_ trailers: String) {
    #expect(decode("0\r\n" + trailers) == .fault(.badTrailer))
  }

  @Test func theTrailerLimitsAreInclusive() {
    var limits = HeadLimits(headSizeBytes: 14)
    #expect(
      decode("0\r\nA: 1\r\nB: 2\r\n\r\n", limits: limits)
        == .content("", trailers: ["A=1", "B=2"], left: ""))
    #expect(decode("0\r\nA: 1\r\nB: 23\r\n\r\n", limits: limits) == .fault(.headTooLarge))
    limits = HeadLimits(fieldCount: 1)
    #expect(decode("0\r\nA: 1\r\nB: 2\r\n\r\n", limits: limits) == .fault(.tooManyFields))
  }

  @Test func everyPrefixOfChunkedContentIsIncomplete() {
    let text = "5;a\r\nhello\r\n0\r\nX: y\r\n\r\n"
    for count in 0..<text.utf8.count {
      guard case .incomplete = decode(String(decoding: text.utf8.prefix(count), as: UTF8.self))
      else {
        Issue.record("\(count) bytes were taken for the whole")
        return
      }
    }
  }
}
