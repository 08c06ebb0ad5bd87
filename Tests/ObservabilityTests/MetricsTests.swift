import Testing

@testable import Observability

struct MetricsTests {
  @Test func countersOfAllLoopsAddUp() {
    let metrics = Metrics(loopCount: 3)
    for loop in metrics.loops { loop.count(.hit) }
    metrics.loops[1].count(.responseBytes, by: 1_000)
    metrics.loops[2].count(.responseBytes, by: 24)
    let snapshot = metrics.snapshot()
    #expect(snapshot[.hit] == 3)
    #expect(snapshot[.responseBytes] == 1_024)
    #expect(snapshot[.miss] == 0)
    #expect(snapshot.requests == 3)
  }

  @Test func everyCounterHasItsOwnSeries() {
    let series = MetricCounter.allCases.map {
      $0.declaration.name + $0.declaration.labels.map { "{\($0.name)=\($0.value)}" }.joined()
    }
    #expect(Set(series).count == MetricCounter.allCases.count)
    for counter in MetricCounter.allCases {
      #expect(counter.declaration.name.hasPrefix("edge_"))
      #expect(counter.declaration.name.hasSuffix("_total"))
      #expect(counter.declaration.help.hasSuffix("."))
      #expect(counter.declaration.kind == .counter)
    }
  }

  @Test func seriesOfAFamilyShareHelpAndLabelNames() {
    let families = Dictionary(
      grouping: Metrics(loopCount: 1).declarations.filter { $0.kind == .counter }, by: \.name)
    for (name, members) in families {
      #expect(Set(members.map(\.help)).count == 1, "\(name)")
      #expect(Set(members.map { $0.labels.map(\.name) }).count == 1, "\(name)")
    }
  }

  @Test func statusOutsideTheClassesIsNotLost() {
    let loop = LoopMetrics()
    for status in [100, 199, 200, 404, 599, 600, 0, -1, 99] { loop.countStatus(status) }
    #expect((0...5).map { loop.statusCount(class: $0) } == [4, 2, 1, 0, 1, 1])
  }

  @Test func hitRatioLeavesOutPassedRefusedAndFailedRequests() {
    let metrics = Metrics(loopCount: 1)
    #expect(metrics.snapshot().hitRatio == nil)
    let loop = metrics.loops[0]
    loop.count(.hit, by: 6)
    loop.count(.stale)
    loop.count(.refreshHit)
    loop.count(.miss, by: 2)
    loop.count(.pass, by: 100)
    loop.count(.error, by: 100)
    loop.count(.refused, by: 100)
    #expect(metrics.snapshot().hitRatio == 0.8)
    #expect(metrics.snapshot().requests == 310)
  }

  @Test func byteHitRatioNeverExceedsOne() {
    let metrics = Metrics(loopCount: 1)
    #expect(metrics.snapshot().byteHitRatio == nil)
    metrics.loops[0].count(.responseBytes, by: 100)
    metrics.loops[0].count(.cachedResponseBytes, by: 25)
    #expect(metrics.snapshot().byteHitRatio == 0.25)
    metrics.loops[0].count(.cachedResponseBytes, by: 900)
    #expect(metrics.snapshot().byteHitRatio == 1)
  }

  @Test func percentilesHoldToOnePercent() throws {
    let metrics = Metrics(loopCount: 2)
    for microseconds in 1...10_000 {
      metrics.loops[microseconds % 2].recordLatency(
        .hit, nanoseconds: Int64(microseconds) * 1_000)
    }
    let snapshot = metrics.snapshot()
    #expect(snapshot.latencyCount(.hit) == 10_000)
    let median = try #require(snapshot.latency(.hit, percentile: 50))
    #expect(abs(median - 5_000_000) <= 60_000)
    let tail = try #require(snapshot.latency(.hit, percentile: 99))
    #expect(abs(tail - 9_900_000) <= 100_000)
    #expect(snapshot.latency(.miss, percentile: 50) == nil)
  }

  @Test func absurdLatenciesAreBoundedNotLost() {
    let loop = LoopMetrics()
    loop.recordLatency(.other, nanoseconds: -5)
    loop.recordLatency(.other, nanoseconds: .max)
    loop.recordLatency(.other, nanoseconds: LatencyHistogram.longestNanoseconds)
    #expect(loop.latencies(of: .other).count == 3)
    #expect(loop.latencies(of: .other).sumNanoseconds == 2 * LatencyHistogram.longestNanoseconds)
  }
}
