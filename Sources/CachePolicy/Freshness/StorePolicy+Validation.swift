import HTTPMessage

/// What an answer to HEAD does to a stored answer to GET.
public enum HeadUpdate: Sendable, Equatable {
  /// Its fields update the stored ones, as a 304 would.
  case freshen
  /// What is stored is out of date: it counts as stale from now on.
  case invalidate
  /// Nothing.
  case none
}

extension StorePolicy {
  /// Whether a 304 speaks of this stored response and so may freshen it (RFC 9111 section 4.3.4).
  ///
  /// An ETag must be that of the stored response, and else a Last-Modified must. The edge asks
  /// about one stored response at a time, so a 304 without either speaks of that one. The marks of
  /// weakness may differ: origins that compress on the fly weaken the tag of a 200, and not that of
  /// the 304 that answers for it. ``freshened(stored:by:rules:)`` keeps the weak one then.
  public static func selects(stored: FieldBlock, notModified: OriginResponseHead) -> Bool {
    let update = notModified.fields
    if let isSame = same(.etag, stored, update, { EntityTag.areEqual($0, $1, weakly: true) }) {
      return isSame
    }
    return same(.lastModified, stored, update, areSameDates) ?? true
  }

  /// Whether a full response brings the content that is already stored, by its validators: for
  /// adaptive lifetimes of origins that do not answer conditional requests.
  public static func isUnchanged(stored: FieldBlock, response: OriginResponseHead) -> Bool {
    let update = response.fields
    if let isSame = same(.etag, stored, update, { EntityTag.areEqual($0, $1, weakly: true) }) {
      return isSame
    }
    return same(.lastModified, stored, update, areSameDates) ?? false
  }

  /// What an answer to HEAD does to what GET stored of the same target (RFC 9111 section 4.3.5): a
  /// 200 freshens it when each validator it has, and its Content-Length, are those stored, and
  /// otherwise shows that it is out of date.
  ///
  /// - Parameters:
  ///   - stored: the fields as stored.
  ///   - storedStatus: the stored status.
  ///   - storedLength: the stored content's length in bytes; nil when it is not what the origin
  ///     sent, as after a transformation, or not known.
  public static func headUpdates(
    stored: FieldBlock, storedStatus: Int = 200, storedLength: Int?, response: OriginResponseHead
  ) -> HeadUpdate {
    guard response.status == 200 else { return .none }
    guard storedStatus == 200 else { return .invalidate }
    let update = response.fields
    for field in [KnownField.etag, .lastModified] {
      if same(field, stored, update, { $0.elementsEqual($1) }) == false { return .invalidate }
    }
    let length = update.withFirst(.contentLength) { $0.decimal() } ?? nil
    if let length, let storedLength, length != Int64(storedLength) { return .invalidate }
    return .freshen
  }

  /// Whether a field of the update is that of the stored response; nil when the update lacks it.
  private static func same(
    _ field: KnownField, _ stored: FieldBlock, _ update: FieldBlock,
    _ areEqual: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
  ) -> Bool? {
    update.withFirst(field) { new in stored.withFirst(field) { areEqual($0, new) } ?? false }
  }

  /// Whether two dates are the same moment in whatever form, or the same bytes.
  private static func areSameDates(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
  ) -> Bool {
    let now = HTTPDate.referenceSeconds
    if let left = ResponseAge.moment(left, now: now),
      let right = ResponseAge.moment(right, now: now)
    {
      return left == right
    }
    return left.elementsEqual(right)
  }
}
