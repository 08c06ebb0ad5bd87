import HTTPMessage

/// The dates and ages that a response declares, made into seconds.
enum ResponseAge {
  /// The first valid Date; nil when there is none. Two-digit years are read against `now`.
  static func date(_ fields: FieldBlock, now: Int64) -> Int64? {
    guard fields.contains(.date) else { return nil }
    var result: Int64?
    fields.forEach(.date) { if result == nil { result = moment($0, now: now) } }
    return result
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
    guard fields.contains(.age) else { return 0 }
    var age: Int64?
    ListMembers.forEach(in: fields, .age) { member in
      if age == nil { age = member.decimal(pinnedAt: CacheControl.secondsLimit) ?? 0 }
    }
    return age ?? 0
  }

  /// The lifetime that Expires declares (RFC 9111 section 5.3); nil when there is none. Invalid or
  /// repeated ones have expired already.
  static func expiresLifetime(_ fields: FieldBlock, responseTime: Int64) -> Int64? {
    guard fields.contains(.expires) else { return nil }
    guard fields.occurrences(of: .expires) == 1,
      let expires = fields.withFirst(.expires, { moment($0, now: responseTime) }) ?? nil
    else { return 0 }
    let lifetime = expires - (date(fields, now: responseTime) ?? responseTime)
    return min(max(0, lifetime), CacheControl.secondsLimit)
  }

  /// The lifetime that Last-Modified lets expect (RFC 9111 section 4.2.2): a share of the time for
  /// which the content had stood when it was sent; nil without a valid Last-Modified. A time ahead
  /// of Date counts as that of Date (RFC 9110 section 8.8.2.1), so nothing can be expected.
  static func heuristicLifetime(
    _ fields: FieldBlock, _ heuristic: HeuristicLifetime, responseTime: Int64
  ) -> Int64? {
    guard let lastModified = lastModified(fields, now: responseTime) else { return nil }
    let stood = max(0, (date(fields, now: responseTime) ?? responseTime) - lastModified)
    let share = min(stood, 1 << 40) * min(max(0, heuristic.percent), 100) / 100
    return min(share, heuristic.maximumSeconds, CacheControl.secondsLimit)
  }

  /// Last-Modified; nil when it is absent or invalid.
  static func lastModified(_ fields: FieldBlock, now: Int64) -> Int64? {
    fields.withFirst(.lastModified) { moment($0, now: now) } ?? nil
  }

  /// A date's Unix seconds; nil when it is invalid. Where a cache computes with dates, they match
  /// in any letter case (RFC 9111 section 4.2); zones other than GMT are invalid.
  static func moment(_ date: UnsafeRawBufferPointer, now: Int64) -> Int64? {
    if let seconds = HTTPDate.parse(date, now: now) { return seconds }
    // The shortest form and the longest: "Sun Nov  6 08:49:37 1994" and, of RFC 850, a Wednesday.
    guard (24...33).contains(date.count) else { return nil }
    return withUnsafeTemporaryAllocation(byteCount: date.count, alignment: 1) { copy in
      let zoneStart = date.count - 3
      var isWordStart = true
      for (index, byte) in date.enumerated() {
        let lower = byte.asciiLowercased
        let isLetter = lower &- UInt8(ascii: "a") < 26
        copy[index] = isLetter && (isWordStart || index >= zoneStart) ? lower & ~0x20 : lower
        isWordStart = !isLetter
      }
      return HTTPDate.parse(UnsafeRawBufferPointer(copy), now: now)
    }
  }
}
