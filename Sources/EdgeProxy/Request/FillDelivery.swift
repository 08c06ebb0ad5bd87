import CacheStore
import HTTPMessage
import NIOCore

/// Delivers a fill's content as it arrives, from the client's own place in it.
final class FillDelivery: Delivery {
  private unowned let exchange: ProxyExchange
  private let fill: Fill
  private let reader: Int
  /// The client's place in the fill's content.
  private var offset = 0
  /// Where the piece being written ends; nil for the whole content.
  private var endOffset: Int?
  /// What follows that piece.
  private var pieces: ArraySlice<StoredAnswer.Piece>
  /// Where the fill's content begins in the representation.
  private let baseOffset: Int
  private var isReading = false
  private var isCancelled = false

  /// `pieces` are places in the representation, by rising offset; nil for the whole content.
  init(
    exchange: ProxyExchange, fill: Fill, reader: Int, pieces: [StoredAnswer.Piece]?,
    baseOffset: Int = 0
  ) {
    self.exchange = exchange
    self.fill = fill
    self.reader = reader
    self.pieces = pieces.map { $0[...] } ?? []
    self.baseOffset = baseOffset
    endOffset = pieces == nil ? nil : 0
  }

  func outputDrained() { pump() }

  func cancel() { isCancelled = true }

  /// Writes what is there and what the client takes.
  func pump() {
    guard !isReading, !isCancelled, let writer = exchange.writer else { return }
    while writer.isWritable {
      if let endOffset, offset >= endOffset {
        guard let piece = pieces.popFirst() else { return exchange.complete(trailers: nil) }
        begin(piece, writer)
        continue
      }
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

  private func begin(_ piece: StoredAnswer.Piece, _ writer: any ResponseWriter) {
    switch piece {
    case .text(let text): writer.write(text)
    case .body(let range):
      offset = range.lowerBound - baseOffset
      endOffset = range.upperBound - baseOffset
    }
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
    let count = min(available, exchange.diskReadBytes)
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
