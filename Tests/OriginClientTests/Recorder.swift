import HTTPMessage
import NIOCore
import NIOPosix

@testable import OriginClient

/// What a fetch yielded.
struct Outcome: Sendable {
  var informational: [Int] = []
  var informationalFields: [FieldBlock] = []
  var head: OriginResponseHead?
  var chunks: [ByteBuffer] = []
  var trailers: FieldBlock?
  var failure: OriginFailure?
  var headCount = 0

  var body: String { chunks.map { String(buffer: $0) }.joined() }
  var byteCount: Int { chunks.reduce(0) { $0 + $1.readableBytes } }
  var status: Int? { head?.status }
}

/// A receiver that writes everything down. Confined to its loop; `@unchecked` since tests hold it.
final class Recorder: OriginReceiver, @unchecked Sendable {
  let loop: any EventLoop
  var fetch: (any OriginFetch)?
  var outcome = Outcome()
  var grants = true
  /// The request's content, sent piece by piece as asked for; nil sends nothing when asked.
  var pieces: [String]?
  var trailers: FieldBlock?
  /// Whether the content ends behind the last piece.
  var endsContent = true
  private let done: EventLoopPromise<Outcome>
  private let headDone: EventLoopPromise<OriginResponseHead>
  private var waiters: [(bytes: Int, promise: EventLoopPromise<Void>)] = []

  init(loop: any EventLoop) {
    self.loop = loop
    done = loop.makePromise()
    headDone = loop.makePromise()
    headDone.futureResult.whenComplete { _ in }
  }

  deinit {
    // Of a cancelled fetch; nothing otherwise.
    headDone.fail(OriginFailure(.other))
    done.fail(OriginFailure(.other))
  }

  func finished() async throws -> Outcome { try await done.futureResult.get() }
  func head() async throws -> OriginResponseHead { try await headDone.futureResult.get() }

  /// Waits until this many bytes of content came.
  func received(_ bytes: Int) async throws {
    try await loop.flatSubmit { [self] in
      let promise = loop.makePromise(of: Void.self)
      waiters.append((bytes, promise))
      wakeWaiters()
      return promise.futureResult
    }.get()
  }

  private func wakeWaiters() {
    let count = outcome.byteCount
    waiters.removeAll { waiter in
      guard count >= waiter.bytes else { return false }
      waiter.promise.succeed(())
      return true
    }
  }

  func originInformational(status: Int, fields: FieldBlock) {
    loop.preconditionInEventLoop()
    outcome.informational.append(status)
    outcome.informationalFields.append(fields)
  }

  func originHead(_ head: OriginResponseHead) {
    outcome.head = head
    outcome.headCount += 1
    headDone.succeed(head)
  }

  func originChunk(_ chunk: ByteBuffer) {
    loop.preconditionInEventLoop()
    outcome.chunks.append(chunk)
    wakeWaiters()
    if grants { fetch?.grant(chunk.readableBytes) }
  }

  func originEnd(trailers: FieldBlock?) {
    outcome.trailers = trailers
    finish()
  }

  func originFailed(_ failure: OriginFailure) {
    outcome.failure = failure
    finish()
  }

  func originWantsBody() {
    guard pieces != nil else { return }
    if pieces?.isEmpty == true {
      if endsContent { fetch?.endBody(trailers: trailers) }
    } else if let piece = pieces?.removeFirst() {
      fetch?.sendBody(ByteBuffer(string: piece))
    }
  }

  private func finish() {
    fetch = nil
    headDone.fail(outcome.failure ?? OriginFailure(.other))
    for waiter in waiters { waiter.promise.fail(outcome.failure ?? OriginFailure(.other)) }
    waiters = []
    done.succeed(outcome)
  }
}

/// A transport over the group's loops, for the length of `body`.
struct Edge: Sendable {
  let transport: CurlTransport
  let loops: [any EventLoop]

  func start(
    _ method: String = "GET", _ target: String = "/", origin: Int = 0, authority: String = "",
    fields: [(String, String)] = [], framing: BodyFraming = .none,
    asksForWebSocket: Bool = false, loop index: Int = 0,
    set: @escaping @Sendable (Recorder) -> Void = { _ in }
  ) async throws -> Recorder {
    var block = FieldBlock()
    for (name, value) in fields { block.append(name, value) }
    let name = ByteBuffer(string: method)
    var request = OriginRequest(
      origin: origin, method: name.withUnsafeReadableBytes { RequestMethod($0) },
      methodName: name, target: ByteBuffer(string: target),
      authority: ByteBuffer(string: authority), fields: block, framing: framing)
    request.asksForWebSocket = asksForWebSocket
    let loop = loops[index]
    return try await loop.submit { [transport, request] in
      let recorder = Recorder(loop: loop)
      set(recorder)
      recorder.fetch = transport.fetch(request, on: loop, receiver: recorder)
      return recorder
    }.get()
  }

  func get(_ target: String = "/") async throws -> Outcome {
    try await start("GET", target).finished()
  }
}

func withEdge<Result>(
  ports: [Int], loops count: Int = 1, set: (inout Configuration) -> Void = { _ in },
  _ body: (Edge) async throws -> Result
) async throws -> Result {
  let servers = ports.map { Configuration.Server(.http, host: "127.0.0.1", port: $0) }
  var configuration = Configuration(origins: [Configuration.Origin(name: "api", servers: servers)])
  set(&configuration)
  let group = MultiThreadedEventLoopGroup(numberOfThreads: count)
  let loops = Array(group.makeIterator())
  let transport = try CurlTransport(configuration: configuration, eventLoops: loops)
  do {
    let result = try await body(Edge(transport: transport, loops: loops))
    transport.shutdown()
    try await group.shutdownGracefully()
    return result
  } catch {
    transport.shutdown()
    try? await group.shutdownGracefully()
    throw error
  }
}

/// The same with a scripted origin that is stopped afterwards.
func withOrigin<Result>(
  loops: Int = 1, set: (inout Configuration) -> Void = { _ in },
  script: @escaping @Sendable (ScriptedConnection) -> Void,
  _ body: (Edge, ScriptedServer) async throws -> Result
) async throws -> Result {
  let server = try ScriptedServer(script)
  defer { server.stop() }
  return try await withEdge(ports: [server.port], loops: loops, set: set) { edge in
    try await body(edge, server)
  }
}
