import HTTPMessage
import NIOCore

/// The fields of a request as they go on to the origin.
public enum ForwardedFields {
  /// The end-to-end fields of `head` as a built block, with the edge's own entries.
  ///
  /// Left out: what belongs to the client's connection, the fields that Connection names
  /// (RFC 9110 section 7.6.1), Expect, which the edge answers, and Host and Content-Length, which
  /// the transport writes. Cookie lines, which HTTP/2 splits, are joined (RFC 9113 section 8.2.3).
  /// Via and CDN-Loop (RFC 8586) are appended to, whatever Connection says of them;
  /// X-Forwarded-Proto and X-Forwarded-Host are replaced; Max-Forwards counts down.
  /// X-Forwarded-For is appended to for a trusted proxy and replaced for everybody else, whose
  /// Forwarded (RFC 7239) is left out: whoever connects could claim any address in them.
  ///
  /// Of a request that may be answered from the cache, also left out is what could have the origin
  /// answer for something that is not in the key (``OverrideFields``), and without content the
  /// fields that describe content; Accept-Encoding and Accept-Language go on as they are keyed.
  ///
  /// O(bytes); allocates the block and one buffer, nothing a line.
  ///
  /// - Parameters:
  ///   - pseudonym: how the edge calls itself in Via and CDN-Loop, a token.
  ///   - remoteAddress: the client's address as text, without its port; empty when unknown.
  ///   - stripsConditionals: leaves out the preconditions, for a fetch that fills the cache.
  ///   - stripsRange: leaves out Range and If-Range, likewise.
  ///   - isCacheable: whether the request may be answered from the cache; nil: by its method.
  ///   - isPeerTrusted: whether the peer is a proxy whose account of the client is believed.
  ///   - rules: the route's.
  public static func request(
    _ head: RequestHead, via pseudonym: UnsafeRawBufferPointer,
    remoteAddress: UnsafeRawBufferPointer, stripsConditionals: Bool = false,
    stripsRange: Bool = false, isCacheable: Bool? = nil, isPeerTrusted: Bool = false,
    rules: KeyRules = KeyRules()
  ) -> FieldBlock {
    let isCacheable = isCacheable ?? head.method.isAnsweredFromCache
    var excluded = connectionFields
    if stripsConditionals { excluded = excluded.union(conditionals) }
    if stripsRange { excluded = excluded.union([.range, .ifRange]) }
    let joinsCookies = head.fields.occurrences(of: .cookie) > 1
    if joinsCookies { excluded.insert(.cookie) }
    if !isPeerTrusted { excluded.insert(.forwarded) }
    if rules.includesDeviceClass { excluded.insert(.xDeviceClass) }
    if isCacheable { excludeUnkeyed(head, rules, from: &excluded) }
    let limit = ForwardingLimit(head)
    if limit != .none { excluded.insert(.maxForwards) }

    var result = FieldBlock(capacity: head.fields.bytes.readableBytes + 192)
    var value = ByteBuffer()
    value.reserveCapacity(256)
    head.fields.bytes.withUnsafeReadableBytes { bytes in
      let options = ConnectionOptions(head.fields, bytes: bytes)
      for entry in head.fields.entries {
        if entry.known != .other && excluded.contains(entry.known) { continue }
        let name = entry.name.slice(of: bytes)
        if options.contains(name, entry.known) { continue }
        if isCacheable, OverrideFields.withholds(name, entry.known, rules: rules) { continue }
        result.append(name: name, value: entry.value.slice(of: bytes), known: entry.known)
      }
      if joinsCookies, !options.contains(bytes, .cookie) {
        append(.cookie, joining: head.fields, separator: "; ", to: &result, using: &value)
      }
      if isCacheable, !options.contains(bytes, .acceptEncoding) {
        appendReduced(head, rules, to: &result, using: &value)
      }
    }
    if rules.includesDeviceClass {
      result.append(.xDeviceClass, DeviceClass(head.fields).name)
    }
    if case .remaining(let count) = limit {
      value.clear()
      value.writeDecimal(Int(count))
      value.withUnsafeReadableBytes { result.append(.maxForwards, value: $0) }
    }
    appendVia(head, pseudonym, to: &result, using: &value)
    appendForwarded(
      head, remoteAddress, isPeerTrusted: isPeerTrusted, to: &result, using: &value)
    return result
  }

  private static let connectionFields: KnownFieldSet = [
    .connection, .keepAlive, .proxyConnection, .te, .transferEncoding, .upgrade,
    .proxyAuthorization, .proxyAuthenticate, .proxyAuthenticationInfo, .expect, .http2Settings,
    .host, .contentLength, .via, .cdnLoop, .xForwardedFor, .xForwardedProto, .xForwardedHost,
  ]
  private static let conditionals: KnownFieldSet = [
    .ifMatch, .ifNoneMatch, .ifModifiedSince, .ifUnmodifiedSince, .ifRange,
  ]
  /// What describes content. Without content it describes nothing, but some origins refuse a GET
  /// for it, and then the refusal is what is stored.
  private static let contentFields: [KnownField] = [
    .contentType, .contentEncoding, .contentLanguage, .contentLocation, .contentRange,
    .contentDisposition, .trailer,
  ]

  private static func excludeUnkeyed(
    _ head: RequestHead, _ rules: KeyRules, from excluded: inout KnownFieldSet
  ) {
    if rules.normalizesAcceptEncoding { excluded.insert(.acceptEncoding) }
    if !rules.languages.isEmpty { excluded.insert(.acceptLanguage) }
    guard head.framing == .none || head.framing == .length(0) else { return }
    for field in contentFields where head.fields.contains(field) {
      let name = field.name
      let bytes = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
      if !rules.forwards(bytes) { excluded.insert(field) }
    }
  }

  /// Appends the fields that the origin gets as they are keyed.
  private static func appendReduced(
    _ head: RequestHead, _ rules: KeyRules, to result: inout FieldBlock,
    using value: inout ByteBuffer
  ) {
    if rules.normalizesAcceptEncoding, head.fields.contains(.acceptEncoding) {
      value.clear()
      AcceptedCodings(head.fields).write(into: &value)
      value.withUnsafeReadableBytes { result.append(.acceptEncoding, value: $0) }
    }
    if !rules.languages.isEmpty {
      value.clear()
      SelectingField.writeBestLanguage(of: head.fields, rules: rules, into: &value)
      value.withUnsafeReadableBytes { result.append(.acceptLanguage, value: $0) }
    }
  }

  private static func appendVia(
    _ head: RequestHead, _ pseudonym: UnsafeRawBufferPointer, to result: inout FieldBlock,
    using value: inout ByteBuffer
  ) {
    value.clear()
    join(head.fields, .via, separator: ", ", into: &value)
    if value.readableBytes > 0 { value.writeStaticString(", ") }
    value.writeStaticString(head.version.text)
    value.writeInteger(UInt8(ascii: " "))
    value.writeBytes(pseudonym)
    value.withUnsafeReadableBytes { result.append(.via, value: $0) }

    value.clear()
    join(head.fields, .cdnLoop, separator: ", ", into: &value)
    if value.readableBytes > 0 { value.writeStaticString(", ") }
    value.writeBytes(pseudonym)
    value.withUnsafeReadableBytes { result.append(.cdnLoop, value: $0) }
  }

  private static func appendForwarded(
    _ head: RequestHead, _ remoteAddress: UnsafeRawBufferPointer, isPeerTrusted: Bool,
    to result: inout FieldBlock, using value: inout ByteBuffer
  ) {
    value.clear()
    if isPeerTrusted { join(head.fields, .xForwardedFor, separator: ", ", into: &value) }
    if value.readableBytes > 0 && !remoteAddress.isEmpty { value.writeStaticString(", ") }
    value.writeBytes(remoteAddress)
    if value.readableBytes > 0 {
      value.withUnsafeReadableBytes { result.append(.xForwardedFor, value: $0) }
    }
    result.append(.xForwardedProto, head.isSecure ? "https" : "http")
    if !head.authority.isEmpty {
      head.withBytes(head.authority) { result.append(.xForwardedHost, value: $0) }
    }
  }

  private static func append(
    _ field: KnownField, joining fields: FieldBlock, separator: StaticString,
    to result: inout FieldBlock, using value: inout ByteBuffer
  ) {
    value.clear()
    join(fields, field, separator: separator, into: &value)
    value.withUnsafeReadableBytes { result.append(field, value: $0) }
  }

  private static func join(
    _ fields: FieldBlock, _ field: KnownField, separator: StaticString,
    into value: inout ByteBuffer
  ) {
    fields.forEach(field) { line in
      if line.isEmpty { return }
      if value.readableBytes > 0 { value.writeStaticString(separator) }
      value.writeBytes(line)
    }
  }
}
