import AdminAPI
import CacheStore
import EdgeConfig
import EdgeProxy
import Glibc
import HTTPServer
import Logging
import NIOCore
import NIOPosix
import Observability
import OriginClient
import ServiceLifecycle

extension CurlTransport: OriginTransport {}

/// The running edge: makes the parts from the configuration, wires them, and takes them down again.
///
/// Start order: log, store, origins, loops, listeners, admin listener. Shutdown order: listeners
/// (drained within `limits.drain`), admin, origins, store, log.
struct EdgeService: Service {
  let configuration: EdgeConfiguration
  let logger: Logger
  let group: MultiThreadedEventLoopGroup
  let store: Store
  let transport: CurlTransport
  let server: HTTPServer<ProxyLoop>
  let admin: AdminListener?
  let readiness: Readiness
  let alerts: AdminAlerts
  let accessLog: AccessLog?
  let reloader: ConfigurationReloader
  /// Where long work goes that is no event loop's.
  let background: NIOThreadPool

  /// Starts everything; throws the first thing that cannot be had. The caller ends the process
  /// then, and with it what was started.
  /// - Parameter path: the file that `configuration` was loaded from, to be read again on a reload.
  static func start(
    _ configuration: EdgeConfiguration, path: String, logger: Logger
  ) async throws -> EdgeService {
    raiseDescriptorLimit()
    HeapStatistics.keepFreePages()
    let accessLog = try configuration.log.access.map { try openAccessLog($0, configuration) }
    let group = MultiThreadedEventLoopGroup(
      numberOfThreads: configuration.threads ?? System.coreCount)
    let loops = Array(group.makeIterator())
    let metrics = Metrics(loopCount: loops.count)
    let transport = try CurlTransport(
      configuration: OriginClient.Configuration(configuration), eventLoops: loops)
    let store = try CacheStore.Store(
      configuration: CacheStore.Store.Configuration(configuration), logger: logger)
    // One thread: compression must not take the cores from the loops.
    let background = NIOThreadPool(numberOfThreads: 1)
    background.start()
    let shared = ProxyShared(
      configuration: ProxyConfiguration(configuration), store: store, transport: transport,
      background: { work in background.submit { _ in work() } })
    let server = try await HTTPServer<ProxyLoop>.start(
      ServerConfiguration(configuration), on: group, logger: logger
    ) { loop, index in
      ProxyLoop(
        shared: shared, eventLoop: loop, clock: LoopClock(), metrics: metrics.loops[index],
        accessLog: accessLog?.makeWriter())
    }
    store.start()
    MetricSources(
      store: store, transport: transport, server: server, compressor: shared.compressor
    ).register(in: metrics)
    let reloader = ConfigurationReloader(
      path: path, configuration: configuration, shared: shared, store: store, eventLoop: loops[0],
      logger: logger)
    reloader.counters.register(in: metrics)
    let readiness = Readiness()
    let alerts = AdminAlerts(metrics: metrics, store: store, loop: loops[0], logger: logger)
    let backend = AdminService(
      store: store, metrics: metrics, readiness: readiness, threadCount: loops.count,
      shared: shared,
      explainer: Explainer(shared: shared, eventLoop: loops[0], metrics: metrics.loops[0]),
      alerts: alerts.monitor,
      refresher: configuration.invalidation.map {
        Refresher(
          shared: shared, eventLoop: loops[0], metrics: metrics.loops[0],
          pace: Refresher.Pace($0.refresh))
      }, refreshLimit: configuration.invalidation?.refresh.objects ?? 0)
    var admin: AdminListener?
    if let section = configuration.admin {
      admin = try await AdminListener.start(
        section, backend: backend, metrics: metrics, invalidation: configuration.invalidation,
        jobsFolder: configuration.store.jobsFolder, loop: loops[0], logger: logger)
    }
    for address in server.boundAddresses {
      logger.info("listening", metadata: ["address": "\(address)"])
    }
    readiness.isReady = true
    return EdgeService(
      configuration: configuration, logger: logger, group: group, store: store,
      transport: transport, server: server, admin: admin, readiness: readiness,
      alerts: alerts, accessLog: accessLog, reloader: reloader, background: background)
  }

  /// Takes all the file descriptors that the system allows: connections, origins and segments each
  /// need one, and the usual soft limit of 1024 is from another time.
  private static func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  private static func openAccessLog(
    _ file: EdgeConfiguration.Log.Access, _ configuration: EdgeConfiguration
  ) throws -> AccessLog {
    let path =
      switch file.destination {
      case .standardOutput: "-"
      case .file(let path): path
      }
    return try AccessLog(
      path: path, format: file.format == .json ? .json : .combined, edgeName: configuration.name)
  }

  func run() async throws {
    try await gracefulShutdown()
    logger.info("shutting down", metadata: ["drain": "\(configuration.limits.drain)"])
    readiness.isReady = false
    await server.drain(limit: TimeAmount(configuration.limits.drain))
    await admin?.stop()
    alerts.stop()
    transport.shutdown()
    try? await background.shutdownGracefully()
    await store.shutdown(deadline: .now() + .seconds(10))
    try await group.shutdownGracefully()
    accessLog?.close()
    logger.info("stopped")
  }
}
