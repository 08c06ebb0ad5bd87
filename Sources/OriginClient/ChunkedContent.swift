import HTTPMessage
import NIOCore

/// Takes a response's chunked content apart, as strictly as a request's.
///
/// libcurl's own decoder takes a chunk size for ended at the first byte that is no digit, whatever
/// that is (`0x5` is a last chunk to it), and lines ended by LF alone. Hence it is told to hand the
/// content over as it came and keeps only the response's end to itself; what another reading could
/// end elsewhere is refused here, before the connection is used again.
///
/// Owned by one fetch, on the transport's thread.
struct ChunkedContent {
  /// What the bytes came to.
  enum Progress {
    case goesOn
    /// The content is complete and its connection is as it should be.
    case whole
    /// The content is complete, and bytes came behind it that nobody asked for.
    case exceeded
  }

  private var decoder: HTTP1BodyDecoder
  /// What has not been decoded: the beginning of a line, after each call.
  private var waiting = ByteBuffer()
  private(set) var trailers: FieldBlock?

  init(fieldLimit: Int, headLimitBytes: Int) {
    decoder = HTTP1BodyDecoder(
      framing: .streamed, contentLimitBytes: nil,
      limits: HeadLimits(
        headSizeBytes: min(max(headLimitBytes, 1), 1 << 20), fieldCount: fieldLimit))
  }

  /// Whether the last chunk and the trailer section have come.
  var isWhole: Bool { decoder.isFinished }

  /// Takes bytes as they stood on the wire and hands their content to `body`, which must not keep
  /// it. O(bytes).
  mutating func receive(
    _ bytes: UnsafeRawBufferPointer, _ body: (ByteBuffer) -> Void
  ) throws(RequestFault) -> Progress {
    waiting.writeBytes(bytes)
    while true {
      switch try decoder.next(&waiting) {
      case .needMore:
        // What is left is the beginning of a line: the buffer does not grow with the content.
        if waiting.readableBytes == 0 { waiting.clear() } else { waiting.discardReadBytes() }
        return .goesOn
      case .chunk(let content): body(content)
      case .end(let fields):
        if let fields { trailers = Self.withoutConnectionFields(fields) }
        return waiting.readableBytes == 0 ? .whole : .exceeded
      }
    }
  }

  /// What a response's trailers may not say: how it was delimited or routed, or what it was stored
  /// by (RFC 9110 section 6.5.1). The decoder leaves out most of it.
  private static func withoutConnectionFields(_ fields: FieldBlock) -> FieldBlock? {
    var result = FieldBlock()
    result.append(
      contentsOf: fields, except: ResponseHeadParser.connectionFields.union(neverTrailers))
    return result.isEmpty ? nil : result
  }

  private static let neverTrailers: KnownFieldSet = [.location, .vary, .expires, .age, .date]
}
