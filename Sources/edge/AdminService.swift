import AdminAPI
import CacheStore
import EdgeConfig
import EdgeProxy
import EdgeSecurity
import Logging
import NIOCore
import Observability

/// What the admin API does with the edge.
struct AdminService: AdminBackend {
  let store: Store
  let metrics: Metrics
  let readiness: Readiness
  let threadCount: Int
  let shared: ProxyShared
  let explainer: Explainer
  let alerts: AlertMonitor
  private let started = NIODeadline.now()

  init(
    store: Store, metrics: Metrics, readiness: Readiness, threadCount: Int, shared: ProxyShared,
    explainer: Explainer, alerts: AlertMonitor
  ) {
    self.alerts = alerts
    self.shared = shared
    self.store = store
    self.metrics = metrics
    self.readiness = readiness
    self.threadCount = threadCount
    self.explainer = explainer
  }

  func explain(
    method: String, url: String, fields: [(name: String, value: String)]
  ) async throws(ExplanationFault) -> Explanation {
    try await explainer.explain(method: method, url: url, fields: fields)
  }

  var isReady: Bool { readiness.isReady }
  var version: String { EdgeVersion.text }

  func invalidate(
    _ selectors: [InvalidationSelector], kind: InvalidationKind
  ) async -> InvalidationReceipt {
    metrics.loops.first?.count(.invalidationsByAPI)
    return await store.invalidate(widened(selectors), kind: kind)
  }

  func purge(target: String, host: String?) async -> InvalidationReceipt {
    metrics.loops.first?.count(.invalidationsByPurge)
    return await store.invalidate(
      widened([.url(host: host, target: target, ignoresQuery: false)]))
  }

  /// What stands under a key that No-Vary-Search reduced has lost its query there: a selector of
  /// one URL with a query takes all such responses of the path.
  private func widened(_ selectors: [InvalidationSelector]) -> [InvalidationSelector] {
    guard shared.hasSearchRecords else { return selectors }
    return selectors
      + selectors.compactMap { selector in
        let (host, target): (String?, String)
        switch selector {
        case .url(let namedHost, let url, false): (host, target) = (namedHost, url)
        case .path(let namedHost, let pattern): (host, target) = (namedHost, pattern)
        default: return nil
        }
        guard let mark = target.firstIndex(of: "?") else { return nil }
        return .path(host: host, pattern: String(target[..<mark]))
      }
  }

  func metricsText() async -> String { metrics.prometheusText() }

  func status() async -> AdminStatus {
    let statistics = store.statistics
    var sections: [(name: String, value: JSONValue)] = [
      (
        "memory",
        .object([
          JSONMember("objects", .integer(statistics.memory.objects)),
          JSONMember("bytes", .integer(statistics.memory.bytes)),
          JSONMember("limit_bytes", .integer(statistics.memory.limitBytes)),
        ])
      )
    ]
    if let disk = statistics.disk {
      sections.append(
        (
          "disk",
          .object([
            JSONMember("objects", .integer(disk.objects)),
            JSONMember("bytes", .integer(disk.usedBytes)),
            JSONMember("limit_bytes", .integer(disk.limitBytes)),
            JSONMember("degraded", .bool(disk.isDegraded)),
            JSONMember("recovery", .string("\(disk.recovery)")),
          ])
        ))
    }
    let readings = alerts.readings()
    let worst = readings.map(\.state).max() ?? .ok
    sections.append(("state", .string(worst.name)))
    sections.append(("alerts", .array(readings.map(\.json))))
    sections.append(
      (
        "process",
        .object([
          JSONMember("resident_bytes", ProcessMemory.residentBytes.map { .integer($0) } ?? .null),
          JSONMember("memory_limit_bytes", ProcessMemory.limitBytes.map { .integer($0) } ?? .null),
        ])
      ))
    return AdminStatus(
      version: EdgeVersion.text,
      uptimeSeconds: Int((NIODeadline.now() - started).nanoseconds / 1_000_000_000),
      threads: threadCount, metrics: metrics.snapshot(), sections: sections)
  }
}
