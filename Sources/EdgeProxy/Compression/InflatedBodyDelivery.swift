import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// Delivers the plain content of a body that is stored gzip'd, as the client takes it.
///
/// Owner: its exchange, on its loop. Limits: a piece of 64 KiB gzip'd and one plain are in memory
/// at a time, and after ``turnBytes`` plain bytes others on the loop get their turn.
final class InflatedBodyDelivery: Delivery {
  /// Plain bytes made in one go: about a millisecond.
  private static let turnBytes = 256 << 10

  private unowned let exchange: ProxyExchange
  private let object: StoredObject
  private var pieces: ArraySlice<StoredAnswer.Piece>
  private let inflater: GzipInflater?
  private var source: CompressedSource
  /// Where the bytes in `plain` stand in the content.
  private var plainOffset = 0
  private var plain = ByteBuffer()
  private var isWaiting = false
  private var isCancelled = false

  /// `pieces` are places in the plain content, by rising offset.
  init(exchange: ProxyExchange, object: StoredObject, pieces: [StoredAnswer.Piece]) {
    self.exchange = exchange
    self.object = object
    self.pieces = pieces[...]
    inflater = GzipInflater(.exactly((CompressedObject(object)?.plainCount ?? 0)))
    source = CompressedSource(object)
  }

  func outputDrained() { pump() }

  func cancel() { isCancelled = true }

  /// Writes what can be written now.
  func pump() {
    guard !isWaiting, !isCancelled, let writer = exchange.writer else { return }
    guard let inflater else { return exchange.cut(.brokenOnDisk) }
    let turnEnd = inflater.producedBytes + Self.turnBytes
    while writer.isWritable {
      guard let piece = pieces.first else { return exchange.complete(trailers: nil) }
      switch piece {
      case .text(let text):
        writer.write(text)
        pieces.removeFirst()
      case .body(let range):
        if writePlain(range, to: writer) { continue }
        guard inflater.producedBytes < turnEnd else { return takeTurns() }
        guard advance(inflater) else { return }
      }
    }
  }

  /// Writes what `plain` holds of a piece; false when more has to be inflated first.
  private func writePlain(_ range: Range<Int>, to writer: any ResponseWriter) -> Bool {
    let end = plainOffset + plain.readableBytes
    guard range.lowerBound >= plainOffset, range.lowerBound < end || range.isEmpty else {
      return false
    }
    let upper = min(range.upperBound, end)
    let start = plain.readerIndex + range.lowerBound - plainOffset
    if let bytes = plain.getSlice(at: start, length: upper - range.lowerBound) {
      writer.write(bytes)
    }
    pieces.removeFirst()
    if upper < range.upperBound {
      pieces.insert(.body(upper..<range.upperBound), at: pieces.startIndex)
    }
    return true
  }

  /// Inflates the next bytes; false when that has to wait, or the delivery is over.
  private func advance(_ inflater: GzipInflater) -> Bool {
    plainOffset += plain.readableBytes
    plain = ByteBuffer()
    switch inflater.next() {
    case .plain(let bytes):
      plain = bytes
      return true
    case .needsInput:
      return feed(inflater)
    case .end, .damaged:
      damaged()
      return false
    }
  }

  private func feed(_ inflater: GzipInflater) -> Bool {
    switch source.next() {
    case .bytes(let bytes):
      inflater.feed(bytes)
      return true
    case .onDisk(let disk, let range):
      read(range, from: disk, inflater)
      return false
    case .end:
      damaged()
      return false
    }
  }

  private func read(_ range: Range<Int>, from disk: DiskBody, _ inflater: GzipInflater) {
    isWaiting = true
    // The exchange, and with it this delivery, stays until the read has come back.
    let exchange = exchange
    disk.read(offset: range.lowerBound, count: range.count, on: exchange.loop.eventLoop) {
      [self] bytes in
      isWaiting = false
      guard !isCancelled else { return }
      guard let bytes, bytes.readableBytes == range.count else {
        return exchange.cut(.brokenOnDisk)
      }
      inflater.feed(bytes)
      pump()
    }
  }

  /// Lets others on the loop go first.
  private func takeTurns() {
    isWaiting = true
    let exchange = exchange
    exchange.loop.eventLoop.assumeIsolated().execute { [self] in
      isWaiting = false
      guard !isCancelled else { return }
      withExtendedLifetime(exchange) { pump() }
    }
  }

  private func damaged() {
    exchange.loop.shared.compressor.remove(damaged: object)
    exchange.cut(.brokenOnDisk)
  }
}

/// The gzip'd bytes of a stored body, piece by piece.
struct CompressedSource {
  /// What comes next.
  enum Piece {
    case bytes(ByteBuffer)
    case onDisk(DiskBody, Range<Int>)
    case end
  }

  private let object: StoredObject
  private var offset = 0
  private var chunks: ArraySlice<ByteBuffer>

  init(_ object: StoredObject) {
    self.object = object
    chunks = object.bodyChunks[...]
  }

  /// The next piece, of at most 64 KiB.
  mutating func next() -> Piece {
    if let chunk = chunks.popFirst() {
      offset += chunk.readableBytes
      return .bytes(chunk)
    }
    guard offset < object.bodyCount else { return .end }
    if let disk = object.diskBody {
      let range = offset..<min(offset + Gzip.pieceBytes, object.bodyCount)
      offset = range.upperBound
      return .onDisk(disk, range)
    }
    let bytes = object.withInlineBody { ByteBuffer(bytes: $0) }
    offset += bytes.readableBytes
    return bytes.readableBytes > 0 ? .bytes(bytes) : .end
  }
}

extension ProxyLoop {
  /// Largest plain content that a hit inflates at once: about 200 microseconds.
  private static let inflatedAtOnceBytes = 64 << 10

  /// Whether a fresh object answers without an exchange: from memory, and without long work.
  @inline(__always)
  func isDeliveredAtOnce(_ object: StoredObject, to head: RequestHead) -> Bool {
    if object.diskBody != nil { return false }
    return object.kind != .compressed || isInflatedAtOnce(object, for: head)
  }

  private func isInflatedAtOnce(_ object: StoredObject, for head: RequestHead) -> Bool {
    guard let compressed = CompressedObject(object) else { return false }
    return compressed.plainCount <= Self.inflatedAtOnceBytes || head.method == .head
      || compressed.coding(for: head) == .gzip
  }

  /// Judges a response that is stored gzip'd; one whose head cannot be read is none.
  func judgeCompressed(
    _ object: StoredObject, _ found: inout Lookup, _ head: RequestHead, _ route: Route
  ) {
    guard CompressedObject(object) != nil else {
      found.object = nil
      found.verdict = .absent
      return
    }
    judge(object, &found, head, route)
  }

  /// Has the other form of a stored response made when this request could have used it.
  func transformIfWanted(_ object: StoredObject, _ head: RequestHead, _ route: Route) {
    guard object.kind == .compressible || object.kind == .inflatable,
      let compression = route.compression,
      CodingPreference(head.fields).prefersGzip == (object.kind == .compressible)
    else { return }
    shared.compressor.transform(object, by: compression, on: eventLoop)
  }

  /// Writes an answer's content from memory; false when a gzip'd body does not inflate to what was
  /// stored.
  func write<Writer: ResponseWriter>(
    _ answer: StoredAnswer, of object: StoredObject, to writer: Writer
  ) -> Bool {
    var plain: ByteBuffer?
    if answer.coding == .inflated, !answer.pieces.isEmpty {
      plain = inflated(object)
      if plain == nil { return false }
    }
    for piece in answer.pieces {
      switch piece {
      case .text(let text): writer.write(text)
      case .body(let range):
        if let plain {
          if let bytes = plain.getSlice(at: range.lowerBound, length: range.count) {
            writer.write(bytes)
          }
        } else {
          object.writeBody(range, to: writer)
        }
      }
    }
    return true
  }

  /// The plain body, whole; nil when the stored one does not inflate to it.
  private func inflated(_ object: StoredObject) -> ByteBuffer? {
    let count = (CompressedObject(object)?.plainCount ?? 0)
    guard let inflater = GzipInflater(.exactly(count)) else { return nil }
    var source = CompressedSource(object)
    var plain = ByteBuffer()
    plain.reserveCapacity(count)
    while true {
      switch inflater.next() {
      case .plain(var bytes): plain.writeBuffer(&bytes)
      case .end: return plain
      case .damaged: return nil
      case .needsInput:
        guard case .bytes(let bytes) = source.next() else { return nil }
        inflater.feed(bytes)
      }
    }
  }

  /// Ends a response whose stored body turned out damaged when its head had been sent.
  func cutInflating<Writer: ResponseWriter>(
    _ object: StoredObject, _ status: Int, _ outcome: RequestOutcome, head: RequestHead,
    started: Int64, writer: Writer
  ) {
    shared.compressor.remove(damaged: object)
    let bytes = writer.contentBytesWritten
    let remoteAddress = accessLog == nil ? nil : writer.remoteAddress
    writer.abort()
    var outcome = outcome
    outcome.reason = .brokenOnDisk
    record(
      FinishedResponse(outcome: outcome, status: status, bytes: bytes, startedNanoseconds: started),
      head: head, remoteAddress: remoteAddress)
  }
}
