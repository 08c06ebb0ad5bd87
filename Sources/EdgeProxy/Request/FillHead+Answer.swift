import HTTPMessage
import NIOCore

extension FillHead {
  /// The answer that a response under way gives to `request`: preconditions and one range are
  /// evaluated on a response that is being stored, everything else is answered whole.
  func answer(to request: RequestHead) -> StoredAnswer {
    var answer = StoredAnswer(
      whole: contentLength ?? 0, status: status, isHead: request.method == .head)
    if case .length = answer.framing, contentLength == nil { answer.framing = .streamed }
    if case .bodyless = answer.framing, contentLength == nil {
      answer.framing = .bodyless(contentLength: nil)
    }
    guard refusal == nil, status == 200,
      request.fields.presence.intersects(StoredAnswer.specialFields)
    else { return answer }
    let place = TextRange(offset: Int(metadata.etagOffset), count: Int(metadata.etagCount))
    let special = lines.withUnsafeReadableBytes { lines in
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
    // Several ranges of a body that is still arriving are answered with the whole of it, as
    // RFC 9110 section 14.2 lets a server do.
    case 206 where contentLength != nil && special.pieces.count == 1: return special
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

  /// The one range it consists of; nil when it is the whole content.
  var onlyRange: Range<Int>? {
    guard status == 206, pieces.count == 1, case .body(let range) = pieces[0] else { return nil }
    return range
  }
}
