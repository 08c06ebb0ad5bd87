/// What the fields of an HTTP/1.x request say about its content and its connection: read once the
/// header section is complete, and only when one of these fields occurs.
struct MessageFraming {
  var content = BodyFraming.none
  var closes = false
  var asksKeepAlive = false
  var expectsContinue = false

  /// Whether `presence` names a field that is looked at here.
  @inline(__always)
  static func isStated(in presence: KnownFieldSet) -> Bool {
    presence.contains(.contentLength) || presence.contains(.transferEncoding)
      || presence.contains(.connection) || presence.contains(.expect)
  }

  /// What a request without any of these fields says.
  init() {}

  /// Reads the fields among `entries`, whose places are in `bytes` (RFC 9112 sections 6 and 9.3,
  /// RFC 9110 section 10.1.1).
  init(
    _ entries: [FieldEntry], presence: KnownFieldSet, bytes: UnsafeRawBufferPointer,
    version: HTTPVersion
  ) throws(RequestFault) {
    var length: Int?
    var coding = TransferCoding()
    for entry in entries {
      let value = entry.value.slice(of: bytes)
      switch entry.known {
      case .contentLength:
        guard length == nil else { throw .badContentLength }
        length = try Self.length(value)
      case .transferEncoding: coding.read(value)
      case .connection: readConnection(value)
      case .expect:
        guard value.equalsIgnoringCase("100-continue") else { throw .unsupportedExpectation }
        // A client of HTTP/1.0 cannot mean it.
        expectsContinue = version != .http10
      default: break
      }
    }
    if presence.contains(.transferEncoding) {
      // Both together, or chunked from a client of HTTP/1.0, are how requests are smuggled.
      guard length == nil else { throw .lengthAndTransferEncoding }
      guard version != .http10 else { throw .badTransferEncoding }
      if let fault = coding.fault { throw fault }
      content = .streamed
    } else if let length {
      content = .length(length)
    }
    if content == .none || content == .length(0) { expectsContinue = false }
  }

  /// A decimal number of at most 2^63 - 1, and nothing else.
  private static func length(_ value: UnsafeRawBufferPointer) throws(RequestFault) -> Int {
    guard value.count > 0 else { throw .badContentLength }
    var result = 0
    for byte in value {
      guard byte.isASCIIDigit else { throw .badContentLength }
      let (product, overflow) = result.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Int(byte &- 0x30))
      guard !overflow, !carry else { throw .badContentLength }
      result = sum
    }
    return result
  }

  private mutating func readConnection(_ value: UnsafeRawBufferPointer) {
    for member in value.split(separator: 0x2C) {
      let token = UnsafeRawBufferPointer(rebasing: member).trimmed
      if token.equalsIgnoringCase("close") { closes = true }
      if token.equalsIgnoringCase("keep-alive") { asksKeepAlive = true }
    }
  }
}

/// The members of Transfer-Encoding, seen in order over all its lines (RFC 9112 section 6.1).
private struct TransferCoding {
  private var members = 0
  private var chunked = 0
  private var isLastChunked = false
  private var isMalformed = false

  mutating func read(_ value: UnsafeRawBufferPointer) {
    for member in value.split(separator: 0x2C, omittingEmptySubsequences: false) {
      let name = UnsafeRawBufferPointer(rebasing: member).trimmed
      if name.count == 0 { isMalformed = true }
      members += 1
      isLastChunked = name.equalsIgnoringCase("chunked")
      if isLastChunked { chunked += 1 }
    }
  }

  /// Nil for exactly `chunked`. The content's end can be found when chunked comes last and once,
  /// so other codings before it are unsupported; anything else is malformed.
  var fault: RequestFault? {
    guard !isMalformed, isLastChunked, chunked == 1 else { return .badTransferEncoding }
    return members == 1 ? nil : .unsupportedTransferEncoding
  }
}
