import HTTPMessage
import NIOCore
import NIOSSL
import NIOTLS

/// Holds a connection's place while TLS shakes hands, then makes way for the handler of the
/// protocol that was agreed on. Right behind the TLS handler; confined to the channel's loop.
///
/// A member of its loop like the connection that follows: one sweep watches its deadline, and a
/// drain closes it, since no request can be under way.
final class TLSHandshakeHandler<Responder: RequestResponder & SendableMetatype>:
  ChannelInboundHandler, RemovableChannelHandler, LoopMember
{
  typealias InboundIn = ByteBuffer

  private let loop: LoopState<Responder>
  private let place: ConnectionPlace
  private let deadline: NIODeadline
  /// Makes the handler for what ALPN agreed on; nil when the client offered nothing known.
  private let makeHandler: (String?) -> any ChannelHandler
  private var context: ChannelHandlerContext?
  /// Whether the place is this handler's to give back.
  private var holdsPlace = true
  private var isClosing = false
  var index: Int?

  /// A handler for a connection on `loop`. A rejected one shakes hands to be told so, unless too
  /// many do.
  init(
    loop: LoopState<Responder>, place: ConnectionPlace, timeout: TimeAmount,
    makeHandler: @escaping (String?) -> any ChannelHandler
  ) {
    self.loop = loop
    self.place = place
    self.makeHandler = makeHandler
    deadline = loop.now + timeout
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    loop.add(self)
    if isRejected { loop.rejectedCount += 1 }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    loop.remove(self)
    if isRejected { loop.rejectedCount -= 1 }
    if holdsPlace { loop.gate.giveBack(place, now: .now()) }
    holdsPlace = false
  }

  private var isRejected: Bool { place.rejection != nil }

  func channelActive(context: ChannelHandlerContext) {
    let isTooMuch = isRejected && loop.rejectedCount > LoopState<Responder>.rejectedLimit
    if isTooMuch || loop.isDraining { close() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case .some(.handshakeCompleted(let negotiatedProtocol)) = event as? TLSUserEvent else {
      return context.fireUserInboundEventTriggered(event)
    }
    loop.statistics.handshakes.add()
    // The place goes over to the connection.
    holdsPlace = false
    let pipeline = context.pipeline.syncOperations
    do {
      try pipeline.addHandler(makeHandler(negotiatedProtocol), position: .after(self))
    } catch {
      return close()
    }
    pipeline.removeHandler(context: context, promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard !isClosing else { return }
    loop.statistics.handshakeFailures.add()
    if let error = error as? NIOSSLError, error.isPlainHTTP { answerInPlainText(context) }
    close()
  }

  // MARK: Called by the loop's state

  func resume() {}

  var restsUntil: NIODeadline { deadline }

  func tick() {
    guard loop.now >= deadline else { return }
    loop.statistics.handshakeTimeouts.add()
    close()
  }

  func beginDrain() { close() }
  func cut() { close() }

  // MARK: Inside

  private func close() {
    isClosing = true
    context?.closeBeneathTLS()
  }

  /// Whoever speaks HTTP where TLS is spoken is told so in the only language it understands.
  private func answerInPlainText(_ context: ChannelHandlerContext) {
    let answer: StaticString = """
      HTTP/1.1 400 Bad Request\r\n\
      Content-Type: text/plain\r\nContent-Length: 40\r\nConnection: close\r\n\r\n\
      This port speaks TLS: use an https URL.\n
      """
    guard let tls = context.tlsContext else { return }
    var buffer = context.channel.allocator.buffer(capacity: answer.utf8CodeUnitCount)
    buffer.writeStaticString(answer)
    tls.writeAndFlush(NIOAny(buffer), promise: nil)
  }
}

extension ChannelHandlerContext {
  /// The context of the TLS handler: what is done there passes TLS by. Nil in clear text.
  var tlsContext: ChannelHandlerContext? {
    try? pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
  }

  /// Closes the channel at once, without the close_notify that would call what was sent complete
  /// (RFC 8446 section 6.1), and without the wait for the client's.
  func closeBeneathTLS() {
    (tlsContext ?? self).close(promise: nil)
  }
}

extension NIOSSLError {
  /// Whether the handshake failed on a request in clear text. BoringSSL has an error for it, which
  /// only its text tells from others.
  fileprivate var isPlainHTTP: Bool {
    guard case .handshakeFailed(.sslError(let stack)) = self else { return false }
    return stack.contains { $0.description.contains("HTTP_REQUEST") }
  }
}
