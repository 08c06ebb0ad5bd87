/// What a Range field comes to for a representation of a known length.
public enum RangeOutcome: Sendable, Equatable {
  /// The field does not count: the whole representation is the answer.
  case ignore
  /// No requested byte exists: 416 (Range Not Satisfiable).
  case unsatisfiable
  /// These stretches of the representation: none empty, no two overlapping or touching, in the
  /// order they were asked for. Together they never exceed the representation.
  case satisfiable([Range<Int>])
}

/// The Range field (RFC 9110 section 14.2).
public enum ByteRangeSet {
  /// More ranges than this make the field one to ignore: reassembling hundreds of slivers is an
  /// attack and not a download (RFC 9110 section 14.2).
  public static let rangeLimit = 64

  /// Reads a Range field for a representation of `length` bytes.
  ///
  /// Ignored: another unit than `bytes`, a malformed range anywhere (blanks are allowed around the
  /// members, nowhere else), more than `limit` ranges. Larger numbers than 63 bits hold count as
  /// the largest: they lie past any end.
  /// Overlapping and adjacent ranges are joined at the place of the first, so however they are
  /// piled up they cost at most the representation once (RFC 9110 section 17.15).
  /// O(ranges squared), with the limit as the bound.
  public static func parse(
    _ value: UnsafeRawBufferPointer, length: Int, limit: Int = rangeLimit
  ) -> RangeOutcome {
    // Range units are case-insensitive (RFC 9110 section 14.1); `bytes` is five letters.
    guard value.count > 6, value[5] == UInt8(ascii: "="),
      UnsafeRawBufferPointer(rebasing: value[..<5]).equalsIgnoringCase("bytes")
    else { return .ignore }
    let set = UnsafeRawBufferPointer(rebasing: value[6...])
    var ranges: [Range<Int>] = []
    var count = 0
    for member in ListMembers(set) {
      count += 1
      guard count <= limit, let spec = RangeSpec(member) else { return .ignore }
      if let range = spec.resolved(length: length) { ranges.append(range) }
    }
    if count == 0 { return .ignore }
    if ranges.isEmpty { return .unsatisfiable }
    // The end of nothing is nothing, which Content-Range cannot express.
    if ranges.contains(where: \.isEmpty) { return .ignore }
    return .satisfiable(ranges.count == 1 ? ranges : joined(ranges))
  }

  /// Joins each range with every earlier group it meets, until no two meet.
  private static func joined(_ ranges: [Range<Int>]) -> [Range<Int>] {
    var groups: [Range<Int>] = []
    for range in ranges {
      var grown = range
      var place = groups.count
      // Growing can make it meet a group that it missed before, hence from the start again.
      while let index = groups.firstIndex(where: { meet($0, grown) }) {
        let other = groups.remove(at: index)
        grown = min(grown.lowerBound, other.lowerBound)..<max(grown.upperBound, other.upperBound)
        place = min(place, index)
      }
      groups.insert(grown, at: place)
    }
    return groups
  }

  private static func meet(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
    left.lowerBound <= right.upperBound && right.lowerBound <= left.upperBound
  }
}

/// One member of a byte range set (RFC 9110 section 14.1.1).
private enum RangeSpec {
  /// From a first to a last position, which may lie past the end.
  case between(Int, Int)
  /// The last so many bytes.
  case suffix(Int)

  /// Nil when it is malformed.
  init?(_ member: UnsafeRawBufferPointer) {
    guard let dash = member.firstIndex(of: UInt8(ascii: "-")) else { return nil }
    let first = UnsafeRawBufferPointer(rebasing: member[..<dash])
    let last = UnsafeRawBufferPointer(rebasing: member[(dash + 1)...])
    if first.isEmpty {
      guard let count = last.decimal() else { return nil }
      self = .suffix(Int(count))
    } else {
      guard let start = first.decimal() else { return nil }
      guard let end = last.isEmpty ? Int64.max : last.decimal(), end >= start else { return nil }
      self = .between(Int(start), Int(end))
    }
  }

  /// The bytes it covers; nil when it cannot be satisfied, empty only for a suffix of an empty
  /// representation.
  func resolved(length: Int) -> Range<Int>? {
    switch self {
    case .between(let start, let end):
      start < length ? start..<(end < length ? end + 1 : length) : nil
    case .suffix(let count): count == 0 ? nil : max(0, length - count)..<length
    }
  }
}
