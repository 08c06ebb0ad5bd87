import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// A stored object that holds parts of a representation (RFC 9111 section 3.3).
///
/// It stands under the key of the response. Its head is the part table, then the lines of the 200
/// that the whole would have been answered with, without Content-Range; its body is the parts'
/// bytes one after another; its metadata are the response's, with the place of the entity tag
/// counted from the head's first byte, table included.
struct PartialObject: Sendable {
  /// The object.
  let object: StoredObject
  /// Which bytes it holds.
  let table: PartTable

  /// Nil when the object holds no parts, or its table and body do not agree.
  init?(_ object: StoredObject) {
    guard object.metadata.kind == .partial,
      let table = object.withHead({ PartTable(encoded: $0) }),
      table.storedCount == object.bodyCount
    else { return nil }
    self.object = object
    self.table = table
  }

  /// The representation's field lines.
  func withLines<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    object.withHead { body(UnsafeRawBufferPointer(rebasing: $0[table.encodedCount...])) }
  }

  /// What a new part has to share with this one to be combined with it; nil when nothing can.
  var validator: StrongValidator? {
    let metadata = object.metadata
    return object.withEntityTagIfAny { etag in
      StrongValidator(
        etag: etag,
        lastModifiedSeconds: metadata.lastModifiedSeconds == .min
          ? nil : metadata.lastModifiedSeconds,
        dateSeconds: metadata.dateSeconds)
    }
  }

  /// All parts' bytes; nil when they were left on disk.
  var body: [ByteBuffer]? {
    guard object.diskBody == nil else { return nil }
    let chunks = object.bodyChunks
    return chunks.isEmpty ? object.withInlineBody { [ByteBuffer(bytes: $0)] } : chunks
  }

  /// The answer to `request` as the whole representation would give it: its pieces are places in
  /// the content, stored or not.
  func wholeAnswer(to request: RequestHead) -> StoredAnswer {
    let metadata = object.metadata
    return object.withEntityTagIfAny { etag in
      StoredAnswer(
        to: request, status: Int(metadata.status), count: table.completeLength, etag: etag,
        lastModifiedSeconds: metadata.lastModifiedSeconds == .min
          ? nil : metadata.lastModifiedSeconds,
        dateSeconds: metadata.dateSeconds)
    }
  }

  /// The answer to `request` from the stored parts, its pieces places in the stored body; nil when
  /// it needs bytes that are missing.
  func answer(to request: RequestHead, boundary: @autoclosure () -> UInt64) -> StoredAnswer? {
    var answer = wholeAnswer(to: request)
    if answer.pieces.count > 1 {
      let contentType = withLines { lines in
        FieldBlock(lines: ByteBuffer(bytes: lines)).withFirst(.contentType) {
          ByteBuffer(bytes: $0)
        }
      }
      answer.delimitParts(
        contentType: contentType, count: table.completeLength, boundary: boundary())
    }
    for (index, piece) in answer.pieces.enumerated() {
      guard case .body(let range) = piece else { continue }
      guard let place = table.bodyRange(of: range) else { return nil }
      answer.pieces[index] = .body(place)
    }
    return answer
  }

  /// The shortest stretch of the content that holds all that the answer to `request` needs; nil
  /// when it needs no content.
  func stretchNeeded(by request: RequestHead) -> Range<Int>? {
    var hull: Range<Int>?
    for piece in wholeAnswer(to: request).pieces {
      guard case .body(let range) = piece else { continue }
      hull =
        hull.map {
          min($0.lowerBound, range.lowerBound)..<max($0.upperBound, range.upperBound)
        } ?? range
    }
    return hull
  }

  // MARK: Making

  /// An object that holds these parts of a response with these lines, metadata and hashed tags.
  static func make(
    _ content: PartContent, hash: KeyHash, key: UnsafeRawBufferPointer,
    lines: UnsafeRawBufferPointer, metadata: ObjectMetadata, tags: [UInt64] = []
  ) -> StoredObject {
    let (head, metadata) = head(content.table, lines: lines, metadata: metadata)
    return head.withUnsafeReadableBytes {
      StoredObject.make(
        hash: hash, key: key, head: $0, body: .buffers(content.body), metadata: metadata,
        tags: tags)
    }
  }

  /// A copy with other lines and metadata: what a 304 makes of it.
  func freshened(
    lines: UnsafeRawBufferPointer, metadata: ObjectMetadata, tags: [UInt64]
  ) -> StoredObject {
    let (head, metadata) = Self.head(table, lines: lines, metadata: metadata)
    return object.withKey { key in
      head.withUnsafeReadableBytes {
        object.freshened(key: key, head: $0, metadata: metadata, tags: tags)
      }
    }
  }

  private static func head(
    _ table: PartTable, lines: UnsafeRawBufferPointer, metadata: ObjectMetadata
  ) -> (ByteBuffer, ObjectMetadata) {
    var head = ByteBuffer()
    head.reserveCapacity(table.encodedCount + lines.count)
    table.encode(into: &head)
    head.writeBytes(lines)
    var metadata = metadata
    metadata.kind = .partial
    if metadata.etagCount > 0 { metadata.etagOffset += UInt32(table.encodedCount) }
    return (head, metadata)
  }
}
