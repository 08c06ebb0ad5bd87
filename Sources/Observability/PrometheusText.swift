/// The Prometheus text exposition format 0.0.4, gathered by family: a family's lines must stand
/// together under one `# HELP` and one `# TYPE`, in whatever order its series arrive.
struct PrometheusText {
  /// Upper bounds of the latency buckets, in microseconds: from a hit to a slow origin.
  static let bucketMicroseconds: [UInt64] = [
    25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000,
    500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
  ]
  /// The quantiles exposed beside the buckets, at the histogram's own resolution of 1 %.
  static let quantiles: [(label: String, percent: Double)] = [
    ("0.5", 50), ("0.9", 90), ("0.99", 99), ("0.999", 99.9),
  ]

  static let responses = MetricDeclaration(
    name: "edge_responses_total", kind: .counter, unit: .count,
    labels: [MetricLabel("class", "2xx")], help: "Responses, by the class of their status.")
  static let hitRatio = MetricDeclaration(
    name: "edge_cache_hit_ratio", kind: .gauge, unit: .ratio,
    help: "Share of cacheable requests since start that stored content answered.")

  /// What is made from several counters.
  static let derivedDeclarations = [responses, hitRatio]

  private var order: [String] = []
  private var families: [String: String] = [:]

  /// The text gathered so far.
  var text: String { order.map { families[$0] ?? "" }.joined() }

  /// Adds the loops' metrics.
  mutating func write(_ snapshot: MetricsSnapshot) {
    for counter in MetricCounter.allCases {
      write(counter.declaration, value: Double(snapshot[counter]))
    }
    for statusClass in 1...5 {
      write(
        PrometheusText.responses, labels: [MetricLabel("class", "\(statusClass)xx")],
        value: Double(snapshot.responses(statusClass: statusClass)))
    }
    if let ratio = snapshot.hitRatio { write(PrometheusText.hitRatio, value: ratio) }
    for kind in LatencyKind.allCases {
      write(kind.declaration, histogram: snapshot.latencies[kind.rawValue])
    }
  }

  /// Adds one line; `labels` stand in for the declared ones where they are given.
  mutating func write(
    _ declaration: MetricDeclaration, labels: [MetricLabel]? = nil, value: Double
  ) {
    append(
      "\(declaration.name)\(render(labels ?? declaration.labels)) \(render(value))\n",
      to: declaration)
  }

  private mutating func write(_ declaration: MetricDeclaration, histogram: LatencyHistogram) {
    let name = declaration.name
    let labels = declaration.labels
    var lines = ""
    for bound in PrometheusText.bucketMicroseconds {
      let bucket = render(labels + [MetricLabel("le", render(Double(bound) / 1_000_000))])
      lines += "\(name)_bucket\(bucket) \(histogram.count(upToNanoseconds: bound * 1_000))\n"
    }
    lines += "\(name)_bucket\(render(labels + [MetricLabel("le", "+Inf")])) \(histogram.count)\n"
    lines += "\(name)_sum\(render(labels)) \(render(Double(histogram.sumNanoseconds) / 1e9))\n"
    lines += "\(name)_count\(render(labels)) \(histogram.count)\n"
    append(lines, to: declaration)
    guard histogram.count > 0 else { return }
    let quantileDeclaration = MetricDeclaration(
      name: name.dropSuffix("_seconds") + "_quantile_seconds", kind: .gauge, unit: .seconds,
      help: "Quantiles since start of \(name).")
    for quantile in PrometheusText.quantiles {
      write(
        quantileDeclaration, labels: labels + [MetricLabel("quantile", quantile.label)],
        value: Double(histogram.nanoseconds(atPercentile: quantile.percent)) / 1e9)
    }
  }

  private mutating func append(_ lines: String, to declaration: MetricDeclaration) {
    if families[declaration.name] == nil {
      order.append(declaration.name)
      families[declaration.name] = """
        # HELP \(declaration.name) \(escape(declaration.help, quotes: false))
        # TYPE \(declaration.name) \(declaration.kind.rawValue)\n
        """
    }
    families[declaration.name]? += lines
  }

  private func render(_ labels: [MetricLabel]) -> String {
    guard !labels.isEmpty else { return "" }
    let list = labels.map { "\($0.name)=\"\(escape($0.value, quotes: true))\"" }
    return "{\(list.joined(separator: ","))}"
  }

  private func render(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
  }

  private func escape(_ text: String, quotes: Bool) -> String {
    var escaped = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }
}

extension String {
  fileprivate func dropSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
