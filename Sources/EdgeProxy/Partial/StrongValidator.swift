import HTTPMessage
import NIOCore

/// What proves that two responses are parts of the same representation, byte for byte: the
/// condition for combining them (RFC 9110 section 15.3.7.3, RFC 9111 section 3.4).
enum StrongValidator: Equatable, Sendable {
  /// A strong entity tag, quotes included.
  case entityTag(ByteBuffer)
  /// A Last-Modified that is strong by RFC 9110 section 8.8.2.2, in Unix seconds.
  case lastModified(Int64)

  /// The strong validator among a response's; nil when it has none.
  ///
  /// A response with an entity tag is named by that alone, be it weak: its date must not stand in
  /// for it (RFC 9110 section 13.1.5). A tag without its quotes proves nothing here. A date is
  /// strong when the representation had stood for a second by the time it was sent.
  init?(etag: UnsafeRawBufferPointer?, lastModifiedSeconds: Int64?, dateSeconds: Int64) {
    if let etag, !etag.isEmpty {
      guard etag.count >= 2, etag[0] == UInt8(ascii: "\""),
        etag[etag.count - 1] == UInt8(ascii: "\"")
      else { return nil }
      self = .entityTag(ByteBuffer(bytes: etag))
      return
    }
    guard let lastModifiedSeconds, dateSeconds - lastModifiedSeconds >= 1 else { return nil }
    self = .lastModified(lastModifiedSeconds)
  }

  /// The strong validator of a response just received; `now` stands in for a missing Date.
  init?(_ fields: FieldBlock, now: Int64) {
    let lastModified = fields.withFirst(.lastModified) { HTTPDate.parse($0, now: now) } ?? nil
    let date = fields.withFirst(.date) { HTTPDate.parse($0, now: now) } ?? nil
    let validator = fields.withFirst(.etag) {
      StrongValidator(etag: $0, lastModifiedSeconds: lastModified, dateSeconds: date ?? now)
    }
    if let validator {
      guard let validator else { return nil }
      self = validator
    } else {
      self.init(etag: nil, lastModifiedSeconds: lastModified, dateSeconds: date ?? now)
    }
  }

  /// The value that If-Range takes (RFC 9110 section 13.1.5).
  var fieldValue: ByteBuffer {
    switch self {
    case .entityTag(let tag): return tag
    case .lastModified(let seconds):
      var date = ByteBuffer()
      HTTPDate.write(seconds, into: &date)
      return date
    }
  }
}
