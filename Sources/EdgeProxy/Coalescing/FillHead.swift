import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// A fill's response head, judged once for everybody who reads the fill; immutable.
final class FillHead: Sendable {
  /// The origin's status.
  let status: Int
  /// Field lines for the clients of this fill, without Content-Length.
  let lines: ByteBuffer
  /// Field lines for the client whose request was sent, where a qualified `no-cache` or `private`
  /// keeps some from all others (RFC 9111 sections 5.2.2.4 and 5.2.2.7); nil: ``lines``.
  let ownLines: ByteBuffer?
  /// The body's length, where the origin declared it.
  let contentLength: Int?
  /// Why the response is not stored; nil when it is going to be.
  let refusal: ResultReason?
  /// Whether the next response of this key is likely to be refused as well.
  let isKeyUncacheable: Bool
  /// The freshness it is stored with; nil when it is not.
  let freshness: Freshness?
  /// The age in seconds that it came with, where an upstream cache declared one.
  let ageSeconds: Int64?
  /// The list that the stored variants stand in; nil when the responses do not vary.
  let variants: VariantList?
  /// This response's normalized values of those fields.
  let variantValues: ByteBuffer
  /// The primary key it is stored under.
  let primaryKey: ByteBuffer
  /// The key it is stored under: the primary key, or that of the variant.
  let storedKey: ByteBuffer
  /// What the store keeps beside the bytes.
  let metadata: ObjectMetadata
  /// Hashes of its cache tags and groups.
  let tags: [UInt64]
  /// The stretch of the representation that the fill's content is; nil for the whole. All else here
  /// is the representation's, its length included.
  let stretch: Range<Int>?
  /// The status that the origin sent: 206 where ``status`` is the representation's 200.
  let originStatus: Int

  init(
    status: Int, lines: ByteBuffer, contentLength: Int?, refusal: ResultReason?,
    isKeyUncacheable: Bool, freshness: Freshness?, ageSeconds: Int64?,
    variants: VariantList?, variantValues: ByteBuffer, primaryKey: ByteBuffer,
    storedKey: ByteBuffer, metadata: ObjectMetadata, ownLines: ByteBuffer? = nil,
    tags: [UInt64] = [], stretch: Range<Int>? = nil, originStatus: Int? = nil
  ) {
    self.status = status
    self.lines = lines
    self.contentLength = contentLength
    self.refusal = refusal
    self.isKeyUncacheable = isKeyUncacheable
    self.freshness = freshness
    self.ageSeconds = ageSeconds
    self.variants = variants
    self.variantValues = variantValues
    self.primaryKey = primaryKey
    self.storedKey = storedKey
    self.ownLines = ownLines
    self.metadata = metadata
    self.tags = tags
    self.stretch = stretch
    self.originStatus = originStatus ?? status
  }
}

extension FillHead {
  /// Whether what is stored of it will answer by Accept-Encoding, and its lines do not say so.
  var isNegotiated: Bool {
    refusal == nil && (metadata.kind == .compressible || metadata.kind == .inflatable)
      && !lines.withUnsafeReadableBytes(StoredLines.varyByCoding)
  }
}

/// An interim response of the origin (RFC 9110 section 15.2): passed on, never stored.
struct InterimResponse: Sendable {
  let status: Int
  let fields: FieldBlock
}

/// How a fill came out.
enum FillEnd: Sendable {
  /// Every byte arrived.
  case whole(trailers: FieldBlock?)
  /// The origin confirmed the stored response: here it is, freshened.
  case confirmed(StoredObject)
  /// The fetch failed, before or after its head.
  case failed(OriginFailure)
}

/// What a reader finds at its place in a fill.
enum FillPiece {
  /// Some bytes from the reader's offset on.
  case bytes(ByteBuffer)
  /// The bytes there have left memory; read them back from the spool.
  case spooled(SpoolWriter, available: Int)
  /// Nothing yet: a wake-up follows.
  case wait
  /// The end.
  case end(FillEnd)
}
