import CacheStore
import HTTPMessage
import NIOCore

/// A fetch that asks the origin for a part, and what its answer is put together with.
///
/// Two kinds. Without ``base`` it is the client's own range, for which nothing is stored. With it,
/// it is the hull of what is missing beside stored parts, under the condition (If-Range) that the
/// origin still has their representation; another one comes whole, as a 200.
struct RangeFetch: Sendable {
  /// Stored parts, and what the fill brings when the origin's part fits to them.
  struct Base: Sendable {
    let partial: PartialObject
    /// The parts' bytes.
    let body: [ByteBuffer]
    /// What a new part must share with them.
    let validator: StrongValidator
    /// The stretch of the content that the clients of this fill need.
    let stretch: Range<Int>
    /// The part of it that is not stored.
    let missing: Range<Int>
  }

  /// The value of Range.
  let range: ByteBuffer
  /// The value of If-Range; nil for none.
  let ifRange: ByteBuffer?
  /// The stored parts; nil when the answer stands alone.
  let base: Base?
  /// What the client asked for; nil when it needs the whole.
  let asked: AskedRange?
  /// What the client itself named in If-Range.
  private let clientIfRange: ByteBuffer?

  /// The client's own range.
  init(asked: AskedRange, ifRange: ByteBuffer?) {
    range = asked.fieldValue
    self.ifRange = ifRange
    base = nil
    self.asked = asked
    clientIfRange = ifRange
  }

  private init(base: Base, asked: AskedRange?, clientIfRange: ByteBuffer?) {
    range = AskedRange.between(base.missing.lowerBound, base.missing.upperBound - 1).fieldValue
    ifRange = base.validator.fieldValue
    self.base = base
    self.asked = asked
    self.clientIfRange = clientIfRange
  }

  /// Whether the fill brings the whole representation, if the origin's part fits to what is
  /// stored: then it is a whole fill to everybody who joins it.
  var completesWhole: Bool {
    base.map { $0.stretch == 0..<$0.partial.table.completeLength } ?? false
  }

  /// The fetch to try when the origin has another representation than the stored one and did not
  /// send the whole of it: the client's own range; nil: the whole. A fill that others have joined
  /// for the whole stays one.
  var withoutBase: RangeFetch? {
    guard base != nil, !completesWhole, let asked, !asked.isWhole else { return nil }
    return RangeFetch(asked: asked, ifRange: clientIfRange)
  }

  /// What fills must have in common to be shared: a request for one range never reads the bytes
  /// that were fetched for another.
  var label: ByteBuffer {
    var label = range
    label.writeStaticString("\n")
    if let ifRange { label.writeImmutableBuffer(ifRange) }
    label.writeStaticString("\n")
    if let base {
      label.writeInteger(base.stretch.lowerBound)
      label.writeInteger(base.stretch.upperBound)
    }
    return label
  }
}

extension RangeFetch {
  /// What to ask the origin for on behalf of `request`; nil: the whole.
  ///
  /// - Parameters:
  ///   - stored: what is stored under the key and does not answer the request as it is.
  ///   - isCovered: it has all the bytes, and only needs to be validated.
  ///   - needsWhole: a part has turned out not to answer the request.
  static func plan(
    for request: RequestHead, stored: StoredObject?, isCovered: Bool, fetching: RangeFetching,
    needsWhole: Bool
  ) -> RangeFetch? {
    let asked = AskedRange(request)
    let clientIfRange = request.fields.withFirst(.ifRange) { ByteBuffer(bytes: $0) }
    if let stored, stored.isWhole { return nil }
    if !isCovered, let partial = stored.flatMap({ PartialObject($0) }),
      let base = base(partial, request, fetching: fetching, needsWhole: needsWhole)
    {
      return RangeFetch(
        base: base, asked: needsWhole ? nil : asked, clientIfRange: clientIfRange)
    }
    guard fetching == .part, !needsWhole, let asked, !asked.isWhole else { return nil }
    // A weak tag in If-Range matches nothing: the client is going to need the whole.
    if let clientIfRange {
      guard request.fields.occurrences(of: .ifRange) == 1,
        !clientIfRange.withUnsafeReadableBytes(EntityTag.isWeak)
      else { return nil }
    }
    return RangeFetch(asked: asked, ifRange: clientIfRange)
  }

  private static func base(
    _ partial: PartialObject, _ request: RequestHead, fetching: RangeFetching, needsWhole: Bool
  ) -> Base? {
    guard let validator = partial.validator, let body = partial.body else { return nil }
    let whole = 0..<partial.table.completeLength
    let needed =
      needsWhole || fetching == .whole ? whole : partial.stretchNeeded(by: request) ?? whole
    guard let missing = partial.table.missingHull(in: needed), missing != whole else { return nil }
    return Base(
      partial: partial, body: body, validator: validator, stretch: needed, missing: missing)
  }
}
