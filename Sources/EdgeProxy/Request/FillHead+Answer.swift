import HTTPMessage
import NIOCore

extension FillHead {
  /// The answer that a response under way gives to `request`: preconditions and one range are
  /// evaluated on a response that is being stored or came in part, everything else is answered
  /// whole. Pieces are places in the representation, by rising offset.
  func answer(to request: RequestHead, boundary: @autoclosure () -> UInt64 = 0) -> StoredAnswer {
    var answer = StoredAnswer(
      whole: contentLength ?? 0, status: status, isHead: request.method == .head)
    if case .length = answer.framing, contentLength == nil { answer.framing = .streamed }
    if case .bodyless = answer.framing, contentLength == nil {
      answer.framing = .bodyless(contentLength: nil)
    }
    guard refusal == nil || stretch != nil, status == 200,
      request.fields.presence.intersects(StoredAnswer.specialFields)
    else { return answer }
    let place = TextRange(offset: Int(metadata.etagOffset), count: Int(metadata.etagCount))
    var special = lines.withUnsafeReadableBytes { lines in
      StoredAnswer(
        to: request, status: status, count: contentLength ?? 0,
        etag: place.isEmpty ? nil : place.slice(of: lines),
        lastModifiedSeconds: metadata.lastModifiedSeconds == .min
          ? nil : metadata.lastModifiedSeconds,
        dateSeconds: metadata.dateSeconds)
    }
    switch special.status {
    case 304, 412: return special
    case 416 where contentLength != nil: return special
    // Ranges out of order, of a body that is still arriving, are answered with the whole of it, as
    // RFC 9110 section 14.2 lets a server do.
    case 206 where contentLength != nil && special.isInOrder:
      if special.pieces.count > 1 {
        special.delimitParts(
          contentType: FieldBlock(lines: lines).withFirst(.contentType) { ByteBuffer(bytes: $0) },
          count: contentLength ?? 0, boundary: boundary())
      }
      return special
    default: return answer
    }
  }
}

extension StoredAnswer {
  /// Whether content follows the head.
  var hasContent: Bool {
    switch framing {
    case .length(let count): count > 0
    case .streamed: true
    case .bodyless: false
    }
  }

  /// Whether its pieces stand by rising offset, so that they can be sent as the body arrives.
  var isInOrder: Bool {
    var end = 0
    for piece in pieces {
      guard case .body(let range) = piece else { continue }
      guard range.lowerBound >= end else { return false }
      end = range.upperBound
    }
    return true
  }
}
