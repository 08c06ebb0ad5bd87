import Synchronization

/// The counters and latencies of one event loop.
///
/// Each loop writes its own, so the relaxed additions and the locks below never meet another
/// writer; a scrape reads them from outside and holds each lock for the copy of one reference.
/// Recording allocates nothing, save for the one copy of a histogram that a scrape is reading.
public final class LoopMetrics: Sendable {
  /// Room for every case of ``MetricCounter``; the initializer checks it.
  private let counters: InlineArray<48, Atomic<Int>>
  /// Responses by class: 1xx to 5xx, and anything else at 0.
  private let statusClasses: InlineArray<6, Atomic<Int>>
  private let latencies: InlineArray<4, Mutex<LatencyHistogram>>

  /// Metrics that all read zero.
  public init() {
    precondition(MetricCounter.allCases.count <= 48 && LatencyKind.allCases.count == 4)
    counters = InlineArray { _ in Atomic(0) }
    statusClasses = InlineArray { _ in Atomic(0) }
    latencies = InlineArray { _ in Mutex(LatencyHistogram()) }
  }

  /// Adds `amount` to a counter.
  public func count(_ counter: MetricCounter, by amount: Int = 1) {
    counters[counter.rawValue].wrappingAdd(amount, ordering: .relaxed)
  }

  /// Counts a response by the class of its status code.
  public func countStatus(_ status: Int) {
    let statusClass = status / 100
    statusClasses[1...5 ~= statusClass ? statusClass : 0].wrappingAdd(1, ordering: .relaxed)
  }

  /// Records how long something took.
  public func recordLatency(_ kind: LatencyKind, nanoseconds: Int64) {
    latencies[kind.rawValue].withLock { $0.record(nanoseconds) }
  }

  /// A counter's value. Counters are read one by one: two of them may differ by a request.
  public func value(of counter: MetricCounter) -> Int {
    counters[counter.rawValue].load(ordering: .relaxed)
  }

  /// Responses of one class; `0` for those outside 1 to 5.
  func statusCount(class statusClass: Int) -> Int {
    statusClasses[statusClass].load(ordering: .relaxed)
  }

  func latencies(of kind: LatencyKind) -> LatencyHistogram {
    latencies[kind.rawValue].withLock { $0 }
  }
}
