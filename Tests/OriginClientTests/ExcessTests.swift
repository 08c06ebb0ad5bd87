import Dispatch
import HTTPMessage
import NIOCore
import Testing

@testable import OriginClient

/// A connection that brought more than the answer: whatever lay behind it, be it a whole response,
/// must not become the answer to the next request.
struct ExcessTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    var method = "GET"
    let answer: String
    let body: String
    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "length", answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", body: "ok"),
    Case(
      name: "chunks",
      answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
      body: "ok"),
    Case(
      name: "trailers",
      answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", body: ""),
    Case(name: "no content", answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", body: ""),
    Case(name: "204", answer: "HTTP/1.1 204 No\r\n\r\n", body: ""),
    Case(name: "304", answer: "HTTP/1.1 304 N\r\nContent-Length: 70\r\n\r\n", body: ""),
    Case(
      name: "HEAD", method: "HEAD", answer: "HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n",
      body: ""),
    Case(
      name: "after 103",
      answer: "HTTP/1.1 103 E\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      body: "ok"),
  ]

  static let stolen = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"

  private static func answerOn(_ connection: ScriptedConnection) {
    while connection.readHead() != nil {
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean")
    }
  }

  @Test(arguments: cases)
  func aResponseInTheSameSegmentIsNobodys(_ test: Case) async throws {
    try await withOrigin { connection in
      if connection.number == 0, connection.readHead() != nil {
        connection.write(test.answer + Self.stolen)
      }
      Self.answerOn(connection)
    } _: { edge, server in
      let first = try await edge.start(test.method).finished()
      #expect(first.failure == nil)
      #expect(first.body == test.body)
      let second = try await edge.get()
      #expect(second.body == "clean")
      #expect(server.connections == 2)
    }
  }

  @Test(arguments: cases)
  func aResponseThatComesLaterIsNobodys(_ test: Case) async throws {
    let mayFollow = DispatchSemaphore(value: 0)
    let hasFollowed = DispatchSemaphore(value: 0)
    try await withOrigin { connection in
      if connection.number == 0, connection.readHead() != nil {
        connection.write(test.answer)
        mayFollow.wait()
        connection.write(Self.stolen)
        hasFollowed.signal()
      }
      Self.answerOn(connection)
    } _: { edge, server in
      let first = try await edge.start(test.method).finished()
      #expect(first.body == test.body)
      mayFollow.signal()
      await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
          hasFollowed.wait()
          continuation.resume()
        }
      }
      // A request that must not be sent twice goes out all the same: nothing of it was lost.
      let second = try await edge.start("POST").finished()
      #expect(second.failure == nil)
      #expect(second.body == "clean")
      #expect(server.connections == 2)
    }
  }

  /// The other side of the check: whoever sends just its answers keeps its connection.
  @Test(arguments: cases)
  func aConnectionWithoutExcessIsUsedAgain(_ test: Case) async throws {
    try await withOrigin { connection in
      while connection.readHead() != nil { connection.write(test.answer) }
    } _: { edge, server in
      for _ in 0..<5 {
        let outcome = try await edge.start(test.method).finished()
        #expect(outcome.failure == nil)
        #expect(outcome.body == test.body)
      }
      #expect(server.connections == 1)
      #expect(edge.transport.statistics[0].idleConnectionsDropped == 0)
    }
  }

  /// Over many fetches at once, the account of each connection is kept apart.
  @Test func manyFetchesKeepTheirConnections() async throws {
    try await withOrigin { connection in
      while let head = connection.readHead() {
        let isEven = head.contains("/0 ")
        connection.write(isEven ? Self.cases[0].answer : Self.cases[1].answer)
      }
    } _: { edge, server in
      for _ in 0..<20 {
        try await withThrowingTaskGroup(of: String.self) { group in
          for number in 0..<8 {
            group.addTask { try await edge.get("/\(number % 2)").body }
          }
          for try await body in group { #expect(body == "ok") }
        }
      }
      #expect(server.connections <= 8)
      #expect(edge.transport.statistics[0].idleConnectionsDropped == 0)
    }
  }

  /// Content that a consumer held back is kept by libcurl and handed over when it is resumed: a
  /// fault in it ends the fetch all the same.
  @Test(arguments: ["zz\r\n", "0\r\nX : y\r\n\r\n", "0\r\n\r\n" + ExcessTests.stolen])
  func aFaultBehindAPauseEndsTheFetch(_ rest: String) async throws {
    let content = String(repeating: "a", count: 100_000)
    try await withOrigin { connection in
      if connection.number == 0, connection.readHead() != nil {
        connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.write("\(String(content.utf8.count, radix: 16))\r\n\(content)\r\n\(rest)")
        connection.waitForClose()
      } else {
        Self.answerOn(connection)
      }
    } _: { edge, server in
      let recorder = try await edge.start { $0.grants = false }
      try await recorder.received(64 << 10)
      recorder.loop.execute { recorder.fetch?.grant(1 << 20) }
      let outcome = try await recorder.finished()
      #expect(outcome.byteCount == content.utf8.count)
      #expect(outcome.failure?.kind == (rest.contains("stolen") ? nil : .malformed))
      #expect(try await edge.get().body == "clean")
      #expect(server.connections == 2)
    }
  }
}
