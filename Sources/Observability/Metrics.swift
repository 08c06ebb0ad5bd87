import Synchronization

/// Everything the process measures: the loops' own metrics, and what other parts let be read.
///
/// Thread-safe. Registered readers are called by whoever scrapes, without a lock held.
public final class Metrics: Sendable {
  /// One value of a registered metric.
  public struct Sample: Sendable {
    /// Labels of this series besides the declared ones; their values must come from a closed set.
    public var labels: [MetricLabel]
    /// The value, in the metric's unit.
    public var value: Double

    /// A value, with labels where a metric has several series.
    public init(_ value: Double, labels: [MetricLabel] = []) {
      self.labels = labels
      self.value = value
    }

    /// A value, with labels where a metric has several series.
    public init(_ value: Int, labels: [MetricLabel] = []) {
      self.init(Double(value), labels: labels)
    }
  }

  struct Registration: Sendable {
    var declaration: MetricDeclaration
    var read: @Sendable () -> [Sample]
  }

  /// One an event loop, in the loops' order.
  public let loops: [LoopMetrics]

  private let registrations = Mutex<[Registration]>([])

  /// Metrics for `loopCount` event loops.
  public init(loopCount: Int) {
    loops = (0..<max(1, loopCount)).map { _ in LoopMetrics() }
  }

  /// Adds a value that is read at each scrape. `read` runs on the scraper's thread; an empty
  /// answer leaves the metric out.
  public func registerGauge(
    name: String, unit: MetricUnit = .count, help: String, labels: [MetricLabel] = [],
    read: @escaping @Sendable () -> [Sample]
  ) {
    register(
      MetricDeclaration(name: name, kind: .gauge, unit: unit, labels: labels, help: help),
      read: read)
  }

  /// Adds a counter that another part keeps; its name ends in `_total`.
  public func registerCounter(
    name: String, unit: MetricUnit = .count, help: String, labels: [MetricLabel] = [],
    read: @escaping @Sendable () -> [Sample]
  ) {
    register(
      MetricDeclaration(name: name, kind: .counter, unit: unit, labels: labels, help: help),
      read: read)
  }

  /// Adds a metric by its declaration. A family may be registered in several pieces whose labels
  /// differ; its kind and help are those of the first.
  public func register(
    _ declaration: MetricDeclaration, read: @escaping @Sendable () -> [Sample]
  ) {
    registrations.withLock { $0.append(Registration(declaration: declaration, read: read)) }
  }

  /// The loops' metrics added up, as of now.
  public func snapshot() -> MetricsSnapshot { MetricsSnapshot(loops: loops) }

  /// All metrics in the Prometheus text exposition format 0.0.4.
  public func prometheusText() -> String {
    let registered = registrations.withLock { $0 }
    var exposition = PrometheusText()
    exposition.write(snapshot())
    for registration in registered {
      for sample in registration.read() {
        exposition.write(
          registration.declaration, labels: registration.declaration.labels + sample.labels,
          value: sample.value)
      }
    }
    return exposition.text
  }

  /// What is measured, one row a series, for the reference page.
  public var declarations: [MetricDeclaration] {
    MetricCounter.allCases.map(\.declaration) + PrometheusText.derivedDeclarations
      + LatencyKind.allCases.map(\.declaration)
      + registrations.withLock { $0.map(\.declaration) }
  }
}
