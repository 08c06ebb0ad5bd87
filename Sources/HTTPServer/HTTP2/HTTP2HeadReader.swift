import HTTPMessage
import NIOCore

/// Gathers the fields of one request head as they are unpacked, and makes a ``RequestHead`` of
/// them: the same that HTTP/1.1 makes of its lines.
///
/// Borrowed from the loop for as long as a head is being read. libnghttp2 has checked by then that
/// names are lower-case tokens, that values hold no control but tab and no blank at either end,
/// that pseudo-fields come first, once, and are known, and that no field of a connection of
/// HTTP/1.1 is there (RFC 9113 sections 8.2 and 8.3). What it does not check, ``makeHead`` does.
///
/// Limits: those of ``HeadLimits``, the head counted as HTTP/1.1 would write it. Beyond them
/// nothing more is kept; a head of many times the limit is a ``isBomb``.
final class HTTP2HeadReader {
  /// How many times its limit a head may unpack to before the connection ends for it.
  static let bombFactor = 4
  /// A field block counts a name's bytes in 16 bits. Of a longer name it would keep the beginning,
  /// which may well be the name of another field, one that has no place in HTTP/2.
  static let nameLimitBytes = Int(UInt16.max)
  /// Larger buffers are not kept for the next head.
  private static let keptCapacityBytes = 8 << 10

  /// The text of the fields as they come; ``bytes`` gets it in one piece when the head is whole.
  private var gathered = GatheredBytes()
  private var bytes = ByteBuffer()
  private var entries: [FieldEntry] = []
  private var presence = KnownFieldSet.none
  private var method = TextRange.empty
  private var scheme = TextRange.empty
  private var path: TextRange?
  private var authority: TextRange?
  private var host: TextRange?
  private var cookieCount = 0
  /// Bytes and fields so far, kept or not.
  private(set) var sizeBytes = 0
  private var fieldCount = 0
  private var fault: RequestFault?

  /// Makes it ready for the next head. A head that somebody keeps shares its memory, which is then
  /// left to it.
  func reset(isShared: Bool) {
    if isShared || bytes.capacity > Self.keptCapacityBytes {
      bytes = ByteBuffer()
    } else {
      bytes.clear()
    }
    gathered.removeAll(keeping: Self.keptCapacityBytes)
    if isShared { entries = [] } else { entries.removeAll(keepingCapacity: true) }
    presence = .none
    method = .empty
    scheme = .empty
    path = nil
    authority = nil
    host = nil
    cookieCount = 0
    sizeBytes = 0
    fieldCount = 0
    fault = nil
  }

  /// Takes one field.
  func add(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, limits: HeadLimits
  ) {
    // As a line of HTTP/1.1: colon, blank, CR and LF.
    sizeBytes += name.count + value.count + 4
    guard fault == nil else { return }
    guard sizeBytes <= limits.headSizeBytes else {
      fault = .headTooLarge
      return
    }
    if name.count > 0, name[0] == 0x3A { return addPseudoField(name, value, limits: limits) }
    let known = KnownField(name)
    if known == .cookie { cookieCount += 1 }
    // A cookie may come in pieces, which are one field (RFC 9113 section 8.2.3).
    if known != .cookie || cookieCount == 1 { fieldCount += 1 }
    guard fieldCount <= limits.fieldCount else {
      fault = .tooManyFields
      return
    }
    guard name.count <= Self.nameLimitBytes else {
      fault = .badFieldName
      return
    }
    if entries.capacity == 0 { entries.reserveCapacity(16) }
    let nameRange = append(name)
    let entry = FieldEntry(name: nameRange, value: append(value), known: known)
    if known == .host {
      if presence.contains(.host) { fault = .duplicateHost }
      host = entry.value
    }
    presence.insert(known)
    entries.append(entry)
  }

  /// Whether the head has unpacked to so many bytes that it is meant to do harm.
  func isBomb(_ limits: HeadLimits) -> Bool {
    sizeBytes > Self.bombFactor * limits.headSizeBytes
  }

  private func addPseudoField(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, limits: HeadLimits
  ) {
    switch name.count {
    case 5 where name.equals(":path"):
      guard value.count <= limits.targetSizeBytes else {
        fault = .targetTooLong
        return
      }
      path = append(value)
    case 7 where name[1] == UInt8(ascii: "m") && name.equals(":method"): method = append(value)
    case 7 where name.equals(":scheme"): scheme = append(value)
    case 10 where name.equals(":authority"): authority = append(value)
    default: fault = .badFieldName
    }
  }

  private func append(_ text: UnsafeRawBufferPointer) -> TextRange {
    let range = TextRange(offset: gathered.count, count: text.count)
    gathered.append(text)
    return range
  }

  /// Whether the method is HEAD: what answers it has no content.
  var isHeadRequest: Bool {
    method.slice(of: gathered.bytes).equals("HEAD")
  }

  // MARK: The whole head

  /// Checks what only a whole head shows and makes the head, which shares the reader's memory.
  /// - Parameter endsStream: whether no content follows.
  func makeHead(
    isSecure: Bool, endsStream: Bool
  ) throws(RequestFault) -> RequestHead {
    if let fault { throw fault }
    bytes.writeBytes(gathered.bytes)
    let kind = RequestMethod(method.slice(of: gathered.bytes))
    // CONNECT has neither scheme nor path (RFC 9113 section 8.5), and is not for a reverse proxy.
    guard kind != .connect else { throw .unsupportedMethod }
    let query = try checkControlData(gathered.bytes, kind)
    let requestAuthority = try checkedAuthority(gathered.bytes)
    let (framing, expectsContinue) = try readFraming(endsStream: endsStream)
    if cookieCount > 1 { joinCookies() }
    let target = path ?? .empty
    return RequestHead(
      method: kind, version: .http2, framing: framing, isSecure: isSecure, keepsAlive: true,
      expectsContinue: expectsContinue, methodName: method, target: target,
      path: query.map {
        TextRange(offset: Int(target.offset), count: Int($0.offset) - 1 - Int(target.offset))
      } ?? target,
      query: query, authority: requestAuthority,
      fields: FieldBlock(bytes: bytes, entries: entries, presence: presence))
  }

  /// Checks method, scheme and path (RFC 9113 section 8.3.1); the query's place, if there is one.
  private func checkControlData(
    _ bytes: UnsafeRawBufferPointer, _ kind: RequestMethod
  ) throws(RequestFault) -> TextRange? {
    let methodName = method.slice(of: bytes)
    guard methodName.count > 0, methodName.allSatisfy(\.isTokenByte) else { throw .badMethod }
    // The scheme names the transport that the client believes in; the listener knows better.
    let scheme = scheme.slice(of: bytes)
    guard scheme.equalsIgnoringCase("https") || scheme.equalsIgnoringCase("http") else {
      throw .badTarget
    }
    guard let path, path.count > 0 else { throw .badTarget }
    let target = path.slice(of: bytes)
    guard target[0] == 0x2F else {
      guard kind == .options, target.equals("*") else { throw .badTarget }
      return nil
    }
    var queryMark: Int?
    for index in 0..<target.count {
      let byte = target[index]
      // As in HTTP/1.1's request line: visible ASCII but `#`, so that it can be forwarded as it is.
      guard byte &- 0x21 < 0x5E, byte != 0x23 else { throw .badTarget }
      if byte == 0x3F, queryMark == nil { queryMark = index }
    }
    return queryMark.map {
      TextRange(offset: Int(path.offset) + $0 + 1, count: target.count - $0 - 1)
    }
  }

  /// `:authority`, which Host must not contradict, or else Host; neither with user information.
  private func checkedAuthority(
    _ bytes: UnsafeRawBufferPointer
  ) throws(RequestFault) -> TextRange {
    guard let chosen = authority ?? host else { throw .missingHost }
    guard HostSyntax.isValid(chosen.slice(of: bytes)) else { throw .badHost }
    if let authority, let host,
      !authority.slice(of: bytes).equalsIgnoringCase(host.slice(of: bytes))
    {
      throw .hostMismatch
    }
    return chosen
  }

  private func readFraming(
    endsStream: Bool
  ) throws(RequestFault) -> (BodyFraming, expectsContinue: Bool) {
    var length: Int?
    var expectsContinue = false
    if presence.contains(.contentLength) || presence.contains(.expect) {
      for entry in entries {
        if entry.known == .contentLength {
          guard length == nil, let value = decimal(entry.value) else { throw .badContentLength }
          length = value
        } else if entry.known == .expect {
          guard
            bytes.withUnsafeReadableBytes({
              entry.value.slice(of: $0).equalsIgnoringCase("100-continue")
            })
          else { throw .unsupportedExpectation }
          expectsContinue = true
        }
      }
    }
    if endsStream {
      guard let length else { return (.none, false) }
      guard length == 0 else { throw .badContentLength }
      return (.length(0), false)
    }
    guard let length else { return (.streamed, expectsContinue) }
    return (.length(length), expectsContinue && length > 0)
  }

  /// A decimal number of at most 2^63 - 1, and nothing else.
  private func decimal(_ range: TextRange) -> Int? {
    bytes.withUnsafeReadableBytes { bytes in
      let text = range.slice(of: bytes)
      guard text.count > 0 else { return nil }
      var result = 0
      for byte in text {
        guard byte.isASCIIDigit else { return nil }
        let (product, overflow) = result.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(Int(byte &- 0x30))
        guard !overflow, !carry else { return nil }
        result = sum
      }
      return result
    }
  }

  /// Puts the pieces of Cookie together where the first of them stands (RFC 9113 section 8.2.3).
  private func joinCookies() {
    let offset = bytes.readableBytes
    var first: Int?
    var joined: [FieldEntry] = []
    joined.reserveCapacity(entries.count)
    for entry in entries {
      guard entry.known == .cookie else {
        joined.append(entry)
        continue
      }
      if first == nil {
        first = joined.count
        joined.append(entry)
      } else {
        bytes.writeStaticString("; ")
      }
      if let value = bytes.getSlice(
        at: bytes.readerIndex + Int(entry.valueOffset), length: Int(entry.valueCount))
      {
        bytes.writeImmutableBuffer(value)
      }
    }
    if let first {
      joined[first].valueOffset = UInt32(truncatingIfNeeded: offset)
      joined[first].valueCount = UInt32(truncatingIfNeeded: bytes.readableBytes - offset)
    }
    entries = joined
  }
}
