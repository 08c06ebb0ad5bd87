import Observability
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Reloads the configuration at each SIGHUP, until the edge shuts down.
struct ReloadSignalService: Service {
  let reloader: ConfigurationReloader
  let signals: UnixSignalsSequence

  func run() async throws {
    for await _ in signals.cancelOnGracefulShutdown() {
      // What went wrong is in the log by then; the edge goes on as it was.
      _ = try? await reloader.reload()
    }
  }
}

/// How reloads have ended.
final class ReloadCounters: Sendable {
  private let applied = Atomic(0)
  private let refused = Atomic(0)

  /// Counts a reload that took the file up, or found nothing new in it.
  func countApplied() { applied.wrappingAdd(1, ordering: .relaxed) }

  /// Counts a reload that changed nothing because of a fault.
  func countRefused() { refused.wrappingAdd(1, ordering: .relaxed) }

  /// Shows them among the metrics.
  func register(in metrics: Metrics) {
    metrics.registerCounter(
      name: "edge_config_reloads_total", help: "Readings of edge.conf after the start, by result."
    ) { [self] in
      [
        ("applied", applied.load(ordering: .relaxed)),
        ("refused", refused.load(ordering: .relaxed)),
      ].map { Metrics.Sample(Double($0.1), labels: [MetricLabel("result", $0.0)]) }
    }
  }
}
