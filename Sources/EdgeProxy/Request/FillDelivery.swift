import CacheStore
import HTTPMessage
import NIOCore

/// Delivers a fill's content as it arrives, from the client's own place in it.
final class FillDelivery: Delivery {
  /// Bytes asked back from the spool at once.
  private static let readBytes = 256 << 10

  private unowned let exchange: ProxyExchange
  private let fill: Fill
  private let reader: Int
  private var offset: Int
  /// Where the client's range ends; nil for the whole content.
  private let endOffset: Int?
  private var isReading = false
  private var isCancelled = false

  init(exchange: ProxyExchange, fill: Fill, reader: Int, range: Range<Int>?) {
    self.exchange = exchange
    self.fill = fill
    self.reader = reader
    offset = range?.lowerBound ?? 0
    endOffset = range?.upperBound
  }

  func outputDrained() { pump() }

  func cancel() { isCancelled = true }

  /// Writes what is there and what the client takes.
  func pump() {
    guard !isReading, !isCancelled, let writer = exchange.writer else { return }
    while writer.isWritable {
      if let endOffset, offset >= endOffset { return exchange.complete(trailers: nil) }
      switch fill.read(reader, at: offset) {
      case .bytes(let bytes): write(bytes, to: writer)
      case .spooled(let spool, let available): return read(available, from: spool)
      case .wait: return fill.notifyHome()
      case .end(.whole(let trailers)): return exchange.complete(trailers: trailers)
      case .end(.failed(let failure)): return exchange.cut(ResultReason(failure))
      case .end(.confirmed): return exchange.cut(.originFailed)
      }
    }
    fill.notifyHome()
  }

  private func write(_ bytes: ByteBuffer, to writer: any ResponseWriter) {
    var bytes = bytes
    if let endOffset, bytes.readableBytes > endOffset - offset {
      bytes.moveWriterIndex(to: bytes.readerIndex + endOffset - offset)
    }
    offset += bytes.readableBytes
    writer.write(bytes)
  }

  private func read(_ available: Int, from spool: SpoolWriter) {
    let count = min(available, Self.readBytes)
    isReading = true
    let exchange = exchange
    spool.read(offset: offset, count: count, on: exchange.loop.eventLoop) { [self] bytes in
      isReading = false
      guard !isCancelled else { return }
      guard let bytes, bytes.readableBytes == count, let writer = exchange.writer else {
        return exchange.cut(.brokenOnDisk)
      }
      write(bytes, to: writer)
      pump()
    }
  }
}
