import Synchronization

/// Evaluates the alerts over a sliding window, so that an hour of good days does not hide a bad
/// minute: it keeps the sums of the last few moments and looks at what came since the oldest.
///
/// Owner: whoever ticks, usually one loop's timer; readings are for any thread. Memory: a snapshot
/// of the loops' sums each tick, some 140 KiB, ``slotCount`` of them.
public final class AlertMonitor: Sendable {
  /// Seconds between two ticks.
  public static let tickSeconds = 30
  /// Ticks that a window has: five minutes.
  public static let slotCount = 10

  private struct State {
    var slots: [MetricsSnapshot] = []
    var readings: [AlertReading] = []
  }

  private let metrics: Metrics
  private let memoryShare: @Sendable () -> Double?
  private let fragmentation: @Sendable () -> Double?
  private let rules: [AlertRule]
  private let state = Mutex(State())

  /// A monitor of these metrics.
  /// - Parameters:
  ///   - memoryShare: the share of its memory that the process uses; nil when that is unknown.
  ///   - fragmentation: the share of the heap that is wasted; nil when that is unknown.
  public init(
    metrics: Metrics, rules: [AlertRule] = AlertRule.all,
    memoryShare: @escaping @Sendable () -> Double?,
    fragmentation: @escaping @Sendable () -> Double?
  ) {
    self.metrics = metrics
    self.rules = rules
    self.memoryShare = memoryShare
    self.fragmentation = fragmentation
  }

  /// Ends a slot of the window and evaluates all alerts.
  /// - Returns: the alerts whose state has changed since the last tick.
  @discardableResult
  public func tick() -> [AlertReading] {
    let now = metrics.snapshot()
    let oldest = state.withLock { $0.slots.first }
    let readings = evaluate(now, since: oldest)
    return state.withLock { state in
      let former = state.readings
      state.slots.append(now)
      if state.slots.count > AlertMonitor.slotCount { state.slots.removeFirst() }
      state.readings = readings
      return readings.filter { reading in
        let last = former.first { $0.rule.quantity == reading.rule.quantity }?.state ?? .ok
        return last != reading.state
      }
    }
  }

  /// The alerts as they stand now, over the window that ends now. O(histogram buckets).
  public func readings() -> [AlertReading] {
    evaluate(metrics.snapshot(), since: state.withLock { $0.slots.first })
  }

  /// Adds the alerts to the metrics, as states and as values.
  public func register() {
    metrics.registerGauge(
      name: "edge_alert_state", help: "State of an alert: 0 ok, 1 warning, 2 critical."
    ) { [self] in
      readings().map {
        Metrics.Sample($0.state.rawValue, labels: [MetricLabel("alert", $0.rule.quantity.rawValue)])
      }
    }
    metrics.registerGauge(
      name: "edge_alert_value",
      help: "The quantity that an alert watches, over the last five minutes."
    ) { [self] in
      readings().compactMap { reading in
        reading.value.map {
          Metrics.Sample($0, labels: [MetricLabel("alert", reading.rule.quantity.rawValue)])
        }
      }
    }
  }

  private func evaluate(
    _ now: MetricsSnapshot, since oldest: MetricsSnapshot?
  ) -> [AlertReading] {
    rules.map { rule in
      let value = value(of: rule, now, since: oldest)
      return AlertReading(
        rule: rule, value: value, state: value.map { rule.state(of: $0) } ?? .ok)
    }
  }

  private func value(
    of rule: AlertRule, _ now: MetricsSnapshot, since oldest: MetricsSnapshot?
  ) -> Double? {
    func difference(_ read: (MetricsSnapshot) -> Int) -> Int {
      read(now) - (oldest.map(read) ?? 0)
    }
    func ratio(_ part: (MetricsSnapshot) -> Int, of whole: (MetricsSnapshot) -> Int) -> Double? {
      let all = difference(whole)
      return all < max(1, rule.leastSamples) ? nil : Double(difference(part)) / Double(all)
    }
    switch rule.quantity {
    case .hitRatio:
      return ratio(
        { $0.cacheableRequests - $0[.miss] }, of: { $0.cacheableRequests })
    case .originFailures: return ratio({ $0[.originFailures] }, of: { $0[.originFetches] })
    case .hitLatencyP95: return latency(95, rule, now, since: oldest)
    case .hitLatencyP99: return latency(99, rule, now, since: oldest)
    case .memory: return memoryShare()
    case .fragmentation: return fragmentation()
    }
  }

  private func latency(
    _ percent: Double, _ rule: AlertRule, _ now: MetricsSnapshot, since oldest: MetricsSnapshot?
  ) -> Double? {
    let kind = LatencyKind.hit.rawValue
    let histogram = now.latencies[kind]
    let count = histogram.count - (oldest?.latencies[kind].count ?? 0)
    guard count >= max(1, rule.leastSamples) else { return nil }
    return Double(histogram.nanoseconds(atPercentile: percent, since: oldest?.latencies[kind]))
      / 1e9
  }
}

extension LatencyHistogram {
  /// The latency that `percent` of what came after `earlier`, an older state of the same
  /// histogram, stay within; 0 when nothing came.
  func nanoseconds(atPercentile percent: Double, since earlier: LatencyHistogram?) -> Int64 {
    guard let earlier else { return nanoseconds(atPercentile: percent) }
    let total = count - earlier.count
    guard total > 0 else { return 0 }
    let wanted = max(1, Int((Double(total) * percent / 100).rounded(.up)))
    var seen = 0
    for bucket in values.recordedValues() {
      seen += Int(bucket.count) - Int(earlier.values.countForValue(bucket.value))
      if seen >= wanted { return Int64(values.highestEquivalentForValue(bucket.value)) }
    }
    return LatencyHistogram.longestNanoseconds
  }
}
