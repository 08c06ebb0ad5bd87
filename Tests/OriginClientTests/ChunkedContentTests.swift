import HTTPMessage
import NIOCore
import Testing

@testable import OriginClient

struct ChunkedContentTests {
  private struct Reading: Equatable {
    var content = ""
    var trailers: String?
    var end = "goesOn"
  }

  /// Feeds `pieces` until the content is complete.
  private func read(_ pieces: [ArraySlice<UInt8>]) throws -> Reading {
    var chunked = ChunkedContent(fieldLimit: 20, headLimitBytes: 1000)
    var reading = Reading()
    for piece in pieces {
      let progress = try Array(piece).withUnsafeBytes { bytes in
        try chunked.receive(bytes) { reading.content += String(buffer: $0) }
      }
      switch progress {
      case .goesOn: continue
      case .whole: reading.end = "whole"
      case .exceeded: reading.end = "exceeded"
      }
      #expect(chunked.isWhole)
      reading.trailers = chunked.trailers.map { String(buffer: $0.bytes) }
      return reading
    }
    #expect(!chunked.isWhole)
    return reading
  }

  @Test func contentIsTheSameHoweverItArrives() throws {
    let text = "5;a\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 6\r\nContent-Length: 3\r\nVary: *\r\n\r\n"
    let bytes = Array(text.utf8)
    let whole = Reading(content: "hello!", trailers: "X-Sum: 6\r\n", end: "whole")
    #expect(try read([bytes[...]]) == whole)
    #expect(try read(bytes.indices.map { bytes[$0...$0] }) == whole)
    for place in bytes.indices {
      #expect(try read([bytes[..<place], bytes[place...]]) == whole)
    }
    for count in bytes.indices { #expect(try read([bytes[..<count]]).end == "goesOn") }
  }

  @Test func bytesBehindTheEndAreNoticed() throws {
    let text = Array("1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n".utf8)
    #expect(try read([text[...]]) == Reading(content: "a", end: "exceeded"))
  }

  @Test func whatIsNotChunkedIsRefused() {
    for text in ["0x1\r\n", "1 \r\n", "1\r\nab", "0\r\nX : y\r\n\r\n", "0\n\n"] {
      #expect(throws: RequestFault.self) { try read([Array(text.utf8)[...]]) }
    }
  }

  /// A line that is always cut must not make the buffer grow with what came before it.
  @Test func muchContentInSmallPiecesIsTakenAsItComes() throws {
    var chunked = ChunkedContent(fieldLimit: 20, headLimitBytes: 1000)
    let piece = Array("0\r\n\(String(repeating: "a", count: 4096))\r\n100".utf8)
    var count = 0
    _ = try Array("100".utf8).withUnsafeBytes { try chunked.receive($0) { _ in } }
    for _ in 0..<1000 {
      _ = try piece.withUnsafeBytes { bytes in
        try chunked.receive(bytes) { count += $0.readableBytes }
      }
    }
    #expect(count == 4096 * 1000)
  }
}
