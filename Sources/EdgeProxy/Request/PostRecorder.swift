import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// Keeps the answer to a POST that says it is what GET would now get (RFC 9110 section 9.3.3).
///
/// Owner: its relay. Limit: content beyond the largest object in memory is not kept.
struct PostRecorder {
  private let head: FillHead
  private let limitBytes: Int
  private var chunks: [ByteBuffer] = []
  private var count = 0
  private var isTooLarge = false

  /// A recorder of a response whose judgement is `head`; nil when that is not stored.
  init?(_ head: FillHead, limitBytes: Int) {
    guard head.refusal == nil else { return nil }
    self.head = head
    self.limitBytes = limitBytes
  }

  /// Takes some content.
  mutating func append(_ chunk: ByteBuffer) {
    count += chunk.readableBytes
    if count > limitBytes {
      isTooLarge = true
      chunks = []
    }
    if !isTooLarge { chunks.append(chunk) }
  }

  /// The object, once the response is complete; nil when it is not to be kept.
  func object(hasher: KeyHasher) -> StoredObject? {
    guard !isTooLarge, head.contentLength ?? count == count else { return nil }
    return head.storedKey.withUnsafeReadableBytes { key in
      head.lines.withUnsafeReadableBytes { lines in
        StoredObject.make(
          hash: hasher.hash(key), key: key, head: lines, body: .buffers(chunks),
          metadata: head.metadata, tags: head.tags)
      }
    }
  }
}
