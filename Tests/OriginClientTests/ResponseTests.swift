import Foundation
import HTTPMessage
import NIOCore
import Testing

@testable import OriginClient

/// Raw responses through libcurl and back.
struct ResponseTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let raw: String
    var status: Int?
    var body = ""
    var failure: OriginFailure.Kind?
    var testDescription: String { name }

    init(_ name: String, _ raw: String, status: Int, body: String) {
      self.name = name
      self.raw = raw
      self.status = status
      self.body = body
    }

    init(_ name: String, _ raw: String, _ failure: OriginFailure.Kind) {
      self.name = name
      self.raw = raw
      self.failure = failure
    }
  }

  static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

  static let cases: [Case] = [
    Case("length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", status: 200, body: "ok"),
    Case("empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", status: 200, body: ""),
    Case("until close", "HTTP/1.0 200 OK\r\n\r\nall of it", status: 200, body: "all of it"),
    Case("chunked", chunked + "2\r\nok\r\n3;x=y\r\n...\r\n0\r\n\r\n", status: 200, body: "ok..."),
    Case("404", "HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx", status: 404, body: "x"),
    Case(
      "redirect is not followed", "HTTP/1.1 302 F\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
      status: 302, body: ""),
    Case(
      "401 is passed", "HTTP/1.1 401 U\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
      status: 401, body: ""),
    Case(
      "coding stays",
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", status: 200,
      body: "abc"),
    Case("204", "HTTP/1.1 204 No\r\n\r\n", status: 204, body: ""),
    Case("304", "HTTP/1.1 304 N\r\nContent-Length: 9\r\n\r\n", status: 304, body: ""),
    Case(
      "304 with a coding it must not have",
      "HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\n", status: 304, body: ""),
    Case(
      "more than the length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!!!", status: 200,
      body: "ok"),
    Case("more than the chunks", chunked + "2\r\nok\r\n0\r\n\r\n!!!", status: 200, body: "ok"),
    Case(
      "204 with content", "HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nok", status: 204, body: ""),
    Case(
      "304 with content", "HTTP/1.1 304 N\r\nContent-Length: 2\r\n\r\nok", status: 304, body: ""),
    Case("999", "HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n", status: 999, body: ""),
    Case("nothing", "", .reset),
    Case("half a head", "HTTP/1.1 200 OK\r\nX: y\r\n", .truncated),
    Case("half a line", "HTTP/1.1 200 O", .reset),
    Case("HTTP/0.9", "hello, this is a page without a head", .malformed),
    Case("HTTP/2 status line", "HTTP/2 200\r\n\r\n", .malformed),
    Case("bad status", "HTTP/1.1 2x0 OK\r\n\r\n", .malformed),
    Case("no colon", "HTTP/1.1 200 OK\r\nbad line\r\nContent-Length: 0\r\n\r\n", .malformed),
    Case("NUL", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n", .malformed),
    Case("bare CR", "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n", .malformed),
    Case("folded", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", .malformed),
    Case("space", "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n", .malformed),
    Case(
      "two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
      .malformed),
    Case("bad length", "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok", .malformed),
    Case("negative length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", .malformed),
    Case(
      "length and chunked",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      .malformed),
    Case(
      "unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: fancy\r\n\r\n0\r\n\r\n", .malformed),
    Case("101", "HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n", .malformed),
    Case(
      "large head",
      "HTTP/1.1 200 OK\r\n" + String(repeating: "X-Y: 0123456789abcdef\r\n", count: 190)
        + "Z: \(String(repeating: "z", count: 70_000))\r\n\r\n", .headTooLarge),
    Case(
      "endless line", "HTTP/1.1 200 OK\r\nZ: \(String(repeating: "z", count: 150_000))\r\n\r\n",
      .headTooLarge),
    Case(
      "201 fields", "HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 201) + "\r\n",
      .headTooLarge),
    Case("cut by length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", .truncated),
    Case("cut in a chunk", chunked + "5\r\nok", .truncated),
    Case("cut between chunks", chunked + "2\r\nok\r\n", .truncated),
    Case("bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", .malformed),
    Case("empty line first", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", .malformed),
    Case(
      "length of an interim response",
      "HTTP/1.1 103 E\r\nContent-Length: 4\r\n\r\nHTTP/1.1 200 OK\r\n\r\nok", .malformed),
    Case("chunk size with 0x", chunked + "0x2\r\nok\r\n0\r\n\r\n", .malformed),
    Case("signed chunk size", chunked + "+2\r\nok\r\n0\r\n\r\n", .malformed),
    Case("blank before the chunk size", chunked + " 2\r\nok\r\n0\r\n\r\n", .malformed),
    Case("blank behind the chunk size", chunked + "2 \r\nok\r\n0\r\n\r\n", .malformed),
    Case("underscore in the chunk size", chunked + "0_2\r\nok\r\n0\r\n\r\n", .malformed),
    Case("text behind the last chunk size", chunked + "2\r\nok\r\n0 x\r\n\r\n", .malformed),
    Case("chunk size of 17 digits", chunked + "00000000000000002\r\nok\r\n0\r\n\r\n", .malformed),
    Case("endless chunk", chunked + "ffffffffffffffff\r\nok\r\n0\r\n\r\n", .malformed),
    Case("chunk size ended by LF", chunked + "2\nok\r\n0\r\n\r\n", .malformed),
    Case("chunk ended by LF", chunked + "2\r\nok\n0\r\n\r\n", .malformed),
    Case("chunk ended by CR CR LF", chunked + "2\r\nok\r\r\n0\r\n\r\n", .malformed),
    Case("chunk longer than its size", chunked + "2\r\nokay\r\n0\r\n\r\n", .malformed),
    Case("last chunk ended by LF", chunked + "2\r\nok\r\n0\n\r\n", .malformed),
    Case("trailers ended by LF", chunked + "2\r\nok\r\n0\r\nX: y\n\r\n", .malformed),
    Case("trailer section ended by LF", chunked + "2\r\nok\r\n0\r\n\n", .malformed),
    Case("control in a chunk extension", chunked + "2;\u{1}\r\nok\r\n0\r\n\r\n", .malformed),
    Case(
      "long chunk extension",
      chunked + "2;\(String(repeating: "e", count: 1100))\r\nok\r\n0\r\n\r\n", .malformed),
    Case("blank in a trailer's name", chunked + "2\r\nok\r\n0\r\nX : y\r\n\r\n", .malformed),
    Case("folded trailer", chunked + "2\r\nok\r\n0\r\nX: y\r\n z\r\n\r\n", .malformed),
    Case("bad chunk size", chunked + "zz\r\nok\r\n0\r\n\r\n", .malformed),
    Case("bad trailer", chunked + "0\r\nno colon\r\n\r\n", .malformed),
  ]

  @Test(arguments: cases)
  func answerIsDeliveredOrRefused(_ test: Case) async throws {
    try await withOrigin { connection in
      guard connection.readHead() != nil else { return }
      connection.write(test.raw)
    } _: { edge, _ in
      let outcome = try await edge.get()
      #expect(outcome.failure?.kind == test.failure)
      if test.failure == nil {
        #expect(outcome.status == test.status)
        #expect(outcome.body == test.body)
      } else if test.failure != .truncated, !test.raw.contains("chunked\r\n\r\n") {
        #expect(outcome.headCount == 0)
      }
      #expect(outcome.failure?.mayRetry != true)
    }
  }

  @Test func trailersComeWithTheEnd() async throws {
    try await withOrigin { connection in
      _ = connection.readHead()
      connection.write(Self.chunked + "2\r\nok\r\n0\r\nX-Sum: 1\r\nContent-Length: 4\r\n\r\n")
    } _: { edge, _ in
      let outcome = try await edge.get()
      #expect(outcome.failure == nil)
      #expect(outcome.trailers.map { String(buffer: $0.bytes) } == "X-Sum: 1\r\n")
      #expect(outcome.body == "ok")
    }
  }

  @Test func interimHeadsComeBeforeTheFinalOne() async throws {
    try await withOrigin { connection in
      _ = connection.readHead()
      connection.write(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
          + "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 2\r\n\r\nok")
    } _: { edge, _ in
      let outcome = try await edge.get()
      #expect(outcome.informational == [103])
      #expect(outcome.informationalFields.first?.text(.link) == "</a>")
      #expect(
        outcome.head.map { String(buffer: $0.fields.bytes) } == "X: y\r\nContent-Length: 2\r\n")
      #expect(outcome.body == "ok")
    }
  }

  @Test func headRequestEndsAtTheHead() async throws {
    try await withOrigin { connection in
      while connection.readHead() != nil {
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
      }
    } _: { edge, server in
      for _ in 0..<2 {
        let outcome = try await edge.start("HEAD").finished()
        #expect(outcome.failure == nil)
        #expect(outcome.head?.contentLength == 0)
        #expect(outcome.head?.fields.text(.contentLength) == "1000")
      }
      #expect(server.connections == 1)
    }
  }

  @Test func resetBeforeTheHeadIsNoTruncation() async throws {
    try await withOrigin { connection in
      _ = connection.readHead()
      connection.resetOnClose()
    } _: { edge, _ in
      let outcome = try await edge.get()
      #expect(outcome.failure?.kind == .reset)
      #expect(outcome.failure?.mayRetry == false)
    }
  }

  @Test func contentIsDeliveredWhileTheRestIsUnderWay() async throws {
    let mayFinish = DispatchSemaphore(value: 0)
    try await withOrigin { connection in
      _ = connection.readHead()
      connection.write(Self.chunked + "5\r\nfirst\r\n")
      mayFinish.wait()
      connection.write("4\r\nlast\r\n0\r\n\r\n")
    } _: { edge, _ in
      let recorder = try await edge.start()
      try await recorder.received(5)
      mayFinish.signal()
      let outcome = try await recorder.finished()
      #expect(outcome.chunks.map { String(buffer: $0) } == ["first", "last"])
    }
  }

  @Test func largeContentArrivesWhole() async throws {
    let pattern = (0..<9973).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
    let content = Array(repeating: pattern, count: 500).flatMap { $0 }
    try await withOrigin { connection in
      while connection.readHead() != nil {
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(content.count)\r\n\r\n")
        connection.write(content)
      }
    } _: { edge, _ in
      let outcome = try await edge.get()
      #expect(outcome.failure == nil)
      #expect(outcome.chunks.allSatisfy { $0.readableBytes <= 65536 })
      var joined = ByteBuffer()
      for chunk in outcome.chunks { joined.writeImmutableBuffer(chunk) }
      #expect(joined == ByteBuffer(bytes: content))
    }
  }
}
