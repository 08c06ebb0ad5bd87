import HTTPMessage

/// A 206 that may be used as a part: its Content-Range says which bytes of how many it brings, and
/// nothing in it contradicts that (RFC 9110 sections 14.4 and 15.3.7.1).
struct ReceivedPart: Equatable {
  /// The bytes it brings.
  let range: Range<Int>
  /// The representation's length.
  let completeLength: Int

  /// Nil for a response that is passed on as it is and never stored: not a 206, several parts in
  /// one (multipart/byteranges), a Content-Range that is missing, repeated, invalid or silent about
  /// the complete length, content of another length than the range.
  init?(_ response: OriginResponseHead) {
    let fields = response.fields
    guard response.status == 206, fields.occurrences(of: .contentRange) == 1,
      !(fields.withFirst(.contentType, Self.isMultipart) ?? false),
      let contentRange = fields.withFirst(.contentRange, { ContentRange.parse($0) }) ?? nil,
      let range = contentRange.range, let completeLength = contentRange.completeLength,
      (response.contentLength ?? range.count) == range.count
    else { return nil }
    self.range = range
    self.completeLength = completeLength
  }

  /// Whether it brings the representation from its first to its last byte.
  var isWhole: Bool { range == 0..<completeLength }

  /// The 200 that the origin would have sent for the whole: its head without what is the part's
  /// own. What is stored, and judged, is the representation (RFC 9111 section 3.3).
  func representation(of response: OriginResponseHead) -> OriginResponseHead {
    var fields = FieldBlock(capacity: response.fields.bytes.readableBytes)
    fields.append(contentsOf: response.fields, except: [.contentRange, .contentLength])
    return OriginResponseHead(status: 200, fields: fields, contentLength: completeLength)
  }

  private static func isMultipart(_ contentType: UnsafeRawBufferPointer) -> Bool {
    var parts = ListMembers(contentType, separator: UInt8(ascii: ";"))
    return parts.next()?.equalsIgnoringCase("multipart/byteranges") ?? false
  }
}
