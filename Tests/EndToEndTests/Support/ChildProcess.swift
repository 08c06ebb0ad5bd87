import Foundation
import Synchronization

/// A program started by a test, with its output collected; stopped by its process id.
final class ChildProcess: @unchecked Sendable {
  // @unchecked: Process is used by the test's thread; `output` has its own lock.
  private let process = Process()
  private let output = Mutex(Data())
  private let outputEnded = DispatchSemaphore(value: 0)

  init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    Thread.detachNewThread { [self] in
      while case let data = pipe.fileHandleForReading.availableData, !data.isEmpty {
        output.withLock { $0.append(data) }
      }
      outputEnded.signal()
    }
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  var identifier: Int32 { process.processIdentifier }
  var isRunning: Bool { process.isRunning }
  var text: String { output.withLock { String(decoding: $0, as: UTF8.self) } }

  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  /// Waits for the end; returns the exit status (or the signal's number, negative).
  @discardableResult
  func wait() -> Int32 {
    process.waitUntilExit()
    outputEnded.wait()
    outputEnded.signal()
    return process.terminationReason == .exit
      ? process.terminationStatus : -process.terminationStatus
  }

  /// Runs a program to its end.
  static func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> (status: Int32, output: String) {
    let child = try ChildProcess(program, arguments, environment: environment)
    let status = child.wait()
    return (status, child.text)
  }
}

/// Polls until `condition` holds; false when it does not within `seconds`. For conditions that
/// another process brings about and nobody announces.
func eventually(within seconds: Double = 20, _ condition: () throws -> Bool) rethrows -> Bool {
  let deadline = Date().addingTimeInterval(seconds)
  while Date() < deadline {
    if try condition() { return true }
    usleep(20_000)
  }
  return try condition()
}
