import AdminAPI
import CacheStore
import EdgeConfig
import EdgeProxy
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
  let admin: AdminServer?
  let readiness: Readiness
  let accessLog: AccessLog?

  /// Starts everything; throws the first thing that cannot be had, with nothing left running.
  static func start(_ configuration: EdgeConfiguration, logger: Logger) async throws -> EdgeService
  {
    let accessLog = try configuration.log.access.map(openAccessLog)
    let store = try Store(
      configuration: CacheStore.Store.Configuration(configuration), logger: logger)
    let group = MultiThreadedEventLoopGroup(
      numberOfThreads: configuration.threads ?? System.coreCount)
    let loops = group.makeIterator().map { $0 }
    let transport = try CurlTransport(
      configuration: OriginClient.Configuration(configuration), eventLoops: loops)
    let metrics = Metrics(loopCount: loops.count)
    let shared = ProxyShared(
      configuration: ProxyConfiguration(configuration), store: store, transport: transport)
    store.start()
    let server = try await HTTPServer<ProxyLoop>.start(
      configuration: ServerConfiguration(configuration), eventLoops: loops,
      makeResponder: { loop, index in
        ProxyLoop(
          shared: shared, eventLoop: loop, clock: LoopClock(), metrics: metrics.loops[index],
          accessLog: accessLog?.makeWriter())
      })
    let readiness = Readiness()
    let admin = try await startAdmin(
      configuration, AdminService(store: store, shared: shared, metrics: metrics, readiness: readiness),
      logger: logger)
    MetricSources(store: store, transport: transport, server: server).register(in: metrics)
    for address in server.boundAddresses {
      logger.info("listening", metadata: ["address": "\(address)"])
    }
    readiness.isReady = true
    return EdgeService(
      configuration: configuration, logger: logger, group: group, store: store,
      transport: transport, server: server, admin: admin, readiness: readiness,
      accessLog: accessLog)
  }

  func run() async throws {
    try await gracefulShutdown()
    logger.info("shutting down", metadata: ["drain": "\(configuration.limits.drain)"])
    readiness.isReady = false
    await server.drain(limit: TimeAmount(configuration.limits.drain))
    await admin?.shutdown()
    transport.shutdown()
    await store.shutdown(deadline: .now + .seconds(10))
    try await group.shutdownGracefully()
    accessLog?.close()
    logger.info("stopped")
  }
}
