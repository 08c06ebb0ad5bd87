import Foundation
import HTTPMessage
import HTTPServer
import NIOCore
import Testing

/// A live server with real clients: curl and openssl.
@Suite(.timeLimit(.minutes(5)))
struct TLSListenerTests {
  @Test("TLS 1.3, ALPN and the chain (RFC 8446, RFC 7301)")
  func openSSLAgreesOnTLS13AndHTTP11() async throws {
    try await TLSServer.run { tls in
      let text = try await tls.openssl("-servername", "a.test", "-alpn", "spdy/1,http/1.1")
      #expect(text.contains("New, TLSv1.3, Cipher is TLS_"))
      #expect(text.contains("ALPN protocol: http/1.1"))
      #expect(text.contains("Verify return code: 0 (ok)"))
      #expect(text.contains("HTTP/1.1 200 OK"))
      #expect(text.contains("secure"))
      #expect(tls.count { $0.handshakes.value } == 1)
      #expect(tls.count { $0.handshakeFailures.value } == 0)
    }
  }

  @Test func aClientThatOffersNoProtocolIsServed() async throws {
    try await TLSServer.run { tls in
      let (code, text) = try await tls.curl(host: "a.test", "--no-alpn")
      #expect(code == 0)
      #expect(text == "secure")
    }
  }

  @Test(arguments: [(true, "h2"), (false, "http/1.1")])
  func http2IsAgreedOnOnlyWhenSwitchedOn(_ isOn: Bool, _ agreed: String) async throws {
    try await TLSServer.run({ configuration, _ in configuration.isHTTP2Enabled = isOn }) { tls in
      // HTTP/2's own tests go on from here: s_client ends with its input.
      let text = try await runCommand(
        [
          "timeout", "20", "openssl", "s_client", "-connect", "127.0.0.1:\(tls.port)", "-alpn",
          "http/1.1,h2",
        ]
      ).text
      #expect(text.contains("ALPN protocol: \(agreed)"))
    }
  }

  @Test func tls12IsRefusedUnlessAskedFor() async throws {
    try await TLSServer.run { tls in
      let (code, _) = try await tls.curl(host: "a.test", "--tls-max", "1.2")
      #expect(code == 35)
      #expect(tls.count { $0.requests.value } == 0)
      #expect(tls.count { $0.handshakeFailures.value } == 1)
    }
    try await TLSServer.run({
      $0.listeners[0].tls?.minimum = .tls12; _ = $1
    }) { tls in
      let (code, text) = try await tls.curl(host: "a.test", "--tls-max", "1.2")
      #expect(code == 0)
      #expect(text == "secure")
      let newer = try await tls.openssl()
      #expect(newer.contains("New, TLSv1.3"))
    }
  }

  @Test("TLS 1.2 has forward secrecy and AEAD only, 1.1 is gone (RFC 9113 section 9.2, RFC 8996)")
  func tls12HasStrongSuitesOnly() async throws {
    try await TLSServer.run({
      $0.listeners[0].tls?.minimum = .tls12; _ = $1
    }) { tls in
      let strong = try await tls.openssl("-tls1_2")
      #expect(strong.contains("Cipher is ECDHE-ECDSA-"))
      let weak = try await tls.openssl("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA")
      #expect(weak.contains("Cipher is (NONE)"))
      let old = try await tls.openssl("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
      #expect(old.contains("Cipher is (NONE)"))
    }
  }

  @Test("The server name chooses the certificate (RFC 6066 section 3)")
  func eachNameHasItsCertificate() async throws {
    func addOther(_ configuration: inout ServerConfiguration, _ files: TLSFiles) {
      configuration.listeners[0].tls?.certificates.append(files.pair("other", key: "other"))
    }
    try await TLSServer.run(addOther) { tls in
      for host in ["localhost", "a.test", "x.wild.test", "b.test"] {
        let (code, text) = try await tls.curl(host: host)
        #expect(code == 0, "\(host): \(text)")
      }
      // Two labels are no match for a wildcard, and an unknown name gets the first certificate.
      #expect(try await tls.curl(host: "x.y.wild.test").code == 60)
      let unknown = try await tls.openssl("-servername", "nobody.test")
      #expect(unknown.contains("subject=CN = edge"))
      let unnamed = try await tls.openssl("-noservername")
      #expect(unnamed.contains("subject=CN = edge"))
    }
  }

  @Test func rsaAndECDSAKeysSign() async throws {
    func addOther(_ configuration: inout ServerConfiguration, _ files: TLSFiles) {
      configuration.listeners[0].tls?.certificates.append(files.pair("other", key: "other"))
    }
    try await TLSServer.run(addOther) { tls in
      let ecdsa = try await tls.openssl("-servername", "a.test")
      #expect(ecdsa.contains("Peer signature type: ECDSA"))
      let rsa = try await tls.openssl("-servername", "b.test")
      #expect(rsa.contains("Peer signature type: RSA-PSS"))
    }
  }

  @Test func oneNameMayHaveAKeyOfEachKind() async throws {
    func addRSA(_ configuration: inout ServerConfiguration, _ files: TLSFiles) {
      configuration.listeners[0].tls?.minimum = .tls12
      configuration.listeners[0].tls?.certificates.append(
        files.pair("other", key: "other", names: ["a.test"]))
    }
    try await TLSServer.run(addRSA) { tls in
      for _ in 0..<2 {
        let both = try await tls.openssl("-servername", "a.test")
        #expect(both.contains("Peer signature type: ECDSA"))
        let rsa = try await tls.openssl(
          "-servername", "a.test", "-sigalgs", "RSA-PSS+SHA256:RSA+SHA256")
        #expect(rsa.contains("Peer signature type: RSA-PSS"))
        let ecdsa = try await tls.openssl("-servername", "a.test", "-sigalgs", "ECDSA+SHA256")
        #expect(ecdsa.contains("Peer signature type: ECDSA"))
        let old = try await tls.openssl(
          "-servername", "a.test", "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
        #expect(old.contains("subject=CN = other"))
        let unnamed = try await tls.openssl(
          "-noservername", "-sigalgs", "RSA-PSS+SHA256:RSA+SHA256")
        #expect(unnamed.contains("Peer signature type: RSA-PSS"))
      }
      let page = try await tls.curl(host: "a.test")
      #expect(page.text == "secure")
    }
  }

  @Test func writtenNamesGoBeforeThoseOfTheCertificate() async throws {
    func addNamed(_ configuration: inout ServerConfiguration, _ files: TLSFiles) {
      configuration.listeners[0].tls?.certificates.append(
        files.pair("other", key: "other", names: ["C.test"]))
    }
    try await TLSServer.run(addNamed) { tls in
      let written = try await tls.openssl("-servername", "c.test")
      #expect(written.contains("subject=CN = other"))
      let held = try await tls.openssl("-servername", "b.test")
      #expect(held.contains("subject=CN = edge"))
    }
  }

  @Test("Mutual TLS: a required certificate, a wrong one, none (RFC 8446 section 4.4.2.4)")
  func aRequiredClientCertificateIsVerified() async throws {
    try await TLSServer.run({ configuration, files in
      configuration.listeners[0].tls?.clients = .init(authoritiesFile: files.path("root.pem"))
    }) { tls in
      let known = try await tls.curl(
        host: "a.test", "--cert", tls.files.path("client.pem"), "--key",
        tls.files.path("client.key"))
      #expect(known.text == "secure")
      let served = tls.count { $0.requests.value }
      #expect(try await tls.curl(host: "a.test").code != 0)
      let stranger = try await tls.curl(
        host: "a.test", "--cert", tls.files.path("stranger.pem"), "--key",
        tls.files.path("stranger.key"))
      #expect(stranger.code != 0)
      // A certificate for servers is none for clients.
      let server = try await tls.curl(
        host: "a.test", "--cert", tls.files.path("other.pem"), "--key",
        tls.files.path("other.key"))
      #expect(server.code != 0)
      #expect(tls.count { $0.requests.value } == served)
      #expect(tls.count { $0.handshakeFailures.value } == 3)
    }
  }

  @Test func anOptionalClientCertificateIsVerifiedWhenShown() async throws {
    try await TLSServer.run({ configuration, files in
      configuration.listeners[0].tls?.clients = .init(
        authoritiesFile: files.path("root.pem"), isRequired: false)
    }) { tls in
      #expect(try await tls.curl(host: "a.test").text == "secure")
      let known = try await tls.curl(
        host: "a.test", "--cert", tls.files.path("client.pem"), "--key",
        tls.files.path("client.key"))
      #expect(known.text == "secure")
      let stranger = try await tls.curl(
        host: "a.test", "--cert", tls.files.path("stranger.pem"), "--key",
        tls.files.path("stranger.key"))
      #expect(stranger.code != 0)
    }
  }

  @Test("A ticket of one loop is good on all (RFC 8446 section 2.2)")
  func sessionsResumeOnEveryLoop() async throws {
    try await TLSServer.run(loops: 3) { tls in
      let session = tls.files.path("session-\(UUID().uuidString).pem")
      let first = try await tls.openssl("-sess_out", session)
      #expect(first.contains("New, TLSv1.3"))
      // Each connection may land on any of the loops; a ticket serves more than once.
      for _ in 0..<8 {
        let next = try await tls.openssl("-sess_in", session)
        #expect(next.contains("Reused, TLSv1.3"))
      }
      #expect(tls.server.statistics.filter { $0.handshakes.value > 0 }.count > 1)
    }
  }

  @Test func mutualTLSSessionsResumeToo() async throws {
    try await TLSServer.run({ configuration, files in
      configuration.listeners[0].tls?.clients = .init(authoritiesFile: files.path("root.pem"))
    }) { tls in
      let session = tls.files.path("session-\(UUID().uuidString).pem")
      let cert = tls.files.path("client.pem")
      let key = tls.files.path("client.key")
      _ = try await tls.openssl("-cert", cert, "-key", key, "-sess_out", session)
      let next = try await tls.openssl("-cert", cert, "-key", key, "-sess_in", session)
      #expect(next.contains("Reused, TLSv1.3"))
      #expect(next.contains("HTTP/1.1 200 OK"))
    }
  }

  @Test("Strict-Transport-Security over TLS (RFC 6797 section 7.1)")
  func responsesOverTLSCarryThePolicyOnce() async throws {
    try await TLSServer.run({ configuration, _ in
      configuration.listeners[0].strictTransportSecurity = .init(
        maxAgeSeconds: 31_536_000, includesSubdomains: true, mayPreload: true)
    }) { tls in
      let text = try await tls.curl(host: "a.test", "--include").text
      let line = "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\n"
      #expect(text.components(separatedBy: line).count == 2)
      #expect(text.hasSuffix("\r\n\r\nsecure"))
    }
    try await TLSServer.run { tls in
      let text = try await tls.curl(host: "a.test", "--include").text
      #expect(!text.contains("Strict-"))
    }
  }

  @Test("Nor in clear text (RFC 6797 section 7.2)")
  func responsesInClearTextCarryNoPolicy() async throws {
    try await TLSServer.run({ configuration, _ in
      configuration.listeners[0].tls = nil
      configuration.listeners[0].strictTransportSecurity = .init(maxAgeSeconds: 1)
    }) { tls in
      let text = try await sendInClear(get("/", "Connection: close\r\n"), port: tls.port)
      #expect(text == ok("clear", "Connection: close\r\n"))
    }
  }

  @Test func faultyFilesKeepTheServerFromStarting() async throws {
    let files = try TLSFiles.shared.get()
    let error = await #expect(throws: TLSConfigurationError.self) {
      try await TLSServer.run({ configuration, files in
        configuration.listeners[0].tls?.certificates = [
          files.pair("none"), files.pair("edge", key: "other"),
        ]
      }) { _ in }
    }
    #expect(
      error?.faults.map(\.description) == [
        "\(files.path("none.pem")) cannot be read: No such file or directory",
        "\(files.path("other.key")) is not the key of the first certificate in "
          + "'\(files.path("edge.pem"))'",
      ])
  }
}
