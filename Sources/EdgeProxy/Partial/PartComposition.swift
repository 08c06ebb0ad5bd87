import HTTPMessage
import NIOCore

/// How the content of a fill is put together from stored parts and the one that the origin sends:
/// stored bytes first, then the received ones, then stored ones again, without gap or overlap.
struct PartComposition {
  /// The stretch of the representation that it all makes.
  let stretch: Range<Int>
  /// The part that comes from the origin.
  let received: Range<Int>
  /// The representation's length.
  let completeLength: Int
  /// Stored bytes before the received ones.
  let prefix: [ByteBuffer]
  /// Stored bytes behind them.
  let suffix: [ByteBuffer]

  /// A part that stands alone.
  init(_ part: ReceivedPart) {
    stretch = part.range
    received = part.range
    completeLength = part.completeLength
    prefix = []
    suffix = []
  }

  /// A part put together with stored ones; nil when it is of another representation, by its strong
  /// validator or its length (RFC 9111 section 3.4), or does not bring all that is missing.
  init?(_ part: ReceivedPart, validator: StrongValidator?, base: RangeFetch.Base) {
    let table = base.partial.table
    guard validator == base.validator, part.completeLength == table.completeLength,
      part.range.lowerBound <= base.missing.lowerBound,
      base.missing.upperBound <= part.range.upperBound
    else { return nil }
    received = part.range
    completeLength = part.completeLength
    // The origin may send more than it was asked for.
    stretch =
      min(
        base.stretch.lowerBound, received.lowerBound)..<max(
        base.stretch.upperBound, received.upperBound)
    prefix = Self.bytes(stretch.lowerBound..<received.lowerBound, of: base)
    suffix = Self.bytes(received.upperBound..<stretch.upperBound, of: base)
    precondition(
      prefix.readableCount + received.count + suffix.readableCount == stretch.count,
      "stretch \(stretch) of \(table.parts) and \(received)")
  }

  /// Whether it makes the whole representation.
  var isWhole: Bool { stretch == 0..<completeLength }

  /// Stored bytes: all of these are, since what is missing comes from the origin.
  private static func bytes(_ range: Range<Int>, of base: RangeFetch.Base) -> [ByteBuffer] {
    guard !range.isEmpty, let place = base.partial.table.bodyRange(of: range) else { return [] }
    return base.body.slice(place)
  }
}
