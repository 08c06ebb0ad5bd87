import Glibc
import HTTPMessage
import NIOCore

/// Carries an HTTP/1.1 or HTTP/2 connection's bytes over a NIO channel: the only handler in its
/// pipeline (or the one behind TLS).
///
/// Confined to the channel's event loop. After every event it sends what output there is with one
/// flush, so that a batch of pipelined requests costs one system call, then closes or reads as
/// the connection says. Reading is held back by not passing on `read`.
final class ConnectionHandler<Responder: RequestResponder & SendableMetatype>:
  ChannelDuplexHandler, ConnectionTransport, LoopMember
{
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = Never
  typealias OutboundOut = ByteBuffer

  private static var sendFlags: Int { Int(MSG_NOSIGNAL) | Int(MSG_DONTWAIT) }

  private let loop: LoopState<Responder>
  private let isSecure: Bool
  private let ownLines: [UInt8]
  private let place: ConnectionPlace
  /// Whether the place is still to be given back, active or not.
  private var holdsPlace = true
  private var connection: HTTPConnection<Responder>?
  /// Whether the first bytes have yet to tell which protocol the client speaks.
  private var isUndecided: Bool
  private var preface = PrefaceMatcher()
  private let choice: ProtocolChoice
  private var context: ChannelHandlerContext?
  /// The context's channel: asking the pipeline for it costs a hit four reference counts.
  private var channel: (any Channel)?
  /// Its place in the loop's list; nil when it is not in it.
  var index: Int?
  /// The socket, where the connection's bytes go to it as they are; nil behind TLS and in tests.
  private var descriptor: CInt?
  /// Whether bytes went through NIO's queue since it was last seen empty: what comes now has to
  /// queue behind those that are still there.
  private var mayHoldBytes = false
  private var isReadHeld = false
  private var isInside = false
  private var isSettling = false
  private var isResumeScheduled = false
  private var isSettleScheduled = false
  private var performed = ConnectionCloseIntent.none

  /// A handler for a connection on `loop`; one that is turned away is told so and closed.
  /// - Parameter ownLines: field lines that every response gets, each ended by CR LF.
  init(
    loop: LoopState<Responder>, isSecure: Bool, place: ConnectionPlace, ownLines: [UInt8] = [],
    choice: ProtocolChoice = .byPreface
  ) {
    self.choice = choice
    isUndecided = choice == .byPreface && loop.isHTTP2Enabled && place.rejection == nil
    self.loop = loop
    self.isSecure = isSecure
    self.ownLines = ownLines
    self.place = place
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    channel = context.channel
    if context.channel.isActive { open(context) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    finish()
    self.context = nil
    channel = nil
    if holdsPlace { loop.gate.giveBack(place, now: .now()) }
    holdsPlace = false
  }

  func channelActive(context: ChannelHandlerContext) {
    open(context)
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    finish()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = ByteHandler.unwrapInboundIn(data)
    if isUndecided, !decide(&buffer, context) { return }
    guard let connection else { return }
    isInside = true
    connection.receive(buffer, now: loop.now)
    isInside = false
    if !isSecure { loop.receiveBuffers.giveBack(buffer) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    guard let connection, maySendDirectly(connection) else { return settle(context) }
    guard !isSettleScheduled else { return }
    isSettleScheduled = true
    loop.scheduleSettle(self)
  }

  func read(context: ChannelHandlerContext) {
    if connection?.wantsRead ?? true {
      context.read()
    } else {
      isReadHeld = true
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    enter { $0.setTransportWritable(context.channel.isWritable, now: loop.now) }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .some(.inputClosed) = event as? ChannelEvent {
      if let held = preface.giveUp() {
        isUndecided = false
        enter { $0.receive(held, now: loop.now) }
      }
      enter { $0.endInput(now: loop.now) }
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    connection?.close(.disconnected)
    context.closeBeneathTLS()
  }

  // MARK: Called by the loop's state

  func scheduleResume() {
    guard !isInside, !isResumeScheduled, connection != nil else { return }
    isResumeScheduled = true
    loop.scheduleResume(self)
  }

  func resume() {
    isResumeScheduled = false
    enter { $0.resume(now: loop.now) }
  }

  /// Goes on after ``LoopState/scheduleSettle(_:)``.
  func settleScheduled() {
    isSettleScheduled = false
    if let context { settle(context) }
  }

  /// At every walk as long as bytes of it may be on their way out; else as its protocol says.
  var restsUntil: NIODeadline {
    guard !mayHoldBytes, let connection else { return .distantPast }
    return connection.restsUntil
  }

  func tick() {
    let unsent = mayHoldBytes ? unsentBytes : 0
    if unsent == 0 { mayHoldBytes = false }
    enter { $0.tick(now: loop.now, unsentBytes: unsent) }
  }

  func beginDrain() {
    enter { $0.beginDrain(now: loop.now) }
  }

  /// Cuts the connection off: the drain limit has passed.
  func cut() {
    connection?.close(.shutdown)
    context?.closeBeneathTLS()
  }

  // MARK: Inside

  private func open(_ context: ChannelHandlerContext) {
    guard connection == nil else { return }
    let connection = makeConnection(context, choice == .http2 ? .http2 : .http1)
    connection.setTransport(self)
    self.connection = connection
    if !isSecure {
      descriptor = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
        of: NIOBSDSocket.Handle.self
      ) { $0 }
    }
    loop.statistics.accepted.add()
    loop.add(self)
    if let fault = place.rejection {
      loop.statistics.rejected.add()
      loop.rejectedCount += 1
      let lingers = loop.rejectedCount <= LoopState<Responder>.rejectedLimit
      enter { $0.reject(fault, lingers: lingers) }
    } else if loop.isDraining {
      beginDrain()
    } else if case .http2 = connection {
      // Its SETTINGS need not wait for the client's.
      enter { $0.resume(now: loop.now) }
    }
  }

  private func makeConnection(
    _ context: ChannelHandlerContext, _ version: PrefaceMatcher.Result
  ) -> HTTPConnection<Responder> {
    if version == .http2 {
      // What the channel holds counts towards what the connection may hold.
      let mark = loop.limits.http2.outputBytes / 8
      try? context.channel.syncOptions?.setOption(
        .writeBufferWaterMark,
        value: ChannelOptions.Types.WriteBufferWaterMark(low: max(1, mark / 2), high: max(1, mark)))
      let connection = HTTP2Connection(
        responder: loop.responder, limits: loop.limits, statistics: loop.statistics,
        buffers: loop.pool, pool: loop.http2Pool, eventLoop: context.eventLoop,
        remoteAddress: context.remoteAddress, isSecure: isSecure, now: loop.now,
        ownLines: ownLines)
      connection.client = place.client
      return .http2(connection)
    }
    let connection = HTTP1Connection(
      responder: loop.responder, limits: loop.limits, statistics: loop.statistics,
      pool: loop.pool, eventLoop: context.eventLoop, remoteAddress: context.remoteAddress,
      isSecure: isSecure, now: loop.now, ownLines: ownLines)
    connection.client = place.client
    return .http1(connection)
  }

  /// Looks at a connection's first bytes; false when they do not yet tell its protocol.
  private func decide(_ buffer: inout ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
    let version = preface.decide(&buffer)
    guard version != .undecided else { return false }
    isUndecided = false
    if version == .http2, connection != nil {
      connection?.setTransport(nil)
      let connection = makeConnection(context, .http2)
      connection.setTransport(self)
      self.connection = connection
    }
    return true
  }

  /// The channel is gone.
  private func finish() {
    guard let connection else { return }
    self.connection = nil
    loop.statistics.closed.add()
    if place.rejection != nil { loop.rejectedCount -= 1 }
    connection.close(.disconnected)
    connection.setTransport(nil)
    loop.remove(self)
  }

  /// Calls an entry point of the connection and does what follows from it.
  private func enter(_ body: (HTTPConnection<Responder>) -> Void) {
    guard let connection, let context else { return }
    isInside = true
    body(connection)
    isInside = false
    settle(context)
  }

  @inline(__always)
  private func settle(_ context: ChannelHandlerContext) {
    guard let connection, !isSettling else { return }
    // Sending may change the channel's writability, and that event leads back here.
    isSettling = true
    if connection.hasOutput { send(connection, context) }
    isSettling = false
    if connection.hasOutput {
      // Written in that event: it goes first, whatever the connection wants of the close.
      scheduleResume()
    } else if connection.closeIntent != performed {
      performClose(connection.closeIntent, context)
    }
    if isReadHeld, connection.wantsRead {
      isReadHeld = false
      context.read()
    }
    if let index { loop.look(at: index, noLaterThan: restsUntil) }
  }

  /// Sends what output there is: one small buffer, which is what hits leave, goes to the socket
  /// straight away, since NIO's queue of pending writes costs a tenth of a hit (measured). What
  /// the socket does not take goes the way of everything else.
  @inline(__always)
  private func send(
    _ connection: HTTPConnection<Responder>, _ context: ChannelHandlerContext
  ) {
    if mayHoldBytes, descriptor != nil, unsentBytes == 0 { mayHoldBytes = false }
    // After a close the descriptor may be another connection's: `isActive` is false by then.
    if let descriptor, maySendDirectly(connection), channel?.isActive ?? false {
      connection.takeOutput { buffer in
        let count = buffer.withUnsafeReadableBytes {
          Glibc.send(
            descriptor, $0.baseAddress, $0.count, CInt(truncatingIfNeeded: Self.sendFlags))
        }
        // An error is left for NIO to meet again and to report.
        if count != buffer.readableBytes { queue(buffer, from: max(count, 0), context) }
      }
    } else {
      mayHoldBytes = true
      if isSecure { return sendSecure(connection, context) }
      connection.takeOutput { context.write(NIOAny($0), promise: nil) }
      context.flush()
    }
  }

  /// Whether its output is one small buffer, and nothing of it is with NIO.
  @inline(__always)
  private func maySendDirectly(_ connection: HTTPConnection<Responder>) -> Bool {
    descriptor != nil && connection.isOutputSingle && !mayHoldBytes && performed == .none
  }

  /// Sends through TLS, where one write makes one record, or several of 16 KiB; small writes were
  /// gathered into one by the connection's queue. What is flushed at once is encrypted into one
  /// buffer that the TLS handler keeps for good: three records leave it at 64 KiB.
  private func sendSecure(
    _ connection: HTTPConnection<Responder>, _ context: ChannelHandlerContext
  ) {
    let limit = 48 << 10
    var unflushed = 0
    connection.takeOutput { buffer in
      var rest = buffer
      while rest.readableBytes > 0,
        let piece = rest.readSlice(length: min(rest.readableBytes, limit - unflushed))
      {
        context.write(NIOAny(piece), promise: nil)
        unflushed += piece.readableBytes
        guard unflushed == limit else { continue }
        context.flush()
        unflushed = 0
      }
    }
    if unflushed > 0 { context.flush() }
  }

  private func queue(_ buffer: ByteBuffer, from count: Int, _ context: ChannelHandlerContext) {
    var rest = buffer
    rest.moveReaderIndex(forwardBy: count)
    mayHoldBytes = true
    context.writeAndFlush(NIOAny(rest), promise: nil)
  }

  private func performClose(
    _ intent: ConnectionCloseIntent, _ context: ChannelHandlerContext
  ) {
    performed = intent
    switch intent {
    case .none: break
    case .lingering:
      // NIO shuts the output down once all that was written has gone.
      context.close(mode: .output, promise: nil)
    case .afterOutput:
      // Behind TLS a plain close sends a close_notify, which says that nothing is missing.
      let isCut = isSecure && connection?.isCutShort ?? false
      guard unsentBytes > 0 else { return close(context, isCut: isCut) }
      let sent = context.eventLoop.makePromise(of: Void.self)
      sent.futureResult.assumeIsolated().whenComplete { _ in
        if let context = self.context { self.close(context, isCut: isCut) }
      }
      context.writeAndFlush(NIOAny(ByteBuffer()), promise: sent)
    case .reset:
      if let socket = context.channel as? any SocketOptionProvider {
        let set = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        set.assumeIsolated().whenComplete { _ in self.context?.closeBeneathTLS() }
      } else {
        context.closeBeneathTLS()
      }
    }
  }

  private func close(_ context: ChannelHandlerContext, isCut: Bool) {
    if isCut { context.closeBeneathTLS() } else { context.close(promise: nil) }
  }

  /// Bytes that the channel has been given and the kernel has not taken yet.
  private var unsentBytes: Int {
    (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }
}

/// Names the type of bytes on a pipeline outside any generic type, where unwrapping them is
/// specialized instead of cast at run time.
private final class ByteHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
}
