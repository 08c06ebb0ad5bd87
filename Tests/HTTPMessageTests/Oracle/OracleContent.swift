/// What the oracle reads in a message's content.
enum OracleContent: Equatable {
  /// All of it, its trailer fields, and how many bytes that took.
  case whole(Bytes, trailers: [[Bytes]], count: Int)
  /// What there is of it so far.
  case incomplete(Bytes)
  case refused

  /// Bytes of one chunk's first line and of all chunk extensions: limits, not grammar.
  static let chunkLineBytes = 1024
  static let extensionBytes = 16 << 10

  /// Exactly so many bytes.
  static func counted(_ bytes: Bytes, _ length: Int) -> OracleContent {
    bytes.count >= length
      ? .whole(Bytes(bytes[..<length]), trailers: [], count: length) : .incomplete(bytes)
  }

  /// `chunked-body = *chunk last-chunk trailer-section CRLF` (RFC 9112 section 7.1).
  static func chunked(_ bytes: Bytes, limits: OracleLimits = OracleLimits()) -> OracleContent {
    var content = Bytes()
    var extensions = 0
    var place = 0
    while let end = OracleGrammar.lineEnd(bytes, from: place) {
      let line = Bytes(bytes[place..<end])
      guard line.count + 2 <= chunkLineBytes, let chunk = ChunkHead(line) else { return .refused }
      extensions += chunk.extensionCount
      guard extensions <= extensionBytes else { return .refused }
      place = end + 2
      if chunk.size == 0 { return trailers(bytes, from: place, after: content, limits) }
      let available = min(chunk.size, bytes.count - place)
      content += bytes[place..<(place + available)]
      place += available
      if available < chunk.size { return .incomplete(content) }
      let mark = bytes[place...].prefix(2)
      if !Bytes([0x0D, 0x0A]).starts(with: mark) { return .refused }
      if mark.count < 2 { return .incomplete(content) }
      place += 2
    }
    let isLate = bytes.count - place >= chunkLineBytes
    return isLate ? .refused : .incomplete(content)
  }

  /// `trailer-section = *( field-line CRLF )`, of which fields that frame, route or authorize are
  /// left out (RFC 9110 section 6.5.1).
  private static func trailers(
    _ bytes: Bytes, from start: Int, after content: Bytes, _ limits: OracleLimits
  ) -> OracleContent {
    var fields: [[Bytes]] = []
    var place = start
    var count = 0
    while let end = OracleGrammar.lineEnd(bytes, from: place) {
      let line = Bytes(bytes[place..<end])
      place = end + 2
      if place - start > limits.headBytes { return .refused }
      if line.isEmpty { return .whole(content, trailers: fields, count: place) }
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return .refused }
      let name = Bytes(line[..<colon])
      let value = OracleGrammar.withoutBlanks(Bytes(line[(colon + 1)...]))
      count += 1
      guard OracleGrammar.isToken(name), OracleGrammar.isFieldValue(value),
        count <= limits.fieldCount
      else { return .refused }
      if !forbidden.contains(String(decoding: OracleGrammar.lowercased(name), as: UTF8.self)) {
        fields.append([name, value])
      }
    }
    return bytes.count - start >= limits.headBytes ? .refused : .incomplete(content)
  }

  private static let forbidden: Set<String> = [
    "transfer-encoding", "content-length", "host", "connection", "keep-alive", "te", "trailer",
    "upgrade", "expect", "authorization", "proxy-authorization", "cookie", "set-cookie",
    "content-encoding", "content-type", "content-range", "range", "cache-control", "max-forwards",
    "forwarded", "x-forwarded-for",
  ]

  /// `chunk-size [ chunk-ext ]`: 1 to 16 hexadecimal digits, then nothing, or blanks and `;`.
  private struct ChunkHead {
    var size: Int
    var extensionCount: Int

    init?(_ line: Bytes) {
      let digits = line.prefix { OracleGrammar.hexDigits.contains($0) }
      let rest = Bytes(line[digits.count...])
      guard digits.count <= 16, let size = OracleGrammar.number(Bytes(digits), radix: 16),
        rest.isEmpty || OracleGrammar.withoutBlanks(rest).first == UInt8(ascii: ";"),
        OracleGrammar.isFieldValue(rest)
      else { return nil }
      self.size = size
      extensionCount = rest.count
    }
  }
}
