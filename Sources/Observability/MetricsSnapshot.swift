/// All loops' counters and latencies, added up at one moment.
public struct MetricsSnapshot: Sendable {
  var counters: [Int]
  var statusClasses: [Int]
  var latencies: [LatencyHistogram]

  /// Adds up `loops`.
  init(loops: [LoopMetrics]) {
    counters = MetricCounter.allCases.map { counter in
      loops.reduce(0) { $0 &+ $1.value(of: counter) }
    }
    statusClasses = (0...5).map { statusClass in
      loops.reduce(0) { $0 &+ $1.statusCount(class: statusClass) }
    }
    latencies = LatencyKind.allCases.map { kind in
      var sum = LatencyHistogram()
      for loop in loops { sum.add(loop.latencies(of: kind)) }
      return sum
    }
  }

  /// A counter's value since start.
  public subscript(counter: MetricCounter) -> Int { counters[counter.rawValue] }

  /// Responses of a class: 1 for 1xx to 5 for 5xx.
  public func responses(statusClass: Int) -> Int {
    1...5 ~= statusClass ? statusClasses[statusClass] : 0
  }

  /// Requests, however they ended.
  public var requests: Int { MetricCounter.requestResults.reduce(0) { $0 + self[$1] } }

  /// Requests that the store could have answered: all but passed, refused and failed ones.
  public var cacheableRequests: Int {
    self[.hit] + self[.stale] + self[.refreshHit] + self[.miss]
  }

  /// Share of cacheable requests answered with stored content (fresh, stale or revalidated);
  /// nil before the first.
  public var hitRatio: Double? {
    let all = cacheableRequests
    return all == 0 ? nil : Double(self[.hit] + self[.stale] + self[.refreshHit]) / Double(all)
  }

  /// Share of response content that came from the store; nil before the first byte.
  public var byteHitRatio: Double? {
    let all = self[.responseBytes]
    return all == 0 ? nil : min(1, Double(self[.cachedResponseBytes]) / Double(all))
  }

  /// Share of fetches from origins that failed; nil before the first.
  public var originFailureRatio: Double? {
    let all = self[.originFetches]
    return all == 0 ? nil : min(1, Double(self[.originFailures]) / Double(all))
  }

  /// How many latencies of a kind were recorded.
  public func latencyCount(_ kind: LatencyKind) -> Int { latencies[kind.rawValue].count }

  /// The latency in nanoseconds that `percent` (0 to 100) of a kind stay within; nil without any.
  public func latency(_ kind: LatencyKind, percentile percent: Double) -> Int64? {
    let histogram = latencies[kind.rawValue]
    return histogram.count == 0 ? nil : histogram.nanoseconds(atPercentile: percent)
  }
}
