import NIOCore

/// Reads request heads of HTTP/1.0 and HTTP/1.1 from a connection's bytes (RFC 9112).
///
/// Owned by one connection. Strict where leniency lets two parsers disagree about where a message
/// ends: every line ends in CR LF, no blank before a colon, no folding, one Host, one way of
/// framing. Reading is one pass over the bytes and stops at the first fault, so that a fault does
/// not depend on how the bytes were split on their way.
///
/// Between calls it keeps its place: lines already read are not read again, and an incomplete
/// line is looked at again only when a line feed has arrived, which makes any split cost O(bytes).
public struct HTTP1RequestParser: Sendable {
  private let limits: HeadLimits
  /// Offset, from the buffer's first readable byte, of the first line not yet read.
  private var cursor = 0
  /// Offset up to which the bytes after `cursor` are known to hold no line feed.
  private var scanned = 0
  private var emptyLines = 0
  private var hasRequestLine = false
  private var line = RequestLine()
  private var presence: KnownFieldSet = []
  /// The head's lines so far. The last head's array is used again once that head is gone, so that
  /// a connection allocates it once.
  private var entries: [FieldEntry] = []

  /// A parser at the start of a connection's bytes.
  public init(limits: HeadLimits) {
    self.limits = limits
  }

  /// Whether a part of a head has been read: a connection that ends now was cut off.
  public var isInsideHead: Bool { hasRequestLine || scanned > cursor }

  /// Takes one whole head off the front of `buffer`, or nothing (nil) when its end has not come.
  ///
  /// The caller appends to `buffer` and takes nothing off it between the calls for one head. The
  /// head shares the buffer's bytes. After a fault the connection cannot be read any further.
  /// O(bytes that are new).
  public mutating func parse(
    _ buffer: inout ByteBuffer, isSecure: Bool
  ) throws(RequestFault) -> RequestHead? {
    let length = try buffer.withUnsafeReadableBytes { bytes throws(RequestFault) in
      try readLines(bytes)
    }
    guard length > 0 else { return nil }
    return try takeHead(&buffer, length: length, isSecure: isSecure)
  }

  /// Reads what lines there are: the head's length when it is complete, else 0.
  private mutating func readLines(_ bytes: UnsafeRawBufferPointer) throws(RequestFault) -> Int {
    let end = min(bytes.count, limits.headSizeBytes)
    if scanned > cursor, mayWait(to: end), !hasLineFeed(bytes, from: scanned, to: end) {
      scanned = end
      return try incomplete(bytes.count)
    }
    if !hasRequestLine, try !readRequestLine(bytes, to: end) {
      scanned = end
      return try incomplete(bytes.count)
    }
    var index = cursor
    while true {
      let field = try FieldLine.read(bytes, from: index, to: end)
      switch field.kind {
      case .field:
        guard entries.count < limits.fieldCount else { throw .tooManyFields }
        let name = TextRange(offset: index, count: field.nameEnd - index)
        let known = KnownField(name.slice(of: bytes))
        if known == .host, presence.contains(.host) { throw .duplicateHost }
        presence.insert(known)
        entries.append(
          FieldEntry(
            name: name,
            value: TextRange(
              offset: field.valueStart, count: field.valueEnd - field.valueStart),
            known: known))
        index = field.next
      case .incomplete:
        cursor = index
        scanned = end
        return try incomplete(bytes.count)
      case .sectionEnd: return field.next
      }
    }
  }

  /// A head that has used up its limit without an end is refused before more of it is kept.
  private func incomplete(_ available: Int) throws(RequestFault) -> Int {
    if available >= limits.headSizeBytes { throw .headTooLarge }
    return 0
  }

  /// Whether an incomplete line may go unread until its line feed has come. It may not where it
  /// reaches a limit: the fault must be the one that a look at the whole line finds.
  private func mayWait(to end: Int) -> Bool {
    if end == limits.headSizeBytes { return false }
    // 16 bytes hold the methods there are.
    let targetMark = cursor + limits.targetSizeBytes + 16
    return hasRequestLine || scanned >= targetMark || end < targetMark
  }

  private func hasLineFeed(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Bool {
    guard start < end else { return false }
    return bytes[start..<end].firstIndex(of: 0x0A) != nil
  }

  /// Reads the request line, up to two empty lines before it skipped (RFC 9112 section 2.2);
  /// whether it was complete.
  private mutating func readRequestLine(
    _ bytes: UnsafeRawBufferPointer, to end: Int
  ) throws(RequestFault) -> Bool {
    while cursor < end, bytes[cursor] == 0x0D {
      guard cursor + 1 < end else { return false }
      guard bytes[cursor + 1] == 0x0A else { throw .bareLineFeed }
      guard emptyLines < 2 else { throw .badRequestLine }
      emptyLines += 1
      cursor += 2
    }
    let next = try line.read(
      bytes, from: cursor, to: end, targetLimit: limits.targetSizeBytes)
    guard let next else { return false }
    cursor = next
    hasRequestLine = true
    // The last head's array, if nobody holds it any more; a new one otherwise.
    entries.removeAll(keepingCapacity: true)
    if entries.capacity == 0 { entries.reserveCapacity(16) }
    return true
  }

  /// Checks what only a whole head shows and makes the head.
  private mutating func takeHead(
    _ buffer: inout ByteBuffer, length: Int, isSecure: Bool
  ) throws(RequestFault) -> RequestHead? {
    var framing = MessageFraming()
    var target = try buffer.withUnsafeReadableBytes { bytes throws(RequestFault) in
      let target = try RequestTarget(line, bytes)
      if MessageFraming.isStated(in: presence) {
        framing = try MessageFraming(
          entries, presence: presence, bytes: bytes, version: line.version)
      }
      return target
    }
    let authority = try buffer.withUnsafeReadableBytes { bytes throws(RequestFault) in
      try checkedAuthority(bytes, target: target)
    }
    guard var head = buffer.readSlice(length: length) else { return nil }
    if target.appendix != .none { target.append(to: &head) }
    let result = RequestHead(
      method: line.method, version: line.version, framing: framing.content, isSecure: isSecure,
      keepsAlive: !framing.closes && (line.version == .http11 || framing.asksKeepAlive),
      expectsContinue: framing.expectsContinue, methodName: line.methodName,
      target: target.target, path: target.path, query: target.query, authority: authority,
      fields: FieldBlock(bytes: head, entries: entries, presence: presence))
    cursor = 0
    scanned = 0
    emptyLines = 0
    hasRequestLine = false
    presence = []
    return result
  }

  /// The authority the request is for: an absolute target's, which Host must not contradict, or
  /// Host's. HTTP/1.1 requires Host (RFC 9112 section 3.2).
  @inline(__always)
  private func checkedAuthority(
    _ bytes: UnsafeRawBufferPointer, target: RequestTarget
  ) throws(RequestFault) -> TextRange {
    guard presence.contains(.host), let entry = entries.first(where: { $0.known == .host }) else {
      guard line.version == .http10 else { throw .missingHost }
      return target.authority ?? .empty
    }
    let host = entry.value.slice(of: bytes)
    guard HostSyntax.isValid(host) else { throw .badHost }
    guard let authority = target.authority else { return entry.value }
    guard authority.slice(of: bytes).equalsIgnoringCase(host) else { throw .hostMismatch }
    return authority
  }
}
