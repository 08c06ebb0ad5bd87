import Foundation
import TestSupport

/// Runs a command and returns its exit code and all it printed.
func runCommand(_ arguments: [String], input: String = "") async throws -> (
  code: Int32, text: String
) {
  let (code, bytes) = try await run(arguments, input: Array(input.utf8))
  return (code, String(decoding: bytes, as: UTF8.self))
}

/// Runs curl and returns what it printed.
func runCurl(_ arguments: [String], input: Data? = nil) async throws -> Data {
  let common = ["curl", "--silent", "--show-error", "--max-time", "20"]
  return Data(try await run(common + arguments, input: Array(input ?? Data())).bytes)
}

/// Waits on a thread of its own: the server under test runs in this process.
private func run(
  _ arguments: [String], input: [UInt8]
) async throws -> (code: Int32, bytes: [UInt8]) {
  let child = try ChildProcess("/usr/bin/env", arguments, input: .bytes(input))
  return await withCheckedContinuation { continuation in
    Thread.detachNewThread {
      let code = child.wait()
      continuation.resume(returning: (code, child.bytes))
    }
  }
}
