import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// Which form of a response that is stored gzip'd an answer has.
enum AnswerCoding {
  /// As it is stored, whatever that is.
  case stored
  /// Gzip'd, from a body that is stored so.
  case gzip
  /// Plain, from a body that is stored gzip'd: the answer's pieces are places in the plain body.
  case inflated
}

extension CompressedObject {
  /// The form that a request gets.
  ///
  /// A range, and a precondition that compares strongly, are for bytes that the client knows, and
  /// those are the plain ones: the gzip'd form has a weak tag and can be neither combined nor
  /// compared strongly (RFC 9110 sections 13.1.5 and 8.8.3.2).
  func coding(for request: RequestHead) -> AnswerCoding {
    let preference = CodingPreference(request.fields)
    let isFormOnly = marks.contains(.isOriginFormOnly)
    if marks.contains(.isOriginGzip) {
      return isFormOnly || preference.prefersGzip || !preference.acceptsIdentity
        ? .gzip : .inflated
    }
    if isFormOnly || !preference.acceptsGzip { return .inflated }
    guard preference.acceptsIdentity else { return .gzip }
    if request.fields.presence.intersects([.range, .ifMatch]) { return .inflated }
    return preference.prefersGzip ? .gzip : .inflated
  }

  /// Whether that form is the one that the origin sent.
  func isOriginForm(_ coding: AnswerCoding) -> Bool {
    (coding == .gzip) == marks.contains(.isOriginGzip)
  }

  /// The answer that it gives to `request`. Only the origin's form has ranges.
  func answer(to request: RequestHead, boundary: @autoclosure () -> UInt64) -> StoredAnswer {
    let coding = coding(for: request)
    let isOriginForm = isOriginForm(coding)
    let count = coding == .gzip ? object.bodyCount : plainCount
    let tag = tag(ofOriginForm: isOriginForm)
    var answer = answer(to: request, count: count, tag: tag, allowsRanges: isOriginForm)
    // Going back in a gzip'd body means beginning anew; RFC 9110 section 14.2 lets a server answer
    // ranges out of order with the whole.
    if coding == .inflated, !answer.isInOrder {
      answer = self.answer(to: request, count: count, tag: tag, allowsRanges: false)
    }
    if answer.pieces.count > 1 {
      let contentType = withLines { lines in
        FieldBlock(lines: ByteBuffer(bytes: lines)).withFirst(.contentType) {
          ByteBuffer(bytes: $0)
        }
      }
      answer.delimitParts(contentType: contentType, count: count, boundary: boundary())
    }
    answer.coding = coding
    return answer
  }

  private func answer(
    to request: RequestHead, count: Int, tag: ByteBuffer?, allowsRanges: Bool
  ) -> StoredAnswer {
    let metadata = object.metadata
    let status = Int(metadata.status)
    guard request.fields.presence.intersects(StoredAnswer.specialFields) else {
      return StoredAnswer(whole: count, status: status, isHead: request.method == .head)
    }
    func made(_ tag: UnsafeRawBufferPointer?) -> StoredAnswer {
      StoredAnswer(
        to: request, status: status, count: count, etag: tag,
        lastModifiedSeconds: metadata.lastModifiedSeconds == .min
          ? nil : metadata.lastModifiedSeconds,
        dateSeconds: metadata.dateSeconds, allowsRanges: allowsRanges)
    }
    return tag.map { $0.withUnsafeReadableBytes { made($0) } } ?? made(nil)
  }
}

extension ProxyLoop {
  /// Sends the head of an answer from a response that is stored gzip'd or going to be, with
  /// ``addedLines`` made already.
  func startNegotiated<Writer: ResponseWriter>(
    _ answer: StoredAnswer, of object: StoredObject, writer: Writer
  ) {
    guard let compressed = CompressedObject(object) else {
      // In a variant by Accept-Encoding that waits for its other form the origin's Vary says so
      // once more; that is not worth a look at the lines with each hit.
      addVary()
      return object.withLines { start(answer, storedLines: $0, writer: writer) }
    }
    if !compressed.marks.contains(.varies) { addVary() }
    let isOriginForm = compressed.isOriginForm(answer.coding)
    compressed.withLinesAndTag { lines, tag in
      if let tag, !answer.excludedFields.contains(.etag) {
        let isWeakened = !isOriginForm && !EntityTag.isWeak(tag)
        addedLines.writeStaticString(isWeakened ? "ETag: W/" : "ETag: ")
        addedLines.writeBytes(tag)
        addedLines.writeStaticString("\r\n")
      }
      if answer.coding == .gzip, !answer.excludedFields.contains(.contentEncoding) {
        addedLines.writeStaticString("Content-Encoding: gzip\r\n")
      }
      start(answer, storedLines: lines, writer: writer)
    }
  }

  /// Adds Vary: Accept-Encoding, which every form of a negotiated response carries (RFC 9110
  /// section 12.5.5).
  func addVary() { addedLines.writeStaticString("Vary: Accept-Encoding\r\n") }
}

/// Looking into stored lines without making a block of them.
enum StoredLines {
  private static let name: StaticString = "vary:"

  /// Whether a Vary line names Accept-Encoding.
  static func varyByCoding(_ lines: UnsafeRawBufferPointer) -> Bool {
    var start = 0
    while start < lines.count {
      let end = lines[start...].firstIndex(of: UInt8(ascii: "\n")) ?? lines.count
      let valueStart = start + name.utf8CodeUnitCount
      if valueStart < end, lines[start] | 0x20 == UInt8(ascii: "v"),
        UnsafeRawBufferPointer(rebasing: lines[start..<valueStart]).equalsIgnoringCase(name)
      {
        let valueEnd = lines[end - 1] == UInt8(ascii: "\r") ? end - 1 : end
        for member in ListMembers(UnsafeRawBufferPointer(rebasing: lines[valueStart..<valueEnd]))
        where KnownField(member) == .acceptEncoding {
          return true
        }
      }
      start = end + 1
    }
    return false
  }
}
