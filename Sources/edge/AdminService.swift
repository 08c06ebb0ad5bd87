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
  private let started = NIODeadline.now()

  init(
    store: Store, metrics: Metrics, readiness: Readiness, threadCount: Int, shared: ProxyShared,
    explainer: Explainer
  ) {
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
          ])
        ))
    }
    return AdminStatus(
      version: EdgeVersion.text,
      uptimeSeconds: Int((NIODeadline.now() - started).nanoseconds / 1_000_000_000),
      threads: threadCount, metrics: metrics.snapshot(), sections: sections)
  }
}

/// The admin listener while it runs.
struct AdminListener {
  let task: Task<Void, any Error>

  /// Starts the listener and returns once it listens.
  /// - Throws: `AdminServerError` when it cannot.
  static func start(
    _ file: EdgeConfiguration.Admin, backend: any AdminBackend, metrics: Metrics, logger: Logger
  ) async throws -> AdminListener {
    let authenticator = AdminAuthenticator(
      users: file.users.map { ($0.name, $0.password.exposedValue) })
    metrics.registerCounter(
      name: "edge_admin_failed_logins_total",
      help: "Requests to the admin API with a wrong user or password."
    ) { [Metrics.Sample(authenticator.failedAttempts)] }
    let server = AdminServer(
      configuration: AdminConfiguration(host: file.address.host, port: file.address.port),
      backend: backend, authenticator: authenticator, logger: logger)
    let (listening, continuation) = AsyncStream.makeStream(of: Int.self)
    let task = Task {
      defer { continuation.finish() }
      try await server.run { continuation.yield($0) }
    }
    for await port in listening {
      logger.info("admin API listening", metadata: ["address": "\(file.address.host):\(port)"])
      return AdminListener(task: task)
    }
    try await task.value
    return AdminListener(task: task)
  }

  /// Stops listening.
  func stop() async {
    task.cancel()
    _ = await task.result
  }
}
