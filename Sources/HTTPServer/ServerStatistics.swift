import HTTPMessage
import Synchronization

/// What the connections of one event loop have done so far.
///
/// Counted on that loop, readable from any thread at any time. The loop is the only writer, so a
/// count is a plain load and a plain store: no locked instruction stands in the way of a hit.
public final class ServerStatistics: Sendable {
  /// A number that one thread counts and any thread reads.
  public struct Counter: ~Copyable, Sendable {
    private let count = Atomic<Int>(0)

    init() {}

    /// The count so far.
    public var value: Int { count.load(ordering: .relaxed) }

    /// Counts `amount` more; only on the loop that owns the counter.
    @inline(__always)
    func add(_ amount: Int = 1) {
      count.store(count.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
  }

  /// Connections accepted.
  public let accepted = Counter()
  /// Connections turned away because there were too many, of all clients or of one address.
  public let rejected = Counter()
  /// Connections that have ended.
  public let closed = Counter()
  /// Requests whose heads were read whole.
  public let requests = Counter()
  /// Bytes that came from clients.
  public let bytesIn = Counter()
  /// Bytes handed to the kernel's side for clients.
  public let bytesOut = Counter()
  /// Connections closed because nothing came between two requests.
  public let idleTimeouts = Counter()
  /// Connections reset because the client took nothing.
  public let sendTimeouts = Counter()
  /// Connections reset because the client took too few bytes for too long.
  public let slowReaders = Counter()
  /// Connections that were switched to the WebSocket protocol.
  public let webSockets = Counter()
  /// Those of them that have ended.
  public let webSocketsClosed = Counter()
  /// Those that ended because no byte passed for too long.
  public let webSocketIdleTimeouts = Counter()
  /// Errors while accepting, such as too many open files.
  public let acceptErrors = Counter()
  /// TLS handshakes that came to their end.
  public let handshakes = Counter()
  /// TLS handshakes that failed, clients that left meanwhile among them.
  public let handshakeFailures = Counter()
  /// TLS handshakes that took too long.
  public let handshakeTimeouts = Counter()
  /// What the HTTP/2 connections have done beside that.
  public let http2 = HTTP2Statistics()
  private let faultCounts = Mutex<[RequestFault: Int]>([:])

  /// Statistics that start at zero.
  public init() {}

  /// Connections open now.
  public var open: Int { accepted.value - closed.value }

  /// Faults so far by kind, time-outs of heads and content among them.
  public var faults: [RequestFault: Int] { faultCounts.withLock { $0 } }

  func count(_ fault: RequestFault) { faultCounts.withLock { $0[fault, default: 0] += 1 } }
}
