import Foundation
import TestSupport
import Testing

/// A certificate for `localhost`, signed by itself, in a folder of its own.
final class TestCertificate {
  let folder: URL
  var certificate: String { folder.appendingPathComponent("edge.pem").path }
  var key: String { folder.appendingPathComponent("edge.key").path }

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "edge-certificate-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let made = try ChildProcess.run(
      "/usr/bin/env",
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes",
        "-days", "30", "-subj", "/CN=localhost", "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate,
      ])
    try #require(made.status == 0, "\(made.output)")
  }

  deinit { try? FileManager.default.removeItem(at: folder) }
}
