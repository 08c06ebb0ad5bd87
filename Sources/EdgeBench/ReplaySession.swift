import Histogram
import NIOCore
import NIOPosix

/// Sends a trace's requests over a fixed number of keep-alive connections.
///
/// Everything here, connections included, is confined to one event loop. Connections take the next
/// request from one cursor, so that one connection replays the trace in its exact order. Bounded:
/// one request under way a connection, a time limit for each request and for the whole, and a
/// limit of failures in a row.
final class ReplaySession {
  /// What to send, where to, and how long at most.
  struct Configuration: Sendable {
    var trace: Trace
    var authority: String
    var address: SocketAddress
    var connectionCount: Int
    var passCount: Int
    var requestTimeout: TimeAmount
    var timeLimit: TimeAmount
    /// Whether to compare body sizes with the trace's.
    var checksSizes = true

    /// The number of requests of all passes together.
    var requestCount: Int { trace.requests.count * passCount }
  }

  /// After so many failures in a row the server counts as gone.
  static let consecutiveFailureLimit = 50

  private let configuration: Configuration
  private let loop: any EventLoop
  private let done: EventLoopPromise<ReplayReport>
  private var connections: [ObjectIdentifier: ReplayConnection] = [:]
  private var openCount = 0
  private var cursor = 0
  private var consecutiveFailures = 0
  private var isOver = false
  private var report = ReplayReport()
  private let startedAt: NIODeadline
  private var ticker: RepeatedTask?

  /// Makes a session; call on `loop`.
  init(_ configuration: Configuration, loop: any EventLoop) {
    loop.preconditionInEventLoop()
    self.configuration = configuration
    self.loop = loop
    self.done = loop.makePromise(of: ReplayReport.self)
    self.startedAt = .now()
  }

  /// Opens the connections; the report comes when the last request has ended.
  func start() -> EventLoopFuture<ReplayReport> {
    let bound = NIOLoopBound(self, eventLoop: loop)
    let tick = TimeAmount.milliseconds(100)
    ticker = loop.scheduleRepeatedTask(initialDelay: tick, delay: tick) { _ in
      bound.value.enforceTimeLimits()
    }
    for _ in 0..<min(configuration.connectionCount, configuration.requestCount) { open() }
    return done.futureResult
  }

  // MARK: Called by connections

  /// The next request's object; nil when there is none left.
  func nextObject() -> Trace.Object? {
    guard !isOver, cursor < configuration.requestCount else { return nil }
    let requests = configuration.trace.requests
    let object = configuration.trace.objects[Int(requests[cursor % requests.count])]
    cursor += 1
    return object
  }

  /// The bytes of a GET request for `object`.
  func requestHead(_ object: Trace.Object, allocator: ByteBufferAllocator) -> ByteBuffer {
    var buffer = allocator.buffer(capacity: 128 + object.path.utf8.count)
    buffer.writeString("GET ")
    buffer.writeString(object.path)
    buffer.writeString(" HTTP/1.1\r\nHost: ")
    buffer.writeString(configuration.authority)
    buffer.writeString("\r\nUser-Agent: edge-bench\r\nAccept: */*\r\n\r\n")
    return buffer
  }

  /// Takes the result of one request.
  func record(_ summary: ResponseSummary, of object: Trace.Object, latency: TimeAmount) {
    consecutiveFailures = 0
    let expected = configuration.checksSizes ? object.sizeBytes : nil
    report.record(summary, expectedBytes: expected, latency: latency)
  }

  /// Takes the failure of one request.
  func record(_ failure: ReplayReport.Failure) {
    report.record(failure)
    consecutiveFailures += 1
    if consecutiveFailures >= Self.consecutiveFailureLimit {
      stop(because: "\(consecutiveFailures) failures in a row, the last: \(failure.rawValue)")
    }
  }

  /// Adds a connection that became active.
  func opened(_ connection: ReplayConnection) {
    connections[ObjectIdentifier(connection)] = connection
  }

  /// Takes back a connection that has closed; opens another while requests are left.
  func closed(_ connection: ReplayConnection) {
    connections[ObjectIdentifier(connection)] = nil
    connectionEnded()
  }

  // MARK: Connections

  private func connectionEnded() {
    openCount -= 1
    if !isOver, cursor < configuration.requestCount {
      open()
    } else if openCount == 0 {
      finish()
    }
  }

  private func open() {
    openCount += 1
    let bound = NIOLoopBound(self, eventLoop: loop)
    ClientBootstrap(group: loop)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .connectTimeout(.seconds(5))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ReplayConnection(session: bound.value))
        }
      }
      .connect(to: configuration.address)
      .whenFailure { _ in
        let session = bound.value
        session.record(.connect)
        session.connectionEnded()
      }
  }

  private func enforceTimeLimits() {
    let now = NIODeadline.now()
    if now - startedAt > configuration.timeLimit {
      stop(because: "the time limit was reached")
      return
    }
    for connection in connections.values
    where connection.waited(until: now) > configuration.requestTimeout {
      connection.timeOut()
    }
  }

  private func stop(because reason: String) {
    guard !isOver else { return }
    isOver = true
    report.stopReason = reason
    for connection in connections.values { connection.abandon() }
  }

  private func finish() {
    ticker?.cancel()
    report.elapsed = .now() - startedAt
    report.unsentCount = configuration.requestCount - cursor
    done.succeed(report)
  }
}
