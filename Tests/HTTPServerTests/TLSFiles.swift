import Foundation
import HTTPServer
import TestSupport

/// Certificates made by the openssl command in a folder of their own, once a test process.
///
/// `edge` (ECDSA, by way of an intermediate) is for localhost, 127.0.0.1, a.test and *.wild.test,
/// `other` (RSA, straight from the root) for b.test. `client` is a client's, `stranger` one of an
/// authority that nobody knows.
struct TLSFiles {
  static let shared = Result { try TLSFiles() }

  let folder: String

  /// A folder with all certificates.
  init() throws {
    folder = NSTemporaryDirectory() + "edge-tls-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try authority("root", signedBy: nil)
    try authority("middle", signedBy: "root")
    try authority("unknown", signedBy: nil)
    let names = "DNS:localhost,DNS:a.test,DNS:*.wild.test,IP:127.0.0.1"
    try certificate("edge", Self.ecdsa, names: names, signedBy: "middle", isServer: true)
    try certificate("other", Self.rsa, names: "DNS:b.test", signedBy: "root", isServer: true)
    try certificate("client", Self.ecdsa, names: "DNS:client", signedBy: "root", isServer: false)
    try certificate(
      "stranger", Self.ecdsa, names: "DNS:client", signedBy: "unknown", isServer: false)
    try Data(read("edge.pem") + read("middle.pem")).write(to: url("chain.pem"))
    try openssl("pkcs8", "-topk8", "-in", "edge.key", "-out", "locked.key", "-passout", "pass:x")
    try Data("nothing\n".utf8).write(to: url("text.pem"))
    let torn = read("edge.pem").prefix(200) + Data("\n-----END CERTIFICATE-----\n".utf8)
    try Data(torn).write(to: url("torn.pem"))
  }

  /// A certificate of the folder by its name.
  func pair(
    _ certificate: String = "chain", key: String = "edge", names: [String] = []
  ) -> ServerConfiguration.TLS.Certificate {
    ServerConfiguration.TLS.Certificate(
      certificateFile: path(certificate + ".pem"), keyFile: path(key + ".key"), names: names)
  }

  func path(_ name: String) -> String { folder + "/" + name }
  func url(_ name: String) -> URL { URL(fileURLWithPath: path(name)) }
  func read(_ name: String) -> Data { (try? Data(contentsOf: url(name))) ?? Data() }

  /// Copies a file over another the way renewing tools do: written beside it, then renamed.
  func replace(_ name: String, by other: String) throws {
    try read(other).write(to: url(name), options: .atomic)
  }

  // MARK: Inside

  private static let ecdsa = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
  private static let rsa = ["-newkey", "rsa:2048"]

  private func authority(_ name: String, signedBy issuer: String?) throws {
    let use = [
      "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
    ]
    try request(name, Self.ecdsa, use, signedBy: issuer)
  }

  private func certificate(
    _ name: String, _ kind: [String], names: String, signedBy issuer: String, isServer: Bool
  ) throws {
    let use = [
      "-addext", "subjectAltName=" + names, "-addext", "basicConstraints=critical,CA:FALSE",
      "-addext", "extendedKeyUsage=" + (isServer ? "serverAuth" : "clientAuth"),
    ]
    try request(name, kind, use, signedBy: issuer)
  }

  private func request(
    _ name: String, _ kind: [String], _ use: [String], signedBy issuer: String?
  ) throws {
    let common = ["-nodes", "-keyout", "\(name).key", "-subj", "/CN=\(name)"] + kind + use
    guard let issuer else {
      return try openssl(
        ["req", "-x509", "-sha256", "-days", "3650", "-out", "\(name).pem"] + common)
    }
    try openssl(["req", "-new", "-sha256", "-out", "\(name).csr"] + common)
    try openssl([
      "x509", "-req", "-sha256", "-in", "\(name).csr", "-CA", "\(issuer).pem", "-CAkey",
      "\(issuer).key", "-CAcreateserial", "-days", "3650", "-copy_extensions", "copyall", "-out",
      "\(name).pem",
    ])
  }

  private func openssl(_ arguments: String...) throws { try openssl(arguments) }

  private func openssl(_ arguments: [String]) throws {
    let made = try ChildProcess.run(
      "/usr/bin/env", ["-C", folder, "openssl"] + arguments)
    guard made.status == 0 else {
      throw OpenSSLError(arguments: arguments, output: made.output)
    }
  }
}

/// What the openssl command had to say.
struct OpenSSLError: Error {
  let arguments: [String]
  let output: String
}
