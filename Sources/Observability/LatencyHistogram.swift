import Histogram

/// What a latency was measured over.
public enum LatencyKind: Int, Sendable, CaseIterable {
  /// Request head received to last byte handed over, of a hit.
  case hit
  /// The same, of a miss.
  case miss
  /// The same, of anything else.
  case other
  /// Request sent to an origin to its response head.
  case firstByte

  /// The series it is exposed as.
  public var declaration: MetricDeclaration {
    switch self {
    case .hit: LatencyKind.request("hit")
    case .miss: LatencyKind.request("miss")
    case .other: LatencyKind.request("other")
    case .firstByte:
      MetricDeclaration(
        name: "edge_origin_first_byte_seconds", kind: .histogram, unit: .seconds,
        help: "Time from sending a request to an origin until its response head.")
    }
  }

  private static func request(_ result: String) -> MetricDeclaration {
    MetricDeclaration(
      name: "edge_request_duration_seconds", kind: .histogram, unit: .seconds,
      labels: [MetricLabel("result", result)],
      help: "Time from a request's head to the last byte of its response.")
  }
}

/// Latencies with two significant digits between a microsecond and an hour, and their sum.
///
/// 34 KiB each: two digits hold any percentile to 1 %, which is finer than a run repeats.
struct LatencyHistogram: Sendable {
  /// Longer ones are recorded as this long.
  static let longestNanoseconds: Int64 = 3_600_000_000_000

  private(set) var values = Histogram<UInt64>(
    lowestDiscernibleValue: 1_000, highestTrackableValue: UInt64(longestNanoseconds),
    numberOfSignificantValueDigits: .two)
  private(set) var sumNanoseconds: Int64 = 0

  var count: Int { Int(values.totalCount) }

  mutating func record(_ nanoseconds: Int64) {
    let bounded = min(max(nanoseconds, 0), LatencyHistogram.longestNanoseconds)
    values.record(UInt64(bounded))
    sumNanoseconds &+= bounded
  }

  mutating func add(_ other: LatencyHistogram) {
    values.add(other.values)
    sumNanoseconds &+= other.sumNanoseconds
  }

  /// How many are at most this long, to the histogram's resolution.
  func count(upToNanoseconds bound: UInt64) -> Int { Int(values.count(within: 0...bound)) }

  /// The latency that `percent` of all stay within; 0 when there are none.
  func nanoseconds(atPercentile percent: Double) -> Int64 {
    count == 0 ? 0 : Int64(values.valueAtPercentile(percent))
  }
}
