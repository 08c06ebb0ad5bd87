import Foundation
import HTTPMessage
import HTTPServer
import NIOCore
import NIOPosix
import Testing

/// An exchange that echoes the request's content as it comes.
private final class EchoExchange: RequestExchange {
  let writer: any ResponseWriter

  init(_ writer: any ResponseWriter, pulls: Bool) {
    self.writer = writer
    if pulls { writer.requestBodyChunk() }
  }

  func receiveBody(_ chunk: ByteBuffer) {
    writer.write(chunk)
    if writer.isWritable { writer.requestBodyChunk() }
  }

  func receiveBodyEnd(trailers: FieldBlock?) { writer.finish(trailers: trailers) }
  func outputDrained() { writer.requestBodyChunk() }
  func clientClosed(_ reason: ClientCloseReason) {}
}

/// `/echo` echoes, `/big` is a mebibyte, `/hang` never answers, `/early` sends hints first,
/// anything else says hello.
private final class HTTP2TestResponder: RequestResponder {
  private let chunk = ByteBuffer(repeating: 0x62, count: 64 << 10)

  func respond<Writer: ResponseWriter>(to head: RequestHead, writer: Writer) -> EchoExchange? {
    switch head.text(head.path) {
    case "/echo":
      writer.head(200, .streamed)
      return EchoExchange(writer, pulls: true)
    case "/hang": return EchoExchange(writer, pulls: false)
    case "/early":
      var hints = FieldBlock()
      hints.append("Link", "</x>")
      writer.writeInformational(status: 103, fields: hints)
      writer.answer("late", to: head)
    case "/trailers":
      var trailers = FieldBlock()
      trailers.append("X-Sum", "7")
      writer.head(200, .streamed, "Trailer: X-Sum\r\n")
      writer.text("body")
      writer.finish(trailers: trailers)
    case "/big":
      writer.head(200, .length(16 * chunk.readableBytes))
      for _ in 0..<16 { writer.write(chunk) }
      writer.finish(trailers: nil)
    default: writer.answer("hello", to: head)
    }
    return nil
  }

  func refused(_ request: RefusedRequest) {}
  func describe(_ fault: RequestFault, into lines: inout ByteBuffer) {}
}

private typealias Server = HTTPServer<HTTP2TestResponder>

/// Runs a server on a free port of 127.0.0.1 while `body` runs.
private func withServer(
  isHTTP2Enabled: Bool = true, _ body: (Server, Int) async throws -> Void
) async throws {
  let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  var configuration = ServerConfiguration(listeners: [.init(host: "127.0.0.1", port: 0)])
  configuration.isHTTP2Enabled = isHTTP2Enabled
  let server = try await Server.start(configuration, on: group) { _, _ in HTTP2TestResponder() }
  let port = try #require(server.boundAddresses.first?.port)
  do { try await body(server, port) } catch { Issue.record(error) }
  await server.drain(limit: .milliseconds(100))
  try await group.shutdownGracefully()
}

/// Runs curl over HTTP/2 with prior knowledge and returns what it printed.
private func curl(_ arguments: String..., input: Data? = nil) async throws -> Data {
  try await runCurl(["--http2-prior-knowledge"] + arguments, input: input)
}

/// Sends pieces over a socket of its own, each in a write of its own, and returns what came until
/// `isEnough` says so or the end.
private func exchange(
  _ pieces: [[UInt8]], port: Int, until isEnough: @escaping @Sendable ([UInt8]) -> Bool
) async throws -> [UInt8] {
  let client = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
    .channelOption(.tcpOption(.tcp_nodelay), value: 1)
    .connect(host: "127.0.0.1", port: port) { channel in
      channel.eventLoop.makeCompletedFuture {
        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
      }
    }
  return try await client.executeThenClose { inbound, outbound in
    for piece in pieces { try await outbound.write(ByteBuffer(bytes: piece)) }
    var answer: [UInt8] = []
    for try await buffer in inbound {
      answer += buffer.readableBytesView
      if isEnough(answer) { break }
    }
    return answer
  }
}

@Suite(.timeLimit(.minutes(5)))
struct HTTP2ServerTests {
  // One transfer each: curl 7.88 cannot use a connection in clear text again.
  @Test func curlIsServed() async throws {
    try await withServer { server, port in
      let url = "http://127.0.0.1:\(port)/"
      let got = String(decoding: try await curl("--include", url), as: UTF8.self)
      #expect(got == "HTTP/2 200 \r\ncontent-length: 5\r\n\r\nhello")
      let head = String(decoding: try await curl("--head", url), as: UTF8.self)
      #expect(head == "HTTP/2 200 \r\ncontent-length: 5\r\n\r\n")
      #expect(server.statistics[0].http2.connections.value == 2)
      #expect(server.statistics[0].http2.streams.value == 2)
      let big = try await curl("http://127.0.0.1:\(port)/big")
      #expect(big == Data(repeating: 0x62, count: 1 << 20))
    }
  }

  @Test func manyStreamsAtOnceAreServed() async throws {
    try await withServer { server, port in
      // Windows of 2 MiB for a stream and of nearly 2 GiB for the connection.
      let settings = HTTP2Frame(.settings, payload: [0, 4] + HTTP2Frame.word(2 << 20))
      let window = HTTP2Frame(.windowUpdate, payload: HTTP2Frame.word(2_000_000_000))
      let requests = (0..<8).map {
        HTTP2Peer.headers(UInt32($0 * 2 + 1), HTTP2Peer.request("/big")).bytes
      }
      let answer = try await exchange(
        [HTTP2Peer.preface + settings.bytes + window.bytes] + requests, port: port
      ) { $0.count > 8 << 20 && $0.count(where: { $0 == 0x62 }) >= 8 << 20 }
      #expect(answer.count > 8 << 20)
      #expect(server.statistics[0].accepted.value == 1)
      #expect(server.statistics[0].http2.streams.value == 8)
    }
  }

  @Test func largeContentGoesThroughBothWays() async throws {
    try await withServer { _, port in
      let content = Data((0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
      let url = "http://127.0.0.1:\(port)/echo"
      let counted = try await curl("--data-binary", "@-", url, input: content)
      #expect(counted == content)
      let streamed = try await curl("--upload-file", "-", url, input: content)
      #expect(streamed == content)
    }
  }

  @Test func interimResponsesAndTrailersReachTheClient() async throws {
    try await withServer { _, port in
      let base = "http://127.0.0.1:\(port)"
      let early = String(decoding: try await curl("--include", base + "/early"), as: UTF8.self)
      #expect(early.hasPrefix("HTTP/2 103 \r\nlink: </x>\r\n\r\nHTTP/2 200 \r\n"))
      #expect(early.hasSuffix("late"))
      let text = try await curl("--include", base + "/trailers")
      #expect(String(decoding: text, as: UTF8.self).contains("x-sum: 7"))
    }
  }

  @Test func aDrainIsAnnounced() async throws {
    try await withServer { server, port in
      async let answer = exchange(
        [
          HTTP2Peer.preface, HTTP2Frame(.settings).bytes,
          HTTP2Peer.headers(1, HTTP2Peer.request("/hang")).bytes,
        ], port: port
      ) { _ in false }
      let limit = ContinuousClock.now + .seconds(120)
      while server.statistics[0].requests.value == 0, .now < limit { await Task.yield() }
      await server.drain(limit: .zero)
      let bytes = (try? await answer) ?? []
      let goAway = HTTP2Frame(
        .goAway, payload: HTTP2Frame.word(0x7FFF_FFFF) + HTTP2Frame.word(0))
      #expect(bytes.isEmpty || contains(bytes, goAway.bytes))
      #expect(server.statistics[0].open == 0)
    }
  }

  @Test func aPrefaceInPiecesIsRecognized() async throws {
    try await withServer { server, port in
      let request = HTTP2Peer.headers(1, HTTP2Peer.request("/")).bytes
      let pieces = HTTP2Peer.preface.map { [$0] } + [HTTP2Frame(.settings).bytes, request]
      let answer = try await exchange(pieces, port: port) { contains($0, Array("hello".utf8)) }
      #expect(contains(answer, Array("hello".utf8)))
      #expect(server.statistics[0].http2.connections.value == 1)
    }
  }

  @Test func whatOnlyBeginsLikeThePrefaceIsHTTP1() async throws {
    try await withServer { server, port in
      let request = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\rx".utf8)
      let answer = try await exchange(request.map { [$0] }, port: port) { _ in false }
      #expect(
        answer.starts(with: Array("HTTP/1.1 4".utf8))
          || answer.starts(with: Array("HTTP/1.1 505".utf8)))
      let get = Array("PURGE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8)
      let purged = try await exchange([Array(get.prefix(1)), Array(get.dropFirst())], port: port) {
        _ in false
      }
      #expect(contains(purged, Array("hello".utf8)))
      #expect(server.statistics[0].http2.connections.value == 0)
    }
  }

  @Test("ALPN chooses HTTP/2 over TLS, and curl uses one connection for all (RFC 7301)")
  func tlsChoosesByALPN() async throws {
    try await TLSServer.run({ configuration, _ in configuration.isHTTP2Enabled = true }) { server in
      let url = "https://localhost:\(server.port)"
      let (_, text) = try await server.curl(
        "/", "--include", "--http2", url + "/big", "--output", "/dev/null", url + "/")
      #expect(text.components(separatedBy: "HTTP/2 200 ").count == 3)
      #expect(text.hasSuffix("secure"))
      #expect(server.count { $0.accepted.value } == 1)
      #expect(server.count { $0.http2.streams.value } == 3)
      let (_, cut) = try await server.curl("/cut", "--http2")
      #expect(cut.contains("HTTP/2 stream"))
      let (_, old) = try await server.curl("/", "--include", "--http1.1")
      #expect(old.hasPrefix("HTTP/1.1 200 ") && server.count { $0.http2.connections.value } == 2)
    }
  }

  @Test func itCanBeSwitchedOff() async throws {
    try await withServer(isHTTP2Enabled: false) { server, port in
      let answer = try await exchange([HTTP2Peer.preface], port: port) { _ in false }
      #expect(answer.starts(with: Array("HTTP/1.1 ".utf8)))
      #expect(server.statistics[0].http2.connections.value == 0)
    }
  }
}

private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
  guard bytes.count >= part.count else { return false }
  return (0...(bytes.count - part.count)).contains { bytes[$0...].starts(with: part) }
}
