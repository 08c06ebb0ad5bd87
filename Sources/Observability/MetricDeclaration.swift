/// What a metric is, said once: the exposition text and the reference page are made from it.
public struct MetricDeclaration: Sendable, Equatable {
  /// Family name as Prometheus sees it: `edge_`, lower case, unit last, `_total` for counters.
  public let name: String
  /// How the value behaves.
  public let kind: MetricKind
  /// The unit of the value.
  public let unit: MetricUnit
  /// Fixed labels of this series; a family's series all have the same label names.
  public let labels: [MetricLabel]
  /// One sentence for people; the same for all series of a family.
  public let help: String

  /// Declares one series of a metric.
  public init(
    name: String, kind: MetricKind, unit: MetricUnit, labels: [MetricLabel] = [], help: String
  ) {
    self.name = name
    self.kind = kind
    self.unit = unit
    self.labels = labels
    self.help = help
  }
}

/// How a metric's value behaves, by its name in the exposition format.
public enum MetricKind: String, Sendable {
  /// Only grows, from 0 at start.
  case counter
  /// Goes up and down.
  case gauge
  /// Counts by upper bound, with sum and count.
  case histogram
}

/// The unit of a metric's value.
public enum MetricUnit: String, Sendable {
  /// A number of things.
  case count
  /// Bytes.
  case bytes
  /// Seconds.
  case seconds
  /// A share between 0 and 1.
  case ratio
}

/// One label of a series. Values come from a closed set: a label never carries what a client sent.
public struct MetricLabel: Sendable, Equatable {
  /// The label's name.
  public let name: String
  /// The label's value.
  public let value: String

  /// A label.
  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}
