import Glibc
import HTTPMessage
import NIOCore
import NIOPosix

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
  private let states: [State]
  private let listeners: [any Channel]

  private init(
    boundAddresses: [SocketAddress], statistics: [ServerStatistics], states: [State],
    listeners: [any Channel]
  ) {
    self.boundAddresses = boundAddresses
    self.statistics = statistics
    self.states = states
    self.listeners = listeners
  }

  /// Opens all listeners on all loops of `group`.
  /// - Parameter makeResponder: makes the responder of one loop; called on that loop, with its
  ///   place in the group.
  /// - Throws: the first address that could not be opened, and why; nothing is left open then.
  public static func start(
    _ configuration: ServerConfiguration, on group: any EventLoopGroup,
    makeResponder: @escaping @Sendable (any EventLoop, Int) -> Responder
  ) async throws -> HTTPServer {
    let budget = ConnectionBudget(limit: configuration.maxConnections)
    var addresses: [SocketAddress] = []
    for listener in configuration.listeners {
      let address = try listener.resolve()
      try listener.checkFree(address)
      addresses.append(address)
    }
    var statistics: [ServerStatistics] = []
    var states: [State] = []
    var channels: [any Channel] = []
    do {
      for (index, loop) in Array(group.makeIterator()).enumerated() {
        let counters = ServerStatistics()
        let limits = configuration.limits
        let state = try await loop.submit {
          let state = LoopState(
            eventLoop: loop, responder: makeResponder(loop, index), limits: limits,
            statistics: counters, budget: budget)
          state.start()
          return NIOLoopBound(state, eventLoop: loop)
        }.get()
        statistics.append(counters)
        states.append(state)
        let bootstrap = bootstrap(configuration, loop: loop, state: state, budget: budget)
        for (place, listener) in configuration.listeners.enumerated() {
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
    return HTTPServer(
      boundAddresses: addresses, statistics: statistics, states: states, listeners: channels)
  }

  /// Stops: accepts no more connections, closes those that are idle, lets the responses under way
  /// end with `Connection: close`, and cuts off what is left after `limit`. Returns when no
  /// connection is open any more.
  public func drain(limit: TimeAmount) async {
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
    budget: ConnectionBudget
  ) -> ServerBootstrap {
    let highWater = configuration.limits.outputHighWaterBytes
    let mark = ChannelOptions.Types.WriteBufferWaterMark(low: highWater / 2, high: highWater)
    let reusePort = ChannelOptions.Types.SocketOption(
      level: .socket, name: NIOBSDSocket.Option(rawValue: SO_REUSEPORT))
    return ServerBootstrap(group: loop, childGroup: loop)
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
      .childChannelOption(.maxMessagesPerRead, value: 4)
      .childChannelOption(.writeBufferWaterMark, value: mark)
      // Small while requests are small, so that idle connections hold little; up to 64 KiB while
      // content streams in.
      .childChannelOption(
        .recvAllocator,
        value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 4096, maximum: 65536)
      )
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = ConnectionHandler(
            loop: state.value, isSecure: false, isRejected: !budget.take())
          try channel.pipeline.syncOperations.addHandler(handler)
        }
      }
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
