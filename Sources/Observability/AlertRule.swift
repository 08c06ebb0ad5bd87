/// What an alert watches.
public enum AlertQuantity: String, Sendable, CaseIterable {
  /// Share of cacheable requests answered from the store.
  case hitRatio = "hit_ratio"
  /// What 95 % of all hits stay within, in seconds.
  case hitLatencyP95 = "hit_latency_p95"
  /// What 99 % of all hits stay within, in seconds.
  case hitLatencyP99 = "hit_latency_p99"
  /// Share of the memory that the process may use.
  case memory = "memory"
  /// Share of the heap's memory that no allocation uses.
  case fragmentation = "fragmentation"
  /// Share of fetches from origins that fail.
  case originFailures = "origin_failures"
}

/// A declared alert: when a quantity is as wanted, worth a look, or worth waking somebody. One row
/// each in ``AlertRule/all``; `/v1/status`, `/metrics` and the log are made from it.
public struct AlertRule: Sendable, Equatable {
  /// How a quantity stands.
  public enum State: Int, Sendable, Comparable {
    /// As wanted, or not far from it.
    case ok = 0
    /// Worth a look.
    case warning = 1
    /// Worth waking somebody.
    case critical = 2

    /// Its name.
    public var name: String {
      switch self {
      case .ok: "ok"
      case .warning: "warning"
      case .critical: "critical"
      }
    }

    /// By severity.
    public static func < (left: State, right: State) -> Bool { left.rawValue < right.rawValue }
  }

  /// What is watched.
  public let quantity: AlertQuantity
  /// The unit of the bounds.
  public let unit: MetricUnit
  /// Whether more of it is better.
  public let isBetterWhenHigh: Bool
  /// What is wanted.
  public let target: Double
  /// From here on it is a warning.
  public let warning: Double
  /// From here on it is critical; nil for never.
  public let critical: Double?
  /// Fewer samples than this in the window tell nothing.
  public let leastSamples: Int
  /// One sentence for people.
  public let help: String

  /// The alerts of the edge.
  public static let all: [AlertRule] = [
    AlertRule(
      .hitRatio, .ratio, isBetterWhenHigh: true, target: 0.8, warning: 0.6, critical: 0.5,
      leastSamples: 100, "Share of cacheable requests answered from the store."),
    AlertRule(
      .hitLatencyP95, .seconds, target: 0.010, warning: 0.010, critical: nil, leastSamples: 100,
      "What 95 % of all hits stay within, from the request's head to the last byte."),
    AlertRule(
      .hitLatencyP99, .seconds, target: 0.050, warning: 0.050, critical: 0.100,
      leastSamples: 100,
      "What 99 % of all hits stay within, from the request's head to the last byte."),
    AlertRule(
      .memory, .ratio, target: 0.8, warning: 0.8, critical: 0.9, leastSamples: 0,
      "Share of the memory that the process may use: the container's limit, or the machine's."),
    AlertRule(
      .fragmentation, .ratio, target: 0.1, warning: 0.1, critical: nil, leastSamples: 0,
      "Share of the heap's resident memory that no allocation uses."),
    AlertRule(
      .originFailures, .ratio, target: 0.01, warning: 0.05, critical: 0.25, leastSamples: 20,
      "Share of fetches from origins that fail."),
  ]

  init(
    _ quantity: AlertQuantity, _ unit: MetricUnit, isBetterWhenHigh: Bool = false, target: Double,
    warning: Double, critical: Double?, leastSamples: Int, _ help: String
  ) {
    self.quantity = quantity
    self.unit = unit
    self.isBetterWhenHigh = isBetterWhenHigh
    self.target = target
    self.warning = warning
    self.critical = critical
    self.leastSamples = leastSamples
    self.help = help
  }

  /// How a value stands. A bound itself is still on the good side.
  func state(of value: Double) -> State {
    func isBeyond(_ bound: Double) -> Bool { isBetterWhenHigh ? value < bound : value > bound }
    if let critical, isBeyond(critical) { return .critical }
    return isBeyond(warning) ? .warning : .ok
  }
}

/// An alert as it stands.
public struct AlertReading: Sendable, Equatable {
  /// The alert.
  public var rule: AlertRule
  /// The quantity in the window; nil when there was too little to tell.
  public var value: Double?
  /// How it stands; ok without a value.
  public var state: AlertRule.State
}
