import CacheStore
import EdgeSecurity
import Foundation
import Logging
import Synchronization
import Testing

@testable import AdminAPI

/// A folder of its own with a token file, which goes with the test.
private final class TokenFolder: Sendable {
  let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("edge-admin-\(UUID().uuidString)").path
  var tokens: String { path + "/tokens" }
  var audit: String { path + "/audit.log" }

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Adds a token and gives its header line.
  func add(_ name: String, _ scopes: AdminScopes, expires: Int64? = nil) throws -> String {
    let token = BearerToken.make()
    try AdminTokenFile(path: tokens).add(
      AdminToken(name: name, scopes: scopes, expirySeconds: expires, token: token))
    return "Authorization: Bearer \(token.exposedValue)\r\n"
  }

  var table: AdminTokenTable { AdminTokenTable(path: tokens) { _ in } }

  /// The audit log's lines, each read as JSON.
  func auditLines() throws -> [[String: JSONValue]] {
    let text = try String(contentsOfFile: audit, encoding: .utf8)
    return try text.split(separator: "\n").map { line in
      guard case .object(let members) = try JSONReader.read(Array(line.utf8)) else { return [:] }
      return Dictionary(members.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }
  }
}

struct AdminAccessTests {
  @Test func scopesSayWhatATokenMayDo() async throws {
    let folder = try TokenFolder()
    let read = try folder.add("reader", .read)
    let purge = try folder.add("purger", .purge)
    let all = try folder.add("boss", .admin)
    let both = try folder.add("both", [.read, .purge])
    try await AdminFixture.run(tokens: folder.table) { admin in
      for (login, mayRead, mayPurge) in [
        (read, true, false), (purge, false, true), (all, true, true), (both, true, true),
        (rightLogin, true, true),
      ] {
        #expect(
          try await admin.send("GET", "/metrics", fields: login).status == (mayRead ? 200 : 403))
        #expect(
          try await admin.send("GET", "/v1/status", fields: login).status == (mayRead ? 200 : 403))
        let order = try await admin.invalidate(#"{"paths": ["/a"]}"#, fields: login + jsonType)
        #expect(order.status == (mayPurge ? 201 : 403))
        #expect(
          try await admin.send("PURGE", "/a", fields: login).status == (mayPurge ? 200 : 403))
        #expect(try await admin.send("GET", "/v1/openapi.json", fields: login).status == 200)
      }
      #expect(admin.backend.invalidations.count == 8)
      let refused = try await admin.send("GET", "/metrics", fields: purge)
      #expect(refused.detail.contains("'purger' has purge"))
      #expect(refused.fields["www-authenticate"]?.contains("insufficient_scope") == true)
    }
  }

  @Test func usersHaveScopesToo() async throws {
    let user = AdminAuthenticator.User(name: "admin", secret: .password("secret"), scopes: .read)
    try await AdminFixture.run(users: [user]) { admin in
      let metrics = try await admin.send("GET", "/metrics")
      #expect(metrics.status == 200)
      let purge = try await admin.send("PURGE", "/a")
      #expect(purge.status == 403)
      #expect(admin.backend.invalidations.isEmpty)
    }
  }

  @Test func aTokenThatIsNobodysOrExpiredIsToldSo() async throws {
    let folder = try TokenFolder()
    let old = try folder.add("old", .admin, expires: 1000)
    try await AdminFixture.run(tokens: folder.table) { admin in
      let expired = try await admin.send("GET", "/metrics", fields: old)
      #expect(expired.status == 401)
      #expect(expired.detail.contains("expired at 1970-01-01T00:16:40Z"))
      let wrong = try await admin.send(
        "GET", "/metrics", fields: "Authorization: Bearer edge_nobodys\r\n")
      #expect(wrong.status == 401)
      #expect(wrong.detail.contains("nobody's"))
    }
  }

  @Test func theLastWeekOfATokenIsTold() async throws {
    let folder = try TokenFolder()
    let soon = try folder.add("soon", .admin, expires: 1_000_000)
    let later = try folder.add("later", .admin, expires: 9_000_000)
    let never = try folder.add("never", .admin)
    try await AdminFixture.run(tokens: folder.table, prepare: { $0.nowSeconds = { 500_000 } }) {
      admin in
      #expect(
        try await admin.send("GET", "/metrics", fields: soon).fields["edge-token-expires"]
          == "1970-01-12T13:46:40Z")
      for login in [later, never, rightLogin] {
        let answer = try await admin.send("GET", "/metrics", fields: login)
        #expect(answer.status == 200)
        #expect(answer.fields["edge-token-expires"] == nil)
      }
    }
  }

  @Test func changesAndRefusedOnesAreAudited() async throws {
    let folder = try TokenFolder()
    let read = try folder.add("reader", .read)
    let path = folder.audit
    try await AdminFixture.run(
      tokens: folder.table,
      prepare: { responder in
        responder.auditLog = AuditLog(.file(path), logger: responder.logger)
        responder.nowSeconds = { 1_795_827_723 }
      }
    ) { admin in
      _ = try await admin.invalidate(#"{"paths": ["/a*", "/b"], "host": "a.test"}"#)
      _ = try await admin.send("PURGE", "/a?x=1", fields: read)
      _ = try await admin.invalidate("{")
      _ = try await admin.send("GET", "/metrics")
      _ = try await admin.send("GET", "/metrics", fields: wrongLogin)
    }
    let lines = try folder.auditLines()
    #expect(lines.count == 4, "looking is no change")
    #expect(lines.allSatisfy { $0["time"] == .string("2026-11-28T01:02:03Z") })
    let made = try #require(lines.first)
    #expect(made["user"] == .string("admin"))
    #expect(made["by"] == .string("password"))
    #expect(made["client"] == .string("127.0.0.1"))
    #expect(made["method"] == .string("POST"))
    #expect(made["path"] == .string("/v1/invalidations"))
    #expect(made["status"] == .integer(201))
    #expect(made["kind"] == .string("hard"))
    #expect(made["paths"] == .array([.string("/a*"), .string("/b")]))
    #expect(lines[1]["user"] == .string("reader"))
    #expect(lines[1]["by"] == .string("token"))
    #expect(lines[1]["status"] == .integer(403))
    #expect(lines[2]["status"] == .integer(400))
    #expect(lines[3]["event"] == .string("login refused"))
    #expect(lines[3]["status"] == .integer(401))
  }

  @Test func nothingSecretIsAudited() async throws {
    let folder = try TokenFolder()
    let token = try folder.add("ci", .admin)
    let path = folder.audit
    try await AdminFixture.run(
      tokens: folder.table,
      prepare: { $0.auditLog = AuditLog(.file(path), logger: $0.logger) }
    ) { admin in
      for login in [token, rightLogin, wrongLogin, "Authorization: Bearer edge_guess\r\n"] {
        _ = try await admin.invalidate(#"{"paths": ["/a"]}"#, fields: login + jsonType)
      }
    }
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.split(separator: "\n").count == 4)
    let secret = token.split(separator: " ").last.map { $0.dropLast(2) } ?? ""
    for secret in [String(secret), "secret", "edge_guess", "wrong\"", "YWRtaW4"] {
      #expect(secret == "wrong\"" || !text.contains(secret), "\(secret)")
    }
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
    #expect(mode as? Int == 0o600)
  }

  @Test func anAuditFileThatCannotBeWrittenIsCounted() throws {
    let logger = Logger(label: "test") { _ in CollectedLog() }
    let log = AuditLog(.file("/nowhere/audit.log"), logger: logger)
    log.write([JSONMember("test", .string("this line belongs on standard error"))])
    #expect(log.lostLines == 1)
  }

  @Test func addressListsDecideBeforeTheLogin() async throws {
    let lists = try [
      (AdminAddressPolicy(allowed: AddressList(parsing: ["127.0.0.0/8"])), 200),
      (AdminAddressPolicy(allowed: AddressList(parsing: ["::ffff:127.0.0.1"])), 200),
      (AdminAddressPolicy(allowed: AddressList(parsing: ["10.0.0.0/8"])), 403),
      (AdminAddressPolicy(denied: AddressList(parsing: ["127.0.0.1"])), 403),
      (
        AdminAddressPolicy(
          allowed: AddressList(parsing: ["127.0.0.1"]),
          denied: AddressList(parsing: ["127.0.0.1"])),
        403
      ),
    ]
    for (policy, status) in lists {
      try await AdminFixture.run(prepare: { $0.addresses = policy }) { admin in
        #expect(try await admin.send("GET", "/metrics").status == status)
        #expect(try await admin.send("GET", "/healthz", fields: "").status == status)
        let claimed = try await admin.send(
          "GET", "/metrics", fields: rightLogin + "X-Forwarded-For: 10.0.0.1\r\n")
        #expect(claimed.status == status, "nobody is believed about an address")
      }
    }
  }

  @Test(arguments: [
    // peer, X-Forwarded-For lines, the client that follows
    ("192.0.2.1", ["10.0.0.1"], "192.0.2.1"),
    ("10.1.0.1", [], "10.1.0.1"),
    ("10.1.0.1", ["192.0.2.7"], "192.0.2.7"),
    ("10.1.0.1", ["127.0.0.1, 192.0.2.7"], "192.0.2.7"),
    ("10.1.0.1", ["127.0.0.1", "192.0.2.7 , 10.1.0.2"], "192.0.2.7"),
    ("10.1.0.1", ["127.0.0.1, junk"], "10.1.0.1"),
    ("10.1.0.1", ["192.0.2.7, junk, 10.1.0.9"], "10.1.0.9"),
    ("10.1.0.1", [","], "10.1.0.1"),
    ("10.1.0.1", ["10.1.0.3, 10.1.0.2"], "10.1.0.3"),
    ("::ffff:10.1.0.1", ["2001:db8::7"], "2001:db8::7"),
    ("10.1.0.1", ["::ffff:192.0.2.7"], "192.0.2.7"),
    ("10.1.0.1", ["192.0.2.7:1234"], "10.1.0.1"),
  ])
  func onlyTrustedProxiesNameTheClient(_ peer: String, _ lines: [String], _ client: String) throws {
    let policy = AdminAddressPolicy(trustedProxies: try AddressList(parsing: ["10.1.0.0/16"]))
    let found = policy.client(peer: NetworkAddress(peer), forwardedFor: lines)
    #expect(found == NetworkAddress(client))
  }

  @Test func aClientBehindATrustedProxyIsSlowedByItsOwnAddress() async throws {
    let start = ContinuousClock.now
    let policy = AdminAddressPolicy(trustedProxies: try AddressList(parsing: ["127.0.0.1"]))
    try await AdminFixture.run(now: { start }, prepare: { $0.addresses = policy }) { admin in
      var last = 0
      for _ in 0..<20 {
        last = try await admin.send(
          "GET", "/metrics", fields: wrongLogin + "X-Forwarded-For: 192.0.2.66\r\n"
        ).status
      }
      #expect(last == 429)
      #expect(
        try await admin.send(
          "GET", "/metrics", fields: rightLogin + "X-Forwarded-For: 192.0.2.67\r\n"
        ).status == 200)
    }
  }

  @Test func contentThatNobodyWantsEndsTheConnection() async throws {
    try await AdminFixture.run { admin in
      let size = AdminConfiguration.contentLimitBytes + 1
      for login in [rightLogin + jsonType, ""] {
        let declared = try await admin.exchange(
          "POST /v1/invalidations HTTP/1.1\r\nHost: a\r\n\(login)Content-Length: \(size)\r\n\r\n")
        #expect(declared.status == (login.isEmpty ? 401 : 413))
        #expect(declared.fields["connection"] == "close", "the rest is not waited for")
      }
      // Chunked, without an end: each chunk is 64 KiB.
      let chunk = "10000\r\n" + String(repeating: "x", count: 65_536) + "\r\n"
      let endless = try await admin.exchange(
        "POST /v1/invalidations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          + String(repeating: chunk, count: 20))
      #expect(endless.status == 401 || endless.status == 0, "the answer may be lost with the rest")
      // A little is read, and the connection goes on.
      let small = try await admin.exchange(
        "POST /v1/invalidations HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd"
          + "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      #expect(small.status == 401)
      #expect(small.body.hasSuffix("ok\n"))
    }
  }
}
