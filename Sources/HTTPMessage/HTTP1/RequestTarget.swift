import NIOCore

/// A request target taken apart (RFC 9112 section 3.2).
struct RequestTarget {
  var target: TextRange
  var path: TextRange
  var query: TextRange?
  /// The authority of an absolute target; nil in the other forms.
  var authority: TextRange?
  /// What to append to the head's bytes for a target that is not there to point at: an absolute
  /// target without a path whose query, or whose `*`, must follow nothing or a slash.
  enum Appendix { case none, slashAndQuery, asterisk }
  var appendix = Appendix.none

  /// Takes the target of `line` apart. CONNECT and its authority form are not for a reverse proxy.
  @inline(__always)
  init(_ line: RequestLine, _ bytes: UnsafeRawBufferPointer) throws(RequestFault) {
    guard line.method != .connect else { throw .unsupportedMethod }
    target = line.target
    let start = Int(target.offset)
    let end = start + Int(target.count)
    if bytes[start] == 0x2F {
      (path, query) = Self.split(from: start, queryMark: line.queryMark, end: end)
      return
    }
    path = target
    if bytes[start] == 0x2A, target.count == 1 {
      guard line.method == .options else { throw .badTarget }
      return
    }
    try readAbsolute(line, bytes, start: start, end: end)
  }

  /// Reads `http://authority[/path][?query]`; the scheme names the transport the client believes
  /// in, which the listener knows better, so it is checked and dropped.
  private mutating func readAbsolute(
    _ line: RequestLine, _ bytes: UnsafeRawBufferPointer, start: Int, end: Int
  ) throws(RequestFault) {
    let text = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    let schemeCount: Int
    if text.count >= 7, Self.prefix(text, 7).equalsIgnoringCase("http://") {
      schemeCount = 7
    } else if text.count >= 8, Self.prefix(text, 8).equalsIgnoringCase("https://") {
      schemeCount = 8
    } else {
      throw .badTarget
    }
    let authorityStart = start + schemeCount
    var pathStart = authorityStart
    while pathStart < end, bytes[pathStart] != 0x2F, bytes[pathStart] != 0x3F { pathStart += 1 }
    let range = TextRange(offset: authorityStart, count: pathStart - authorityStart)
    guard HostSyntax.isValid(range.slice(of: bytes)) else { throw .badHost }
    authority = range
    if pathStart < end, bytes[pathStart] == 0x2F {
      target = TextRange(offset: pathStart, count: end - pathStart)
      (path, query) = Self.split(from: pathStart, queryMark: line.queryMark, end: end)
      return
    }
    // The path is empty: `/`, or `*` for OPTIONS (RFC 9112 section 3.2.4). The last slash of
    // `://` serves as the path where nothing follows.
    path = TextRange(offset: authorityStart - 1, count: 1)
    target = path
    if pathStart < end {
      query = TextRange(offset: pathStart + 1, count: end - pathStart - 1)
      appendix = .slashAndQuery
    } else if line.method == .options {
      appendix = .asterisk
    }
  }

  /// Appends what ``appendix`` says to a head's own copy of its bytes and points there.
  mutating func append(to bytes: inout ByteBuffer) {
    let offset = bytes.readableBytes
    switch appendix {
    case .none: return
    case .asterisk:
      bytes.writeInteger(UInt8(ascii: "*"))
      target = TextRange(offset: offset, count: 1)
      path = target
    case .slashAndQuery:
      guard let query,
        let text = bytes.getSlice(
          at: bytes.readerIndex + Int(query.offset) - 1, length: Int(query.count) + 1)
      else { return }
      bytes.writeInteger(UInt8(ascii: "/"))
      bytes.writeImmutableBuffer(text)
      target = TextRange(offset: offset, count: Int(query.count) + 2)
      path = TextRange(offset: offset, count: 1)
    }
  }

  @inline(__always)
  private static func split(
    from start: Int, queryMark: Int?, end: Int
  ) -> (path: TextRange, query: TextRange?) {
    guard let mark = queryMark else { return (TextRange(offset: start, count: end - start), nil) }
    return (
      TextRange(offset: start, count: mark - start),
      TextRange(offset: mark + 1, count: end - mark - 1)
    )
  }

  private static func prefix(_ text: UnsafeRawBufferPointer, _ count: Int)
    -> UnsafeRawBufferPointer
  {
    UnsafeRawBufferPointer(rebasing: text[0..<count])
  }
}
