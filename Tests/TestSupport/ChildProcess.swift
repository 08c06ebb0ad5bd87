import CTestSpawn
import Foundation
import Synchronization
import Testing

/// A program started by a test, with its output collected; stopped by its process id.
///
/// Started by `posix_spawn`, which closes in the child all descriptors of the tests but the three
/// standard ones, and gives it the default actions of signals and blocks none of them.
public final class ChildProcess: Sendable {
  /// What a program reads as its standard input.
  public enum Input {
    case none
    case bytes([UInt8])
    /// Nothing, and no end of it before the tests' process ends.
    case open
  }

  private struct State {
    var output: [UInt8] = []
    /// What `waitpid` said; nil while the process runs.
    var status: Int32?
    var hasOutputEnded = false
  }

  /// Its process id.
  public let identifier: Int32
  private let name: String
  /// The writing end of its input, where that is to stay open.
  private let keptInput: Int32?
  private let state = Mutex(State())
  private let changed = DispatchSemaphore(value: 0)

  /// Starts a program.
  /// - Parameters:
  ///   - program: its path.
  ///   - environment: added to that of the tests.
  ///   - input: its standard input.
  public init(
    _ program: String, _ arguments: [String], environment: [String: String] = [:],
    input: Input = .none
  ) throws {
    name = ([program] + arguments).joined(separator: " ")
    let (reading, writing) = try Self.makePipe()
    defer { close(writing) }
    do {
      let (given, kept) = try Self.open(input)
      defer { if given >= 0 { close(given) } }
      keptInput = kept
      identifier = try Self.spawn(
        program, arguments, ProcessInfo.processInfo.environment.merging(environment) { $1 },
        input: given, output: writing)
    } catch {
      close(reading)
      throw error
    }
    Thread.detachNewThread { [self] in collect(reading) }
    Thread.detachNewThread { [self] in reap() }
  }

  /// Whether it has not ended yet.
  public var isRunning: Bool { state.withLock { $0.status == nil } }
  /// What it has printed so far, to its standard output and error.
  public var bytes: [UInt8] { state.withLock { $0.output } }
  /// ``bytes`` as text.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Sends a signal, unless the process has ended: its number may be another's then.
  public func signal(_ number: Int32) {
    state.withLock { if $0.status == nil { kill(identifier, number) } }
  }

  /// Waits for the end of the process and of its output; returns the exit status (or the signal's
  /// number, negative).
  ///
  /// One that does not end within `limit` is an issue that says where its threads are, and is
  /// killed.
  @discardableResult
  public func wait(limit: DispatchTimeInterval = .seconds(300)) -> Int32 {
    if !hasEnded(by: .now() + limit) {
      Issue.record("'\(name)' did not end:\n\(threads)\(text.suffix(2000))")
      signal(SIGKILL)
      _ = hasEnded(by: .now() + .seconds(10))
    }
    let status = state.withLock { $0.status ?? SIGKILL }
    return status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
  }

  /// Runs a program to its end.
  public static func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:],
    input: Input = .none
  ) throws -> (status: Int32, output: String) {
    let child = try ChildProcess(program, arguments, environment: environment, input: input)
    let status = child.wait()
    return (status, child.text)
  }

  // MARK: Inside

  private func hasEnded(by deadline: DispatchTime) -> Bool {
    while !state.withLock({ $0.status != nil && $0.hasOutputEnded }) {
      if changed.wait(timeout: deadline) == .timedOut { return false }
    }
    // For whoever waits beside, or again.
    changed.signal()
    return true
  }

  private func collect(_ descriptor: Int32) {
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(descriptor, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      state.withLock { $0.output += piece[..<count] }
    }
    close(descriptor)
    state.withLock { $0.hasOutputEnded = true }
    changed.signal()
  }

  private func reap() {
    // First without taking its status: its number is not given to another process until then.
    var information = siginfo_t()
    while waitid(P_PID, id_t(identifier), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
    state.withLock {
      var status: Int32 = 0
      waitpid(identifier, &status, 0)
      $0.status = status
    }
    changed.signal()
  }

  /// The system's word on where each thread of the process is.
  private var threads: String {
    let folder = URL(fileURLWithPath: "/proc/\(identifier)/task")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let lines = names.sorted().map { name in
      let parts = ["comm", "wchan", "syscall"].map { file in
        let url = folder.appendingPathComponent(name).appendingPathComponent(file)
        return ((try? String(contentsOf: url, encoding: .utf8)) ?? "?").trimmingCharacters(
          in: .whitespacesAndNewlines)
      }
      return "  \(name) \(parts.joined(separator: " "))\n"
    }
    return lines.joined()
  }

  private static func makePipe() throws -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    guard test_pipe(&ends) == 0 else { throw ChildFailure(what: "pipe", number: errno) }
    return (ends[0], ends[1])
  }

  /// What the child reads, and the end of it that stays open here.
  private static func open(_ input: Input) throws -> (reading: Int32, kept: Int32?) {
    switch input {
    case .none: return (-1, nil)
    case .open:
      let (reading, writing) = try makePipe()
      return (reading, writing)
    case .bytes(let bytes):
      guard let file = tmpfile() else { throw ChildFailure(what: "tmpfile", number: errno) }
      defer { fclose(file) }
      fwrite(bytes, 1, bytes.count, file)
      rewind(file)
      return (fcntl(fileno(file), F_DUPFD_CLOEXEC, 3), nil)
    }
  }

  private static func spawn(
    _ program: String, _ arguments: [String], _ environment: [String: String], input: Int32,
    output: Int32
  ) throws -> Int32 {
    let words = ([program] + arguments).map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in words + variables { free(text) } }
    let identifier = test_spawn(program, words, variables, input, output)
    guard identifier > 0 else { throw ChildFailure(what: program, number: -identifier) }
    return identifier
  }
}

/// Why a program could not be started.
public struct ChildFailure: Error, CustomStringConvertible {
  let what: String
  /// The system's error number.
  let number: Int32

  /// What was to be done, and the system's word on it.
  public var description: String { "\(what): \(String(cString: strerror(number)))" }
}

/// Polls until `condition` holds; false when it does not within `seconds`. For conditions that
/// another process brings about and nobody announces.
public func eventually(
  within seconds: Double = 20, _ condition: () throws -> Bool
) rethrows -> Bool {
  let deadline = Date().addingTimeInterval(seconds)
  while Date() < deadline {
    if try condition() { return true }
    usleep(20_000)
  }
  return try condition()
}
