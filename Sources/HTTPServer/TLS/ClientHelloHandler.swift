import NIOCore
import NIOSSL

/// Chooses the certificates' kind by the client's first message, on listeners that have both: holds
/// the bytes until the ClientHello is whole, puts the TLS handler in its own place, and is gone.
/// Confined to the channel's loop; the deadline is that of the handshake, whose handler stands
/// behind this one.
final class ClientHelloHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer

  private let contexts: TLSContexts
  private var held = ByteBuffer()
  private var isDone = false

  init(_ contexts: TLSContexts) {
    self.contexts = contexts
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isDone else { return context.fireChannelRead(data) }
    var buffer = unwrapInboundIn(data)
    held.writeBuffer(&buffer)
    let hello: ClientHello?
    switch ClientHello.read(held) {
    case .incomplete where held.readableBytes < ClientHello.limitBytes: return
    case .incomplete, .unreadable: hello = nil
    case .read(let read): hello = read
    }
    isDone = true
    let pipeline = context.pipeline.syncOperations
    let chosen = hello.map { contexts.context(for: $0) } ?? contexts.any
    do {
      try pipeline.addHandler(NIOSSLServerHandler(context: chosen), position: .after(self))
    } catch {
      return context.close(promise: nil)
    }
    context.fireChannelRead(NIOAny(held))
    context.fireChannelReadComplete()
    held = ByteBuffer()
    pipeline.removeHandler(context: context, promise: nil)
  }
}

/// The contexts of one listener at one time: the certificates in their order, and where there are
/// keys of both kinds, one context for clients that can verify only one of them.
struct TLSContexts: Sendable {
  /// For clients that can verify either kind: of two certificates for one name the first counts.
  let any: NIOSSLContext
  /// With the ECDSA certificates first; nil where all are of one kind.
  let ecdsa: NIOSSLContext?
  /// With the RSA certificates first; nil where all are of one kind.
  let rsa: NIOSSLContext?

  /// Whether it matters what the client can verify.
  var isMixed: Bool { ecdsa != nil || rsa != nil }

  func context(for hello: ClientHello) -> NIOSSLContext {
    switch (hello.takesECDSA, hello.takesRSA) {
    case (true, false): ecdsa ?? any
    case (false, true): rsa ?? any
    default: any
    }
  }
}
