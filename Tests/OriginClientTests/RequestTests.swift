import Foundation
import HTTPMessage
import NIOCore
import Synchronization
import Testing

@testable import OriginClient

/// What goes out on the wire.
struct RequestTests {
  /// Answers every request with its own head.
  static let echo: @Sendable (ScriptedConnection) -> Void = { connection in
    while let head = connection.readHead() {
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(head.utf8.count)\r\n\r\n\(head)")
    }
  }

  @Test func onlyTheRequestsOwnFieldsGoOut() async throws {
    try await withOrigin(script: Self.echo) { edge, server in
      let outcome = try await edge.start(
        "GET", "/a/../b%20c?x=[1]&y", authority: "shop.example",
        fields: [("Accept", "*/*"), ("X-Empty", ""), ("x-b", "1;2"), ("Range", "bytes=0-1")]
      ).finished()
      #expect(
        outcome.body == "GET /a/../b%20c?x=[1]&y HTTP/1.1\r\nHost: shop.example\r\n"
          + "Accept: */*\r\nX-Empty:\r\nx-b: 1;2\r\nRange: bytes=0-1\r\n\r\n")
      // The same handle again: nothing of the request before may be left.
      let next = try await edge.start("GET", "/").finished()
      #expect(next.body == "GET / HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\r\n")
      #expect(server.connections == 1)
    }
  }

  /// Lines travel to libcurl joined: what it would take for a line's removal, or for the whole
  /// list, must go out all the same.
  @Test func linesWithoutAValueAndRepeatedLinesGoOutInOrder() async throws {
    try await withOrigin(script: Self.echo) { edge, server in
      for fields in [
        [("X-First", ""), ("A", "1"), ("X-Blank", " \t"), ("a", "2"), ("A", "")],
        [("X-Only", "")], [("Via", "1.1 x"), ("Accept", "text/html"), ("Accept", "*/*;q=0.1")],
        [("A", "x:y"), ("Cookie", "a=b; c"), ("Authorization", "Basic x"), ("User-Agent", "me")],
      ] {
        let outcome = try await edge.start("GET", "/", fields: fields).finished()
        let lines = outcome.body.components(separatedBy: "\r\n").dropFirst().filter { !$0.isEmpty }
        let sent = fields.map { name, value in
          value.allSatisfy(\.isWhitespace) ? "\(name):" : "\(name): \(value)"
        }
        let accepts = sent.filter { $0.hasPrefix("Accept:") }
        let others = sent.filter { !$0.hasPrefix("Accept:") }
        #expect(
          Array(lines) == ["Host: 127.0.0.1:\(server.port)"] + accepts + others)
      }
      #expect(server.connections == 1)
    }
  }

  @Test func literalHostReplacesTheClients() async throws {
    try await withOrigin(set: { $0.origins[0].host = .literal("api.internal") }, script: Self.echo)
    {
      edge, _ in
      let outcome = try await edge.start("GET", "/", authority: "shop.example").finished()
      #expect(outcome.body == "GET / HTTP/1.1\r\nHost: api.internal\r\n\r\n")
    }
  }

  @Test func methodsPassByName() async throws {
    try await withOrigin(script: Self.echo) { edge, server in
      for method in ["DELETE", "OPTIONS", "GET", "PROPFIND", "POST", "GET"] {
        let framing: BodyFraming = method == "POST" ? .length(0) : .none
        let outcome = try await edge.start(method, "/x", framing: framing).finished()
        let length = method == "POST" ? "Content-Length: 0\r\n" : ""
        #expect(
          outcome.body == "\(method) /x HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\(length)\r\n"
        )
      }
    }
  }

  @Test func targetStarIsSent() async throws {
    try await withOrigin(script: Self.echo) { edge, _ in
      let outcome = try await edge.start("OPTIONS", "*").finished()
      #expect(outcome.body.hasPrefix("OPTIONS * HTTP/1.1\r\n"))
    }
  }

  @Test(arguments: ["/a b", "/a\r\nX: y", "/\0", ""])
  func targetThatWouldSplitTheRequestIsRefused(_ target: String) async throws {
    try await withOrigin(script: Self.echo) { edge, server in
      let outcome = try await edge.start("GET", target).finished()
      #expect(outcome.failure?.kind == .other)
      #expect(server.connections == 0)
    }
  }

  @Test func fieldThatWouldSplitTheRequestIsRefused() async throws {
    try await withOrigin(script: Self.echo) { edge, server in
      let outcome = try await edge.start(fields: [("X", "a\r\nY: b")]).finished()
      #expect(outcome.failure?.kind == .other)
      #expect(server.connections == 0)
      #expect(edge.transport.statistics[0].active == 0)
    }
  }

  @Test(arguments: ["POST", "PUT", "GET", "QUERY"])
  func contentOfKnownLengthGoesOut(_ method: String) async throws {
    try await withOrigin { connection in
      while let head = connection.readHead() {
        let answer = head + connection.read(10)
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(answer.utf8.count)\r\n\r\n\(answer)")
      }
    } _: { edge, server in
      for _ in 0..<2 {
        let outcome = try await edge.start(method, "/up", framing: .length(10)) {
          $0.pieces = ["01234", "56", "789"]
        }.finished()
        #expect(
          outcome.body == "\(method) /up HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n"
            + "Content-Length: 10\r\n\r\n0123456789")
      }
      #expect(server.connections == 1)
    }
  }

  @Test func streamedContentGoesOutChunkedWithTrailers() async throws {
    try await withOrigin { connection in
      while let head = connection.readHead() {
        let answer =
          head + connection.read(through: "0\r\n") + connection.read(through: "\r\n\r\n")
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(answer.utf8.count)\r\n\r\n\(answer)")
      }
    } _: { edge, server in
      for _ in 0..<3 {
        let outcome = try await edge.start("POST", "/up", framing: .streamed) {
          $0.pieces = ["hello ", "world"]
          var trailers = FieldBlock()
          trailers.append("X-Sum", "7")
          $0.trailers = trailers
        }.finished()
        #expect(
          outcome.body == "POST /up HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\nX-Sum: 7\r\n\r\n"
        )
      }
      #expect(server.connections == 1)
    }
  }

  @Test func streamedContentWithoutTrailersEnds() async throws {
    try await withOrigin { connection in
      while let head = connection.readHead() {
        let body = connection.read(through: "0\r\n\r\n")
        let answer = "\(head.prefix(4))\(body)"
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(answer.utf8.count)\r\n\r\n\(answer)")
      }
    } _: { edge, server in
      for pieces in [["a"], [], ["b", "", "c"]] {
        let outcome = try await edge.start("POST", framing: .streamed) { $0.pieces = pieces }
          .finished()
        let chunks = pieces.filter { !$0.isEmpty }.map { "1\r\n\($0)\r\n" }.joined()
        #expect(outcome.body == "POST\(chunks)0\r\n\r\n")
      }
      #expect(server.connections == 1)
    }
  }

  @Test func largeContentGoesOutWhole() async throws {
    let piece = String(repeating: "0123456789abcdef", count: 10_000)
    try await withOrigin { connection in
      _ = connection.readHead()
      let isWhole = connection.read(piece.utf8.count * 5) == String(repeating: piece, count: 5)
      connection.write("HTTP/1.1 \(isWhole ? 200 : 500) X\r\nContent-Length: 0\r\n\r\n")
    } _: { edge, _ in
      let outcome = try await edge.start("PUT", framing: .length(piece.utf8.count * 5)) {
        $0.pieces = Array(repeating: piece, count: 5)
      }.finished()
      #expect(outcome.status == 200)
    }
  }

  @Test(arguments: [["0123"], ["01234", "56789", "x"]])
  func contentOfAnotherLengthThanDeclaredFails(_ pieces: [String]) async throws {
    try await withOrigin { connection in
      _ = connection.readHead()
      connection.waitForClose()
    } _: { edge, _ in
      let outcome = try await edge.start("POST", framing: .length(8)) { $0.pieces = pieces }
        .finished()
      #expect(outcome.failure?.kind == .badRequestBody)
    }
  }

  @Test func answerBeforeTheContentsEndIsDelivered() async throws {
    try await withOrigin { connection in
      _ = connection.readHead()
      connection.write("HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nno")
      connection.waitForClose()
    } _: { edge, _ in
      let outcome = try await edge.start("POST", framing: .length(1000)).finished()
      #expect(outcome.status == 413)
      #expect(outcome.body == "no")
    }
  }

  @Test func headWithContentEndsAtTheHead() async throws {
    try await withOrigin { connection in
      _ = connection.readHead()
      _ = connection.read(2)
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
      connection.waitForClose()
    } _: { edge, _ in
      let outcome = try await edge.start("HEAD", framing: .length(2)) { $0.pieces = ["ab"] }
        .finished()
      #expect(outcome.failure == nil)
      #expect(outcome.status == 200)
    }
  }
}
