import EdgeSecurity
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// The admin API on a listener of its own, apart from the loops that carry traffic.
public struct AdminServer: Service {
  private let configuration: AdminConfiguration
  private let responder: AdminResponder
  private let logger: Logger

  /// A server that is not listening yet.
  public init(
    configuration: AdminConfiguration, backend: any AdminBackend,
    authenticator: AdminAuthenticator, auditLog: AuditLog, logger: Logger
  ) {
    var responder = AdminResponder(
      backend: backend, authenticator: authenticator, ownNames: configuration.ownNames,
      auditLog: auditLog, logger: logger)
    responder.addresses = configuration.addresses
    responder.take(configuration)
    self.init(configuration: configuration, responder: responder, logger: logger)
  }

  init(configuration: AdminConfiguration, responder: AdminResponder, logger: Logger) {
    self.configuration = configuration
    self.responder = responder
    self.logger = logger
  }

  /// Listens and serves until the service group shuts down gracefully.
  /// - Throws: ``AdminServerError`` when the address cannot be listened on.
  public func run() async throws {
    try await run { _ in }
  }

  /// HTTP/1.1, behind TLS where the configuration has it.
  private var builder: HTTPServerBuilder {
    let channel = HTTP1Channel.Configuration(
      idleTimeout: .seconds(configuration.idleSeconds),
      httpDecoderConfiguration: .init(
        maxHeaderFieldSize: AdminConfiguration.headLimitBytes,
        maxHeaderListSize: AdminConfiguration.headLimitBytes,
        maxHeaderFieldCount: AdminConfiguration.fieldLimit))
    let makeTLSHandler = configuration.makeTLSHandler
    return HTTPServerBuilder { responder in
      let plain = HTTP1Channel(responder: responder, configuration: channel)
      guard let makeTLSHandler else { return plain }
      return SecureChannel(base: plain, makeHandler: makeTLSHandler)
    }
  }

  /// Listens and serves until the service group shuts down gracefully or the task is cancelled;
  /// in both cases requests under way are finished first.
  ///
  /// `onListening` is called once with the port that was bound.
  /// - Throws: ``AdminServerError`` when the address cannot be listened on.
  public func run(onListening: @escaping @Sendable (_ port: Int) async -> Void) async throws {
    // What a former process had not completed comes before whatever is asked now.
    await responder.registry.load()
    let isListening = Atomic(false)
    // The server framework's own lines would double those of the edge.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .error)
    let address = "\(configuration.host):\(configuration.port)"
    let application = Application(
      responder: responder,
      server: builder,
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port),
        availableConnectionsDelegate: .maximum(configuration.connectionLimit, logger: quiet)),
      onServerRunning: { channel in
        isListening.store(true, ordering: .relaxed)
        await onListening(channel.localAddress?.port ?? configuration.port)
      },
      logger: quiet)
    let group = ServiceGroup(services: [application], logger: quiet)
    do {
      try await withTaskCancellationHandler {
        // Out of reach of the caller's cancellation: a connection that was accepted and not yet
        // served must not be dropped, on which the channel's writer insists with a crash.
        try await Task { try await group.run() }.value
      } onCancel: {
        Task { await group.triggerGracefulShutdown() }
      }
    } catch  where !isListening.load(ordering: .relaxed) {
      throw AdminServerError.cannotListen(address: address, reason: "\(error)")
    }
  }
}

/// A channel whose bytes go through a TLS handler first, a fresh one for each connection, so that a
/// certificate that was replaced serves the next one.
private struct SecureChannel: ServerChildChannel {
  typealias Value = HTTP1Channel.Value

  let base: HTTP1Channel
  let makeHandler: @Sendable () -> any ChannelHandler

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(makeHandler())
    }.flatMap { base.setup(channel: channel, logger: logger) }
  }

  func handle(value: Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }
}
