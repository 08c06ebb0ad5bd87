import Foundation
import TestSupport
import Testing

/// `scripts/bounded.py`, which keeps a test that hangs from taking all of CI's time.
@Suite struct BoundedRunTests {
  private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("scripts/bounded.py").path

  /// Runs a shell's commands for at most a second.
  private func run(_ commands: String) throws -> (status: Int32, output: String, log: String) {
    let log = FileManager.default.temporaryDirectory.appendingPathComponent(
      "bounded-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: log) }
    let result = try ChildProcess.run(
      "/usr/bin/env", ["python3", Self.script, "1", log.path, "sh", "-c", commands])
    return (result.status, result.output, try String(contentsOf: log, encoding: .utf8))
  }

  /// Whether a process of that number runs.
  private func isRunning(_ identifier: Int32) -> Bool {
    let status = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8)
    return status.map { !$0.contains(") Z ") } ?? false
  }

  @Test func outputAndStatusAreTheCommands() throws {
    let run = try run("echo one; echo two >&2; exit 3")
    #expect(run.status == 3)
    #expect(run.output == "one\ntwo\n")
    #expect(run.log == run.output)
  }

  /// Also what makes a process group of its own, as timeout does, and keeps the output open.
  @Test(arguments: ["exit 0", "sleep 1000"])
  func whatItStartedEndsWithIt(end: String) throws {
    let run = try run("timeout 1000 sleep 1000 & echo $!; \(end)")
    #expect(run.status == (end == "exit 0" ? 0 : 124))
    let identifier = try #require(Int32(run.log.prefix { $0.isNumber }))
    #expect(!isRunning(identifier))
  }
}
