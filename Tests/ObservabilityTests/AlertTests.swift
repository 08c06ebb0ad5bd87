import Testing

@testable import Observability

struct AlertTests {
  private func monitor(
    _ metrics: Metrics, memory: Double? = nil, fragmentation: Double? = nil
  ) -> AlertMonitor {
    AlertMonitor(metrics: metrics, memoryShare: { memory }, fragmentation: { fragmentation })
  }

  private func reading(_ quantity: AlertQuantity, _ monitor: AlertMonitor) throws -> AlertReading {
    try #require(monitor.readings().first { $0.rule.quantity == quantity })
  }

  @Test(arguments: [
    (AlertQuantity.hitRatio, 0.81, AlertRule.State.ok), (.hitRatio, 0.6, .ok),
    (.hitRatio, 0.59, .warning), (.hitRatio, 0.5, .warning), (.hitRatio, 0.49, .critical),
    (.hitLatencyP95, 0.010, .ok), (.hitLatencyP95, 0.011, .warning), (.hitLatencyP95, 9, .warning),
    (.hitLatencyP99, 0.050, .ok), (.hitLatencyP99, 0.051, .warning),
    (.hitLatencyP99, 0.101, .critical), (.memory, 0.8, .ok), (.memory, 0.81, .warning),
    (.memory, 0.91, .critical), (.fragmentation, 0.1, .ok), (.fragmentation, 0.11, .warning),
    (.originFailures, 0.06, .warning), (.originFailures, 0.26, .critical),
  ])
  func boundsAreWhatTheyAreDeclared(
    _ quantity: AlertQuantity, _ value: Double, _ state: AlertRule.State
  ) throws {
    let rule = try #require(AlertRule.all.first { $0.quantity == quantity })
    #expect(rule.state(of: value) == state)
  }

  @Test func everyQuantityHasOneRule() {
    #expect(AlertRule.all.map(\.quantity) == AlertQuantity.allCases)
  }

  @Test func tooFewSamplesTellNothing() throws {
    let metrics = Metrics(loopCount: 1)
    metrics.loops[0].count(.miss, by: 99)
    let monitor = monitor(metrics)
    #expect(try reading(.hitRatio, monitor).value == nil)
    #expect(try reading(.hitRatio, monitor).state == .ok)
    metrics.loops[0].count(.miss)
    #expect(try reading(.hitRatio, monitor).value == 0)
    #expect(try reading(.hitRatio, monitor).state == .critical)
  }

  @Test func onlyTheWindowCounts() throws {
    let metrics = Metrics(loopCount: 2)
    let monitor = monitor(metrics)
    metrics.loops[0].count(.hit, by: 100_000)
    for _ in 0..<1000 { metrics.loops[0].recordLatency(.hit, nanoseconds: 1_000_000) }
    #expect(monitor.tick().isEmpty)
    // A bad spell after good days.
    metrics.loops[1].count(.miss, by: 90)
    metrics.loops[1].count(.hit, by: 110)
    for _ in 0..<200 { metrics.loops[1].recordLatency(.hit, nanoseconds: 200_000_000) }
    let bad = try reading(.hitRatio, monitor)
    #expect(bad.value == 0.55 && bad.state == .warning)
    let slow = try reading(.hitLatencyP99, monitor)
    #expect(abs((slow.value ?? 0) - 0.2) < 0.004 && slow.state == .critical)
    #expect(
      Set(monitor.tick().map(\.rule.quantity)) == [.hitRatio, .hitLatencyP95, .hitLatencyP99])
    #expect(monitor.tick().isEmpty, "no change, no news")
    // It leaves the window after its slots have passed.
    for _ in 0..<AlertMonitor.slotCount {
      metrics.loops[0].count(.hit, by: 1000)
      for _ in 0..<1000 { metrics.loops[0].recordLatency(.hit, nanoseconds: 1_000_000) }
      monitor.tick()
    }
    #expect(try reading(.hitRatio, monitor).state == .ok)
    #expect(try reading(.hitLatencyP99, monitor).state == .ok)
  }

  @Test func percentilesOfADifferenceAreThoseOfWhatCame() {
    var histogram = LatencyHistogram()
    for value in 1...1000 { histogram.record(Int64(value) * 1_000_000) }
    let earlier = histogram
    for value in 2001...2100 { histogram.record(Int64(value) * 1_000_000) }
    let median = histogram.nanoseconds(atPercentile: 50, since: earlier)
    #expect(abs(Double(median) / 2_050e6 - 1) < 0.02)
    let last = histogram.nanoseconds(atPercentile: 100, since: earlier)
    #expect(abs(Double(last) / 2_100e6 - 1) < 0.02)
    #expect(histogram.nanoseconds(atPercentile: 50, since: histogram) == 0)
  }

  @Test func alertsAreMetrics() {
    let metrics = Metrics(loopCount: 1)
    let monitor = monitor(metrics, memory: 0.95, fragmentation: 0.2)
    monitor.register()
    let text = metrics.prometheusText()
    #expect(text.contains("edge_alert_state{alert=\"memory\"} 2\n"))
    #expect(text.contains("edge_alert_state{alert=\"fragmentation\"} 1\n"))
    #expect(text.contains("edge_alert_state{alert=\"hit_ratio\"} 0\n"))
    #expect(text.contains("edge_alert_value{alert=\"memory\"} 0.95\n"))
    #expect(!text.contains("edge_alert_value{alert=\"hit_ratio\"}"))
  }
}
