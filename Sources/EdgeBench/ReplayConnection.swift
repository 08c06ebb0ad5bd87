import NIOCore

/// One keep-alive connection of a replay: one request under way at a time.
///
/// Confined to its channel's event loop, which is the session's.
final class ReplayConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let session: ReplaySession
  private var context: ChannelHandlerContext?
  private var reader = ResponseReader()
  private var pending: ByteBuffer?
  private var object: Trace.Object?
  private var sentAt = NIODeadline.now()
  private var hasReceived = false

  init(session: ReplaySession) {
    self.session = session
  }

  func channelActive(context: ChannelHandlerContext) {
    self.context = context
    session.opened(self)
    sendNext(context)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var input = Self.unwrapInboundIn(data)
    hasReceived = true
    if var earlier = pending.take() {
      earlier.writeBuffer(&input)
      input = earlier
    }
    do {
      while let summary = try reader.next(&input) {
        guard object != nil else { throw ResponseError.malformedStatusLine }
        complete(summary, context: context)
      }
      if input.readableBytes > 0 { pending = input }
    } catch {
      fail(.malformed)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if object != nil {
      if hasReceived, let summary = try? reader.close() {
        record(summary)
      } else {
        fail(.closed)
      }
    }
    self.context = nil
    session.closed(self)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail(.closed)
  }

  /// How long the request under way has been waiting; zero without one.
  func waited(until now: NIODeadline) -> TimeAmount {
    object == nil ? .zero : now - sentAt
  }

  /// Gives up the request under way because it took too long.
  func timeOut() {
    fail(.timeout)
  }

  /// Closes without counting the request under way.
  func abandon() {
    object = nil
    context?.close(promise: nil)
  }

  // MARK: Requests

  private func sendNext(_ context: ChannelHandlerContext) {
    guard let next = session.nextObject() else {
      context.close(promise: nil)
      return
    }
    object = next
    hasReceived = false
    sentAt = .now()
    let head = session.requestHead(next, allocator: context.channel.allocator)
    context.writeAndFlush(Self.wrapOutboundOut(head), promise: nil)
  }

  private func complete(_ summary: ResponseSummary, context: ChannelHandlerContext) {
    record(summary)
    if summary.isPersistent {
      sendNext(context)
    } else {
      context.close(promise: nil)
    }
  }

  private func record(_ summary: ResponseSummary) {
    guard let object = object.take() else { return }
    session.record(summary, of: object, latency: .now() - sentAt)
  }

  private func fail(_ failure: ReplayReport.Failure) {
    if object.take() != nil { session.record(failure) }
    context?.close(promise: nil)
  }
}
