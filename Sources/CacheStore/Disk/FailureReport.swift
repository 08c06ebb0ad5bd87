import Logging

/// Tells the log of a failing device: the first failure at once, later ones at most once a minute
/// with how many there were, and the end of it. Owner: the thread whose calls fail.
struct FailureReport {
  /// Time from one line to the next.
  static let interval = Duration.seconds(60)

  private let logger: Logger
  private let path: String
  private var failures = 0
  private var unsaid = 0
  private var nextLine: MonotonicTime?

  /// Nothing has failed yet.
  /// - Parameter path: what fails, for the line.
  init(logger: Logger, path: String) {
    self.logger = logger
    self.path = path
  }

  /// Notes a failure, and says it when it is time to.
  mutating func note(_ error: DeviceError, at now: MonotonicTime) {
    failures += 1
    unsaid += 1
    if let nextLine, now < nextLine { return }
    nextLine = now.advanced(by: Self.interval)
    logger.error(
      "a log of the disk tier can't be written; it is tried again",
      metadata: ["path": "\(path)", "cause": "\(error)", "failures": "\(unsaid)"])
    unsaid = 0
  }

  /// Notes that what failed before has worked.
  mutating func noteSuccess() {
    guard failures > 0 else { return }
    logger.notice(
      "the log of the disk tier is written again",
      metadata: ["path": "\(path)", "failures": "\(failures)"])
    failures = 0
    unsaid = 0
    nextLine = nil
  }
}
