import HTTPMessage
import NIOCore

/// Writes the text that names a cached resource.
///
/// | part | text | left out when |
/// |---|---|---|
/// | scheme | `http` or `https` | the rules mix them |
/// | host | `://`, host in lower case, port unless the scheme's | the rules mix hosts (not `://`) |
/// | path | byte for byte | never |
/// | query | `?` and what the rules keep, byte for byte | there is none, or nothing is kept |
/// | header | LF name, `=` value, further lines after `, ` | no `=`: the request lacks it |
/// | header | LF name, `:` normalized value (``SelectingField``) | it counts as written |
/// | cookie | LF `cookie:` name, `=` value, further ones after `;` | no `=`: likewise |
/// | device | LF `:device ` class | the rules mix devices |
/// | content | LF `:content ` digest, LF `:type ` value, LF `:coding ` value | it is no QUERY |
/// | salt | LF `:` number | the route has none |
///
/// Under one set of rules two requests have the same key only when the rules call them the same:
/// no part can hold the bytes that end it. Hosts hold no `/`, targets no LF, field values no LF,
/// field names no `:`, cookie values no `;`, a digest is written in hexadecimal. A cookie without
/// `=` counts as one without a value.
public enum CacheKeyBuilder {
  /// Appends the key of a request. Allocates nothing beyond the buffer's own growth unless the
  /// rules sort the query.
  ///
  /// - Parameters:
  ///   - routeSalt: keeps routes apart that give one URL different rules.
  ///   - contentDigest: of a QUERY, a collision-free hash of its content. Other methods have none:
  ///     GET and HEAD share a key, and content they should not have is kept from the cache.
  public static func write(
    _ head: RequestHead, rules: KeyRules, routeSalt: UInt32?,
    contentDigest: UnsafeRawBufferPointer? = nil, into key: inout ByteBuffer
  ) {
    let keepsQuery = rules.query == .all && !rules.sortsQuery
    // A closure over the head itself would copy it.
    let isSecure = head.isSecure
    let authority = rules.includesHost ? head.authority : .empty
    let target = keepsQuery ? head.target : head.path
    let query = keepsQuery ? nil : head.query
    head.fields.bytes.withUnsafeReadableBytes { bytes in
      // The target is path and query in one stretch: mostly the key is three copies.
      writeLocation(
        scheme: rules.includesScheme ? (isSecure ? "https" : "http") : "",
        authority: authority.slice(of: bytes), target: target.slice(of: bytes),
        isSecure: isSecure, into: &key)
      if let query {
        writeKeptParameters(query.slice(of: bytes), rules: rules, into: &key)
      }
    }
    writeFields(of: head, rules: rules, routeSalt: routeSalt, contentDigest, into: &key)
  }

  /// Appends the key under which a URL's No-Vary-Search record stands: the request's key without
  /// any query, told apart from that of a request that has none.
  public static func writeWithoutQuery(
    _ head: RequestHead, rules: KeyRules, routeSalt: UInt32?, into key: inout ByteBuffer
  ) {
    head.fields.bytes.withUnsafeReadableBytes { bytes in
      writeLocation(
        scheme: rules.includesScheme ? (head.isSecure ? "https" : "http") : "",
        authority: (rules.includesHost ? head.authority : .empty).slice(of: bytes),
        target: head.path.slice(of: bytes), isSecure: head.isSecure, into: &key)
    }
    writeFields(of: head, rules: rules, routeSalt: routeSalt, nil, into: &key)
    key.writeStaticString("\n:search")
  }

  /// Appends the target that goes to the origin: the path, and of the query what is keyed, in the
  /// order in which it is keyed. Otherwise a parameter that is not in the key, or that only the
  /// origin takes for one (`?unkeyed=1;id=2`), could decide what is stored under it.
  public static func writeTarget(
    _ head: RequestHead, rules: KeyRules, into target: inout ByteBuffer
  ) {
    head.fields.bytes.withUnsafeReadableBytes { bytes in
      guard rules.rewritesTarget else {
        target.writeBytes(head.target.slice(of: bytes))
        return
      }
      target.writeBytes(head.path.slice(of: bytes))
      if let query = head.query {
        writeKeptParameters(query.slice(of: bytes), rules: rules, into: &target)
      }
    }
  }

  private static func writeFields(
    of head: RequestHead, rules: KeyRules, routeSalt: UInt32?,
    _ contentDigest: UnsafeRawBufferPointer?, into key: inout ByteBuffer
  ) {
    for name in rules.headers { writeHeader(name, of: head, rules: rules, into: &key) }
    for name in rules.cookies { writeCookie(name, of: head, into: &key) }
    if rules.includesDeviceClass {
      key.writeStaticString("\n:device ")
      key.writeStaticString(DeviceClass(head.fields).name)
    }
    if head.method == .query { writeContent(contentDigest, of: head, into: &key) }
    if let routeSalt {
      key.writeStaticString("\n:")
      key.writeDecimal(Int(routeSalt))
    }
  }

  /// What the content of a QUERY means depends on its type and coding as much as on its bytes.
  private static func writeContent(
    _ digest: UnsafeRawBufferPointer?, of head: RequestHead, into key: inout ByteBuffer
  ) {
    key.writeStaticString("\n:content ")
    for byte in digest ?? UnsafeRawBufferPointer(start: nil, count: 0) {
      key.writeHexadecimalDigits(of: byte)
    }
    head.fields.forEach(.contentType) { value in
      key.writeStaticString("\n:type ")
      key.writeBytes(value)
    }
    head.fields.forEach(.contentEncoding) { value in
      key.writeStaticString("\n:coding ")
      key.writeBytes(value)
    }
  }

  /// Appends host and port, in lower case, an empty port or the scheme's own left out
  /// (RFC 9110 section 4.2.3).
  static func writeHost(
    _ authority: UnsafeRawBufferPointer, isSecure: Bool, into key: inout ByteBuffer
  ) {
    key.writeWithUnsafeMutableBytes(minimumWritableBytes: authority.count) { out in
      copyHost(authority, isSecure: isSecure, to: out)
    }
  }

  private static func writeLocation(
    scheme: StaticString, authority: UnsafeRawBufferPointer, target: UnsafeRawBufferPointer,
    isSecure: Bool, into key: inout ByteBuffer
  ) {
    // "://" and, for an empty path, "/" are the four bytes more.
    let capacity = scheme.utf8CodeUnitCount + authority.count + target.count + 4
    key.writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { out in
      var end = append(scheme, to: out, at: 0)
      end = append("://", to: out, at: end)
      end += copyHost(
        authority, isSecure: isSecure, to: UnsafeMutableRawBufferPointer(rebasing: out[end...]))
      if target.first != UInt8(ascii: "/") && target.first != UInt8(ascii: "*") {
        end = append("/", to: out, at: end)
      }
      UnsafeMutableRawBufferPointer(rebasing: out[end...]).copyMemory(from: target)
      return end + target.count
    }
  }

  /// Copies what counts of host and port, to a buffer of at least as many bytes; how many it is.
  private static func copyHost(
    _ authority: UnsafeRawBufferPointer, isSecure: Bool, to out: UnsafeMutableRawBufferPointer
  ) -> Int {
    var count = authority.count
    // A colon after the last "]" starts a port; those within belong to an IPv6 address.
    if let colon = authority.lastIndex(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "]") }
    ),
      authority[colon] == UInt8(ascii: ":")
    {
      let port = UnsafeRawBufferPointer(rebasing: authority[(colon + 1)...])
      if port.isEmpty || port.equals(isSecure ? "443" : "80") { count = colon }
    }
    for index in 0..<count { out[index] = authority[index].asciiLowercased }
    return count
  }

  /// Copies `text` to `offset`; where it ends.
  private static func append(
    _ text: StaticString, to out: UnsafeMutableRawBufferPointer, at offset: Int
  ) -> Int {
    let bytes = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    UnsafeMutableRawBufferPointer(rebasing: out[offset...]).copyMemory(from: bytes)
    return offset + bytes.count
  }

  /// Appends `?` and the parameters that the rules keep; nothing when they keep none.
  private static func writeKeptParameters(
    _ query: UnsafeRawBufferPointer, rules: KeyRules, into key: inout ByteBuffer
  ) {
    if rules.query == .none { return }
    var separator = UInt8(ascii: "?")
    func append(_ parameter: UnsafeRawBufferPointer) {
      key.writeInteger(separator)
      key.writeBytes(parameter)
      separator = UInt8(ascii: "&")
    }
    if !rules.sortsQuery {
      for parameter in QueryParameters(query) where rules.query.keeps(parameter) {
        append(parameter)
      }
      return
    }
    let kept = QueryParameters(query).filter { rules.query.keeps($0) }.enumerated()
    let sorted = kept.sorted { left, right in
      let leftName = QueryParameters.name(of: left.element)
      let rightName = QueryParameters.name(of: right.element)
      if leftName.elementsEqual(rightName) { return left.offset < right.offset }
      return leftName.lexicographicallyPrecedes(rightName)
    }
    for parameter in sorted { append(parameter.element) }
  }

  private static func writeHeader(
    _ name: [UInt8], of head: RequestHead, rules: KeyRules, into key: inout ByteBuffer
  ) {
    key.writeInteger(UInt8(ascii: "\n"))
    key.writeBytes(name)
    var isFirst = true
    name.withUnsafeBytes { name in
      let known = KnownField(name)
      if known != .other,
        SelectingField.writeNormalized(known, of: head, rules: rules, into: &key)
      {
        return
      }
      head.fields.forEach(named: name) { value in
        key.writeStaticString(isFirst ? "=" : ", ")
        key.writeBytes(value)
        isFirst = false
      }
    }
  }

  /// Writes every cookie of the name: which of several counts is the origin's choice, so a key
  /// with only one of them would let a second one poison it.
  private static func writeCookie(
    _ name: [UInt8], of head: RequestHead, into key: inout ByteBuffer
  ) {
    key.writeStaticString("\ncookie:")
    key.writeBytes(name)
    var isFirst = true
    head.fields.forEach(.cookie) { line in
      for pair in CookiePairs(line) {
        guard pair.name.elementsEqual(name) else { continue }
        key.writeInteger(isFirst ? UInt8(ascii: "=") : UInt8(ascii: ";"))
        key.writeBytes(pair.value)
        isFirst = false
      }
    }
  }
}

/// The name-value pairs of a Cookie line (RFC 6265 section 4.2.1), in their order.
private struct CookiePairs: Sequence, IteratorProtocol {
  private var rest: UnsafeRawBufferPointer

  init(_ line: UnsafeRawBufferPointer) { rest = line }

  mutating func next() -> (name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)? {
    guard !rest.isEmpty else { return nil }
    let end = rest.firstIndex(of: UInt8(ascii: ";")) ?? rest.count
    let pair = UnsafeRawBufferPointer(rebasing: rest[..<end]).nameAndValue
    rest = UnsafeRawBufferPointer(rebasing: rest[Swift.min(end + 1, rest.count)...])
    return (pair.name, pair.value ?? UnsafeRawBufferPointer(start: nil, count: 0))
  }
}

extension ByteBuffer {
  /// Appends a byte as two hexadecimal digits in lower case.
  fileprivate mutating func writeHexadecimalDigits(of byte: UInt8) {
    if byte < 16 { writeInteger(UInt8(ascii: "0")) }
    writeHexadecimal(Int(byte))
  }
}
