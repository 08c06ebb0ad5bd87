import EdgeConfig
import Testing

@Suite struct AdminOptionTests {
  private let user = "users: [{ name: a, password: b }]"

  /// The faults of an admin section on line 4.
  private func adminFaults(_ options: String) -> [String] {
    faults(minimal + "admin: { \(options) }")
  }

  @Test func everyOptionIsRead() throws {
    let admin = try #require(
      try load(
        minimal + """
          admin:
            address: 0.0.0.0:9443
            users:
              - { name: a, password: b }
              - name: c
                password_hash: "scrypt$ln=15,r=8,p=3$YWFhYWFhYWE$YWFhYWFhYWFhYWFhYWFhYQ"
                scopes: [read, purge]
            tokens: var/tokens
            tls:
              certificate: edge.pem
              key: edge.key
              clients: { authorities: ca.pem, required: false }
            allow: [127.0.0.1, 10.0.0.0/8, "2001:db8::/32", "::ffff:192.0.2.0/120"]
            deny: [10.66.0.0/16]
            trusted_proxies: [10.0.0.5]
            audit: var/audit.log
          """
      ).admin)
    #expect(admin.users.map(\.scopes) == [["admin"], ["read", "purge"]])
    #expect(admin.users[0].password == .text(Secret("b")))
    guard case .hash(let hash) = admin.users[1].password else {
      Issue.record("no hash")
      return
    }
    #expect(hash.exposedValue.hasPrefix("scrypt$ln=15"))
    #expect(admin.tokens == "/etc/edge/var/tokens")
    #expect(admin.tls?.certificate.certificate == "/etc/edge/edge.pem")
    #expect(admin.tls?.clients?.isRequired == false)
    #expect(admin.allow?.count == 4 && admin.deny == ["10.66.0.0/16"])
    #expect(admin.trustedProxies == ["10.0.0.5"])
    #expect(admin.audit == .file("/etc/edge/var/audit.log"))
  }

  @Test func theDefaultsAreSafe() throws {
    let configuration = try load(minimal + "admin: { \(user) }")
    let admin = try #require(configuration.admin)
    #expect(admin.address.description == "127.0.0.1:8081")
    #expect(admin.tokens == nil && admin.tls == nil && admin.allow == nil)
    #expect(admin.deny.isEmpty && admin.trustedProxies.isEmpty)
    #expect(admin.audit == .standardError)
    #expect(configuration.trustedProxies.isEmpty)
    #expect(try load(minimal + "trusted_proxies: [10.0.0.0/8]").trustedProxies == ["10.0.0.0/8"])
    #expect(try load(minimal + "admin: { \(user), audit: off }").admin?.audit == .off)
  }

  @Test(arguments: ["0.0.0.0:8081", "192.0.2.1:8081", "[::]:8081", "admin.example.com:8081"])
  func clearTextIsForLoopback(_ address: String) {
    let found = adminFaults("address: \"\(address)\", \(user)")
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("edge.conf:4:19: 'address' is ") == true, "\(found)")
    #expect(found.first?.contains("add tls: { certificate:") == true)
    #expect(
      adminFaults("address: \"\(address)\", \(user), tls: { certificate: a, key: b }").isEmpty)
  }

  @Test(arguments: ["127.0.0.1:8081", "127.9.9.9:8081", "[::1]:8081", "localhost:8081"])
  func loopbackNeedsNoTLS(_ address: String) {
    #expect(adminFaults("address: \"\(address)\", \(user)").isEmpty)
  }

  @Test(arguments: [
    ("allow: [10.0.0.1/8]", "'allow[0]' is '10.0.0.1/8', which has bits set behind its prefix"),
    ("allow: [here]", "'allow[0]' must be an IP address or a block"),
    ("deny: [10.0.0.0/33]", "'deny[0]' has the length '/33' in '10.0.0.0/33' (allowed: 0 to 32)"),
    ("deny: [\"2001:db8::1/64\"]", "'deny[0]' is '2001:db8::1/64', which has bits set"),
    ("trusted_proxies: [10.0.0.0/]", "'trusted_proxies[0]' has the length '/'"),
    ("trusted_proxies: [10.0.0.0/08]", "'trusted_proxies[0]' has the length '/08'"),
    ("allow: []", "'allow' has no blocks"),
    ("tls: { certificate: a }", "missing option 'key'"),
  ])
  func faultsNameTheRemedy(_ options: String, _ message: String) {
    let found = adminFaults("\(options), \(user)")
    #expect(found.contains { $0.contains(message) }, "\(found)")
  }

  @Test(arguments: [
    ("password: x, password_hash: \"scrypt$a$b$c\"", "'password' and 'password_hash' exclude"),
    ("password_hash: plain", "'password_hash' is no password hash (make one with 'edge"),
    ("password: x, scopes: []", "'scopes' has no scopes"),
    ("password: x, scopes: [write]", "'scopes[0]' cannot be 'write'"),
  ])
  func usersHaveOnePasswordAndKnownScopes(_ options: String, _ message: String) {
    let found = adminFaults("users: [{ name: a, \(options) }]")
    #expect(found.contains { $0.contains(message) }, "\(found)")
    #expect(!found.contains { $0.contains("plain'") }, "a hash is a secret")
  }

  @Test func aHashIsNotShown() throws {
    let text = "scrypt$ln=15,r=8,p=3$YWFhYWFhYWE$YWFhYWFhYWFhYWFhYWFhYQ"
    let configuration = try load(
      minimal + "admin: { users: [{ name: a, password_hash: \"\(text)\" }] }")
    #expect(configuration.effectiveConfiguration.contains("password_hash: (set)"))
    #expect(!configuration.effectiveConfiguration.contains("YWFh"))
  }
}
