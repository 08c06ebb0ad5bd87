import NIOCore

/// A field name that some part of the edge looks for by name; every other name is ``other``.
///
/// The parser names each field once, so that later look-ups compare one byte instead of text.
/// Raw values index ``KnownFieldSet``'s 128 bits, which bounds this list.
public enum KnownField: UInt8, CaseIterable, Sendable {
  case other = 0
  case accept, acceptCharset, acceptEncoding, acceptLanguage, acceptRanges, age, allow
  case authorization, cacheControl, cacheGroupInvalidation, cacheGroups, cacheStatus, cacheTag
  case cdnCacheControl, cdnLoop, connection, contentDisposition, contentEncoding, contentLanguage
  case contentLength, contentLocation, contentRange, contentType, cookie, date, edgeCacheControl
  case etag, expect, expires, forwarded, from, host, http2Settings, ifMatch, ifModifiedSince
  case ifNoneMatch, ifRange, ifUnmodifiedSince, keepAlive, lastModified, link, location
  case maxForwards, noVarySearch, origin, pragma, proxyAuthenticate, proxyAuthenticationInfo
  case proxyAuthorization, proxyConnection, proxyStatus, range, referer, retryAfter, server
  case setCookie, strictTransportSecurity, surrogateControl, surrogateKey, te, trailer
  case transferEncoding, upgrade, userAgent, vary, via, warning, wwwAuthenticate, xCache
  case xForwardedFor, xForwardedHost, xForwardedProto, xHTTPMethodOverride, xOriginalURL
  case xRewriteURL, xRequestID, xkey, traceparent, secWebSocketKey, priority, edgeDebug
  case xDeviceClass

  /// The name as the edge writes it, such as `Cache-Control`; empty for ``other``.
  public var name: StaticString { Self.names[Int(rawValue)] }

  private static let names: [StaticString] = [
    "", "Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Accept-Ranges", "Age",
    "Allow", "Authorization", "Cache-Control", "Cache-Group-Invalidation", "Cache-Groups",
    "Cache-Status", "Cache-Tag", "CDN-Cache-Control", "CDN-Loop", "Connection",
    "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length",
    "Content-Location", "Content-Range", "Content-Type", "Cookie", "Date", "Edge-Cache-Control",
    "ETag", "Expect", "Expires", "Forwarded", "From", "Host", "HTTP2-Settings", "If-Match",
    "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Keep-Alive",
    "Last-Modified", "Link", "Location", "Max-Forwards", "No-Vary-Search", "Origin", "Pragma",
    "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization", "Proxy-Connection",
    "Proxy-Status", "Range", "Referer", "Retry-After", "Server", "Set-Cookie",
    "Strict-Transport-Security", "Surrogate-Control", "Surrogate-Key", "TE", "Trailer",
    "Transfer-Encoding", "Upgrade", "User-Agent", "Vary", "Via", "Warning", "WWW-Authenticate",
    "X-Cache", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
    "X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL", "X-Request-ID", "xkey",
    "traceparent", "Sec-WebSocket-Key", "Priority", "Edge-Debug", "X-Device-Class",
  ]

  /// Names a field from its bytes, in any letter case; ``other`` when the edge has no use for it.
  ///
  /// One table probe and one comparison: the table is built at first use so that no two known
  /// names share a slot without the comparison telling them apart.
  public init(_ name: UnsafeRawBufferPointer) {
    self = Self.table.find(name)
  }

  private static let table = KnownFieldTable(names: names)
}

/// A set of known fields: 128 bits, so that "is it absent?" costs one test.
public struct KnownFieldSet: Sendable, Equatable, ExpressibleByArrayLiteral {
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  /// The empty set, without the array that a literal makes.
  public static var none: KnownFieldSet { KnownFieldSet() }

  private init() {}

  /// The set of `elements`.
  public init(arrayLiteral elements: KnownField...) {
    for element in elements { insert(element) }
  }

  /// Adds one field.
  @inline(__always)
  public mutating func insert(_ field: KnownField) {
    let bit = field.rawValue
    if bit < 64 { low |= 1 << UInt64(bit) } else { high |= 1 << UInt64(bit & 63) }
  }

  /// Whether `field` is a member.
  @inline(__always)
  public func contains(_ field: KnownField) -> Bool {
    let bit = field.rawValue
    return (bit < 64 ? low >> UInt64(bit) : high >> UInt64(bit & 63)) & 1 == 1
  }

  /// Whether the two sets share a member.
  public func intersects(_ other: KnownFieldSet) -> Bool {
    low & other.low != 0 || high & other.high != 0
  }

  /// The members of either set.
  public func union(_ other: KnownFieldSet) -> KnownFieldSet {
    var result = self
    result.low |= other.low
    result.high |= other.high
    return result
  }
}

/// Open-addressed table from a hash of length, first, middle and last letter to the known field.
private struct KnownFieldTable: Sendable {
  private static let slotCount = 512
  private var slots = [UInt8](repeating: 0, count: slotCount)
  private let names: [StaticString]

  init(names: [StaticString]) {
    self.names = names
    for (index, name) in names.enumerated() where index > 0 {
      let bytes = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
      var slot = Self.slot(of: bytes)
      while slots[slot] != 0 { slot = (slot + 1) % Self.slotCount }
      slots[slot] = UInt8(index)
    }
  }

  func find(_ name: UnsafeRawBufferPointer) -> KnownField {
    guard name.count > 0 else { return .other }
    var slot = Self.slot(of: name)
    while slots[slot] != 0 {
      let candidate = names[Int(slots[slot])]
      let bytes = UnsafeRawBufferPointer(
        start: candidate.utf8Start, count: candidate.utf8CodeUnitCount)
      if bytes.equalsIgnoringCase(name) { return KnownField(rawValue: slots[slot]) ?? .other }
      slot = (slot + 1) % Self.slotCount
    }
    return .other
  }

  private static func slot(of name: UnsafeRawBufferPointer) -> Int {
    let count = name.count
    let first = Int(name[0] | 0x20)
    let middle = Int(name[count / 2] | 0x20)
    let last = Int(name[count - 1] | 0x20)
    return (count &* 37 &+ first &* 7 &+ middle &* 131 &+ last &* 61) & (slotCount - 1)
  }
}

extension KnownFieldSet {
  /// Fields that may not come behind the content: they frame, route or authorize the message
  /// that has been acted on by then (RFC 9110 section 6.5.1). They are left out.
  public static let forbiddenTrailers: KnownFieldSet = [
    .transferEncoding, .contentLength, .host, .connection, .keepAlive, .te, .trailer, .upgrade,
    .expect, .authorization, .proxyAuthorization, .cookie, .setCookie, .contentEncoding,
    .contentType, .contentRange, .range, .cacheControl, .maxForwards, .forwarded, .xForwardedFor,
    .xForwardedHost, .xForwardedProto, .proxyConnection, .via, .cdnLoop,
  ]
}
