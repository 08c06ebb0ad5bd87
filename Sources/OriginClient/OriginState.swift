import HTTPMessage

/// What all threads share of one origin.
final class OriginState: Sendable {
  let configuration: Configuration.Origin
  let pool: OriginPool
  let selection: ServerSelection
  let statistics: OriginStatistics
  let limits: Limits
  /// The literal Host, where one is configured.
  let hostOverride: [UInt8]?

  init(_ configuration: Configuration.Origin) {
    self.configuration = configuration
    pool = OriginPool(limit: configuration.pool, queueLimit: configuration.queueLimit)
    selection = ServerSelection(count: configuration.servers.count)
    limits = Limits(configuration.timeouts)
    statistics = OriginStatistics(name: configuration.name)
    if case .literal(let host) = configuration.host {
      hostOverride = Array(host.utf8)
    } else {
      hostOverride = nil
    }
  }
}

/// The time limits in the thread's own unit, nanoseconds.
struct Limits: Sendable {
  let firstByte: UInt64
  let idle: UInt64
  let queue: UInt64

  init(_ timeouts: Configuration.Timeouts) {
    firstByte = timeouts.firstByte.wholeNanoseconds
    idle = timeouts.idle.wholeNanoseconds
    queue = timeouts.queue.wholeNanoseconds
  }
}
