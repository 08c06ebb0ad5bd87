import HTTPMessage
import NIOCore

/// Why an origin's response head was refused.
enum ResponseFault: String, Error, CaseIterable {
  case badStatusLine = "malformed status line"
  case bareLineFeed = "line not ended by CR LF"
  case switchingProtocols = "101 that switches to nothing that was asked for"
  case foldedField = "obsolete line folding"
  case badFieldName = "malformed field name"
  case badFieldValue = "control character in a field value"
  case badContentLength = "malformed Content-Length"
  case repeatedContentLength = "more than one Content-Length"
  case lengthAndTransferEncoding = "Content-Length beside Transfer-Encoding"
  case badTransferEncoding = "Transfer-Encoding is not a single chunked"
  case framedInterim = "Content-Length or Transfer-Encoding in an interim response"
  case headTooLarge = "response head too large"
  case tooManyFields = "too many response fields"

  var failureKind: OriginFailure.Kind {
    switch self {
    case .headTooLarge, .tooManyFields: .headTooLarge
    default: .malformed
    }
  }
}

/// Checks an origin's response head, line by line, and builds the fields that go on from here.
///
/// libcurl delimits the response by the same lines but is more lenient; what passes here has one
/// reading only, so that libcurl, this edge and whatever stands in front of it agree where the
/// response ends (RFC 9112 sections 6.3 and 11.1). Lines come raw, cut by libcurl behind each LF;
/// one that does not end in CR LF is refused, since whoever reads it otherwise reads another field.
/// Connection fields are taken off (RFC 9110 section 7.6.1).
/// Sockets-free; owned by the transport's thread. After a fault it must be started anew.
struct ResponseHeadParser {
  /// What a line completed.
  enum Event {
    /// An interim response other than 100.
    case informational(status: Int, fields: FieldBlock)
    /// The final response's head.
    case head(OriginResponseHead)
  }

  private enum Section { case statusLine, fields, content }

  private let limitBytes: Int
  private let fieldLimit: Int
  private var answersHead = false
  private var allowsWebSocket = false
  /// Whether the current head's Upgrade names the WebSocket protocol and nothing else.
  private var namesWebSocket = false
  private var section = Section.statusLine
  private var receivedBytes = 0
  private var fieldCount = 0
  private var status = 0
  private var isHTTP10 = false
  private var declaredLength: Int?
  private var builder = FieldBuilder()
  /// Lower-case names that Connection lists, `close` and `keep-alive` aside. Rarely any.
  private var connectionOptions: [[UInt8]] = []
  /// Whether the current head has `Transfer-Encoding: chunked`.
  private(set) var isChunked = false

  init(limitBytes: Int, fieldLimit: Int) {
    self.limitBytes = limitBytes
    self.fieldLimit = fieldLimit
  }

  /// Whether any byte of a response came.
  var hasReceived: Bool { receivedBytes > 0 }
  /// Whether the final head is complete.
  var isHeadComplete: Bool { section == .content }
  /// Whether the response has no content by definition (RFC 9110 section 6.4.1).
  var hasNoContent: Bool { answersHead || status == 204 || status == 304 }
  /// Whether the head announces content that the response cannot have: of a 204 any, of a 304 or
  /// of the answer to HEAD, whose Content-Length tells of another response, chunks.
  var announcesWrongContent: Bool {
    hasNoContent && (isChunked || (status == 204 && (declaredLength ?? 0) > 0))
  }

  /// Begins a new response.
  /// - Parameter allowsWebSocket: whether the request asked for a WebSocket: 101 is final then.
  mutating func start(answersHead: Bool, allowsWebSocket: Bool = false) {
    self.answersHead = answersHead
    self.allowsWebSocket = allowsWebSocket
    receivedBytes = 0
    beginHead()
  }

  /// Takes one line; the event when it completed a head.
  ///
  /// The interim heads of a response count toward the same limit as its final head, which bounds
  /// their number. Trailer fields are ``ChunkedContent``'s: lines behind the head count for
  /// nothing.
  mutating func receive(_ raw: UnsafeRawBufferPointer) throws(ResponseFault) -> Event? {
    if section == .content { return nil }
    receivedBytes += raw.count
    guard receivedBytes <= limitBytes else { throw .headTooLarge }
    let line = try Self.withoutLineEnd(raw)
    switch section {
    case .statusLine:
      try readStatusLine(line)
      section = .fields
      return nil
    case .fields:
      if line.isEmpty { return try endHead() }
      try readField(line)
      return nil
    case .content: return nil
    }
  }

  private mutating func beginHead() {
    section = .statusLine
    fieldCount = 0
    status = 0
    isHTTP10 = false
    isChunked = false
    declaredLength = nil
    namesWebSocket = false
    builder.reset()
    if !connectionOptions.isEmpty { connectionOptions = [] }
  }

  private mutating func endHead() throws(ResponseFault) -> Event? {
    // A 1xx has neither (RFC 9110 section 8.6, RFC 9112 section 6.1); libcurl would measure the
    // response behind it by them.
    if status < 200, declaredLength != nil || isChunked { throw .framedInterim }
    if status == 101 { try checkSwitch() }
    var fields = builder.take()
    if !connectionOptions.isEmpty { fields = withoutConnectionOptions(fields) }
    if status >= 200 || status == 101 {
      section = .content
      return .head(
        OriginResponseHead(
          status: status, fields: fields, contentLength: hasNoContent ? 0 : declaredLength))
    }
    let interim = status
    beginHead()
    return interim == 100 ? nil : .informational(status: interim, fields: fields)
  }
}

// MARK: - Lines

extension ResponseHeadParser {
  private static func withoutLineEnd(
    _ raw: UnsafeRawBufferPointer
  ) throws(ResponseFault) -> UnsafeRawBufferPointer {
    guard raw.count >= 2, raw[raw.count - 1] == 0x0A, raw[raw.count - 2] == 0x0D else {
      throw .bareLineFeed
    }
    return UnsafeRawBufferPointer(rebasing: raw[..<(raw.count - 2)])
  }

  /// `HTTP/1.0` or `HTTP/1.1`, a space, three digits, and nothing or a space and the reason
  /// (RFC 9112 section 4; a missing last space is common enough to be let through).
  private mutating func readStatusLine(_ line: UnsafeRawBufferPointer) throws(ResponseFault) {
    guard line.count >= 12,
      UnsafeRawBufferPointer(rebasing: line[..<7]).equals("HTTP/1."),
      line[7] == UInt8(ascii: "1") || line[7] == UInt8(ascii: "0"), line[8] == 0x20,
      line[9].isASCIIDigit, line[10].isASCIIDigit, line[11].isASCIIDigit,
      line.count == 12 || line[12] == 0x20,
      line[12...].allSatisfy({ $0.isFieldValueByte })
    else { throw .badStatusLine }
    let digits = line[9...11]
    status = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    guard status >= 100 else { throw .badStatusLine }
    isHTTP10 = line[7] == UInt8(ascii: "0")
    guard status != 101 || (allowsWebSocket && !isHTTP10) else { throw .switchingProtocols }
  }

  /// A 101 switches to what was asked for, says so in Connection, and has no content
  /// (RFC 9110 sections 7.8 and 15.2.2, RFC 6455 section 4.1).
  private func checkSwitch() throws(ResponseFault) {
    let isNamed = connectionOptions.contains { $0 == Array("upgrade".utf8) }
    guard namesWebSocket, isNamed, !isChunked, declaredLength ?? 0 == 0 else {
      throw .switchingProtocols
    }
  }

  private mutating func readField(_ line: UnsafeRawBufferPointer) throws(ResponseFault) {
    let (name, value) = try split(line)
    let known = KnownField(name)
    switch known {
    case .contentLength: try readContentLength(value)
    case .transferEncoding: try readTransferEncoding(value)
    case .connection: readConnection(value)
    case .upgrade: namesWebSocket = !namesWebSocket && value.equalsIgnoringCase("websocket")
    default: break
    }
    if !Self.connectionFields.contains(known) || known == .other {
      builder.append(name: name, value: value, known: known)
    }
  }

  private mutating func split(
    _ line: UnsafeRawBufferPointer
  ) throws(ResponseFault) -> (name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    fieldCount += 1
    guard fieldCount <= fieldLimit else { throw .tooManyFields }
    guard !line[0].isOptionalWhitespace else { throw .foldedField }
    var colon = 0
    while colon < line.count, line[colon].isTokenByte { colon += 1 }
    // A block's entries count a name's bytes in 16 bits.
    guard 1...Int(UInt16.max) ~= colon, colon < line.count, line[colon] == UInt8(ascii: ":") else {
      throw .badFieldName
    }
    let value = UnsafeRawBufferPointer(rebasing: line[(colon + 1)...]).trimmed
    for byte in value where !byte.isFieldValueByte { throw .badFieldValue }
    return (UnsafeRawBufferPointer(rebasing: line[..<colon]), value)
  }

  /// One line of digits (RFC 9112 section 6.3: a list, even of equal values, may be refused).
  private mutating func readContentLength(
    _ value: UnsafeRawBufferPointer
  ) throws(ResponseFault) {
    guard declaredLength == nil else { throw .repeatedContentLength }
    // 18 digits stay below Int.max.
    guard 1...18 ~= value.count, value.allSatisfy({ $0.isASCIIDigit }) else {
      throw .badContentLength
    }
    guard !isChunked else { throw .lengthAndTransferEncoding }
    declaredLength = value.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
  }

  private mutating func readTransferEncoding(
    _ value: UnsafeRawBufferPointer
  ) throws(ResponseFault) {
    guard declaredLength == nil else { throw .lengthAndTransferEncoding }
    // HTTP/1.0 has no transfer codings: its framing would be faulty (RFC 9112 section 6.1).
    guard !isChunked, !isHTTP10, value.equalsIgnoringCase("chunked") else {
      throw .badTransferEncoding
    }
    isChunked = true
  }
}

// MARK: - Connection fields

extension ResponseHeadParser {
  /// What concerns this connection only and never goes on.
  static let connectionFields: KnownFieldSet = [
    .connection, .keepAlive, .proxyConnection, .transferEncoding, .te, .trailer, .upgrade,
    .proxyAuthenticate, .proxyAuthorization, .http2Settings,
  ]

  private mutating func readConnection(_ value: UnsafeRawBufferPointer) {
    for item in value.split(separator: UInt8(ascii: ",")) {
      let option = UnsafeRawBufferPointer(rebasing: item).trimmed
      if option.isEmpty || option.equalsIgnoringCase("close")
        || option.equalsIgnoringCase("keep-alive")
      {
        continue
      }
      connectionOptions.append(option.map(\.asciiLowercased))
    }
  }

  /// Takes off the fields that Connection names. Cache-Control stays: naming it is forbidden
  /// (RFC 9110 section 7.6.1), and obeying would make a private response a shared one.
  private func withoutConnectionOptions(_ fields: FieldBlock) -> FieldBlock {
    var result = FieldBlock(capacity: fields.bytes.readableBytes)
    fields.forEachLine { name, value, known in
      let isNamed = connectionOptions.contains { option in
        option.withUnsafeBytes { name.equalsIgnoringCase($0) }
      }
      if !isNamed || known == .cacheControl {
        result.append(name: name, value: value, known: known)
      }
    }
    return result
  }
}

/// Field lines under construction: two allocations a head, none a field.
private struct FieldBuilder {
  private var bytes = ByteBuffer()
  private var entries: [FieldEntry] = []
  private var presence: KnownFieldSet = []

  mutating func reset() {
    if entries.isEmpty { return }
    bytes = ByteBuffer()
    entries = []
    presence = []
  }

  mutating func append(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, known: KnownField
  ) {
    if entries.isEmpty {
      // A common head is 200 to 400 bytes in 6 to 12 lines.
      bytes.reserveCapacity(512)
      entries.reserveCapacity(12)
    }
    let offset = bytes.readableBytes
    let valueOffset = offset + name.count + 2
    bytes.writeFieldLine(name: name, value: value)
    entries.append(
      FieldEntry(
        name: TextRange(offset: offset, count: name.count),
        value: TextRange(offset: valueOffset, count: value.count), known: known))
    presence.insert(known)
  }

  mutating func take() -> FieldBlock {
    let block = FieldBlock(bytes: bytes, entries: entries, presence: presence)
    bytes = ByteBuffer()
    entries = []
    presence = []
    return block
  }
}
