import Dispatch
import Logging
import Synchronization

/// The access log: one file, one thread that writes it, and a writer for each event loop.
///
/// A loop's lines reach the file within about ``flushMilliseconds``, in the loop's order. Memory
/// is bounded by ``queueLimitBytes`` and one buffer a loop: a file system that stalls costs lines,
/// which are counted, and never time on a loop.
public final class AccessLog: Sendable {
  /// A loop's buffer is handed over once it holds this much.
  static let bufferBytes = 64 << 10
  /// Lines are dropped while this much waits to be written.
  static let queueLimitBytes = 16 << 20
  /// How long lines may gather before they are written.
  static let flushMilliseconds = 100
  /// How long ``close()`` and ``flush()`` wait for a file system that stalls.
  static let closeLimitSeconds = 5

  private let core: AccessLogCore
  private let format: AccessLogFormat
  private let edgeName: String

  /// Opens the log and starts its thread.
  ///
  /// `path` is a file to append to, made with mode 0640 if it is missing, or `-` for standard
  /// output. `edgeName`, when not empty, stands in each JSON line as `edge`. Trouble with the file
  /// after the start goes to `logger`, once an incident, and to the counters.
  public convenience init(
    path: String, format: AccessLogFormat, edgeName: String = "",
    logger: Logger = Logger(label: "edge.access-log")
  ) throws(AccessLogError) {
    try self.init(
      path: path, format: format, edgeName: edgeName, queueLimitBytes: AccessLog.queueLimitBytes,
      logger: logger)
  }

  init(
    path: String, format: AccessLogFormat, edgeName: String = "", queueLimitBytes: Int,
    logger: Logger = Logger(label: "edge.access-log")
  ) throws(AccessLogError) {
    self.format = format
    self.edgeName = edgeName
    core = AccessLogCore(
      file: try LogFile(path: path), queueLimitBytes: queueLimitBytes, logger: logger)
    try core.startThread()
  }

  deinit {
    close()
  }

  /// A writer for one event loop.
  public func makeWriter() -> AccessLogWriter {
    let writer = AccessLogWriter(core: core, format: format, edgeName: edgeName)
    core.add(writer)
    return writer
  }

  /// Writes what has gathered, then opens the path anew: call it after the file has been moved
  /// away. Should the path not open, lines go on into the old file and the error is logged.
  /// Returns at once.
  public func reopen() {
    core.send(.reopen)
  }

  /// Waits until every line written so far is in the file. Blocks the calling thread.
  public func flush() {
    let done = DispatchSemaphore(value: 0)
    core.send(.flush(done))
    _ = done.wait(timeout: .now() + .seconds(AccessLog.closeLimitSeconds))
  }

  /// Writes what has gathered, closes the file and ends the thread; later lines are dropped.
  /// Blocks the calling thread. A second call does nothing.
  public func close() {
    guard core.beginClosing() else { return }
    let done = DispatchSemaphore(value: 0)
    core.send(.close(done))
    _ = done.wait(timeout: .now() + .seconds(AccessLog.closeLimitSeconds))
  }

  /// Lines that were dropped: the queue was full, a write failed, or the log was closed.
  public var droppedRecords: Int { core.droppedRecords }

  /// Lines that reached the file.
  public var writtenRecords: Int { core.writtenRecords }

  /// Exposes the log's own counters.
  public func register(in metrics: Metrics) {
    metrics.registerCounter(
      name: "edge_access_log_lines_total", help: "Lines written to the access log."
    ) { [core] in [Metrics.Sample(core.writtenRecords)] }
    metrics.registerCounter(
      name: "edge_access_log_dropped_total",
      help: "Access log lines dropped because the file could not be written fast enough or at all."
    ) { [core] in [Metrics.Sample(core.droppedRecords)] }
  }
}

/// Why an access log could not be started.
public enum AccessLogError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file did not open; `reason` is the system's.
  case cannotOpen(path: String, reason: String)
  /// No thread could be started.
  case cannotStartThread(reason: String)

  /// What happened and what to do.
  public var description: String {
    switch self {
    case .cannotOpen(let path, let reason):
      """
      cannot open the access log \(path): \(reason); create its folder and let this user write \
      to it, or set log.access.path to another file or to "-" for standard output
      """
    case .cannotStartThread(let reason):
      "cannot start the access log's thread: \(reason); raise the limit on threads (ulimit -u)"
    }
  }
}
