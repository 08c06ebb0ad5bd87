import Foundation
import Synchronization
import Testing

@testable import EdgeSecurity

/// A folder of its own that goes with the test.
private final class Folder {
  let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("edge-tokens-\(UUID().uuidString)").path
  var file: String { path + "/tokens" }
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

struct AdminTokenTests {
  private let start = ContinuousClock.now
  private let now: Int64 = 1_800_000_000

  private func entry(
    _ name: String, _ token: BearerToken, _ scopes: AdminScopes = .purge, expires: Int64? = nil
  ) -> AdminToken {
    AdminToken(name: name, scopes: scopes, expirySeconds: expires, token: token)
  }

  @Test func tokensAreLongRandomAndNeverShown() {
    let (one, two) = (BearerToken.make(), BearerToken.make())
    #expect(one.exposedValue.hasPrefix("edge_") && one.exposedValue.utf8.count == 48)
    #expect(one.exposedValue != two.exposedValue)
    var dumped = ""
    dump(one, to: &dumped)
    #expect(!"\(one) \(String(reflecting: one)) \(dumped)".contains(one.exposedValue.suffix(8)))
    #expect(!entry("a", one).line.contains(one.exposedValue))
  }

  @Test(
    arguments: [
      ("Bearer abc", "abc"), ("bearer  a.b-c_d~e+f/g==", "a.b-c_d~e+f/g=="), ("BEARER x", "x"),
      ("Bearer", nil), ("Bearer ", nil), ("Bearer a b", nil), ("Basic abc", nil), ("Bearer ü", nil),
      ("Bearer " + String(repeating: "a", count: 506), nil), ("Bearerabc", nil),
    ] as [(String, String?)])
  func authorizationFieldsAreReadStrictly(_ value: String, _ token: String?) {
    #expect(BearerToken(authorization: value)?.exposedValue == token)
  }

  @Test func aLineReadsBack() throws {
    let token = BearerToken.make()
    for expiry in [nil, now] {
      let entry = entry("ci-1", token, [.purge, .read], expires: expiry)
      #expect(AdminToken(line: entry.line) == entry)
    }
    let line = entry("a", token).line
    for wrong in [
      "", "a", line + " x", line.replacing("purge", with: "all"),
      line.replacing("sha256", with: "md5"), String(line.dropLast()),
      line.replacing("never", with: "soon"), "a:" + line,
      line.replacing("never", with: "2026-02-31T00:00:00Z"),
    ] {
      #expect(AdminToken(line: wrong) == nil, "\(wrong)")
    }
  }

  @Test func theFileKeepsWhatIsAddedAndForgetsWhatIsRemoved() throws {
    let folder = Folder()
    let file = AdminTokenFile(path: folder.file)
    #expect(try file.read() == .init())
    let (one, two) = (entry("one", .make()), entry("two", .make(), .admin, expires: now))
    try file.add(one)
    try file.add(two)
    #expect(try file.read().tokens == [one, two])
    #expect(throws: AdminTokenFileError.nameTaken(name: "one")) { try file.add(one) }
    try file.remove(named: "one")
    #expect(try file.read().tokens == [two])
    #expect(throws: AdminTokenFileError.unknownName(name: "one", path: folder.file)) {
      try file.remove(named: "one")
    }
    let mode = try FileManager.default.attributesOfItem(atPath: folder.file)[.posixPermissions]
    #expect(mode as? Int == 0o600)
  }

  @Test func aDamagedFileIsNotWrittenOver() throws {
    let folder = Folder()
    let file = AdminTokenFile(path: folder.file)
    try file.add(entry("one", .make()))
    let text = try String(contentsOfFile: folder.file, encoding: .utf8) + "garbage\n"
    try text.write(toFile: folder.file, atomically: true, encoding: .utf8)
    let content = try file.read()
    #expect(content.tokens.count == 1)
    #expect(content.faults.count == 1 && content.faults[0].hasPrefix("3: "))
    #expect(throws: AdminTokenFileError.self) { try file.add(entry("two", .make())) }
    #expect(try String(contentsOfFile: folder.file, encoding: .utf8) == text)
  }

  @Test func concurrentWritersLoseNothing() async throws {
    let folder = Folder()
    let file = AdminTokenFile(path: folder.file)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<20 {
        group.addTask { try file.add(entry("t\(number)", .make())) }
      }
      try await group.waitForAll()
    }
    #expect(try file.read().tokens.count == 20)
  }

  @Test func aTokenIsLetInUntilItExpiresOrIsRevoked() throws {
    let folder = Folder()
    let file = AdminTokenFile(path: folder.file)
    let (short, long) = (BearerToken.make(), BearerToken.make())
    try file.add(entry("short", short, expires: now + 10))
    let table = AdminTokenTable(path: folder.file) { _ in }
    let authenticator = AdminAuthenticator(users: [], tokens: table)
    func verdict(_ token: BearerToken, _ seconds: Int64) -> AdminAuthenticator.Verdict {
      authenticator.verify(token, from: nil, now: start, nowSeconds: seconds)
    }
    let identity = AdminIdentity(
      name: "short", credential: .token, scopes: .purge, expirySeconds: now + 10)
    #expect(verdict(short, now) == .accepted(identity))
    #expect(verdict(short, now + 9) == .accepted(identity))
    #expect(verdict(short, now + 10) == .expired(name: "short", atSeconds: now + 10))
    #expect(verdict(long, now) == .wrong)
    // The running edge notices both without being told.
    try file.add(entry("long", long, .admin))
    guard case .accepted = verdict(long, now + 1_000_000) else {
      Issue.record("a new token is not known")
      return
    }
    try file.remove(named: "long")
    #expect(verdict(long, now) == .wrong)
  }

  @Test func wrongTokensAreSlowedLikePasswordsAndExpiredOnesAreNot() throws {
    let folder = Folder()
    let old = BearerToken.make()
    try AdminTokenFile(path: folder.file).add(entry("old", old, expires: now))
    let authenticator = AdminAuthenticator(
      users: [], tokens: AdminTokenTable(path: folder.file) { _ in })
    for _ in 0..<10 {
      _ = authenticator.verify(old, from: nil, now: start, nowSeconds: now)
    }
    #expect(authenticator.admit(from: nil, now: start) == .now)
    for _ in 0..<10 {
      _ = authenticator.verify(.make(), from: nil, now: start, nowSeconds: now)
    }
    #expect(authenticator.admit(from: nil, now: start) != .now)
    #expect(authenticator.failedAttempts == 20)
  }

  @Test func theLogIsWarnedOnceADayInTheLastWeek() throws {
    let authenticator = AdminAuthenticator(users: [])
    let day: Int64 = 86_400
    let identity = AdminIdentity(
      name: "ci", credential: .token, scopes: .purge, expirySeconds: now + 10 * day)
    #expect(!authenticator.mustWarn(of: identity, nowSeconds: now))
    #expect(!authenticator.mustWarn(of: identity, nowSeconds: now + 3 * day))
    #expect(authenticator.mustWarn(of: identity, nowSeconds: now + 3 * day + 1))
    #expect(!authenticator.mustWarn(of: identity, nowSeconds: now + 3 * day + 2))
    #expect(authenticator.mustWarn(of: identity, nowSeconds: now + 4 * day + 1))
  }

  @Test func anUnreadableFileLetsNobodyInAndIsReported() throws {
    let folder = Folder()
    let token = BearerToken.make()
    try AdminTokenFile(path: folder.file).add(entry("a", token))
    let reports = Mutex<[String]>([])
    let table = AdminTokenTable(path: folder.file) { line in reports.withLock { $0.append(line) } }
    #expect(table.tokens.count == 1)
    try FileManager.default.removeItem(atPath: folder.file)
    try FileManager.default.createDirectory(
      atPath: folder.file, withIntermediateDirectories: false)
    #expect(table.tokens.isEmpty)
    #expect(reports.withLock { $0.count } == 1)
  }

  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2026-11-28T01:02:03Z", 1_795_827_723),
      ("2024-02-29T23:59:59Z", 1_709_251_199), ("2023-02-29T00:00:00Z", nil),
      ("2026-11-28 01:02:03Z", nil), ("2026-11-28T01:02:03", nil), ("2026-11-28T24:00:00Z", nil),
      ("+026-11-28T01:02:03Z", nil),
    ] as [(String, Int64?)])
  func timesReadBothWays(_ text: String, _ seconds: Int64?) {
    #expect(UTCTime.seconds(text) == seconds)
    if let seconds { #expect(UTCTime.text(seconds) == text) }
  }
}
