import HTTPMessage
import NIOCore

/// One HTTP/2 connection and the responder that answers its requests: see ``HTTP2Session``.
public final class HTTP2Connection<Responder: RequestResponder>: HTTP2Session {

  private let responder: Responder

  /// A connection whose client speaks HTTP/2, from its first byte on: ALPN said so, or the preface
  /// did, which is then fed to it like everything else.
  public init(
    responder: Responder, limits: ConnectionLimits, statistics: ServerStatistics,
    buffers: OutputBufferPool, pool: HTTP2Pool, eventLoop: any EventLoop,
    remoteAddress: SocketAddress?, isSecure: Bool, now: NIODeadline, ownLines: [UInt8] = []
  ) {
    self.responder = responder
    super.init(
      limits: limits, statistics: statistics, buffers: buffers, pool: pool, eventLoop: eventLoop,
      remoteAddress: remoteAddress, isSecure: isSecure, now: now, ownLines: ownLines)
  }

  override func respond(
    to head: RequestHead, stream: HTTP2Stream
  ) -> (any RequestExchange)? {
    responder.respond(to: head, writer: stream)
  }

  override func noteRefused(_ fault: RequestFault) {
    responder.refused(
      RefusedRequest(
        fault: fault, version: .http2, isSecure: isSecure, remoteAddress: remoteAddress))
  }

  override func describe(_ fault: RequestFault, into lines: inout ByteBuffer) {
    responder.describe(fault, into: &lines)
  }
}
