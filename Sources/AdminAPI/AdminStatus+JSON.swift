import Observability

extension AdminStatus {
  /// What the OpenAPI document says of it.
  static let schema = JSONSchema.members(
    [
      .init("version", .string), .init("ready", .boolean),
      .init("uptime_seconds", .integer(minimum: 0, maximum: nil)),
      .init("threads", .integer(minimum: 1, maximum: nil)),
      .init("hit_ratio", .optional(.number), isRequired: false),
    ], isClosed: false)

  /// The answer of `GET /v1/status`.
  func json(isReady: Bool) -> JSONValue {
    var members: [JSONMember] = [
      JSONMember("version", .string(version)), JSONMember("ready", .bool(isReady)),
      JSONMember("uptime_seconds", .integer(uptimeSeconds)),
      JSONMember("threads", .integer(threads)),
    ]
    if let metrics { members += AdminStatus.members(of: metrics) }
    members += sections.map { JSONMember($0.name, $0.value) }
    return .object(members)
  }

  private static func members(of metrics: MetricsSnapshot) -> [JSONMember] {
    let results = MetricCounter.requestResults.map { counter in
      JSONMember(counter.declaration.labels.first?.value ?? "", .integer(metrics[counter]))
    }
    let responses = (1...5).map {
      JSONMember("\($0)xx", .integer(metrics.responses(statusClass: $0)))
    }
    return [
      JSONMember("requests", .object([JSONMember("total", .integer(metrics.requests))] + results)),
      JSONMember("responses", .object(responses)),
      JSONMember("hit_ratio", ratio(metrics.hitRatio)),
      JSONMember("byte_hit_ratio", ratio(metrics.byteHitRatio)),
      JSONMember("response_bytes", .integer(metrics[.responseBytes])),
      JSONMember(
        "origin",
        .object([
          JSONMember("fetches", .integer(metrics[.originFetches])),
          JSONMember("failures", .integer(metrics[.originFailures])),
          JSONMember("bytes", .integer(metrics[.originBytes])),
          JSONMember("first_byte_ms", latency(metrics, .firstByte)),
        ])),
      JSONMember(
        "latency_ms",
        .object([
          JSONMember("hit", latency(metrics, .hit)), JSONMember("miss", latency(metrics, .miss)),
          JSONMember("other", latency(metrics, .other)),
        ])),
    ]
  }

  private static func ratio(_ value: Double?) -> JSONValue {
    value.map { .number(($0 * 10_000).rounded() / 10_000) } ?? .null
  }

  private static func latency(_ metrics: MetricsSnapshot, _ kind: LatencyKind) -> JSONValue {
    func milliseconds(_ percent: Double) -> JSONValue {
      metrics.latency(kind, percentile: percent).map { .number(Double($0 / 1_000) / 1_000) }
        ?? .null
    }
    return .object([
      JSONMember("count", .integer(metrics.latencyCount(kind))),
      JSONMember("p50", milliseconds(50)), JSONMember("p95", milliseconds(95)),
      JSONMember("p99", milliseconds(99)),
      JSONMember("p999", milliseconds(99.9)),
    ])
  }
}
