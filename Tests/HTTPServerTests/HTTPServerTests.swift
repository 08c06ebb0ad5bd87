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

/// `/echo` echoes, `/big` is a mebibyte, `/hang` never answers, anything else says hello.
private final class TestResponder: RequestResponder {
  private let chunk = ByteBuffer(repeating: 0x62, count: 64 << 10)

  func respond<Writer: ResponseWriter>(to head: RequestHead, writer: Writer) -> EchoExchange? {
    switch head.text(head.path) {
    case "/echo":
      writer.head(200, .streamed)
      return EchoExchange(writer, pulls: true)
    case "/hang": return EchoExchange(writer, pulls: false)
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

private typealias Server = HTTPServer<TestResponder>

/// Runs a server on a free port of 127.0.0.1 while `body` runs.
private func withServer(
  loops: Int = 2, maxConnections: Int = 100, _ body: (Server, Int) async throws -> Void
) async throws {
  try await withServer(
    on: MultiThreadedEventLoopGroup(numberOfThreads: loops), maxConnections: maxConnections, body)
}

/// Runs a server on this group, which it shuts down afterwards.
private func withServer(
  on group: MultiThreadedEventLoopGroup, maxConnections: Int = 100,
  _ body: (Server, Int) async throws -> Void
) async throws {
  let server = try await Server.start(
    ServerConfiguration(
      listeners: [.init(host: "127.0.0.1", port: 0)], maxConnections: maxConnections),
    on: group
  ) { _, _ in TestResponder() }
  let port = try #require(server.boundAddresses.first?.port)
  do { try await body(server, port) } catch { Issue.record(error) }
  await server.drain(limit: .milliseconds(100))
  try await group.shutdownGracefully()
}

/// Runs curl and returns what it printed.
private func curl(_ arguments: String..., input: Data? = nil) async throws -> Data {
  try await runCurl(arguments, input: input)
}

private func connect(to port: Int) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
  try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
    .channelOption(.allowRemoteHalfClosure, value: true)
    .connect(host: "127.0.0.1", port: port) { channel in
      channel.eventLoop.makeCompletedFuture {
        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
          wrappingChannelSynchronously: channel,
          configuration: .init(isOutboundHalfClosureEnabled: true))
      }
    }
}

/// Sends bytes over a socket of its own and returns everything that came until the end.
private func exchange(
  _ text: String, port: Int, halfCloses: Bool = false
) async throws -> String {
  let client = try await connect(to: port)
  return try await client.executeThenClose { inbound, outbound in
    try await outbound.write(ByteBuffer(string: text))
    if halfCloses { outbound.finish() }
    var answer = ""
    do { for try await buffer in inbound { answer += String(buffer: buffer) } } catch {}
    return answer
  }
}

@Suite(.timeLimit(.minutes(5)))
struct HTTPServerTests {
  @Test func curlIsServedOnOneConnection() async throws {
    try await withServer { server, port in
      let url = "http://127.0.0.1:\(port)/"
      let data = try await curl("--include", url, url, "--head", url)
      let text = String(decoding: data, as: UTF8.self)
      #expect(text.components(separatedBy: "HTTP/1.1 200 OK\r\n").count == 4)
      #expect(server.statistics.reduce(0) { $0 + $1.accepted.value } == 1)
      #expect(server.statistics.reduce(0) { $0 + $1.requests.value } == 3)
    }
  }

  /// More requests than wait for each other's answers, all there when the loop looks.
  @Test func everyoneIsAnsweredThatAsksInTheSameRoundOfTheLoop() async throws {
    let count = 40
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    try await withServer(on: group) { _, port in
      let request = "GET / HTTP/1.1\r\nHost: a\r\n"
      let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
      let held = (0..<count).map { _ in AsyncStream.makeStream(of: Void.self) }
      let answers = try await withThrowingTaskGroup(of: String.self) { tasks in
        for index in 0..<count {
          tasks.addTask {
            let client = try await connect(to: port)
            return try await client.executeThenClose { inbound, outbound in
              try await outbound.write(ByteBuffer(string: request + "\r\n"))
              var text = ""
              var reader = inbound.makeAsyncIterator()
              while !text.hasSuffix("hello"), let buffer = try await reader.next() {
                text += String(buffer: buffer)
              }
              arrival.yield()
              for await _ in held[index].stream {}
              try await outbound.write(ByteBuffer(string: request + "Connection: close\r\n\r\n"))
              arrival.yield()
              while let buffer = try await reader.next() { text += String(buffer: buffer) }
              return text
            }
          }
        }
        var arrived = arrivals.makeAsyncIterator()
        for _ in 0..<count { await arrived.next() }
        let gate = DispatchSemaphore(value: 0)
        group.next().execute { gate.wait() }
        for each in held { each.continuation.finish() }
        for _ in 0..<count { await arrived.next() }
        gate.signal()
        return try await tasks.reduce(into: [String]()) { $0.append($1) }
      }
      #expect(answers.count == count)
      for answer in answers {
        #expect(answer.components(separatedBy: "HTTP/1.1 200 OK\r\n").count == 3)
        #expect(answer.components(separatedBy: "hello").count == 3)
      }
    }
  }

  @Test func largeContentGoesThroughBothWays() async throws {
    try await withServer { _, port in
      let content = Data((0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
      let url = "http://127.0.0.1:\(port)/echo"
      let counted = try await curl("--data-binary", "@-", url, input: content)
      #expect(counted == content)
      let chunked = try await curl(
        "--header", "Transfer-Encoding: chunked", "--upload-file", "-", url, input: content)
      #expect(chunked == content)
      let big = try await curl("http://127.0.0.1:\(port)/big")
      #expect(big == Data(repeating: 0x62, count: 1 << 20))
    }
  }

  @Test func aClientThatShutsDownItsSideGetsItsAnswer() async throws {
    try await withServer { _, port in
      let answer = try await exchange(get("/1") + get("/2"), port: port, halfCloses: true)
      #expect(answer == ok("hello") + ok("hello"))
    }
  }

  @Test func aFaultCanBeReadThoughMoreWasSent() async throws {
    try await withServer { _, port in
      let junk = String(repeating: "x", count: 200_000)
      let answer = try await exchange("GET / HTTP/1.1\r\n\r\n" + junk, port: port)
      #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
      #expect(answer.hasSuffix("\"detail\":\"Host is missing\"}\n"))
    }
  }

  @Test func oneConnectionTooManyIsTurnedAway() async throws {
    try await withServer(loops: 1, maxConnections: 1) { server, port in
      async let first = exchange(get("/hang"), port: port)
      let limit = ContinuousClock.now + .seconds(120)
      while server.statistics[0].requests.value == 0, .now < limit { await Task.yield() }
      let second = try await exchange(get("/"), port: port)
      #expect(second.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
      #expect(server.statistics[0].rejected.value == 1)
      await server.drain(limit: .zero)
      _ = try? await first
      #expect(server.statistics[0].open == 0)
    }
  }

  @Test func everyLoopListensOnTheSameFreePort() async throws {
    try await withServer(loops: 3) { server, port in
      #expect(server.statistics.count == 3)
      for _ in 0..<24 {
        let answer = try await exchange(get("/", "Connection: close\r\n"), port: port)
        #expect(answer == ok("hello", "Connection: close\r\n"))
      }
      // One chance in 3^23 to be wrong.
      #expect(server.statistics.filter { $0.accepted.value > 0 }.count > 1)
    }
  }

  @Test func anAddressInUseIsNamed() async throws {
    try await withServer { _, port in
      let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      let error = await #expect(throws: ListenerError.self) {
        _ = try await Server.start(
          ServerConfiguration(listeners: [.init(host: "127.0.0.1", port: port)]), on: group
        ) { _, _ in TestResponder() }
      }
      #expect(error?.address == "127.0.0.1:\(port)")
      #expect(error?.reason == "Address already in use")
      try await group.shutdownGracefully()
    }
  }
}
