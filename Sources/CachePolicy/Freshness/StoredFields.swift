import HTTPMessage
import NIOCore

extension StorePolicy {
  /// Fields that belong to one connection or one proxy and are never stored
  /// (RFC 9111 section 3.1), and those that the edge writes itself for every response.
  static let neverStored: KnownFieldSet = [
    .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade,
    .http2Settings, .proxyAuthenticate, .proxyAuthenticationInfo, .proxyAuthorization,
    .contentLength, .age, .xCache,
  ]

  /// What the stored bytes depend on: a 304 has none and cannot change how they are coded, or
  /// which part they are (RFC 9111 section 3.2). All other fields that describe the content, such
  /// as Content-Type, are updated.
  private static let keptWhenFreshened: KnownFieldSet = [.contentEncoding, .contentRange]

  /// The fields to store of a response, as a built block: without what belongs to the connection
  /// or is the edge's to write, without Content-Length, without the fields that a qualified
  /// `no-cache` or `private` withholds, without Set-Cookie unless the route stores it, and with a
  /// Date (RFC 9110 section 6.6.1).
  ///
  /// - Parameter freshness: what
  ///   ``decide(request:response:requestTime:responseTime:rules:previous:isUnchanged:)`` answered
  ///   for this response: it knows whether there are withheld fields.
  public static func storedFields(
    response: OriginResponseHead, freshness: Freshness, rules: PolicyRules
  ) -> FieldBlock {
    let fields = response.fields
    var control = CacheControl()
    if freshness.flags.contains(.withholdsFields) {
      control = ResponseDirectives(fields, rules: rules).control
    }
    let receivedAt = freshness.responseTimeSeconds
    var result = FieldBlock(capacity: fields.bytes.readableBytes + 40)
    var hasDate = false
    fields.forEachLine { name, value, known in
      if known != .other && neverStored.contains(known) { return }
      if known == .setCookie && rules.setCookie != .store { return }
      if control.withholds(name) || isConnectionOption(name, of: fields) { return }
      if known == .date {
        if hasDate { return }
        if HTTPDate.parse(value, now: receivedAt) == nil {
          guard let date = ResponseAge.moment(value, now: receivedAt) else { return }
          hasDate = true
          // One in another letter case is written anew: not every reader matches it.
          return result.appendDate(date)
        }
        hasDate = true
      }
      result.append(name: name, value: value, known: known)
    }
    if !hasDate { result.appendDate(receivedAt) }
    return result
  }

  /// The stored fields after a 304, or after an answer to HEAD that freshens (RFC 9111 sections
  /// 3.2, 4.3.4 and 4.3.5): each of its fields takes the place of the stored ones of its name, save
  /// those that are never stored, Content-Length, and those that the stored bytes depend on.
  /// Set-Cookie is updated where the route stores it. Fields that the result's own directives
  /// withhold go. O(stored lines x lines of the update).
  public static func freshened(
    stored: FieldBlock, by response: OriginResponseHead, rules: PolicyRules = PolicyRules()
  ) -> FieldBlock {
    let update = response.fields
    var excluded = neverStored.union(keptWhenFreshened)
    if rules.setCookie != .store { excluded.insert(.setCookie) }
    if keepsWeakTag(stored, update) { excluded.insert(.etag) }
    let isExcluded = { (name: UnsafeRawBufferPointer, known: KnownField) in
      (known != .other && excluded.contains(known)) || isConnectionOption(name, of: update)
    }
    var result = FieldBlock(capacity: stored.bytes.readableBytes + update.bytes.readableBytes)
    stored.forEachLine { name, value, known in
      if isExcluded(name, known) || !update.contains(named: name, known) {
        result.append(name: name, value: value, known: known)
      }
    }
    update.forEachLine { name, value, known in
      if !isExcluded(name, known) { result.append(name: name, value: value, known: known) }
    }
    let control = ResponseDirectives(result, rules: rules).control
    return control.withholdsFields ? result.without { control.withholds($0) } : result
  }

  /// Whether the stored tag is weak and the update's is not: the stored bytes did not come with the
  /// strong tag, and must not be taken for what it names.
  private static func keepsWeakTag(_ stored: FieldBlock, _ update: FieldBlock) -> Bool {
    let isWeak = stored.withFirst(.etag, EntityTag.isWeak) ?? false
    return isWeak && !(update.withFirst(.etag, EntityTag.isWeak) ?? true)
  }

  /// Whether Connection names the field: it is then the connection's (RFC 9110 section 7.6.1). The
  /// transport takes such fields off; what gets here otherwise is caught.
  private static func isConnectionOption(
    _ name: UnsafeRawBufferPointer, of fields: FieldBlock
  ) -> Bool {
    guard fields.contains(.connection) else { return false }
    var result = false
    ListMembers.forEach(in: fields, .connection) { option in
      if option.equalsIgnoringCase(name) { result = true }
    }
    return result
  }
}

extension FieldBlock {
  /// Whether a line has this name.
  fileprivate func contains(named name: UnsafeRawBufferPointer, _ known: KnownField) -> Bool {
    if known != .other { return contains(known) }
    var result = false
    forEach(named: name) { _ in result = true }
    return result
  }

  /// The lines whose names do not match.
  fileprivate func without(_ isLeftOut: (UnsafeRawBufferPointer) -> Bool) -> FieldBlock {
    var result = FieldBlock(capacity: bytes.readableBytes)
    forEachLine { name, value, known in
      if !isLeftOut(name) { result.append(name: name, value: value, known: known) }
    }
    return result
  }

  /// The same lines with one Date, of this time.
  func dated(_ seconds: Int64) -> FieldBlock {
    var result = FieldBlock(capacity: bytes.readableBytes + 40)
    result.append(contentsOf: self, except: [.date])
    result.appendDate(seconds)
    return result
  }

  fileprivate mutating func appendDate(_ seconds: Int64) {
    var text = ByteBuffer()
    HTTPDate.write(seconds, into: &text)
    text.withUnsafeReadableBytes { append(.date, value: $0) }
  }
}
