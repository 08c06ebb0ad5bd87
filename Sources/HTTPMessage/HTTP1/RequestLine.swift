/// The request line as it stands on the wire (RFC 9112 section 3), read but not yet interpreted.
struct RequestLine {
  var method = RequestMethod.other
  var methodName = TextRange.empty
  /// The target in whatever form it came.
  var target = TextRange.empty
  /// Where the target's first `?` stands, counted like the ranges; nil when there is none.
  var queryMark: Int?
  var version = HTTPVersion.http11

  /// Reads `method SP target SP HTTP/d.d CRLF` from `start`: the next line's start, or nil when
  /// the line's end is not among the bytes. Bounds as in ``FieldLine``.
  @inline(__always)
  mutating func read(
    _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int, targetLimit: Int
  ) throws(RequestFault) -> Int? {
    var index = start
    while index < end, bytes[index].isTokenByte { index += 1 }
    guard index < end else { return nil }
    guard bytes[index] == 0x20 else {
      throw bytes[index] == 0x0A
        ? .bareLineFeed : bytes[index] == 0x0D ? .badRequestLine : .badMethod
    }
    guard index > start else { throw .badRequestLine }
    methodName = TextRange(offset: start, count: index - start)
    method = RequestMethod(UnsafeRawBufferPointer(rebasing: bytes[start..<index]))

    index += 1
    let targetStart = index
    queryMark = nil
    // Visible ASCII but `#`: a fragment is never sent, and controls, blanks and bytes above 0x7E
    // have to be percent-encoded.
    while index < end, bytes[index] &- 0x21 < 0x5E, bytes[index] != 0x23 {
      if bytes[index] == 0x3F, queryMark == nil { queryMark = index }
      index += 1
    }
    guard index - targetStart <= targetLimit else { throw .targetTooLong }
    guard index < end else { return nil }
    guard bytes[index] == 0x20 else {
      switch bytes[index] {
      case 0x0A: throw .bareLineFeed
      case 0x0D: throw .badRequestLine
      default: throw .badTarget
      }
    }
    guard index > targetStart else { throw .badRequestLine }
    target = TextRange(offset: targetStart, count: index - targetStart)
    return try readVersion(bytes, from: index + 1, to: end)
  }

  /// Reads `HTTP/d.d` CRLF. A minor version above 1 is read as 1.1 (RFC 9110 section 2.5).
  @inline(__always)
  private mutating func readVersion(
    _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int
  ) throws(RequestFault) -> Int? {
    // "HTTP/1.1" as one little-endian word: what nearly every request says.
    if end - start >= 10,
      bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self).littleEndian
        == 0x312E_312F_5054_5448,
      bytes[start + 8] == 0x0D, bytes[start + 9] == 0x0A
    {
      version = .http11
      return start + 10
    }
    return try readOtherVersion(bytes, from: start, to: end)
  }

  private mutating func readOtherVersion(
    _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int
  ) throws(RequestFault) -> Int? {
    let prefix: StaticString = "HTTP/"
    for index in 0..<5 {
      guard start + index < end else { return nil }
      guard bytes[start + index] == prefix.utf8Start[index] else { throw .badVersion }
    }
    guard start + 5 < end else { return nil }
    guard bytes[start + 5].isASCIIDigit else { throw .badVersion }
    guard start + 6 < end else { return nil }
    guard bytes[start + 6] == 0x2E else { throw .badVersion }
    guard start + 7 < end else { return nil }
    guard bytes[start + 7].isASCIIDigit else { throw .badVersion }
    guard start + 8 < end else { return nil }
    guard bytes[start + 8] == 0x0D else {
      throw bytes[start + 8] == 0x0A
        ? .bareLineFeed : bytes[start + 8] == 0x20 ? .badRequestLine : .badVersion
    }
    guard start + 9 < end else { return nil }
    guard bytes[start + 9] == 0x0A else { throw .bareLineFeed }
    guard bytes[start + 5] == 0x31 else { throw .unsupportedVersion }
    version = bytes[start + 7] == 0x30 ? .http10 : .http11
    return start + 10
  }
}
