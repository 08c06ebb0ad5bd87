import CacheStore
import HTTPMessage
import NIOCore

/// Delivers a stored object's content from disk on demand: a read is asked for when the client
/// takes bytes, so at most ``ProxyExchange/diskReadBytes`` of a slow client's response are in
/// memory.
final class StoredBodyDelivery: Delivery {
  private unowned let exchange: ProxyExchange
  private let object: StoredObject
  private var pieces: ArraySlice<StoredAnswer.Piece>
  private var isReading = false
  private var isCancelled = false

  init(exchange: ProxyExchange, object: StoredObject, pieces: [StoredAnswer.Piece]) {
    self.exchange = exchange
    self.object = object
    self.pieces = pieces[...]
  }

  func outputDrained() { pump() }

  func cancel() { isCancelled = true }

  /// Writes what can be written now.
  func pump() {
    guard !isReading, !isCancelled, let writer = exchange.writer else { return }
    while writer.isWritable, let piece = pieces.first {
      switch piece {
      case .text(let text):
        writer.write(text)
        pieces.removeFirst()
      case .body(let range):
        guard let disk = object.diskBody else {
          object.writeBody(range, to: writer)
          pieces.removeFirst()
          continue
        }
        return read(range, from: disk)
      }
    }
    if pieces.isEmpty { exchange.complete(trailers: nil) }
  }

  private func read(_ range: Range<Int>, from disk: DiskBody) {
    let count = min(range.count, exchange.diskReadBytes)
    let rest = (range.lowerBound + count)..<range.upperBound
    pieces.removeFirst()
    if !rest.isEmpty { pieces.insert(.body(rest), at: pieces.startIndex) }
    isReading = true
    // The exchange, and with it this delivery, stays until the read has come back.
    let exchange = exchange
    disk.read(offset: range.lowerBound, count: count, on: exchange.loop.eventLoop) { [self] bytes in
      isReading = false
      guard !isCancelled else { return }
      guard let bytes, bytes.readableBytes == count else { return exchange.cut(.brokenOnDisk) }
      exchange.writer?.write(bytes)
      pump()
    }
  }
}
