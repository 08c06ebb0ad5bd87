import HTTPMessage

/// The preconditions of a request against a stored response (RFC 9110 section 13,
/// RFC 9111 section 4.3.2). Allocates nothing.
public enum ConditionalPolicy {
  /// Evaluates the preconditions in their order of precedence (RFC 9110 section 13.2.2).
  ///
  /// - Parameters:
  ///   - etag: the stored ETag's value; nil when there is none.
  ///   - lastModifiedSeconds: the stored Last-Modified; nil when there is no valid one.
  ///   - dateSeconds: the stored Date, which stands in for a missing Last-Modified.
  ///   - status: the stored status; preconditions count only for a success
  ///     (RFC 9110 section 13.2.1).
  public static func evaluate(
    request: RequestHead, etag: UnsafeRawBufferPointer?, lastModifiedSeconds: Int64?,
    dateSeconds: Int64, status: Int = 200
  ) -> Precondition {
    let fields = request.fields
    guard fields.presence.intersects(conditions), (200..<300).contains(status) else {
      return .proceed
    }
    if fields.contains(.ifMatch) {
      if !matches(fields, .ifMatch, etag, weakly: false) { return .failed }
    } else if let limit = date(fields, .ifUnmodifiedSince, now: dateSeconds),
      let lastModifiedSeconds, lastModifiedSeconds > limit
    {
      return .failed
    }
    // The conditions of a QUERY are those of GET.
    let isRead = request.method.isAnsweredFromCache
    if fields.contains(.ifNoneMatch) {
      if !matches(fields, .ifNoneMatch, etag, weakly: true) { return .proceed }
      return isRead ? .notModified : .failed
    }
    if isRead, let since = date(fields, .ifModifiedSince, now: dateSeconds),
      lastModifiedSeconds ?? dateSeconds <= since
    {
      return .notModified
    }
    return .proceed
  }

  /// Whether a Range field counts: it is a GET, and If-Range is absent or names the stored
  /// representation (RFC 9110 section 13.1.5). Parameters as in
  /// ``evaluate(request:etag:lastModifiedSeconds:dateSeconds:status:)``.
  public static func rangeApplies(
    request: RequestHead, etag: UnsafeRawBufferPointer?, lastModifiedSeconds: Int64?,
    dateSeconds: Int64
  ) -> Bool {
    guard request.method == .get else { return false }
    guard request.fields.contains(.ifRange) else { return true }
    guard request.fields.occurrences(of: .ifRange) == 1 else { return false }
    return request.fields.withFirst(.ifRange) { value in
      if let seconds = HTTPDate.parse(value, now: dateSeconds) {
        // A date is a strong validator only when the representation had stood for a second when
        // it was sent (RFC 9110 section 8.8.2.2).
        return seconds == lastModifiedSeconds && dateSeconds - seconds >= 1
      }
      guard let etag, !value.isEmpty else { return false }
      return EntityTag.areEqual(value, etag, weakly: false)
    } ?? false
  }

  private static let conditions: KnownFieldSet = [
    .ifMatch, .ifNoneMatch, .ifModifiedSince, .ifUnmodifiedSince,
  ]

  /// Whether any line of the field matches; `*` matches whatever is stored, tagged or not.
  private static func matches(
    _ fields: FieldBlock, _ field: KnownField, _ etag: UnsafeRawBufferPointer?, weakly: Bool
  ) -> Bool {
    var result = false
    fields.forEach(field) { list in
      if result { return }
      if let etag {
        result = EntityTag.matches(list: list, tag: etag, weakly: weakly)
      } else {
        result = EntityTag.isAny(list)
      }
    }
    return result
  }

  /// The date of a condition; nil when it is absent, repeated or invalid and so does not count
  /// (RFC 9110 sections 13.1.3 and 13.1.4).
  private static func date(_ fields: FieldBlock, _ field: KnownField, now: Int64) -> Int64? {
    guard fields.occurrences(of: field) == 1 else { return nil }
    return fields.withFirst(field) { HTTPDate.parse($0, now: now) } ?? nil
  }
}
