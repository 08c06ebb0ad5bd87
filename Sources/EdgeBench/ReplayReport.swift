import Foundation
import Histogram
import NIOCore

/// The counts of one replay.
struct ReplayReport: Sendable {
  /// Why a request got no whole response.
  enum Failure: String, CaseIterable, Sendable {
    case connect, timeout, closed, malformed
  }

  /// Responses that arrived whole.
  private(set) var responseCount = 0
  private(set) var hitCount = 0
  /// Responses whose fields say neither hit nor miss.
  private(set) var silentCount = 0
  private(set) var bodyBytes = 0
  private(set) var hitBytes = 0
  /// Bodies of another size than the trace says.
  private(set) var wrongSizeCount = 0
  private(set) var countByStatus: [Int: Int] = [:]
  private(set) var countByFailure: [Failure: Int] = [:]
  /// Requests that were never sent.
  var unsentCount = 0
  var elapsed = TimeAmount.zero
  /// Why the replay ended before its last request; nil when it did not.
  var stopReason: String?
  /// Microseconds from the write of a request to the last byte of its response.
  private var latency = Histogram<UInt64>(
    highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: .three)

  /// Adds a whole response.
  ///
  /// - Parameter expectedBytes: the body size that a 200 must have; nil when it may have any.
  mutating func record(_ summary: ResponseSummary, expectedBytes: Int?, latency: TimeAmount) {
    responseCount += 1
    countByStatus[summary.status, default: 0] += 1
    bodyBytes += summary.bodyBytes
    if summary.isHit == true {
      hitCount += 1
      hitBytes += summary.bodyBytes
    } else if summary.isHit == nil {
      silentCount += 1
    }
    if summary.status == 200, let expectedBytes, expectedBytes != summary.bodyBytes {
      wrongSizeCount += 1
    }
    let microseconds = UInt64(max(1, latency.nanoseconds / 1000))
    _ = self.latency.record(min(microseconds, self.latency.highestTrackableValue))
  }

  /// Adds a request without a response.
  mutating func record(_ failure: Failure) {
    countByFailure[failure, default: 0] += 1
  }

  // MARK: Results

  var failureCount: Int { countByFailure.values.reduce(0, +) }

  /// Responses other than 200, failures and wrong sizes.
  var errorCount: Int {
    let unexpected = countByStatus.reduce(0) { $1.key == 200 ? $0 : $0 + $1.value }
    return unexpected + failureCount + wrongSizeCount
  }

  var objectHitRatio: Double { responseCount == 0 ? 0 : Double(hitCount) / Double(responseCount) }
  var byteHitRatio: Double { bodyBytes == 0 ? 0 : Double(hitBytes) / Double(bodyBytes) }

  var requestsPerSecond: Double {
    let seconds = Double(elapsed.nanoseconds) / 1e9
    return seconds > 0 ? Double(responseCount) / seconds : 0
  }

  static let percentiles = [50.0, 90, 99, 99.9]

  func latencyMicroseconds(atPercentile percentile: Double) -> UInt64 {
    latency.valueAtPercentile(percentile)
  }

  // MARK: Text

  /// The report for people.
  var text: String {
    func percent(_ ratio: Double) -> String { String(format: "%.2f %%", ratio * 100) }
    let seconds = Double(elapsed.nanoseconds) / 1e9
    var lines = [
      "requests          \(responseCount) in "
        + String(format: "%.2f s, %.0f/s", seconds, requestsPerSecond),
      "object hit ratio  \(percent(objectHitRatio)) (\(hitCount) hits)",
      "byte hit ratio    \(percent(byteHitRatio)) (\(hitBytes) of \(bodyBytes) bytes)",
      "statuses          " + Self.list(countByStatus.sorted { $0.key < $1.key }) { "\($0)" },
    ]
    let latencies = Self.percentiles.map {
      "p\($0.formatted()) \(latencyMicroseconds(atPercentile: $0))"
    }
    lines.append(
      "latency in µs     " + latencies.joined(separator: ", ") + ", max \(latency.maxRecorded)")
    let failures = countByFailure.sorted { $0.key.rawValue < $1.key.rawValue }
    lines.append(
      "errors            \(errorCount)" + (failures.isEmpty ? "" : ": ")
        + Self.list(failures) { $0.rawValue })
    if wrongSizeCount > 0 { lines.append("wrong body sizes  \(wrongSizeCount)") }
    if unsentCount > 0 { lines.append("not sent          \(unsentCount)") }
    if silentCount > 0 {
      lines.append("neither X-Cache nor Cache-Status on \(silentCount) responses")
    }
    if let stopReason { lines.append("stopped early: \(stopReason)") }
    return lines.joined(separator: "\n")
  }

  /// The report as one JSON object with sorted keys.
  func json() throws -> String {
    let statuses = countByStatus.map { (String($0.key), $0.value) }
    let failures = countByFailure.map { ($0.key.rawValue, $0.value) }
    let latencies = Self.percentiles.map {
      ("p\($0.formatted())", latencyMicroseconds(atPercentile: $0))
    }
    let summary = JSONSummary(
      requests: responseCount, hits: hitCount, objectHitRatio: objectHitRatio,
      byteHitRatio: byteHitRatio, bodyBytes: bodyBytes, hitBytes: hitBytes, errors: errorCount,
      wrongSizes: wrongSizeCount, unsent: unsentCount, withoutVerdict: silentCount,
      seconds: Double(elapsed.nanoseconds) / 1e9, requestsPerSecond: requestsPerSecond,
      statuses: Dictionary(uniqueKeysWithValues: statuses),
      failures: Dictionary(uniqueKeysWithValues: failures),
      latencyMicroseconds: Dictionary(uniqueKeysWithValues: latencies), stopped: stopReason)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return String(decoding: try encoder.encode(summary), as: UTF8.self)
  }

  private struct JSONSummary: Encodable {
    var requests, hits: Int
    var objectHitRatio, byteHitRatio: Double
    var bodyBytes, hitBytes, errors, wrongSizes, unsent, withoutVerdict: Int
    var seconds, requestsPerSecond: Double
    var statuses, failures: [String: Int]
    var latencyMicroseconds: [String: UInt64]
    var stopped: String?
  }

  private static func list<Key>(
    _ counts: [(key: Key, value: Int)], name: (Key) -> String
  ) -> String {
    counts.map { "\(name($0.key)) \($0.value)x" }.joined(separator: ", ")
  }
}
