import NIOCore

/// What the client wants to know of one response.
struct ResponseSummary: Equatable, Sendable {
  var status = 0
  var bodyBytes = 0
  /// Whether the cache says that it answered from its store; nil when it says nothing.
  var isHit: Bool?
  /// Whether the connection may carry another request.
  var isPersistent = true
}

/// Why a response could not be read.
enum ResponseError: Error, Equatable {
  case lineTooLong
  case malformedStatusLine
  case malformedLength
  case malformedChunk
  case closedEarly
}

/// Reads the responses to GET requests from a byte stream, without keeping their bodies.
///
/// Bytes in, summaries out. Lines are limited to 64 KiB, heads to 256 lines; bodies are not
/// limited, since they are counted and dropped.
struct ResponseReader {
  private enum State: Equatable {
    case statusLine
    case fields
    case body(remaining: Int)
    case bodyUntilClose
    case chunkSize
    case chunk(remaining: Int)
    case chunkEnd
    case trailers
  }

  static let lineLimitBytes = 64 * 1024
  static let lineLimitCount = 256

  private var state = State.statusLine
  private var summary = ResponseSummary()
  private var lengthBytes: Int?
  private var isChunked = false
  private var xCacheIsHit: Bool?
  private var lineCount = 0

  /// Whether no byte of the next response has arrived yet.
  var isIdle: Bool { state == .statusLine && lineCount == 0 }

  /// Consumes what it can of `input`; a summary once a response is whole, nil for more bytes.
  mutating func next(_ input: inout ByteBuffer) throws(ResponseError) -> ResponseSummary? {
    while true {
      switch state {
      case .body(let remaining):
        let count = take(remaining, from: &input)
        state = .body(remaining: remaining - count)
        if count == remaining { return finished() }
        return nil
      case .bodyUntilClose:
        _ = take(.max, from: &input)
        return nil
      case .chunk(let remaining):
        let count = take(remaining, from: &input)
        state = count == remaining ? .chunkEnd : .chunk(remaining: remaining - count)
        if count < remaining { return nil }
      case .statusLine, .fields, .chunkSize, .chunkEnd, .trailers:
        guard let line = try nextLine(&input) else { return nil }
        if try accept(line) { return finished() }
      }
    }
  }

  /// The peer closed: the end of a body without a length, or an error.
  mutating func close() throws(ResponseError) -> ResponseSummary {
    guard state == .bodyUntilClose else { throw .closedEarly }
    return finished()
  }

  // MARK: Lines

  /// Handles one line; whether the response ended with it.
  private mutating func accept(_ line: ByteBufferView) throws(ResponseError) -> Bool {
    switch state {
    case .statusLine:
      try acceptStatusLine(line)
      state = .fields
      return false
    case .fields where line.isEmpty:
      return try beginBody()
    case .fields:
      try acceptField(line)
      return false
    case .chunkSize:
      let digits = line.prefix(while: { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") })
      guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else {
        throw .malformedChunk
      }
      state = size == 0 ? .trailers : .chunk(remaining: size)
      return false
    case .chunkEnd:
      guard line.isEmpty else { throw .malformedChunk }
      state = .chunkSize
      return false
    case .trailers:
      return line.isEmpty
    case .body, .bodyUntilClose, .chunk:
      return false
    }
  }

  private mutating func acceptStatusLine(_ line: ByteBufferView) throws(ResponseError) {
    let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
    guard parts.count >= 2, parts[0].starts(with: "HTTP/1.".utf8), parts[1].count == 3,
      let status = Int(String(decoding: parts[1], as: UTF8.self)), (100...599).contains(status)
    else { throw .malformedStatusLine }
    summary.status = status
    summary.isPersistent = parts[0].last == UInt8(ascii: "1")
  }

  private mutating func acceptField(_ line: ByteBufferView) throws(ResponseError) {
    // Only names that begin with c, t or x matter; others are not worth a String.
    guard let first = line.first, "ctxCTX".utf8.contains(first) else { return }
    let text = String(decoding: line, as: UTF8.self)
    guard let colon = text.firstIndex(of: ":") else { return }
    let value = text[text.index(after: colon)...].drop(while: { $0 == " " || $0 == "\t" })
    switch text[..<colon].lowercased() {
    case "content-length":
      guard let length = Int(value), length >= 0 else { throw .malformedLength }
      lengthBytes = length
    case "transfer-encoding":
      isChunked = value.lowercased().hasSuffix("chunked")
    case "connection":
      if value.lowercased().contains("close") { summary.isPersistent = false }
    case "cache-status":
      summary.isHit = CacheVerdict.cacheStatus(value)
    case "x-cache":
      xCacheIsHit = CacheVerdict.xCache(value)
    default:
      break
    }
  }

  /// Chooses the body's framing after the head (RFC 9112 section 6.3); whether there is no body.
  private mutating func beginBody() throws(ResponseError) -> Bool {
    if summary.status < 200 {  // 1xx: the final response follows
      self = ResponseReader()
      return false
    }
    if summary.isHit == nil { summary.isHit = xCacheIsHit }
    if summary.status == 204 || summary.status == 304 { return true }
    if isChunked {
      state = .chunkSize
    } else if let lengthBytes {
      state = .body(remaining: lengthBytes)
      return lengthBytes == 0
    } else {
      summary.isPersistent = false
      state = .bodyUntilClose
    }
    return false
  }

  private mutating func finished() -> ResponseSummary {
    let result = summary
    self = ResponseReader()
    return result
  }

  private mutating func nextLine(
    _ input: inout ByteBuffer
  ) throws(ResponseError) -> ByteBufferView? {
    let view = input.readableBytesView
    guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else {
      if view.count > Self.lineLimitBytes { throw .lineTooLong }
      return nil
    }
    lineCount += state == .chunkSize || state == .chunkEnd ? 0 : 1
    guard lineCount <= Self.lineLimitCount else { throw .lineTooLong }
    input.moveReaderIndex(to: end + 1)
    let line = view[view.startIndex..<end]
    return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
  }

  private mutating func take(_ limit: Int, from input: inout ByteBuffer) -> Int {
    let count = min(limit, input.readableBytes)
    input.moveReaderIndex(forwardBy: count)
    summary.bodyBytes += count
    return count
  }
}

/// Reads from a response's fields whether the nearest cache served it from its store.
enum CacheVerdict {
  /// RFC 9211: the last member is the cache nearest to the client; the parameter `hit` is the word.
  static func cacheStatus(_ value: some StringProtocol) -> Bool {
    var members: [String] = [""]
    var isQuoted = false
    for character in value {
      if character == "\"" { isQuoted.toggle() }
      if character == ",", !isQuoted {
        members.append("")
      } else {
        members[members.count - 1].append(character)
      }
    }
    let parameters = (members.last ?? "").split(separator: ";").dropFirst()
    return parameters.contains { parameter in
      let bare = parameter.filter { $0 != " " }.lowercased()
      return bare == "hit" || bare == "hit=?1"
    }
  }

  /// The customary `X-Cache: HIT`, also with a name of the cache after or before it.
  static func xCache(_ value: some StringProtocol) -> Bool {
    let words = value.lowercased().split(whereSeparator: { !$0.isLetter && $0 != "-" })
    return words.contains { $0 == "hit" || $0.hasSuffix("-hit") }
  }
}
