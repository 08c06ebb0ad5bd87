import Testing

@testable import EdgeConfig

/// The minimal configuration with further options for its listener, which begin at 1:40.
private func listener(_ options: String) -> String {
  minimal.replacing("8080 }", with: "8080, \(options) }")
}

private let pair = "certificate: a.pem, key: a.key"

/// Finds what a file's name says.
private let inspector = CertificateInspector(
  certificate: { file in
    var findings: [CertificateInspector.Finding] = []
    if file.certificate.hasSuffix("old.pem") {
      findings.append(.init(option: "certificate", file: file.certificate, reason: "expired"))
    }
    if file.certificate.hasSuffix("soon.pem") {
      findings.append(
        .init(option: "certificate", file: file.certificate, reason: "expires", isWarning: true))
    }
    if file.key.hasSuffix("none.key") {
      findings.append(.init(option: "key", file: file.key, reason: "cannot be read"))
    }
    for name in file.names ?? [] where name == "b.test" {
      findings.append(
        .init(
          option: "names", file: file.certificate, reason: "does not hold the name 'b.test'",
          isWarning: true))
    }
    return findings
  },
  authorities: { file in
    file.hasSuffix("none.pem")
      ? [.init(option: "authorities", file: file, reason: "cannot be read")] : []
  })

private func inspected(_ text: String) -> (faults: [String], warnings: [String]) {
  do {
    let configuration = try EdgeConfiguration.load(
      text: text, file: "edge.conf", environment: [:], baseDirectory: "/etc/edge",
      certificates: inspector)
    return ([], configuration.warnings.map(\.description))
  } catch {
    return (error.diagnostics.map(\.description), [])
  }
}

@Suite struct TLSOptionTests {
  @Test func clearTextIsTheDefault() throws {
    let listener = try load(minimal).listeners[0]
    #expect(listener.tls == nil)
    #expect(listener.strictTransportSecurity == nil)
  }

  @Test func aCertificateAndAKeyAreEnough() throws {
    let tls = try #require(try load(listener("tls: { \(pair) }")).listeners[0].tls)
    #expect(
      tls.certificates == [
        .init(certificate: "/etc/edge/a.pem", key: "/etc/edge/a.key", names: nil)
      ])
    #expect(tls.minimum == .tls13)
    #expect(tls.handshakeTimeout == .seconds(10))
    #expect(tls.clients == nil)
  }

  @Test func everythingCanBeWritten() throws {
    let text = """
      listeners:
        - address: 127.0.0.1:8443
          tls:
            certificates:
              - { certificate: a.pem, key: a.key }
              - { certificate: /b.pem, key: /b.key, names: [b.test, "*.b.test"] }
            minimum: 1.2
            handshake_timeout: 3 s
            clients: { authorities: ca.pem, required: false }
          hsts: { max_age: 730 days, include_subdomains: true, preload: true }
      origins: { api: { servers: [http://127.0.0.1:9000] } }
      routes: [{ match: /*, origin: api }]
      """
    let configuration = try load(text)
    let listener = configuration.listeners[0]
    let tls = try #require(listener.tls)
    #expect(
      tls.certificates == [
        .init(certificate: "/etc/edge/a.pem", key: "/etc/edge/a.key", names: nil),
        .init(certificate: "/b.pem", key: "/b.key", names: ["b.test", "*.b.test"]),
      ])
    #expect(tls.minimum == .tls12)
    #expect(tls.handshakeTimeout == .seconds(3))
    #expect(tls.clients == .init(authorities: "/etc/edge/ca.pem", isRequired: false))
    let hsts = try #require(listener.strictTransportSecurity)
    #expect(hsts.maxAge == .seconds(730 * 86_400))
    #expect(hsts.includesSubdomains)
    #expect(hsts.mayPreload)
    #expect(try load(configuration.effectiveConfiguration).listeners == configuration.listeners)
  }

  @Test func theEffectiveConfigurationOfASinglePairLoadsAgain() throws {
    let configuration = try load(listener("tls: { \(pair) }, hsts: {}"))
    let again = try load(configuration.effectiveConfiguration)
    #expect(again.listeners == configuration.listeners)
    #expect(again.effectiveConfiguration == configuration.effectiveConfiguration)
    #expect(again.listeners[0].strictTransportSecurity?.maxAge == .seconds(365 * 86_400))
    #expect(again.listeners[0].strictTransportSecurity?.includesSubdomains == false)
  }

  @Test(arguments: [
    (
      "tls: {}",
      [
        "1:45: missing option 'certificate' (such as certificate: certs/edge.pem)",
        "1:45: missing option 'key' (such as key: certs/edge.key)",
      ]
    ),
    ("tls: { certificate: a.pem }", ["1:45: missing option 'key' (such as key: certs/edge.key)"]),
    (
      "tls: { key: a.key }",
      ["1:45: missing option 'certificate' (such as certificate: certs/edge.pem)"]
    ),
    (
      "tls: { \(pair), certificates: [{ \(pair) }] }",
      ["1:45: 'certificate' and 'certificates' exclude each other (keep one)"]
    ),
    (
      "tls: { certificates: [] }",
      [
        "1:61: 'certificates' has no certificates (allowed: 1 to 1000 "
          + "certificates; such as certificates: [{ certificate: certs/a.pem, "
          + "key: certs/a.key }])"
      ]
    ),
    (
      "tls: { certificates: [{ certificate: a.pem }] }",
      ["1:62: missing option 'key' (such as key: certs/a.key)"]
    ),
    (
      "tls: { \(pair), minimum: 1.1 }",
      ["1:88: 'minimum' cannot be '1.1' (did you mean '1.3'?)"]
    ),
    (
      "tls: { \(pair), clients: {} }",
      ["1:88: missing option 'authorities' (such as authorities: certs/clients.pem)"]
    ),
    (
      "tls: { certificates: [{ \(pair), names: [\"a b\", a.*.test, \"*.a.test\"] }] }",
      [
        "1:104: 'names' has 'a b', which is no host name (such as www.example.com or "
          + "*.example.com)",
        "1:111: 'names' has 'a.*.test', which is no host name (such as www.example.com or "
          + "*.example.com)",
      ]
    ),
    (
      "hsts: {}",
      ["1:46: 'hsts' needs 'tls' on the same listener (browsers ignore it in clear text)"]
    ),
    (
      "tls: { \(pair) }, hsts: { preload: true }",
      [
        "1:98: 'preload' needs 'include_subdomains: true' and a 'max_age' of at least 365 days"
      ]
    ),
    (
      "tls: { \(pair) }, hsts: { preload: true, include_subdomains: true, max_age: 364 days }",
      [
        "1:98: 'preload' needs 'include_subdomains: true' and a 'max_age' of at least 365 days"
      ]
    ),
    ("tls: { \(pair) }, hsts: { preload: true, include_subdomains: true }", []),
  ])
  func faultsNameTheirPlace(_ options: String, _ diagnostics: [String]) {
    #expect(faults(listener(options)) == diagnostics.map { "edge.conf:" + $0 })
  }

  @Test func faultsOfFilesAreReportedAtTheirOptionsWithAllOthers() {
    let text = """
      listeners:
        - address: 127.0.0.1:8443
          tls:
            certificates:
              - { certificate: old.pem, key: a.key }
              - { certificate: b.pem, key: none.key }
            clients: { authorities: none.pem }
        - address: 127.0.0.1:8444
          tls: { certificate: old.pem, key: none.key }
      origins: { api: { servers: [http://127.0.0.1:9000] } }
      routes: [{ match: /*, origin: apo }]
      """
    #expect(
      inspected(text).faults == [
        "edge.conf:5:26: 'certificate' names the file '/etc/edge/old.pem', which expired",
        "edge.conf:6:38: 'key' names the file '/etc/edge/none.key', which cannot be read",
        "edge.conf:7:31: 'authorities' names the file '/etc/edge/none.pem', which cannot be read",
        "edge.conf:9:25: 'certificate' names the file '/etc/edge/old.pem', which expired",
        "edge.conf:9:39: 'key' names the file '/etc/edge/none.key', which cannot be read",
        "edge.conf:11:31: unknown origin 'apo' (did you mean 'api'?)",
      ])
  }

  @Test func warningsOfFilesLetTheConfigurationLoad() {
    let (faults, warnings) = inspected(
      listener("tls: { certificates: [{ certificate: soon.pem, key: a.key, names: [b.test] }] }"))
    #expect(faults == [])
    #expect(
      warnings == [
        "edge.conf:1:77: warning: 'certificate' names the file '/etc/edge/soon.pem', "
          + "which expires",
        "edge.conf:1:106: warning: 'certificate' names the file '/etc/edge/soon.pem', "
          + "which does not hold the name 'b.test'",
      ])
  }

  @Test func filesAreLeftUnreadWithoutAnInspector() {
    #expect(faults(listener("tls: { certificate: none.pem, key: none.key }")) == [])
  }
}
