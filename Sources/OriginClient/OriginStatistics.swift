import HTTPMessage
import Synchronization

/// The counters of one origin, written by the transport's threads, read by metrics from any thread.
///
/// Counts only grow; ``active`` and ``queued`` are states of this moment.
public final class OriginStatistics: Sendable {
  /// The origin's name.
  public let name: String
  let fetchCount = Atomic<Int>(0)
  let responseCount = Atomic<Int>(0)
  let connectionCount = Atomic<Int>(0)
  let idleCloseCount = Atomic<Int>(0)
  let failoverCount = Atomic<Int>(0)
  let activeCount = Atomic<Int>(0)
  let queuedCount = Atomic<Int>(0)
  private let failureCounts: [FailureCounter]

  init(name: String) {
    self.name = name
    failureCounts = OriginFailure.Kind.allCases.map { FailureCounter(kind: $0) }
  }

  /// Fetches asked for.
  public var fetches: Int { fetchCount.load(ordering: .relaxed) }
  /// Fetches that ended with a complete response.
  public var responses: Int { responseCount.load(ordering: .relaxed) }
  /// Connections opened.
  public var connectionsOpened: Int { connectionCount.load(ordering: .relaxed) }
  /// Idle connections dropped because the origin closed them or sent bytes nobody asked for.
  public var idleConnectionsDropped: Int { idleCloseCount.load(ordering: .relaxed) }
  /// Fetches that went on to another server because one could not be connected to.
  public var failovers: Int { failoverCount.load(ordering: .relaxed) }
  /// Fetches under way.
  public var active: Int { activeCount.load(ordering: .relaxed) }
  /// Fetches waiting for a place in the pool.
  public var queued: Int { queuedCount.load(ordering: .relaxed) }

  /// Fetches that failed for this reason.
  public func failures(_ kind: OriginFailure.Kind) -> Int {
    failureCounts.first { $0.kind == kind }?.count.load(ordering: .relaxed) ?? 0
  }

  /// The failures of every kind, in the kinds' order.
  public var failures: [(kind: OriginFailure.Kind, count: Int)] {
    failureCounts.map { ($0.kind, $0.count.load(ordering: .relaxed)) }
  }

  func countFailure(_ kind: OriginFailure.Kind) {
    failureCounts.first { $0.kind == kind }?.count.increment()
  }
}

private final class FailureCounter: Sendable {
  let kind: OriginFailure.Kind
  let count = Atomic<Int>(0)

  init(kind: OriginFailure.Kind) { self.kind = kind }
}

extension Atomic where Value == Int {
  func increment() { wrappingAdd(1, ordering: .relaxed) }
  func decrement() { wrappingSubtract(1, ordering: .relaxed) }
}
