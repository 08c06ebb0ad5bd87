import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// Keeps the answer to a POST that says it is what GET would now get (RFC 9110 section 9.3.3).
///
/// Owner: its relay, which asks its origin for more only while ``isBehind`` is false. Limit:
/// content beyond the largest object in memory goes to the disk as it arrives; without a disk tier
/// such an answer is not kept.
struct PostRecorder {
  private let head: FillHead
  private let store: Store
  private let limitBytes: Int
  private let route: Route
  private var chunks: [ByteBuffer] = []
  private var count = 0
  private var spool: SpoolWriter?
  private var isGivenUp = false

  /// A recorder of a response whose judgement is `head`; nil when that is not stored.
  init?(_ head: FillHead, store: Store, limitBytes: Int, route: Route) {
    guard head.refusal == nil else { return nil }
    self.head = head
    self.route = route
    self.store = store
    self.limitBytes = limitBytes
  }

  /// Takes some content.
  mutating func append(_ chunk: ByteBuffer) {
    count += chunk.readableBytes
    if isGivenUp { return }
    if let spool { return spool.append(chunk) }
    chunks.append(chunk)
    guard count > limitBytes else { return }
    let hash = head.storedKey.withUnsafeReadableBytes { store.hasher.hash($0) }
    if let spool = store.beginSpool(for: hash, expectedBytes: head.contentLength) {
      for chunk in chunks { spool.append(chunk) }
      self.spool = spool
    } else {
      isGivenUp = true
    }
    chunks = []
  }

  /// Whether so much waits to be written that the origin should be held back.
  var isBehind: Bool { spool?.isBehind ?? false }

  /// Calls `callback` on `loop` once the disk has caught up, or is of no use any more.
  func whenCaughtUp(on loop: any EventLoop, _ callback: @escaping () -> Void) {
    spool?.whenCaughtUp(on: loop, callback)
  }

  /// The response is complete: it is stored.
  func finish() {
    guard !isGivenUp, head.contentLength ?? count == count else { return abandon() }
    head.storedKey.withUnsafeReadableBytes { key in
      head.lines.withUnsafeReadableBytes { lines in
        let hash = store.hasher.hash(key)
        let metadata = head.metadata.asStored(
          bodyBytes: count, isSpooled: spool != nil, route)
        if let spool {
          _ = store.finishSpool(
            spool, hash: hash, key: key, head: lines, metadata: metadata, tags: head.tags)
        } else {
          store.insert(
            StoredObject.make(
              hash: hash, key: key, head: lines, body: .buffers(chunks), metadata: metadata,
              tags: head.tags))
        }
      }
    }
  }

  /// The response will not be complete: nothing is stored.
  func abandon() { spool?.abort() }
}
