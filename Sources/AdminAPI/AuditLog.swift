import EdgeSecurity
import Glibc
import Logging
import Synchronization

/// What an operation tells the audit log beside who asked and what came of it.
final class AuditNote: Sendable {
  private struct State {
    var members: [JSONMember] = []
    var identity: AdminIdentity?
  }

  private let state = Mutex(State())

  /// Adds a member to the line.
  func add(_ name: String, _ value: JSONValue) {
    state.withLock { $0.members.append(JSONMember(name, value)) }
  }

  /// Names who asked, where the operation itself found out.
  func setIdentity(_ identity: AdminIdentity) { state.withLock { $0.identity = identity } }

  /// What was added.
  var members: [JSONMember] { state.withLock { $0.members } }
  /// Who asked, where the operation said so.
  var identity: AdminIdentity? { state.withLock { $0.identity } }
}

/// One line of JSON for every change over the admin API, and for every refused attempt at one:
/// when, who, from where, what, and what came of it. Passwords, tokens and contents are never in
/// it.
///
/// A file is opened for each line: changes are rare, and the file may be moved away at any time. A
/// line is one write, so that lines of several processes do not mix. What cannot be written goes to
/// the log instead.
public final class AuditLog: Sendable {
  /// Where lines go.
  public enum Destination: Sendable, Equatable {
    /// Standard error, whatever the log's level.
    case standardError
    /// A file, which only its owner may read.
    case file(String)
    /// Nowhere.
    case off
  }

  private let destination: Destination
  private let logger: Logger
  private let isFailing = Atomic(false)
  private let lost = Atomic(0)

  /// A log to this destination.
  public init(_ destination: Destination, logger: Logger) {
    self.destination = destination
    self.logger = logger
  }

  /// Lines that could not be written.
  public var lostLines: Int { lost.load(ordering: .relaxed) }

  /// Writes one line.
  func write(_ members: [JSONMember], nowSeconds: Int64 = UTCTime.nowSeconds) {
    let time = JSONMember("time", .string(UTCTime.text(nowSeconds)))
    let line =
      JSONValue.object([JSONMember("audit", .string("edge")), time] + members).text + "\n"
    switch destination {
    case .off: return
    case .standardError: _ = AuditLog.write(line, to: STDERR_FILENO)
    case .file(let path):
      let descriptor = open(
        path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, mode_t(0o600))
      var failure = descriptor < 0 ? errno : 0
      if descriptor >= 0 {
        failure = AuditLog.write(line, to: descriptor)
        close(descriptor)
      }
      if failure == 0 {
        isFailing.store(false, ordering: .relaxed)
        return
      }
      lost.wrappingAdd(1, ordering: .relaxed)
      if !isFailing.exchange(true, ordering: .relaxed) {
        logger.error(
          "the audit log cannot be written, its lines go to standard error",
          metadata: ["path": "\(path)", "reason": "\(String(cString: strerror(failure)))"])
      }
      _ = AuditLog.write(line, to: STDERR_FILENO)
    }
  }

  /// 0, or the system's error.
  private static func write(_ line: String, to descriptor: Int32) -> Int32 {
    let bytes = Array(line.utf8)
    while true {
      let count = Glibc.write(descriptor, bytes, bytes.count)
      if count == bytes.count { return 0 }
      if count < 0, errno == EINTR { continue }
      return count < 0 ? errno : ENOSPC
    }
  }
}
