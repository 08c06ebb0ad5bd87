import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// A stored response whose body is gzip'd, and which answers gzip'd or plain.
///
/// It stands under the key of the response; its metadata are the response's, with the place of the
/// entity tag counted from the head's first byte. Its head:
///
/// | bytes | content |
/// |---|---|
/// | 0-7 | big-endian: marks in the upper 16 bits, the plain body's length in the lower 48 |
/// | 8- | the origin's field lines, ETag last |
///
/// The lines are the origin's, without Content-Encoding, so that a 304 updates them as it would
/// have updated those. ETag stands last: the form that the edge made, whose bytes are others, has a
/// weak tag (RFC 9110 section 8.8.1), and is written without copying the rest.
struct CompressedObject {
  /// What the upper bits say.
  struct Marks: OptionSet {
    let rawValue: UInt16
    /// The origin's own Vary names Accept-Encoding.
    static let varies = Marks(rawValue: 1)
    /// It may not be sent in another form than the origin's any more.
    static let isOriginFormOnly = Marks(rawValue: 2)
    /// The gzip'd form is the origin's, and the plain one is made from it.
    static let isOriginGzip = Marks(rawValue: 4)
  }

  private static let prefixBytes = 8
  private static let countMask: UInt64 = (1 << 48) - 1
  /// Bytes of a line before its value: `ETag: `.
  private static let tagNameBytes = 6

  let object: StoredObject
  /// Length of the plain body.
  let plainCount: Int
  let marks: Marks

  /// Nil when the object is none, or its head is too short.
  init?(_ object: StoredObject) {
    guard object.kind == .compressed else { return nil }
    let prefix = object.withHead { head -> UInt64? in
      head.count >= Self.prefixBytes ? UInt64(bigEndian: head.loadUnaligned(as: UInt64.self)) : nil
    }
    guard let prefix else { return nil }
    self.object = object
    plainCount = Int(prefix & Self.countMask)
    marks = Marks(rawValue: UInt16(prefix >> 48))
  }

  /// All field lines.
  func withLines<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    object.withHead { body(UnsafeRawBufferPointer(rebasing: $0[Self.prefixBytes...])) }
  }

  /// The field lines but ETag, and ETag's value; nil without one.
  func withLinesAndTag<Result>(
    _ body: (_ lines: UnsafeRawBufferPointer, _ tag: UnsafeRawBufferPointer?) -> Result
  ) -> Result {
    let metadata = object.metadata
    return object.withHead { head in
      let tag = TextRange(offset: Int(metadata.etagOffset), count: Int(metadata.etagCount))
      let start = tag.isEmpty ? head.count : Int(tag.offset) - Self.tagNameBytes
      let lines = UnsafeRawBufferPointer(rebasing: head[Self.prefixBytes..<start])
      return body(lines, tag.isEmpty ? nil : tag.slice(of: head))
    }
  }

  /// The tag of the origin's form, or of the one that the edge made, which is weak (RFC 9110
  /// section 8.8.1); nil without one.
  func tag(ofOriginForm isOriginForm: Bool) -> ByteBuffer? {
    withLinesAndTag { _, tag in
      guard let tag else { return nil }
      var text = ByteBuffer()
      if !isOriginForm, !EntityTag.isWeak(tag) { text.writeStaticString("W/") }
      text.writeBytes(tag)
      return text
    }
  }

  // MARK: Making

  /// The head and metadata of the gzip'd form of a plain response.
  static func head(ofGzipped plain: StoredObject) -> (ByteBuffer, ObjectMetadata) {
    let lines = plain.withHead { ByteBuffer(bytes: $0) }
    let fields = FieldBlock(lines: lines)
    let marks: Marks = fields.variesByCoding ? .varies : []
    return head(fields, metadata: plain.metadata, plainCount: plain.bodyCount, marks: marks)
  }

  /// The gzip'd form of a plain response.
  static func make(from plain: StoredObject, gzip body: [ByteBuffer]) -> StoredObject {
    let (head, metadata) = head(ofGzipped: plain)
    return plain.withKey { key in
      head.withUnsafeReadableBytes { head in
        StoredObject.make(
          hash: plain.hash, key: key, head: head, body: .buffers(body), metadata: metadata,
          tags: plain.allTags)
      }
    }
  }

  /// The form with two faces of a response that came gzip'd from the origin and holds `plainCount`
  /// bytes.
  static func make(fromGzip object: StoredObject, plainCount: Int) -> StoredObject {
    let fields = FieldBlock(lines: object.withHead { ByteBuffer(bytes: $0) })
    let (head, metadata) = head(
      fields, metadata: object.metadata, plainCount: plainCount, marks: .isOriginGzip)
    return object.withKey { key in
      head.withUnsafeReadableBytes {
        object.freshened(key: key, head: $0, metadata: metadata, tags: object.allTags)
      }
    }
  }

  /// A copy with other lines and metadata: what a 304 makes of it.
  func freshened(
    _ fields: FieldBlock, metadata: ObjectMetadata, tags: [UInt64]
  ) -> StoredObject {
    var marks: Marks = fields.variesByCoding ? .varies : []
    if self.marks.contains(.isOriginGzip) { marks.insert(.isOriginGzip) }
    if metadata.freshness.flags.contains(.noTransform) { marks.insert(.isOriginFormOnly) }
    let (head, metadata) = Self.head(
      fields, metadata: metadata, plainCount: plainCount, marks: marks)
    return object.withKey { key in
      head.withUnsafeReadableBytes {
        object.freshened(key: key, head: $0, metadata: metadata, tags: tags)
      }
    }
  }

  private static func head(
    _ fields: FieldBlock, metadata: ObjectMetadata, plainCount: Int, marks: Marks
  ) -> (ByteBuffer, ObjectMetadata) {
    var head = ByteBuffer()
    head.reserveCapacity(prefixBytes + fields.bytes.readableBytes)
    head.writeInteger(UInt64(marks.rawValue) << 48 | UInt64(plainCount) & countMask)
    fields.writeLines(into: &head, except: [.etag, .contentEncoding])
    var metadata = metadata
    metadata.kind = .compressed
    metadata.etagOffset = 0
    metadata.etagCount = 0
    _ = fields.withFirst(.etag) { tag in
      // A tag of this length is nobody's; without it the response is still right.
      guard tag.count <= Int(UInt16.max) else { return }
      metadata.etagOffset = UInt32(head.readableBytes + tagNameBytes)
      metadata.etagCount = UInt16(tag.count)
      head.writeStaticString("ETag: ")
      head.writeBytes(tag)
      head.writeStaticString("\r\n")
    }
    return (head, metadata)
  }
}

extension FieldBlock {
  /// Whether Vary names Accept-Encoding.
  var variesByCoding: Bool {
    var result = false
    ListMembers.forEach(in: self, .vary) {
      if KnownField($0) == .acceptEncoding { result = true }
    }
    return result
  }
}

extension StoredObject {
  /// Whether what it answers depends on the Accept-Encoding of the request: it is stored gzip'd, or
  /// going to be.
  var isNegotiated: Bool {
    switch kind {
    case .compressible, .compressed, .inflatable: true
    case .response, .variantList, .partial: false
    }
  }

  /// Its tags for a copy, those included that are too many to be kept.
  var allTags: [UInt64] {
    tagCount == nil ? Array(repeating: 0, count: TagHash.mostTags + 1) : tags
  }
}
