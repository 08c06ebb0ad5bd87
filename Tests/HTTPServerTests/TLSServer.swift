import HTTPMessage
import HTTPServer
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

/// An exchange that echoes the request's content as it comes.
final class TLSEchoExchange: RequestExchange {
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

/// `/echo` echoes, `/big` is a mebibyte, `/chunk` 64 KiB, `/page` ten, `/cut` breaks off, `/hang`
/// never answers, anything else says whether the request came over TLS.
final class TLSResponder: RequestResponder {
  private let chunk = ByteBuffer(repeating: 0x62, count: 64 << 10)

  func respond<Writer: ResponseWriter>(
    to head: RequestHead, writer: Writer
  ) -> TLSEchoExchange? {
    switch head.text(head.path) {
    case "/echo":
      writer.head(200, .streamed)
      return TLSEchoExchange(writer, pulls: true)
    case "/hang": return TLSEchoExchange(writer, pulls: false)
    case "/big":
      writer.head(200, .length(16 * chunk.readableBytes))
      for _ in 0..<16 { writer.write(chunk) }
      writer.finish(trailers: nil)
    case "/chunk":
      writer.head(200, .length(chunk.readableBytes))
      writer.write(chunk)
      writer.finish(trailers: nil)
    case "/page": writer.answer(String(repeating: "p", count: 10 << 10), to: head)
    case "/cut":
      writer.head(200, .length(100))
      writer.text("ten bytes.")
      writer.abort()
    default: writer.answer(head.isSecure ? "secure" : "clear", to: head)
    }
    return nil
  }

  func refused(_ request: RefusedRequest) {}
  func describe(_ fault: RequestFault, into lines: inout ByteBuffer) {}
}

/// A running server with one TLS listener, as a test's body sees it.
struct TLSServer {
  let server: HTTPServer<TLSResponder>
  let files: TLSFiles
  let port: Int

  /// Runs a server on a free port of 127.0.0.1 while `body` runs.
  static func run(
    loops: Int = 1, files: TLSFiles? = nil,
    _ change: (inout ServerConfiguration, TLSFiles) -> Void = { _, _ in },
    _ body: (TLSServer) async throws -> Void
  ) async throws {
    let files = try files ?? TLSFiles.shared.get()
    let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
    var configuration = ServerConfiguration(listeners: [.init(host: "127.0.0.1", port: 0)])
    configuration.listeners[0].tls = ServerConfiguration.TLS(certificates: [files.pair()])
    // What is checked here is TLS, in the protocol that is easier to read.
    configuration.isHTTP2Enabled = false
    change(&configuration, files)
    let server = try await HTTPServer<TLSResponder>.start(configuration, on: group) { _, _ in
      TLSResponder()
    }
    let port = try #require(server.boundAddresses.first?.port)
    do {
      try await body(TLSServer(server: server, files: files, port: port))
    } catch {
      Issue.record(error)
    }
    await server.drain(limit: .milliseconds(100))
    try await group.shutdownGracefully()
  }

  /// The sum of a counter over all loops.
  func count(_ value: (ServerStatistics) -> Int) -> Int {
    server.statistics.reduce(0) { $0 + value($1) }
  }

  /// Runs curl against a path; `host` has to be in the certificate.
  func curl(
    _ path: String = "/", host: String = "localhost", _ arguments: String...
  ) async throws -> (code: Int32, text: String) {
    try await runCommand(
      [
        "curl", "--silent", "--show-error", "--max-time", "20", "--cacert",
        files.path("root.pem"), "--resolve", "\(host):\(port):127.0.0.1",
      ] + arguments + ["https://\(host):\(port)\(path)"])
  }

  /// Runs `openssl s_client`, sends one request and returns all that it printed.
  func openssl(_ arguments: String...) async throws -> String {
    try await runCommand(
      [
        "timeout", "20", "openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-CAfile",
        files.path("root.pem"), "-ign_eof",
      ] + arguments, input: get("/", "Connection: close\r\n")
    ).text
  }
}

/// Counts the TLS records that a client receives, below its TLS handler.
final class RecordCounter: ChannelInboundHandler, Sendable {
  typealias InboundIn = ByteBuffer

  private let state = Mutex<(rest: ByteBuffer, count: Int)>((ByteBuffer(), 0))

  /// Records so far.
  var count: Int { state.withLock { $0.count } }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = Self.unwrapInboundIn(data)
    state.withLock { state in
      state.rest.writeImmutableBuffer(bytes)
      // Type, version, length (RFC 8446 section 5.1).
      while let length: UInt16 = state.rest.getInteger(at: state.rest.readerIndex + 3),
        state.rest.readableBytes >= 5 + Int(length)
      {
        state.rest.moveReaderIndex(forwardBy: 5 + Int(length))
        state.count += 1
      }
    }
    context.fireChannelRead(data)
  }
}

/// A client over TLS that a test speaks through.
struct TLSClient {
  private typealias Bytes = NIOAsyncChannel<ByteBuffer, ByteBuffer>

  /// What a client saw: all it read, and whether the end was said, not just met.
  struct Answer {
    var bytes: [UInt8] = []
    var endsCleanly = true
    var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  let records = RecordCounter()

  /// Sends texts, each once the answer to the former one is `lengths` long, and reads to the end.
  /// - Returns: the answer, and the records that came with each of the texts.
  func exchange(
    _ texts: [(text: String, answerBytes: Int)], port: Int, files: TLSFiles,
    halfCloses: Bool = false, protocols: [String] = []
  ) async throws -> (answer: Answer, records: [Int]) {
    let records = records
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.applicationProtocols = protocols
    configuration.trustRoots = .file(files.path("root.pem"))
    let context = try NIOSSLContext(configuration: configuration)
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .channelOption(.allowRemoteHalfClosure, value: halfCloses)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          let tls = try NIOSSLClientHandler(context: context, serverHostname: "localhost")
          try channel.pipeline.syncOperations.addHandlers([records, tls])
          return try Bytes(
            wrappingChannelSynchronously: channel,
            configuration: .init(isOutboundHalfClosureEnabled: halfCloses))
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      var iterator = inbound.makeAsyncIterator()
      var answer = Answer()
      var counts: [Int] = []
      do {
        for (text, answerBytes) in texts {
          let before = (records.count, answer.bytes.count)
          try await outbound.write(ByteBuffer(string: text))
          while answer.bytes.count - before.1 < answerBytes {
            guard let buffer = try await iterator.next() else { break }
            answer.bytes += buffer.readableBytesView
          }
          counts.append(records.count - before.0)
        }
        if halfCloses { outbound.finish() }
        while let buffer = try await iterator.next() { answer.bytes += buffer.readableBytesView }
      } catch {
        answer.endsCleanly = false
      }
      return (answer, counts)
    }
  }
}

/// Sends bytes in clear text and returns everything that came until the end.
func sendInClear(_ text: String, port: Int) async throws -> String {
  let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
    .connect(host: "127.0.0.1", port: port) { channel in
      channel.eventLoop.makeCompletedFuture {
        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
      }
    }
  var answer = ""
  do {
    try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(string: text))
      for try await buffer in inbound { answer += String(buffer: buffer) }
    }
  } catch {
    // A server that will have none of it may close before or while the bytes are sent.
  }
  return answer
}
