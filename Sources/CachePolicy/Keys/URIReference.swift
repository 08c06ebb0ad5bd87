import HTTPMessage
import NIOCore

/// URI references of a response, resolved against its request (RFC 3986 section 5).
enum URIReference {
  /// Path and query of what `reference` names; nil when it has another scheme, host or port than
  /// the request, or is malformed. O(bytes).
  static func resolve(
    _ reference: UnsafeRawBufferPointer, against request: RequestHead
  ) -> [UInt8]? {
    guard reference.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
    var rest = reference[..<(reference.firstIndex(of: UInt8(ascii: "#")) ?? reference.count)]
    var isNetworkPath = false
    if let colon = schemeEnd(rest) {
      let scheme = UnsafeRawBufferPointer(rebasing: rest[..<colon])
      guard scheme.equalsIgnoringCase(request.isSecure ? "https" : "http") else { return nil }
      rest = rest[(colon + 1)...]
      guard startsWithSlashes(rest) else { return nil }
      isNetworkPath = true
    } else if startsWithSlashes(rest) {
      isNetworkPath = true
    }
    if isNetworkPath {
      rest = rest.dropFirst(2)
      let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
      let authority = UnsafeRawBufferPointer(rebasing: rest[..<(end ?? rest.endIndex)])
      guard isAuthority(authority, of: request) else { return nil }
      rest = rest[(end ?? rest.endIndex)...]
    }
    let queryStart = rest.firstIndex(of: UInt8(ascii: "?"))
    let path = Array(rest[..<(queryStart ?? rest.endIndex)])
    let query = queryStart.map { Array(rest[$0...]) }
    if path.isEmpty && !isNetworkPath {
      return request.withBytes(request.path) { base in
        Array(base)
          + (query ?? request.query.map { [UInt8(ascii: "?")] + bytes($0, request) } ?? [])
      }
    }
    return absolutePath(path, isNetworkPath: isNetworkPath, request) + (query ?? [])
  }

  private static func absolutePath(
    _ path: [UInt8], isNetworkPath: Bool, _ request: RequestHead
  ) -> [UInt8] {
    if isNetworkPath || path.first == UInt8(ascii: "/") { return removingDotSegments(path) }
    let base = bytes(request.path, request)
    let lastSlash = base.lastIndex(of: UInt8(ascii: "/"))
    return removingDotSegments(base.prefix(lastSlash.map { $0 + 1 } ?? 0) + path)
  }

  private static func bytes(_ range: TextRange, _ request: RequestHead) -> [UInt8] {
    request.withBytes(range) { Array($0) }
  }

  /// RFC 3986 section 5.2.4, for paths taken as absolute.
  private static func removingDotSegments(_ path: [UInt8]) -> [UInt8] {
    let slash = UInt8(ascii: "/")
    let dot = UInt8(ascii: ".")
    let relative = path.first == slash ? path.dropFirst() : path[...]
    let segments = relative.split(separator: slash, omittingEmptySubsequences: false)
    var kept: [ArraySlice<UInt8>] = []
    for (index, segment) in segments.enumerated() {
      let isLast = index == segments.count - 1
      if segment.elementsEqual([dot, dot]) {
        _ = kept.popLast()
        if isLast { kept.append([]) }
      } else if segment.elementsEqual([dot]) {
        if isLast { kept.append([]) }
      } else {
        kept.append(segment)
      }
    }
    var result: [UInt8] = []
    for segment in kept {
      result.append(slash)
      result += segment
    }
    return result.isEmpty ? [slash] : result
  }

  /// Where a scheme's colon stands (RFC 3986 section 3.1); nil for a relative reference.
  private static func schemeEnd(_ reference: Slice<UnsafeRawBufferPointer>) -> Int? {
    for (offset, byte) in reference.enumerated() {
      let isLetter = byte.asciiLowercased &- UInt8(ascii: "a") < 26
      if byte == UInt8(ascii: ":") { return offset > 0 ? reference.startIndex + offset : nil }
      let isMark =
        byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
      if !isLetter && (offset == 0 || !(byte.isASCIIDigit || isMark)) { return nil }
    }
    return nil
  }

  private static func startsWithSlashes(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
    bytes.prefix(2).elementsEqual([UInt8(ascii: "/"), UInt8(ascii: "/")])
  }

  private static func isAuthority(
    _ authority: UnsafeRawBufferPointer, of request: RequestHead
  ) -> Bool {
    var expected = ByteBuffer()
    var actual = ByteBuffer()
    request.withBytes(request.authority) {
      CacheKeyBuilder.writeHost($0, isSecure: request.isSecure, into: &expected)
    }
    CacheKeyBuilder.writeHost(authority, isSecure: request.isSecure, into: &actual)
    return expected == actual
  }
}
