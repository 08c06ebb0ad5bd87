import Glibc
import HTTPMessage
import Logging
import NIOCore
import NIOPosix
import NIOSSL

/// The front: listens on every address on every event loop, and serves each connection on the
/// loop that accepted it.
///
/// Each loop has its own listening socket (SO_REUSEPORT): the kernel spreads the connections, and
/// none of them ever changes its thread.
public final class HTTPServer<Responder: RequestResponder & SendableMetatype>: Sendable {
  private typealias State = NIOLoopBound<LoopState<Responder>>

  /// Where it listens, one address a configured listener, with the ports the system chose.
  public let boundAddresses: [SocketAddress]
  /// What the loops have counted, one a loop.
  public let statistics: [ServerStatistics]
  /// What the TLS listeners have done with their certificates, each with its address.
  public let tlsStatistics: [(address: String, statistics: TLSStatistics)]
  private let states: [State]
  private let gate: ConnectionGate
  private let listeners: [any Channel]
  private let watches: [RepeatedTask]

  private init(
    boundAddresses: [SocketAddress], statistics: [ServerStatistics], states: [State],
    gate: ConnectionGate, listeners: [any Channel], sources: [TLSContextSource],
    watches: [RepeatedTask]
  ) {
    self.boundAddresses = boundAddresses
    self.statistics = statistics
    self.states = states
    self.gate = gate
    self.listeners = listeners
    self.watches = watches
    tlsStatistics = sources.map { ($0.name, $0.statistics) }
  }

  /// Connections that no limit of their address applied to because too many addresses were in use.
  public var unlimitedConnections: Int { gate.unlimitedCount }

  /// Opens all listeners on all loops of `group`.
  /// - Parameter makeResponder: makes the responder of one loop; called on that loop, with its
  ///   place in the group.
  /// - Parameter logger: hears of certificates that were reloaded, or could not be.
  /// - Throws: the first address that could not be opened, or the faults of a TLS listener's files;
  ///   nothing is left open then.
  public static func start(
    _ configuration: ServerConfiguration, on group: any EventLoopGroup,
    logger: Logger = Logger(label: "edge.tls"),
    makeResponder: @escaping @Sendable (any EventLoop, Int) -> Responder
  ) async throws -> HTTPServer {
    let gate = ConnectionGate(
      limit: configuration.maxConnections, clients: configuration.clientLimits)
    var addresses: [SocketAddress] = []
    for listener in configuration.listeners {
      let address = try listener.resolve()
      try listener.checkFree(address)
      addresses.append(address)
    }
    let sources = try tlsSources(configuration, logger: logger)
    var statistics: [ServerStatistics] = []
    var states: [State] = []
    var channels: [any Channel] = []
    do {
      for (index, loop) in Array(group.makeIterator()).enumerated() {
        let counters = ServerStatistics()
        let limits = configuration.limits
        let receiveBuffers = ReceiveBufferPool()
        let state = try await loop.submit {
          let state = LoopState(
            eventLoop: loop, responder: makeResponder(loop, index), limits: limits,
            statistics: counters, gate: gate, receiveBuffers: receiveBuffers,
            isHTTP2Enabled: configuration.isHTTP2Enabled)
          state.start()
          return NIOLoopBound(state, eventLoop: loop)
        }.get()
        statistics.append(counters)
        states.append(state)
        for (place, listener) in configuration.listeners.enumerated() {
          let bootstrap = bootstrap(
            configuration, loop: loop, state: state, gate: gate, receiveBuffers: receiveBuffers,
            listener: listener, tls: sources[place])
          let channel = try await bind(bootstrap, listener, to: addresses[place])
          channels.append(channel)
          // The first loop may have been given a free port: the others take the same.
          if let bound = channel.localAddress { addresses[place] = bound }
        }
      }
    } catch {
      for channel in channels { try? await channel.close() }
      for state in states { await endDrained(state, limit: .zero) }
      throw error
    }
    let tls = sources.compactMap { $0 }
    return HTTPServer(
      boundAddresses: addresses, statistics: statistics, states: states, gate: gate,
      listeners: channels,
      sources: tls, watches: tls.compactMap { $0.watch(on: group.next()) })
  }

  /// Stops: accepts no more connections, closes those that are idle, lets the responses under way
  /// end with `Connection: close`, and cuts off what is left after `limit`. Returns when no
  /// connection is open any more.
  public func drain(limit: TimeAmount) async {
    for watch in watches { watch.cancel() }
    for listener in listeners { try? await listener.close() }
    await withTaskGroup { group in
      for state in states {
        group.addTask { await Self.endDrained(state, limit: limit) }
      }
    }
  }

  private static func endDrained(_ state: State, limit: TimeAmount) async {
    let loop = state.eventLoop
    let promise = loop.makePromise(of: Void.self)
    loop.execute { state.value.drain(limit: limit, promise: promise) }
    try? await promise.futureResult.get()
  }

  private static func bind(
    _ bootstrap: ServerBootstrap, _ listener: ServerConfiguration.Listener,
    to address: SocketAddress
  ) async throws -> any Channel {
    do {
      return try await bootstrap.bind(to: address).get()
    } catch let error as IOError {
      throw ListenerError(
        address: listener.text, reason: String(cString: strerror(error.errnoCode)))
    } catch {
      throw ListenerError(address: listener.text, reason: "\(error)")
    }
  }

  private static func bootstrap(
    _ configuration: ServerConfiguration, loop: any EventLoop, state: State,
    gate: ConnectionGate, receiveBuffers: ReceiveBufferPool, listener: ServerConfiguration.Listener,
    tls: TLSContextSource?
  ) -> ServerBootstrap {
    let highWater = configuration.limits.outputHighWaterBytes
    let mark = ChannelOptions.Types.WriteBufferWaterMark(low: highWater / 2, high: highWater)
    let ownLines = listener.strictTransportSecurity.map {
      Array("Strict-Transport-Security: \($0.value)\r\n".utf8)
    }
    let reusePort = ChannelOptions.Types.SocketOption(
      level: .socket, name: NIOBSDSocket.Option(rawValue: SO_REUSEPORT))
    // What comes through TLS is decrypted into buffers of its own, and cannot be handed back.
    let receiveAllocator: any RecvByteBufferAllocator =
      listener.tls == nil
      ? LoopReceiveAllocator(pool: receiveBuffers)
      : AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 65536)
    var bootstrap = ServerBootstrap(group: loop, childGroup: loop)
    if let unsent = configuration.limits.unsentBytes {
      // Accepted sockets have it from the listening one.
      let option = ChannelOptions.Types.SocketOption(
        level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_NOTSENT_LOWAT))
      bootstrap = bootstrap.serverChannelOption(option, value: unsent)
    }
    return
      bootstrap
      .serverChannelOption(.backlog, value: Int32(clamping: configuration.backlog))
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(reusePort, value: 1)
      .serverChannelOption(.maxMessagesPerRead, value: 16)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          // Out of descriptors, accepting is tried again after a while instead of at once.
          let counter = AcceptErrorHandler(statistics: state.value.statistics)
          try channel.pipeline.syncOperations.addHandlers(AcceptBackoffHandler(), counter)
        }
      }
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(.writeBufferWaterMark, value: mark)
      .childChannelOption(.recvAllocator, value: receiveAllocator)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let place = gate.admit(channel.remoteAddress, now: .now())
          let pipeline = channel.pipeline.syncOperations
          guard let tls else {
            let handler = connectionHandler(state.value, place: place)
            return try pipeline.addHandler(handler)
          }
          let handshake = TLSHandshakeHandler(
            loop: state.value, place: place,
            timeout: tls.configuration.handshakeTimeout
          ) { negotiatedProtocol in
            secureHandler(
              state.value, place: place, ownLines: ownLines ?? [],
              negotiatedProtocol: negotiatedProtocol)
          }
          let contexts = tls.contexts
          try pipeline.addHandler(
            contexts.isMixed
              ? ClientHelloHandler(contexts) : NIOSSLServerHandler(context: contexts.any))
          try pipeline.addHandler(handshake)
        }
      }
  }

  /// The handler of a connection in clear text.
  private static func connectionHandler(
    _ state: LoopState<Responder>, place: ConnectionPlace
  ) -> any ChannelHandler {
    ConnectionHandler(loop: state, isSecure: false, place: place)
  }

  /// The handler of a connection behind TLS, by what ALPN agreed on (RFC 7301).
  private static func secureHandler(
    _ state: LoopState<Responder>, place: ConnectionPlace, ownLines: [UInt8],
    negotiatedProtocol: String?
  ) -> any ChannelHandler {
    ConnectionHandler(
      loop: state, isSecure: true, place: place, ownLines: ownLines,
      choice: negotiatedProtocol == "h2" ? .http2 : .http1)
  }

  /// Reads the certificates of the listeners, in their order; nil for those in clear text.
  /// - Throws: every fault of every listener's files.
  private static func tlsSources(
    _ configuration: ServerConfiguration, logger: Logger
  ) throws(TLSConfigurationError) -> [TLSContextSource?] {
    var faults: [TLSFinding] = []
    var sources: [TLSContextSource?] = []
    for listener in configuration.listeners {
      guard let tls = listener.tls else {
        sources.append(nil)
        continue
      }
      do {
        sources.append(
          try TLSContextSource(
            tls, name: listener.text, offersHTTP2: configuration.isHTTP2Enabled,
            shutdownTimeout: configuration.limits.lingerTimeout, logger: logger,
            nowSeconds: Int64(time(nil))))
      } catch {
        faults += error.faults
      }
    }
    guard faults.isEmpty else { throw TLSConfigurationError(faults: faults) }
    return sources
  }
}

/// Counts what goes wrong while accepting, and keeps it from closing the listener.
private final class AcceptErrorHandler: ChannelInboundHandler {
  typealias InboundIn = any Channel

  private let statistics: ServerStatistics

  init(statistics: ServerStatistics) {
    self.statistics = statistics
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    statistics.acceptErrors.add()
  }
}
