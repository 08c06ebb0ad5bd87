import NIOCore

/// Takes the content of one HTTP/1.1 message off a connection's bytes: a counted number of bytes,
/// or chunks and trailers (RFC 9112 sections 6 and 7).
///
/// Strict about line ends and digits, for the reason given at ``HTTP1RequestParser``. Chunk
/// extensions are skipped, within limits of their own: nobody uses them but to waste bytes.
public struct HTTP1BodyDecoder: Sendable {
  /// What comes next of the content.
  public enum Piece: Sendable {
    /// More bytes have to arrive first.
    case needMore
    /// Some content, never empty, sharing the buffer's bytes.
    case chunk(ByteBuffer)
    /// The content is complete; trailers if there were any. Comes again at every further call,
    /// then without trailers.
    case end(trailers: FieldBlock?)
  }

  private enum State {
    case counted(Int)
    case chunkSize
    case chunkData(Int)
    case chunkEnd
    case trailers
    case finished
  }

  /// Bytes of one chunk-size line, and of all extensions of one message.
  static let chunkLineLimitBytes = 1024
  static let extensionLimitBytes = 16 << 10

  private var state: State
  private var contentBytes = 0
  private var extensionBytes = 0
  private var trailerScanned = 0
  private let contentLimitBytes: Int
  private let limits: HeadLimits

  /// A decoder for content that is delimited by `framing`.
  /// - Parameter contentLimitBytes: what the content may hold in all; nil for no limit.
  public init(framing: BodyFraming, contentLimitBytes: Int?, limits: HeadLimits) {
    self.contentLimitBytes = contentLimitBytes ?? .max
    self.limits = limits
    switch framing {
    case .none: state = .finished
    case .length(let count): state = count > 0 ? .counted(count) : .finished
    case .streamed: state = .chunkSize
    }
  }

  /// Whether the content and its trailers have been read to their end.
  public var isFinished: Bool {
    if case .finished = state { return true }
    return false
  }

  /// Bytes of content that are declared but not read yet; nil when nothing declares them.
  public var remainingBytes: Int? {
    switch state {
    case .counted(let count): count
    case .finished: 0
    default: nil
    }
  }

  /// Takes the next piece off the front of `buffer`. After a fault the connection cannot be read
  /// any further. O(1) for content; O(bytes) for chunk lines and trailers.
  public mutating func next(_ buffer: inout ByteBuffer) throws(RequestFault) -> Piece {
    while true {
      switch state {
      case .finished: return .end(trailers: nil)
      case .counted(let count):
        guard contentBytes <= contentLimitBytes, count <= contentLimitBytes - contentBytes else {
          throw .contentTooLarge
        }
        return take(&buffer, upTo: count) { $0 == 0 ? .finished : .counted($0) }
      case .chunkData(let count):
        return take(&buffer, upTo: count) { $0 == 0 ? .chunkEnd : .chunkData($0) }
      case .chunkSize:
        guard try readChunkSize(&buffer) else { return .needMore }
      case .chunkEnd:
        guard try readChunkEnd(&buffer) else { return .needMore }
      case .trailers:
        guard let trailers = try readTrailers(&buffer) else { return .needMore }
        state = .finished
        return .end(trailers: trailers.isEmpty ? nil : trailers)
      }
    }
  }

  private mutating func take(
    _ buffer: inout ByteBuffer, upTo count: Int, then following: (Int) -> State
  ) -> Piece {
    let available = min(count, buffer.readableBytes)
    guard available > 0, let slice = buffer.readSlice(length: available) else { return .needMore }
    contentBytes += available
    state = following(count - available)
    return .chunk(slice)
  }

  /// Reads `chunk-size [chunk-ext] CRLF`; false when it is not complete.
  private mutating func readChunkSize(_ buffer: inout ByteBuffer) throws(RequestFault) -> Bool {
    let line = try buffer.withUnsafeReadableBytes { bytes throws(RequestFault) in
      try ChunkLine.read(bytes)
    }
    guard let line else { return false }
    extensionBytes += line.extensionCount
    guard extensionBytes <= Self.extensionLimitBytes else { throw .badChunk }
    guard line.size <= contentLimitBytes - contentBytes else { throw .contentTooLarge }
    buffer.moveReaderIndex(forwardBy: line.count)
    state = line.size > 0 ? .chunkData(line.size) : .trailers
    return true
  }

  private mutating func readChunkEnd(_ buffer: inout ByteBuffer) throws(RequestFault) -> Bool {
    let first = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self)
    guard let first else { return false }
    guard first == 0x0D else { throw .badChunk }
    guard let second = buffer.getInteger(at: buffer.readerIndex + 1, as: UInt8.self) else {
      return false
    }
    guard second == 0x0A else { throw .badChunk }
    buffer.moveReaderIndex(forwardBy: 2)
    state = .chunkSize
    return true
  }

  /// Reads the trailer section as a whole, once a line feed has come that may end it.
  private mutating func readTrailers(
    _ buffer: inout ByteBuffer
  ) throws(RequestFault) -> FieldBlock? {
    var entries: [FieldEntry] = []
    var presence: KnownFieldSet = []
    let limits = limits
    let scanned = trailerScanned
    let available = buffer.readableBytes
    let length = try buffer.withUnsafeReadableBytes { bytes throws(RequestFault) -> Int in
      let end = min(bytes.count, limits.headSizeBytes)
      if end < limits.headSizeBytes, scanned > 0, scanned <= end,
        bytes[scanned..<end].firstIndex(of: 0x0A) == nil
      {
        return 0
      }
      return try Self.readTrailerLines(
        bytes, to: end, fieldLimit: limits.fieldCount, entries: &entries, presence: &presence)
    }
    if length == 0 {
      trailerScanned = available
      if available >= limits.headSizeBytes { throw .headTooLarge }
      return nil
    }
    guard let bytes = buffer.readSlice(length: length) else { return nil }
    return FieldBlock(bytes: bytes, entries: entries, presence: presence)
  }

  /// The section's length with its closing line; 0 when it is not complete.
  private static func readTrailerLines(
    _ bytes: UnsafeRawBufferPointer, to end: Int, fieldLimit: Int, entries: inout [FieldEntry],
    presence: inout KnownFieldSet
  ) throws(RequestFault) -> Int {
    var index = 0
    var lines = 0
    while true {
      let field: FieldLine
      do { field = try FieldLine.read(bytes, from: index, to: end) } catch { throw .badTrailer }
      switch field.kind {
      case .incomplete: return 0
      case .sectionEnd: return field.next
      case .field:
        lines += 1
        guard lines <= fieldLimit else { throw .tooManyFields }
        let name = TextRange(offset: index, count: field.nameEnd - index)
        let known = KnownField(name.slice(of: bytes))
        if known == .other || !KnownFieldSet.forbiddenTrailers.contains(known) {
          presence.insert(known)
          entries.append(
            FieldEntry(
              name: name,
              value: TextRange(
                offset: field.valueStart, count: field.valueEnd - field.valueStart),
              known: known))
        }
        index = field.next
      }
    }
  }
}

/// A chunk's first line (RFC 9112 section 7.1).
private struct ChunkLine {
  var size: Int
  var extensionCount: Int
  /// Bytes of the line, its end included.
  var count: Int

  /// Reads the line at the start of `bytes`; nil when it is not complete.
  static func read(_ bytes: UnsafeRawBufferPointer) throws(RequestFault) -> ChunkLine? {
    let end = min(bytes.count, HTTP1BodyDecoder.chunkLineLimitBytes)
    var index = 0
    var size = 0
    while index < end, bytes[index].isHexDigit {
      // The sixteenth digit could set the sign bit; leading zeros are not worth the exception.
      guard index < 16, size >> 59 == 0 else { throw .badChunk }
      size = size << 4 | bytes[index].hexValue
      index += 1
    }
    guard index < end else { return try incomplete(bytes.count) }
    guard index > 0 else { throw .badChunk }
    let extensionStart = index
    if bytes[index] != 0x0D {
      while index < end, bytes[index].isOptionalWhitespace { index += 1 }
      guard index < end else { return try incomplete(bytes.count) }
      guard bytes[index] == 0x3B else { throw .badChunk }
      index = FieldLine.endOfText(bytes, from: index, to: end)
      guard index < end else { return try incomplete(bytes.count) }
      guard bytes[index] == 0x0D else { throw .badChunk }
    }
    guard index + 1 < end else { return try incomplete(bytes.count) }
    guard bytes[index + 1] == 0x0A else { throw .badChunk }
    return ChunkLine(size: size, extensionCount: index - extensionStart, count: index + 2)
  }

  private static func incomplete(_ available: Int) throws(RequestFault) -> ChunkLine? {
    if available >= HTTP1BodyDecoder.chunkLineLimitBytes { throw .badChunk }
    return nil
  }
}
