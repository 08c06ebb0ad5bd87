import HTTPMessage
import NIOCore

/// The fields of a request as they go on to the origin.
public enum ForwardedFields {
  /// The end-to-end fields of `head` as a built block, with the edge's own entries.
  ///
  /// Left out: what belongs to the client's connection, the fields that Connection names
  /// (RFC 9110 section 7.6.1), Expect, which the edge answers, and Host and Content-Length, which
  /// the transport writes. Cookie lines, which HTTP/2 splits, are joined (RFC 9113 section 8.2.3).
  /// Via and X-Forwarded-For are appended to; X-Forwarded-Proto and X-Forwarded-Host are replaced,
  /// and fields that override path or method are dropped from GET and HEAD: a client could
  /// otherwise have the origin answer for something that is not in the key.
  ///
  /// - Parameters:
  ///   - pseudonym: how the edge calls itself in Via, a token.
  ///   - remoteAddress: the client's address as text, without its port; empty when unknown.
  ///   - stripsConditionals: leaves out the preconditions, for a fetch that fills the cache.
  ///   - stripsRange: leaves out Range and If-Range, likewise.
  public static func request(
    _ head: RequestHead, via pseudonym: UnsafeRawBufferPointer,
    remoteAddress: UnsafeRawBufferPointer, stripsConditionals: Bool = false,
    stripsRange: Bool = false
  ) -> FieldBlock {
    var excluded = connectionFields.union(rewritten)
    if stripsConditionals { excluded = excluded.union(conditionals) }
    if stripsRange { excluded = excluded.union([.range, .ifRange]) }
    if head.method == .get || head.method == .head { excluded = excluded.union(overrides) }
    let joinsCookies = head.fields.occurrences(of: .cookie) > 1
    if joinsCookies { excluded.insert(.cookie) }

    var result = FieldBlock(capacity: head.fields.bytes.readableBytes + 160)
    let namesFields = head.fields.contains(.connection)
    head.fields.forEachLine { name, value, known in
      if known != .other && excluded.contains(known) { return }
      if namesFields && isNamedByConnection(name, head.fields) { return }
      result.append(name: name, value: value, known: known)
    }
    var value = ByteBuffer()
    if joinsCookies, !isNamedByConnection(.cookie, head.fields) {
      join(head.fields, .cookie, separator: "; ", into: &value)
      value.withUnsafeReadableBytes { result.append(.cookie, value: $0) }
    }
    appendVia(head, pseudonym, to: &result, using: &value)
    appendForwarded(head, remoteAddress, to: &result, using: &value)
    return result
  }

  private static let connectionFields: KnownFieldSet = [
    .connection, .keepAlive, .proxyConnection, .te, .transferEncoding, .upgrade,
    .proxyAuthorization, .proxyAuthenticate, .proxyAuthenticationInfo, .expect, .http2Settings,
    .host, .contentLength,
  ]
  private static let rewritten: KnownFieldSet = [
    .via, .xForwardedFor, .xForwardedProto, .xForwardedHost,
  ]
  private static let conditionals: KnownFieldSet = [
    .ifMatch, .ifNoneMatch, .ifModifiedSince, .ifUnmodifiedSince, .ifRange,
  ]
  private static let overrides: KnownFieldSet = [.xHTTPMethodOverride, .xOriginalURL, .xRewriteURL]

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
  }

  private static func appendForwarded(
    _ head: RequestHead, _ remoteAddress: UnsafeRawBufferPointer, to result: inout FieldBlock,
    using value: inout ByteBuffer
  ) {
    value.clear()
    join(head.fields, .xForwardedFor, separator: ", ", into: &value)
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

  private static func isNamedByConnection(
    _ name: UnsafeRawBufferPointer, _ fields: FieldBlock
  ) -> Bool {
    var result = false
    ListMembers.forEach(in: fields, .connection) { option in
      if option.equalsIgnoringCase(name) { result = true }
    }
    return result
  }

  private static func isNamedByConnection(_ field: KnownField, _ fields: FieldBlock) -> Bool {
    let name = field.name
    return isNamedByConnection(
      UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), fields)
  }
}
