import HTTPMessage
import NIOCore

extension StorePolicy {
  /// Fields that belong to one connection or one proxy and are never stored
  /// (RFC 9111 section 3.1), and those that the edge writes itself for every response.
  static let neverStored: KnownFieldSet = [
    .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade,
    .proxyAuthenticate, .proxyAuthenticationInfo, .proxyAuthorization, .contentLength, .age,
    .cacheStatus, .xCache,
  ]

  /// What describes the stored content: a 304 has none and cannot change it
  /// (RFC 9111 section 3.2).
  private static let keptWhenFreshened: KnownFieldSet = [
    .contentEncoding, .contentRange, .contentType,
  ]

  /// The fields to store of a response, as a built block: without what belongs to the connection
  /// or is the edge's to write, without Content-Length, without the fields that a qualified
  /// `no-cache` or `private` withholds, without Set-Cookie unless the route stores it, and with a
  /// Date (RFC 9110 section 6.6.1).
  public static func storedFields(
    response: OriginResponseHead, freshness: Freshness, rules: PolicyRules
  ) -> FieldBlock {
    let control = CacheControl(response.fields)
    let receivedAt = freshness.responseTimeSeconds
    var result = FieldBlock(capacity: response.fields.bytes.readableBytes + 40)
    var hasDate = false
    response.fields.forEachLine { name, value, known in
      if known != .other && neverStored.contains(known) { return }
      if known == .setCookie && rules.setCookie != .store { return }
      if control.withholds(name) { return }
      if known == .date {
        if hasDate || HTTPDate.parse(value, now: receivedAt) == nil { return }
        hasDate = true
      }
      result.append(name: name, value: value, known: known)
    }
    if !hasDate { result.appendDate(receivedAt) }
    return result
  }

  /// The stored fields after a 304 (RFC 9111 section 3.2): each field of the 304 takes the place of
  /// the stored ones of its name, save those that are never stored or describe the content.
  /// Set-Cookie is updated only where the stored response has one, that is where the route stores
  /// them. O(stored lines x lines of the 304).
  public static func freshened(
    stored: FieldBlock, by notModified: OriginResponseHead
  ) -> FieldBlock {
    let update = notModified.fields
    let control = CacheControl(update)
    var excluded = neverStored.union(keptWhenFreshened)
    if !stored.contains(.setCookie) { excluded.insert(.setCookie) }
    var result = FieldBlock(
      capacity: stored.bytes.readableBytes + update.bytes.readableBytes)
    stored.forEachLine { name, value, known in
      if control.withholds(name) { return }
      let isKept = known != .other && excluded.contains(known)
      if isKept || !update.contains(named: name, known) {
        result.append(name: name, value: value, known: known)
      }
    }
    update.forEachLine { name, value, known in
      if known != .other && excluded.contains(known) { return }
      if control.withholds(name) { return }
      result.append(name: name, value: value, known: known)
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
