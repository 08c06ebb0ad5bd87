import AdminAPI
import CacheStore
import Logging
import NIOCore
import NIOPosix
import Observability

/// The alerts while the edge runs: evaluated every half minute, logged when one changes its state.
struct AdminAlerts {
  let monitor: AlertMonitor
  private let ticks: RepeatedTask
  /// In a smaller heap stacks and free lists weigh more than what objects leave between them.
  private static let leastHeapBytes = 256 << 20

  /// Starts evaluating. The loop keeps the time, a thread of NIO's pool does the work.
  init(metrics: Metrics, store: CacheStore.Store, loop: any EventLoop, logger: Logger) {
    let monitor = AlertMonitor(
      metrics: metrics, memoryShare: { ProcessMemory.share },
      fragmentation: {
        let heap = store.heap
        return heap.residentBytes < Self.leastHeapBytes ? nil : heap.fragmentation
      })
    monitor.register()
    let interval = TimeAmount.seconds(Int64(AlertMonitor.tickSeconds))
    ticks = loop.scheduleRepeatedAsyncTask(initialDelay: interval, delay: interval) { _ in
      NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
        for change in monitor.tick() { AdminAlerts.log(change, logger) }
      }
    }
    self.monitor = monitor
  }

  /// Stops evaluating.
  func stop() { ticks.cancel() }

  private static func log(_ reading: AlertReading, _ logger: Logger) {
    let level: Logger.Level =
      switch reading.state {
      case .ok: .notice
      case .warning: .warning
      case .critical: .critical
      }
    logger.log(
      level: level, "an alert changed its state",
      metadata: [
        "alert": "\(reading.rule.quantity.rawValue)", "state": "\(reading.state.name)",
        "value": "\(reading.value.map { "\($0)" } ?? "-")", "target": "\(reading.rule.target)",
      ])
  }
}

extension AlertReading {
  /// One alert in `GET /v1/status`.
  var json: JSONValue {
    func number(_ value: Double?) -> JSONValue {
      value.map { .number(($0 * 1_000_000).rounded() / 1_000_000) } ?? .null
    }
    return .object([
      JSONMember("name", .string(rule.quantity.rawValue)),
      JSONMember("state", .string(state.name)), JSONMember("value", number(value)),
      JSONMember("unit", .string(rule.unit.rawValue)),
      JSONMember("better", .string(rule.isBetterWhenHigh ? "high" : "low")),
      JSONMember("target", number(rule.target)), JSONMember("warning", number(rule.warning)),
      JSONMember("critical", number(rule.critical)), JSONMember("help", .string(rule.help)),
    ])
  }
}
