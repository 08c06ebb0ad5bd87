import Testing

@testable import Observability

struct PrometheusTextTests {
  private func lines(_ metrics: Metrics) -> [String] {
    metrics.prometheusText().split(separator: "\n").map(String.init)
  }

  @Test func countersAppearWithTheirLabels() {
    let metrics = Metrics(loopCount: 1)
    metrics.loops[0].count(.hit, by: 7)
    metrics.loops[0].countStatus(204)
    let lines = lines(metrics)
    #expect(lines.contains("# TYPE edge_requests_total counter"))
    #expect(lines.contains(#"edge_requests_total{result="hit"} 7"#))
    #expect(lines.contains(#"edge_requests_total{result="miss"} 0"#))
    #expect(lines.contains(#"edge_responses_total{class="2xx"} 1"#))
  }

  @Test func familiesStandTogetherUnderOneHeading() {
    let metrics = Metrics(loopCount: 1)
    metrics.loops[0].recordLatency(.hit, nanoseconds: 1_000_000)
    metrics.loops[0].recordLatency(.miss, nanoseconds: 1_000_000)
    metrics.registerGauge(name: "edge_store_objects", help: "Objects.") {
      [.init(1, labels: [MetricLabel("tier", "memory")])]
    }
    metrics.registerGauge(name: "edge_log", help: "Other.") { [.init(0.5)] }
    metrics.registerGauge(name: "edge_store_objects", help: "Objects.") {
      [.init(2, labels: [MetricLabel("tier", "disk")])]
    }
    var seen: Set<String> = []
    var current = ""
    for line in lines(metrics) {
      if line.hasPrefix("# HELP ") {
        current = String(line.split(separator: " ")[2])
        #expect(seen.insert(current).inserted, "\(current) has two headings")
      } else if !line.hasPrefix("#") {
        #expect(line.hasPrefix(current))
      }
    }
    #expect(seen.contains("edge_store_objects"))
  }

  @Test func everyLineIsWellFormed() throws {
    let metrics = Metrics(loopCount: 2)
    metrics.loops[0].recordLatency(.firstByte, nanoseconds: 1_234_567)
    metrics.loops[0].count(.hit)
    let line = try Regex(
      #"[a-z][a-z0-9_]*(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? (-?[0-9.e+-]+|NaN|[+-]Inf)"#)
    for text in lines(metrics) where !text.hasPrefix("#") {
      #expect(try line.wholeMatch(in: text) != nil, "\(text)")
    }
    #expect(metrics.prometheusText().hasSuffix("\n"))
  }

  @Test func bucketsAreCumulativeAndEndAtTheCount() {
    let metrics = Metrics(loopCount: 1)
    for milliseconds in [1, 2, 20, 200, 120_000] as [Int64] {
      metrics.loops[0].recordLatency(.miss, nanoseconds: milliseconds * 1_000_000)
    }
    let lines = lines(metrics)
    let prefix = #"edge_request_duration_seconds_bucket{result="miss",le="#
    let counts = lines.filter { $0.hasPrefix(prefix) }.compactMap {
      $0.split(separator: " ").last.flatMap { Int($0) }
    }
    #expect(counts == counts.sorted())
    #expect(counts.count == PrometheusText.bucketMicroseconds.count + 1)
    #expect(counts.last == 5)
    #expect(lines.contains(#"edge_request_duration_seconds_bucket{result="miss",le="0.1"} 3"#))
    #expect(lines.contains(#"edge_request_duration_seconds_bucket{result="miss",le="60"} 4"#))
    #expect(lines.contains(#"edge_request_duration_seconds_count{result="miss"} 5"#))
    #expect(lines.contains(#"edge_request_duration_seconds_sum{result="miss"} 120.223"#))
  }

  @Test func labelValuesAndHelpAreEscaped() {
    let metrics = Metrics(loopCount: 1)
    metrics.registerGauge(name: "edge_x", help: "a\\b\nc") {
      [.init(1, labels: [MetricLabel("origin", "q\"\\\n")])]
    }
    let text = metrics.prometheusText()
    #expect(text.contains("# HELP edge_x a\\\\b\\nc\n"))
    #expect(text.contains("edge_x{origin=\"q\\\"\\\\\\n\"} 1\n"))
  }
}
