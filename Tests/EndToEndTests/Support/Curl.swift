import Foundation
import TestSupport

/// What curl brought.
struct CurlAnswer {
  /// curl's own exit status: 0, or 18 for a transfer cut short.
  let exit: Int32
  let status: Int
  /// The last response's header lines.
  let head: String
  let bytes: Data
  var body: String { String(decoding: bytes, as: UTF8.self) }

  /// The value of the first header line called `name`.
  func header(_ name: String) -> String? {
    head.split(separator: "\r\n").first {
      $0.lowercased().hasPrefix(name.lowercased() + ":")
    }.map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
  }
}

/// The real curl.
enum Curl {
  static func get(_ url: String, _ arguments: [String] = []) throws -> CurlAnswer {
    let folder = FileManager.default.temporaryDirectory
    let bodyFile = folder.appendingPathComponent("curl-\(UUID().uuidString)")
    let headFile = folder.appendingPathComponent("curl-\(UUID().uuidString)")
    defer {
      try? FileManager.default.removeItem(at: bodyFile)
      try? FileManager.default.removeItem(at: headFile)
    }
    let result = try ChildProcess.run(
      "/usr/bin/env",
      [
        "curl", "-sS", "--max-time", "60", "--noproxy", "*", "-o", bodyFile.path, "-D",
        headFile.path, "-w", "%{http_code}",
      ] + arguments + [url])
    let head = (try? String(contentsOf: headFile, encoding: .utf8)) ?? ""
    let body = (try? Data(contentsOf: bodyFile)) ?? Data()
    let last = head.components(separatedBy: "\r\n\r\n").last { !$0.isEmpty } ?? ""
    return CurlAnswer(
      exit: result.status, status: Int(result.output.suffix(3)) ?? 0, head: last,
      bytes: body)
  }
}
