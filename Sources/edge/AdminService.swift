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
  /// Fetches again what invalidations ask for; nil where nothing does.
  let refresher: Refresher?
  /// The most objects that one invalidation fetches again.
  let refreshLimit: Int
  private let started = NIODeadline.now()

  init(
    store: Store, metrics: Metrics, readiness: Readiness, threadCount: Int, shared: ProxyShared,
    explainer: Explainer, alerts: AlertMonitor, refresher: Refresher? = nil, refreshLimit: Int = 0
  ) {
    self.refresher = refresher
    self.refreshLimit = refreshLimit
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

  func keepSnapshot() async -> Result<KeptSnapshot, SnapshotFailure> {
    await store.keepSnapshot()
  }

  func keptSnapshots() async -> Result<[KeptSnapshot], SnapshotFailure> { store.keptSnapshots() }

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
            JSONMember("paths", .array(statistics.diskPaths.map(\.json))),
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

extension DiskPathStatistics {
  /// A path's part of the status.
  fileprivate var json: JSONValue {
    var members = [
      JSONMember("path", .string(path)), JSONMember("present", .bool(statistics != nil)),
      JSONMember("degraded", .bool(isDegraded)),
    ]
    if let statistics {
      members += [
        JSONMember("objects", .integer(statistics.objects)),
        JSONMember("bytes", .integer(statistics.usedBytes)),
        JSONMember("limit_bytes", .integer(statistics.limitBytes)),
        JSONMember("recovery", .string("\(statistics.recovery)")),
      ]
    }
    return .object(members)
  }
}
