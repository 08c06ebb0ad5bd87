import AdminAPI
import EdgeConfig
import EdgeSecurity
import Glibc
import HTTPServer
import Logging
import NIOCore
import NIOPosix
import Observability

/// The admin listener while it runs.
struct AdminListener {
  let task: Task<Void, any Error>
  let watch: RepeatedTask?

  /// Starts the listener and returns once it listens.
  /// - Parameters:
  ///   - invalidation: jobs, CloudFront's API, events.
  ///   - jobsFolder: where jobs are kept when the file does not say; nil: nowhere.
  ///   - loop: keeps the time of the look at the certificate's files.
  /// - Throws: `AdminServerError` when it cannot listen, `TLSConfigurationError` for its
  ///   certificate, `AdminSetupError` for its users.
  static func start(
    _ file: EdgeConfiguration.Admin, backend: any AdminBackend, metrics: Metrics,
    invalidation: EdgeConfiguration.Invalidation?, jobsFolder: String?, loop: any EventLoop,
    logger: Logger
  ) async throws -> AdminListener {
    let authenticator = AdminAuthenticator(
      users: try file.users.map { try AdminAuthenticator.User($0) },
      tokens: AdminTokenTable(path: file.tokens) { fault in
        logger.error("the admin token file has a fault", metadata: ["fault": "\(fault)"])
      })
    let auditLog = AuditLog(file, logger: logger)
    var configuration = AdminConfiguration(host: file.address.host, port: file.address.port)
    configuration.addresses = AdminAddressPolicy(file)
    if let invalidation { configuration.take(invalidation, jobsFolder: jobsFolder) }
    var watch: RepeatedTask?
    if let tls = file.tls {
      let source = try TLSHandlerSource(
        ServerConfiguration.TLS(tls), name: "admin \(file.address)", logger: logger,
        nowSeconds: Int64(time(nil)))
      configuration.makeTLSHandler = { source.makeHandler() }
      watch = source.watch(on: loop)
    }
    register(authenticator, auditLog, in: metrics)
    let server = AdminServer(
      configuration: configuration, backend: backend, authenticator: authenticator,
      auditLog: auditLog, logger: logger)
    let (listening, continuation) = AsyncStream.makeStream(of: Int.self)
    let task = Task {
      defer { continuation.finish() }
      try await server.run { continuation.yield($0) }
    }
    for await port in listening {
      logger.info(
        "admin API listening",
        metadata: [
          "address": "\(file.address.host):\(port)", "tls": "\(file.tls != nil)",
        ])
      return AdminListener(task: task, watch: watch)
    }
    try await task.value
    return AdminListener(task: task, watch: watch)
  }

  private static func register(
    _ authenticator: AdminAuthenticator, _ auditLog: AuditLog, in metrics: Metrics
  ) {
    metrics.registerCounter(
      name: "edge_admin_failed_logins_total",
      help: "Requests to the admin API with a wrong user, password or token."
    ) { [Metrics.Sample(authenticator.failedAttempts)] }
    metrics.registerCounter(
      name: "edge_admin_refused_logins_total",
      help: "Logins to the admin API refused unseen, because their address failed too often."
    ) { [Metrics.Sample(authenticator.refusedAttempts)] }
    metrics.registerCounter(
      name: "edge_admin_audit_lost_total",
      help: "Lines of the audit log that its file did not take."
    ) { [Metrics.Sample(auditLog.lostLines)] }
    metrics.registerGauge(
      name: "edge_admin_token_expiry_seconds",
      help: "When an admin token expires, as a Unix time; those that never do are not here."
    ) {
      authenticator.tokens.tokens.compactMap { token in
        token.expirySeconds.map {
          Metrics.Sample(Double($0), labels: [MetricLabel("token", token.name)])
        }
      }
    }
  }

  /// Stops listening.
  func stop() async {
    watch?.cancel()
    task.cancel()
    _ = await task.result
  }
}
