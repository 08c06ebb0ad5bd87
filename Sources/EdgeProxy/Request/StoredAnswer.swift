import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// What of a stored response answers a request: all of it, parts of it, or just its head.
struct StoredAnswer {
  /// A stretch of the content to send.
  enum Piece {
    /// Bytes of the stored body.
    case body(Range<Int>)
    /// Bytes that delimit the parts of a multipart answer.
    case text(ByteBuffer)
  }

  /// Status code of the answer.
  var status: Int
  /// How the content is delimited.
  var framing: ResponseFraming
  /// The content, in order.
  var pieces: [Piece]
  /// Lines that join the stored ones: Content-Range, or the Content-Type of a multipart answer.
  var extraLines: ByteBuffer?
  /// Stored lines that must not be sent with this answer.
  var excludedFields: KnownFieldSet = []
  /// The form of the content, where it is stored gzip'd.
  var coding = AnswerCoding.stored

  /// The preconditions and ranges that make a request more than a plain one.
  static let specialFields: KnownFieldSet = [
    .ifMatch, .ifNoneMatch, .ifModifiedSince, .ifUnmodifiedSince, .range,
  ]

  /// The answer with the whole content, or with its head for HEAD.
  init(whole count: Int, status: Int, isHead: Bool) {
    self.status = status
    let hasNoContent = status == 204 || status == 304
    if isHead || hasNoContent {
      framing = .bodyless(contentLength: hasNoContent ? nil : count)
      pieces = []
    } else {
      framing = .length(count)
      pieces = count > 0 ? [.body(0..<count)] : []
    }
  }

  /// The answer without content, of `status`.
  private init(bodyless status: Int) {
    self.status = status
    framing = status == 304 ? .bodyless(contentLength: nil) : .length(0)
    pieces = []
  }
}

extension StoredAnswer {
  /// Evaluates the request's preconditions and Range against a response whose content has `count`
  /// bytes (RFC 9110 sections 13.2.2 and 14.2). O(ranges).
  /// - Parameter allowsRanges: false leaves Range out of account, as a server may.
  init(
    to request: RequestHead, status: Int, count: Int, etag: UnsafeRawBufferPointer?,
    lastModifiedSeconds: Int64?, dateSeconds: Int64, allowsRanges: Bool = true
  ) {
    self.init(whole: count, status: status, isHead: request.method == .head)
    switch ConditionalPolicy.evaluate(
      request: request, etag: etag, lastModifiedSeconds: lastModifiedSeconds,
      dateSeconds: dateSeconds, status: status)
    {
    case .notModified:
      self = StoredAnswer(bodyless: 304)
      // A 304 repeats what names the representation, not what describes its content.
      excludedFields = [.contentEncoding, .contentType, .contentLanguage, .contentRange]
      return
    case .failed:
      self = StoredAnswer(bodyless: 412)
      excludedFields = [.contentEncoding, .contentType, .contentLanguage, .etag, .lastModified]
      return
    case .proceed: break
    }
    guard allowsRanges, status == 200, request.method == .get,
      request.fields.occurrences(of: .range) == 1,
      ConditionalPolicy.rangeApplies(
        request: request, etag: etag, lastModifiedSeconds: lastModifiedSeconds,
        dateSeconds: dateSeconds),
      let outcome = request.fields.withFirst(.range, { ByteRangeSet.parse($0, length: count) })
    else { return }
    apply(outcome, count: count)
  }

  private mutating func apply(_ outcome: RangeOutcome, count: Int) {
    switch outcome {
    case .ignore: break
    case .unsatisfiable:
      self = StoredAnswer(bodyless: 416)
      extraLines = Self.contentRangeLine(nil, of: count)
      excludedFields = [.contentEncoding, .contentType, .contentLanguage]
    case .satisfiable(let ranges) where ranges.count == 1:
      status = 206
      framing = .length(ranges[0].count)
      pieces = [.body(ranges[0])]
      extraLines = Self.contentRangeLine(ranges[0], of: count)
    case .satisfiable(let ranges):
      pieces = []
      status = 206
      excludedFields = [.contentType]
      framing = .streamed
      for range in ranges { pieces.append(.body(range)) }
    }
  }

  /// Completes a multipart/byteranges answer once the stored Content-Type is at hand
  /// (RFC 9110 section 14.6). Does nothing to other answers.
  mutating func delimitParts(contentType: ByteBuffer?, count: Int, boundary: UInt64) {
    guard status == 206, pieces.count > 1 else { return }
    var delimited: [Piece] = []
    var length = 0
    for piece in pieces {
      guard case .body(let range) = piece else { continue }
      var text = ByteBuffer()
      text.writeStaticString("\r\n--")
      Self.writeBoundary(boundary, into: &text)
      text.writeStaticString("\r\n")
      if let contentType {
        text.writeStaticString("Content-Type: ")
        text.writeImmutableBuffer(contentType)
        text.writeStaticString("\r\n")
      }
      text.writeImmutableBuffer(Self.contentRangeLine(range, of: count))
      text.writeStaticString("\r\n")
      length += text.readableBytes + range.count
      delimited.append(.text(text))
      delimited.append(piece)
    }
    var end = ByteBuffer()
    end.writeStaticString("\r\n--")
    Self.writeBoundary(boundary, into: &end)
    end.writeStaticString("--\r\n")
    length += end.readableBytes
    delimited.append(.text(end))
    pieces = delimited
    framing = .length(length)
    var line = ByteBuffer()
    line.writeStaticString("Content-Type: multipart/byteranges; boundary=")
    Self.writeBoundary(boundary, into: &line)
    line.writeStaticString("\r\n")
    extraLines = line
  }

  private static func writeBoundary(_ boundary: UInt64, into buffer: inout ByteBuffer) {
    buffer.writeStaticString("edge")
    buffer.writeHexadecimal(Int(truncatingIfNeeded: boundary >> 1))
  }

  private static func contentRangeLine(_ range: Range<Int>?, of count: Int) -> ByteBuffer {
    var line = ByteBuffer()
    line.writeStaticString("Content-Range: ")
    ContentRange(range: range, completeLength: count).write(into: &line)
    line.writeStaticString("\r\n")
    return line
  }
}

extension StoredObject {
  /// Bytes of the content as the origin sent it.
  var originCount: Int {
    if let partial = PartialObject(self) { return partial.table.completeLength }
    guard let compressed = CompressedObject(self), !compressed.marks.contains(.isOriginGzip) else {
      return bodyCount
    }
    return compressed.plainCount
  }

  /// Calls `body` with the entity tag's value, or with nil when there is none.
  func withEntityTagIfAny<Result>(_ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
    let place = TextRange(
      offset: Int(metadata.etagOffset), count: Int(metadata.etagCount))
    guard !place.isEmpty else { return body(nil) }
    return withHead { body(place.slice(of: $0)) }
  }

  /// Calls `body` with the entity tag's value, if there is one.
  func withEntityTag(_ body: (UnsafeRawBufferPointer) -> Void) {
    withEntityTagIfAny { if let tag = $0 { body(tag) } }
  }

  /// The answer that this stored response gives to `request`.
  func answer(to request: RequestHead, boundary: @autoclosure () -> UInt64) -> StoredAnswer {
    if kind == .partial { return partialAnswer(to: request, boundary: boundary()) }
    if let compressed = CompressedObject(self) {
      return compressed.answer(to: request, boundary: boundary())
    }
    let status = Int(metadata.status)
    guard request.fields.presence.intersects(StoredAnswer.specialFields) else {
      return StoredAnswer(whole: bodyCount, status: status, isHead: request.method == .head)
    }
    var answer = withEntityTagIfAny { etag in
      StoredAnswer(
        to: request, status: status, count: bodyCount, etag: etag,
        lastModifiedSeconds: metadata.lastModifiedSeconds == .min
          ? nil : metadata.lastModifiedSeconds,
        dateSeconds: metadata.dateSeconds)
    }
    if answer.pieces.count > 1 {
      let contentType = withHead { head in
        FieldBlock(lines: ByteBuffer(bytes: head)).withFirst(.contentType) { ByteBuffer(bytes: $0) }
      }
      answer.delimitParts(contentType: contentType, count: bodyCount, boundary: boundary())
    }
    return answer
  }

  /// Writes bytes of a body that is in memory.
  func writeBody<Writer: ResponseWriter>(_ range: Range<Int>, to writer: Writer) {
    let chunks = bodyChunks
    if chunks.isEmpty {
      return withInlineBody { writer.write(bytes: UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
    var offset = 0
    for chunk in chunks {
      let end = offset + chunk.readableBytes
      let from = max(range.lowerBound, offset)
      let to = min(range.upperBound, end)
      let start = chunk.readerIndex + from - offset
      if from < to, let slice = chunk.getSlice(at: start, length: to - from) {
        writer.write(slice)
      }
      offset = end
    }
  }

  /// A copy with another head and metadata and the same body, shared where it is not inline.
  func freshened(
    key: UnsafeRawBufferPointer, head: UnsafeRawBufferPointer, metadata: ObjectMetadata,
    tags: [UInt64]
  ) -> StoredObject {
    func made(_ body: StoredBody) -> StoredObject {
      .make(hash: hash, key: key, head: head, body: body, metadata: metadata, tags: tags)
    }
    if let diskBody { return made(.disk(diskBody)) }
    let chunks = bodyChunks
    return chunks.isEmpty ? withInlineBody { made(.bytes($0)) } : made(.buffers(chunks))
  }
}
