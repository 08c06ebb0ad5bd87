import CacheStore
import NIOCore

/// Reads a body that lies on disk, whole, a piece in a turn of its loop.
///
/// Owner: the read under way. Limit: the body; whoever starts it counts its bytes.
final class StoredBodyReading {
  private static let pieceBytes = 256 << 10

  private let body: DiskBody
  private let loop: any EventLoop
  private let completion: ([ByteBuffer]?) -> Void
  private var chunks: [ByteBuffer] = []
  private var offset = 0

  /// A reading whose `completion` is called on `loop`, with nil when the body cannot be read.
  init(
    _ body: DiskBody, on loop: any EventLoop, completion: @escaping ([ByteBuffer]?) -> Void
  ) {
    self.body = body
    self.loop = loop
    self.completion = completion
  }

  /// Begins; on the loop.
  func start() { readNext() }

  private func readNext() {
    guard offset < body.count else { return completion(chunks) }
    let count = min(Self.pieceBytes, body.count - offset)
    body.read(offset: offset, count: count, on: loop) { [self] bytes in
      guard let bytes, bytes.readableBytes == count else { return completion(nil) }
      offset += count
      chunks.append(bytes)
      // Others on the loop get their turn: what the page cache has comes at once.
      loop.assumeIsolated().execute { [self] in readNext() }
    }
  }
}
