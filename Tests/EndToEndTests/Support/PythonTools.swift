import Foundation
import TestSupport

/// Programs from PyPI that tests run, where `scripts/test.sh` installs them; installed here when a
/// test is run without it.
enum PythonTools {
  private static let repository = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  private static let installed = Result {
    let result = try ChildProcess.run(
      "/bin/bash",
      ["-c", "cd '\(repository)' && source scripts/common.sh && need_python_tools"])
    guard result.status == 0 else { throw SocketFailure(what: result.output) }
  }

  /// The path of a program.
  static func path(of program: String) throws -> String {
    try installed.get()
    return repository + "/.build/python/bin/" + program
  }
}
