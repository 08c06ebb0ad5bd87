import HTTPMessage
import NIOCore
import Testing

private func head(
  _ status: Int, stored: String = "", added: String = "",
  _ delimiter: HTTP1ResponseSerializer.Delimiter,
  _ connection: HTTP1ResponseSerializer.ConnectionField = .none
) -> String {
  var buffer = ByteBuffer()
  Array(stored.utf8).withUnsafeBytes { stored in
    Array(added.utf8).withUnsafeBytes { added in
      HTTP1ResponseSerializer.writeHead(
        status: status, storedLines: stored, addedLines: added, delimiter: delimiter,
        connection: connection, into: &buffer)
    }
  }
  return String(buffer: buffer)
}

struct HTTP1ResponseSerializerTests {
  @Test func aHeadIsTheStatusLineTheLinesAndTheFraming() {
    #expect(
      head(200, stored: "A: 1\r\n", added: "B: 2\r\n", .length(1024))
        == "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nContent-Length: 1024\r\n\r\n")
    #expect(
      head(404, .chunked, .close)
        == "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
    #expect(
      head(304, .none, .keepAlive)
        == "HTTP/1.1 304 Not Modified\r\nConnection: keep-alive\r\n\r\n")
  }

  @Test(arguments: [
    (0, "0"), (9, "9"), (10, "10"), (12345, "12345"), (Int.max, "9223372036854775807"),
  ])
  func lengthsAreWrittenInDecimal(_ length: Int, _ text: String) {
    #expect(head(200, .length(length)) == "HTTP/1.1 200 OK\r\nContent-Length: \(text)\r\n\r\n")
  }

  @Test func anUnregisteredStatusHasAnEmptyReason() {
    #expect(head(599, .none) == "HTTP/1.1 599 \r\n\r\n")
    #expect(head(999, .none) == "HTTP/1.1 999 \r\n\r\n")
  }

  @Test func everyStatusLineBeginsWithItsCode() {
    for status in 100...999 {
      let text = head(status, .none)
      #expect(text.hasPrefix("HTTP/1.1 \(status) ") && text.hasSuffix("\r\n\r\n"))
    }
  }

  @Test func aChunkedMessageIsFramed() {
    var buffer = ByteBuffer()
    HTTP1ResponseSerializer.writeChunkStart(26, into: &buffer)
    HTTP1ResponseSerializer.writeChunkEnd(into: &buffer)
    var trailers = FieldBlock()
    trailers.append("X-Sum", "1")
    trailers.append(.contentLength, "5")
    HTTP1ResponseSerializer.writeLastChunk(trailers: trailers, into: &buffer)
    #expect(String(buffer: buffer) == "1a\r\n\r\n0\r\nX-Sum: 1\r\n\r\n")
  }

  @Test func anInterimResponseCarriesItsFields() {
    var fields = FieldBlock()
    fields.append(.link, "</a>; rel=preload")
    var buffer = ByteBuffer()
    HTTP1ResponseSerializer.writeInformational(status: 103, fields: fields, into: &buffer)
    #expect(
      String(buffer: buffer) == "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n")
  }
}

struct HeadWriterTests {
  @Test(arguments: [0, 7, 10, 99, 100, 86_400, Int.max, -1, -10, -3600])
  func numbersAreWrittenAsDecimals(_ number: Int) {
    var buffer = ByteBuffer()
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 64) { space in
      var writer = HeadWriter(space: space)
      writer.write("<")
      writer.writeDecimal(number)
      writer.write(">")
      return writer.count
    }
    #expect(String(buffer: buffer) == "<\(number)>")
  }
}
