import CachePolicy
import CacheStore
import HTTPMessage
import Logging
import NIOCore
import NIOEmbedded
import Observability
import Synchronization
import Testing

@testable import EdgeProxy

/// The whole request path on a clock moved by hand, with a scripted origin and scripted clients.
final class SimulatedEdge {
  /// Now, in seconds since 1970.
  var now: Int64 = 1_800_000_000
  let eventLoop = EmbeddedEventLoop()
  let origin = ScriptedTransport()
  let store: Store
  let metrics = Metrics(loopCount: 1)
  private(set) var proxy: ProxyLoop!

  init(
    _ rules: PolicyRules = PolicyRules(), coalesceTimeout: TimeAmount = .seconds(10),
    rangeFetching: RangeFetching = .part, largestObjectBytes: Int = 1 << 20,
    tagFields: [String] = [], compression: CompressionRules? = nil, routes: [Route]? = nil,
    purge: PurgeAccess? = nil, allowsWebSocket: Bool = false, disk: String? = nil
  ) throws {
    store = try Store(
      configuration: Store.Configuration(
        memoryBytes: 16 << 20, largestMemoryObjectBytes: 1 << 20,
        disk: disk.map { DiskTier.Configuration(path: $0, sizeBytes: 256 << 20) }),
      logger: Logger(label: "test"))
    let pattern = try #require(RoutePattern("/*"))
    let route = Route(
      pattern: pattern, origin: 0, rules: rules, coalesceTimeout: coalesceTimeout,
      tagFields: tagFields.map { Array($0.utf8) }, rangeFetching: rangeFetching,
      compression: compression, allowsWebSocket: allowsWebSocket)
    var configuration = ProxyConfiguration(routes: routes ?? [route])
    configuration.largestMemoryObjectBytes = largestObjectBytes
    configuration.purge = purge
    let shared = ProxyShared(configuration: configuration, store: store, transport: origin)
    proxy = ProxyLoop(
      shared: shared, eventLoop: eventLoop,
      clock: LoopClock { [unowned self] in (now * 1_000_000_000, now * 1_000_000_000) },
      metrics: metrics.loops[0], accessLog: nil)
  }

  /// Sends a request with these pieces of content; the client shows what comes back.
  @discardableResult
  func request(_ text: String, content: [String] = []) throws -> SimulatedClient {
    let client = SimulatedClient(eventLoop: eventLoop)
    client.content = content
    try send(text, to: client)
    return client
  }

  /// Sends a request of this client.
  func send(_ text: String, to client: SimulatedClient) throws {
    var parser = HTTP1RequestParser(limits: HeadLimits())
    var buffer = ByteBuffer(string: text.replacing("\n", with: "\r\n") + "\r\n")
    let head = try #require(try parser.parse(&buffer, isSecure: false))
    client.exchange = proxy.respond(to: head, writer: client)
  }

  /// Sends a GET for `path` with more header lines.
  @discardableResult
  func get(_ path: String, _ fields: String = "") throws -> SimulatedClient {
    try request("GET \(path) HTTP/1.1\nHost: a\n\(fields)")
  }

  /// A GET that misses and is answered at once.
  @discardableResult
  func fill(_ path: String, _ fields: String, body: String = "body") throws -> SimulatedClient {
    let client = try get(path)
    try origin.last.answer(200, fields, body)
    return client
  }
}

/// A client that notes what it is sent.
final class SimulatedClient: ResponseWriter {
  let eventLoop: any EventLoop
  var exchange: ProxyExchange?
  var status = 0
  var fields = FieldBlock()
  var framing: ResponseFraming?
  var body = ""
  /// The same, byte for byte.
  var bytes: [UInt8] = []
  var isFinished = false
  var isAborted = false
  var isWritable = true
  var informational: [Int] = []
  var remoteAddress: SocketAddress? { try? SocketAddress(ipAddress: "192.0.2.7", port: 1) }
  var contentBytesWritten: Int { body.utf8.count }

  init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  func writeInformational(status: Int, fields: FieldBlock) { informational.append(status) }

  func start(
    status: Int, storedLines: UnsafeRawBufferPointer, addedLines: UnsafeRawBufferPointer,
    framing: ResponseFraming
  ) {
    #expect(self.status == 0, "a second head")
    self.status = status
    self.framing = framing
    var lines = ByteBuffer(bytes: storedLines)
    lines.writeBytes(addedLines)
    fields = FieldBlock(lines: lines)
  }

  /// Whether the connection was switched over; `fields` are those of the 101.
  var isSwitched = false

  func startWebSocket(lines: UnsafeRawBufferPointer) {
    #expect(status == 0, "a second head")
    status = 101
    isSwitched = true
    fields = FieldBlock(lines: ByteBuffer(bytes: lines))
  }

  /// Bytes after which it takes no more until the test says so.
  var takesBytes = Int.max

  func write(bytes: UnsafeRawBufferPointer) {
    body += bytes.text
    self.bytes += bytes
    if self.bytes.count >= takesBytes { isWritable = false }
  }
  func write(_ chunk: ByteBuffer) { chunk.withUnsafeReadableBytes { write(bytes: $0) } }

  func finish(trailers: FieldBlock?) {
    #expect(!isFinished && !isAborted, "a second end")
    isFinished = true
  }

  func abort() {
    #expect(!isFinished && !isAborted, "a second end")
    isAborted = true
  }

  /// Pieces of the request's content that are still to be asked for.
  var content: [String] = []

  func requestBodyChunk() {
    let piece = content.isEmpty ? nil : ByteBuffer(string: content.removeFirst())
    // The exchange is known once `respond` has returned; the loop comes later than that.
    let client = UncheckedClient(self)
    eventLoop.execute {
      if let piece {
        client.client.exchange?.receiveBody(piece)
      } else {
        client.client.exchange?.receiveBodyEnd(trailers: nil)
      }
    }
  }

  /// X-Cache without the edge's name.
  var result: String? { fields.text(.xCache)?.split(separator: " ").first.map(String.init) }
  /// Cache-Status' detail.
  var reason: String? {
    fields.text(.cacheStatus)?.components(after: "detail=")
  }
}

/// Carries a client into a closure of its own loop, which runs on the test's thread.
private struct UncheckedClient: @unchecked Sendable {
  let client: SimulatedClient
  init(_ client: SimulatedClient) { self.client = client }
}

extension FieldBlock {
  /// The first value of a field of this name.
  func text(named wanted: String) -> String? {
    var value: String?
    forEachLine { name, line, _ in
      if value == nil, name.text.lowercased() == wanted.lowercased() { value = line.text }
    }
    return value
  }
}

extension ByteBuffer {
  var text: String { String(buffer: self) }
}

extension String {
  func components(after marker: String) -> String? {
    guard let range = firstRange(of: marker) else { return nil }
    return String(self[range.upperBound...].prefix { $0 != ";" })
  }
}

/// An origin that a test plays.
final class ScriptedTransport: OriginTransport, @unchecked Sendable {
  // @unchecked: used on the test's thread alone.
  private(set) var fetches: [ScriptedFetch] = []

  var last: ScriptedFetch { get throws { try #require(fetches.last) } }

  func fetch(
    _ request: OriginRequest, on loop: any EventLoop, receiver: any OriginReceiver
  ) -> any OriginFetch {
    let fetch = ScriptedFetch(request, receiver)
    fetches.append(fetch)
    return fetch
  }
}

/// One fetch of a scripted origin.
final class ScriptedFetch: OriginFetch, @unchecked Sendable {
  // @unchecked: used on the test's thread alone.
  let request: OriginRequest
  private let receiver: any OriginReceiver
  private(set) var granted = 64 << 10
  private(set) var isCancelled = false

  init(_ request: OriginRequest, _ receiver: any OriginReceiver) {
    self.request = request
    self.receiver = receiver
  }

  func grant(_ bytes: Int) { granted += bytes }
  private(set) var content = ""
  private(set) var isContentComplete = false

  func sendBody(_ chunk: ByteBuffer) { content += String(buffer: chunk) }
  func endBody(trailers: FieldBlock?) { isContentComplete = true }

  /// The transport takes a piece of the request's content.
  func want() { receiver.originWantsBody() }

  /// Takes the request's content, piece by piece, until it ends.
  func takeContent(on loop: EmbeddedEventLoop) {
    for _ in 0..<100 where !isContentComplete {
      receiver.originWantsBody()
      loop.run()
    }
  }

  /// Sends an interim response.
  func interim(_ status: Int, _ name: String, _ value: String) {
    var block = FieldBlock()
    block.append(name, value)
    receiver.originInformational(status: status, fields: block)
  }
  func cancel() { isCancelled = true }

  /// Sends a head; `fields` are lines without CR LF.
  func head(_ status: Int, _ fields: String = "", length: Int? = nil) {
    var block = FieldBlock()
    for line in fields.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      block.append(String(parts[0]), parts[1].trimmingPrefix(" ").description)
    }
    if let length { block.append("Content-Length", "\(length)") }
    receiver.originHead(
      OriginResponseHead(status: status, fields: block, contentLength: length))
  }

  func chunk(_ bytes: [UInt8]) {
    if !isCancelled { receiver.originChunk(ByteBuffer(bytes: bytes)) }
  }

  func chunk(_ text: String) {
    if !isCancelled { receiver.originChunk(ByteBuffer(string: text)) }
  }

  func end() {
    if !isCancelled { receiver.originEnd(trailers: nil) }
  }

  func fail(_ kind: OriginFailure.Kind) {
    if !isCancelled { receiver.originFailed(OriginFailure(kind)) }
  }

  /// Head, body and end in one go.
  func answer(_ status: Int, _ fields: String = "", _ body: String = "") {
    head(status, fields, length: body.utf8.count)
    if !body.isEmpty { chunk(body) }
    end()
  }
}
