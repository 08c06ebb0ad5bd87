import Foundation
import Testing

@testable import HTTPServer

/// The faults of certificates and keys, each with the file and the reason.
@Suite struct TLSCertificateTests {
  private let files: TLSFiles
  private let now = Int64(Date().timeIntervalSince1970) + 3600

  init() throws {
    files = try TLSFiles.shared.get()
  }

  /// The findings of a pair as `name reason`.
  private func findings(
    _ certificate: String, _ key: String, names: [String] = [], now: Int64? = nil
  ) -> [String] {
    let pair = ServerConfiguration.TLS.Certificate(
      certificateFile: files.path(certificate), keyFile: files.path(key), names: names)
    return pair.findings(nowSeconds: now ?? self.now).map {
      "\($0.isWarning ? "warning: " : "")\($0)".replacing(files.folder + "/", with: "")
    }
  }

  @Test func aChainWithItsKeyHasNoFaults() {
    #expect(findings("chain.pem", "edge.key") == [])
    #expect(findings("other.pem", "other.key") == [])
  }

  @Test(arguments: [
    ("none.pem", "edge.key", "none.pem cannot be read: No such file or directory"),
    (".", "edge.key", ". cannot be read: Is a directory"),
    ("text.pem", "edge.key", "text.pem holds no certificate (PEM)"),
    ("edge.key", "edge.key", "edge.key holds a key, and no certificate (PEM)"),
    ("torn.pem", "edge.key", "torn.pem holds a damaged certificate"),
    ("edge.pem", "none.key", "none.key cannot be read: No such file or directory"),
    ("edge.pem", "text.pem", "text.pem holds no private key (PEM)"),
    ("edge.pem", "edge.pem", "edge.pem holds a certificate, and no private key (PEM)"),
    (
      "edge.pem", "locked.key",
      "locked.key is encrypted (store the key without a passphrase)"
    ),
    (
      "edge.pem", "client.key",
      "client.key is not the key of the first certificate in 'edge.pem'"
    ),
    (
      "edge.pem", "other.key",
      "other.key is not the key of the first certificate in 'edge.pem'"
    ),
  ])
  func aFaultNamesTheFileAndTheReason(_ certificate: String, _ key: String, _ finding: String) {
    #expect(findings(certificate, key) == [finding])
  }

  @Test func bothFilesAreLookedAt() {
    #expect(
      findings("none.pem", "text.pem") == [
        "none.pem cannot be read: No such file or directory",
        "text.pem holds no private key (PEM)",
      ])
  }

  @Test func validityHasABeginningAndAnEnd() throws {
    let (certificate, _) = ServerCertificate.load(files.pair("edge"), nowSeconds: now)
    let end = try #require(certificate?.expirySeconds)
    let begin = try #require(certificate?.chain.first).notValidBefore
    #expect(findings("edge.pem", "edge.key", now: Int64(begin)) == [])
    let early = findings("edge.pem", "edge.key", now: Int64(begin) - 1)
    #expect(early == ["edge.pem is not valid before \(ServerCertificate.text(Int64(begin)))"])
    let warning = ["warning: edge.pem expires at \(ServerCertificate.text(end))"]
    #expect(findings("edge.pem", "edge.key", now: end - 14 * 86_400) == [])
    #expect(findings("edge.pem", "edge.key", now: end - 14 * 86_400 + 1) == warning)
    #expect(findings("edge.pem", "edge.key", now: end - 1) == warning)
    let expired = findings("edge.pem", "edge.key", now: end)
    #expect(expired == ["edge.pem expired at \(ServerCertificate.text(end))"])
  }

  @Test func timesAreWrittenAsRFC3339() {
    #expect(ServerCertificate.text(1_767_225_599) == "2025-12-31T23:59:59Z")
  }

  @Test func aNameThatTheCertificateLacksIsAWarning() {
    #expect(findings("edge.pem", "edge.key", names: ["A.test", "x.wild.test"]) == [])
    #expect(
      findings("edge.pem", "edge.key", names: ["b.test"]) == [
        "warning: edge.pem does not hold the name 'b.test'"
      ])
  }

  @Test func authoritiesAreCheckedToo() {
    func check(_ name: String, _ now: Int64) -> [String] {
      ServerConfiguration.TLS.Clients(authoritiesFile: files.path(name))
        .findings(nowSeconds: now)
        .map { "\($0)".replacing(files.folder + "/", with: "") }
    }
    #expect(check("root.pem", now) == [])
    #expect(check("none.pem", now) == ["none.pem cannot be read: No such file or directory"])
    #expect(check("text.pem", now) == ["text.pem holds no certificate (PEM)"])
    #expect(
      check("root.pem", now + 20 * 365 * 86_400) == [
        "root.pem holds expired certificates only"
      ])
  }

  @Test("A wildcard is one label; a name goes before it (RFC 9525 section 6.3)")
  func namesGoBeforeWildcards() {
    let table = ServerNameTable([["*.test", "a.test"], ["b.test", "a.test"], ["*.b.test"]])
    #expect(table.place(of: "a.test") == 0)
    #expect(table.place(of: "b.test") == 1)
    #expect(table.place(of: "c.test") == 0)
    #expect(table.place(of: "C.TEST.") == 0)
    #expect(table.place(of: "x.b.test") == 2)
    #expect(table.place(of: "x.y.b.test") == nil)
    #expect(table.place(of: "test") == nil)
    #expect(table.place(of: "") == nil)
  }
}
