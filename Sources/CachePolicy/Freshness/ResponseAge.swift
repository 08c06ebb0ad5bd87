import HTTPMessage

/// The dates and ages that a response declares, made into seconds.
enum ResponseAge {
  /// The first valid Date; nil when there is none. Two-digit years are read against `now`.
  static func date(_ fields: FieldBlock, now: Int64) -> Int64? {
    fields.withFirst(.date) { HTTPDate.parse($0, now: now) } ?? nil
  }

  /// The age when the head was received (RFC 9111 section 4.2.3): the larger of what the clocks
  /// say and what Age says, the time that the request was under way added to the latter.
  /// Both results are pinned to 0 to 2^31, so that later sums stay far from overflow.
  static func correctedInitialAge(
    _ fields: FieldBlock, requestTime: Int64, responseTime: Int64
  ) -> Int64 {
    let date = date(fields, now: responseTime) ?? responseTime
    let apparentAge = max(0, responseTime - date)
    let correctedAge = declaredAge(fields) + max(0, responseTime - requestTime)
    return min(max(apparentAge, correctedAge), CacheControl.secondsLimit)
  }

  /// What Age declares: its first member, the others do not count; 0 when that is no whole number
  /// (RFC 9111 section 5.1).
  static func declaredAge(_ fields: FieldBlock) -> Int64 {
    let age = fields.withFirst(.age) { value in
      var members = ListMembers(value)
      return members.next()?.decimal(pinnedAt: CacheControl.secondsLimit)
    }
    return (age ?? nil) ?? 0
  }

  /// The lifetime that Expires declares (RFC 9111 section 5.3); nil when there is none. Invalid or
  /// repeated ones have expired already.
  static func expiresLifetime(_ fields: FieldBlock, responseTime: Int64) -> Int64? {
    guard fields.contains(.expires) else { return nil }
    guard fields.occurrences(of: .expires) == 1,
      let expires = fields.withFirst(.expires, { HTTPDate.parse($0, now: responseTime) }) ?? nil
    else { return 0 }
    let lifetime = expires - (date(fields, now: responseTime) ?? responseTime)
    return min(max(0, lifetime), CacheControl.secondsLimit)
  }
}
