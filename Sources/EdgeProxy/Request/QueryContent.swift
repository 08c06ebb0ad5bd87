import HTTPMessage
import NIOCore

/// Who takes a request's content, piece by piece.
protocol ContentReceiver: AnyObject {
  func receiveBody(_ chunk: ByteBuffer)
  func receiveBodyEnd(trailers: FieldBlock?)
}

/// Collects the content of a QUERY before the look-up: it is part of the key.
///
/// Owner: its exchange. Limit: content beyond `limitBytes` sends the request past the cache, with
/// what was collected going ahead of the rest.
final class QueryContent: ContentReceiver {
  private unowned let exchange: ProxyExchange
  private let limitBytes: Int
  private var content = ByteBuffer()

  init(exchange: ProxyExchange, limitBytes: Int) {
    self.exchange = exchange
    self.limitBytes = limitBytes
  }

  /// Asks for the first piece.
  func start() {
    guard exchange.head.framing != .none else { return receiveBodyEnd(trailers: nil) }
    exchange.writer?.requestBodyChunk()
  }

  func receiveBody(_ chunk: ByteBuffer) {
    content.writeImmutableBuffer(chunk)
    guard content.readableBytes > limitBytes else {
      exchange.writer?.requestBodyChunk()
      return
    }
    exchange.content = content
    exchange.perform(.received(pass: .requestContent))
  }

  func receiveBodyEnd(trailers: FieldBlock?) {
    exchange.content = content
    exchange.isContentComplete = true
    exchange.perform(.received(pass: nil))
  }
}
