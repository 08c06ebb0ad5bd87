/// A set of addresses made from blocks. Looking up takes O(log n) and allocates nothing.
///
/// The blocks become sorted, disjoint ranges of 128-bit numbers. An IPv6 block that spans the
/// IPv4-mapped range is cut around it, so that one search answers for both families.
public struct AddressList: Sendable, Equatable {
  private struct Range: Sendable, Equatable {
    var lower: UInt128
    var upper: UInt128
  }

  private let ranges: [Range]

  /// The union of `prefixes`.
  public init(_ prefixes: [NetworkPrefix]) {
    let sorted = prefixes.flatMap(AddressList.ranges).sorted { $0.lower < $1.lower }
    var merged: [Range] = []
    for range in sorted {
      if let last = merged.last, last.upper == .max || range.lower <= last.upper + 1 {
        merged[merged.count - 1].upper = max(last.upper, range.upper)
      } else {
        merged.append(range)
      }
    }
    ranges = merged
  }

  /// The union of the blocks that `texts` name.
  public init(parsing texts: [String]) throws(NetworkPrefixError) {
    var prefixes: [NetworkPrefix] = []
    for text in texts { prefixes.append(try NetworkPrefix(text)) }
    self.init(prefixes)
  }

  /// Whether no address is in the list.
  public var isEmpty: Bool { ranges.isEmpty }

  /// Whether `address` is in the list.
  public func contains(_ address: NetworkAddress) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upper < address.bits { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].lower <= address.bits
  }

  private static func ranges(of prefix: NetworkPrefix) -> [Range] {
    let whole = Range(lower: prefix.base.bits, upper: prefix.upperBits)
    let mapped = NetworkAddress.mappedRange
    if prefix.isIPv4 || whole.upper < mapped.lowerBound || whole.lower > mapped.upperBound {
      return [whole]
    }
    // Prefixes nest: the block holds the mapped range as a whole.
    var parts: [Range] = []
    if whole.lower < mapped.lowerBound {
      parts.append(Range(lower: whole.lower, upper: mapped.lowerBound - 1))
    }
    if whole.upper > mapped.upperBound {
      parts.append(Range(lower: mapped.upperBound + 1, upper: whole.upper))
    }
    return parts
  }
}
