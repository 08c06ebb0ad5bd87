import Testing

@testable import EdgeSecurity

/// Cheap, so that the tests are quick; what it costs is the standard's business.
private let cheap = PasswordHash.Cost(logarithm: 10, blockSize: 8, passes: 1)

struct PasswordHashTests {
  @Test func aHashMatchesItsPasswordAndNoOther() throws {
    let hash = try PasswordHash(password: "correct horse", cost: cheap)
    #expect(hash.matches("correct horse".utf8))
    for other in ["", "correct hors", "correct horse ", "Correct horse"] {
      #expect(!hash.matches(other.utf8), "\(other)")
    }
  }

  @Test func theTextReadsBackAndNamesItsCost() throws {
    let hash = try PasswordHash(password: "x", cost: cheap)
    #expect(hash.text.hasPrefix("scrypt$ln=10,r=8,p=1$"))
    #expect(try PasswordHash(hash.text) == hash)
    #expect(try PasswordHash(password: "x", cost: cheap) != hash, "the salt is fresh")
    #expect(!"\(hash)".contains(hash.text.suffix(20)))
  }

  @Test func theDigestIsThatOfRFC7914() throws {
    // Section 12, third vector: "pleaseletmein", "SodiumChloride", N=16384, r=8, p=1.
    let hash = try PasswordHash(
      "scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
        + "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw")
    #expect(hash.matches("pleaseletmein".utf8))
    #expect(!hash.matches("pleaseletmeout".utf8))
  }

  @Test func theStandardCostIsWithinItsOwnLimits() {
    #expect(PasswordHash.Cost.standard.isAllowed)
    #expect(PasswordHash.Cost.standard.memoryBytes > 32 << 20)
  }

  @Test(arguments: [
    "", "scrypt", "password", "bcrypt$ln=15,r=8,p=3$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
    "scrypt$ln=15,r=8$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
    "scrypt$ln=15,r=8,p=3,x=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
    "scrypt$ln=15,r=8,p=3$AA$AAAAAAAAAAAAAAAAAAAAAA",
    "scrypt$ln=15,r=8,p=3$!$AAAAAAAAAAAAAAAAAAAAAA",
    "scrypt$ln=x,r=8,p=3$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
  ])
  func whatIsNoHashIsRefused(_ text: String) {
    #expect(throws: PasswordHashError.form) { try PasswordHash(text) }
  }

  @Test(arguments: [
    "ln=9,r=8,p=1", "ln=20,r=8,p=1", "ln=63,r=8,p=1", "ln=17,r=32,p=1", "ln=15,r=8,p=17",
    "ln=0,r=8,p=1", "ln=15,r=0,p=1", "ln=-1,r=8,p=1",
  ])
  func aCostThatProtectsNothingOrWearsTheEdgeOutIsRefused(_ cost: String) {
    #expect(throws: PasswordHashError.cost) {
      try PasswordHash("scrypt$\(cost)$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
    }
  }

  @Test func passwordsHaveALength() {
    #expect(throws: PasswordHashError.self) { try PasswordHash(password: "", cost: cheap) }
    let long = String(repeating: "x", count: PasswordHash.longestPasswordBytes)
    #expect(throws: Never.self) { try PasswordHash(password: long, cost: cheap) }
    #expect(throws: PasswordHashError.self) { try PasswordHash(password: long + "x", cost: cheap) }
  }

  @Test func aPasswordThatIsTooLongNeverMatches() throws {
    let long = String(repeating: "x", count: PasswordHash.longestPasswordBytes)
    let hash = try PasswordHash(password: long, cost: cheap)
    #expect(hash.matches(long.utf8))
    #expect(!hash.matches((long + "x").utf8))
  }
}

struct HashedUserTests {
  private let start = ContinuousClock.now

  private func authenticator() throws -> AdminAuthenticator {
    AdminAuthenticator(users: [
      .init(
        name: "hashed", secret: .hash(try PasswordHash(password: "one", cost: cheap)),
        scopes: .read),
      .init(name: "plain", secret: .password("two")),
    ])
  }

  private func verdict(
    _ authenticator: AdminAuthenticator, _ user: String, _ password: String
  ) async -> AdminAuthenticator.Verdict {
    await authenticator.verify(
      BasicCredentials(user: user, password: password), from: nil, now: start)
  }

  @Test func bothKindsOfPasswordsAreKnown() async throws {
    let authenticator = try authenticator()
    for _ in 0..<3 {
      #expect(
        await verdict(authenticator, "hashed", "one")
          == .accepted(AdminIdentity(name: "hashed", credential: .password, scopes: .read)))
    }
    #expect(
      await verdict(authenticator, "plain", "two")
        == .accepted(AdminIdentity(name: "plain", credential: .password, scopes: .admin)))
    for (user, password) in [
      ("hashed", "two"), ("plain", "one"), ("nobody", "one"), ("hashed", ""), ("", "one"),
    ] {
      #expect(await verdict(authenticator, user, password) == .wrong, "\(user) \(password)")
    }
  }

  @Test func aRightPasswordIsHashedOnceAndAnUnknownNameEveryTime() async throws {
    let authenticator = try authenticator()
    _ = await verdict(authenticator, "hashed", "one")
    _ = await verdict(authenticator, "hashed", "one")
    #expect(authenticator.hashedAttempts == 1)
    _ = await verdict(authenticator, "nobody", "x")
    _ = await verdict(authenticator, "plain", "x")
    _ = await verdict(authenticator, "hashed", "x")
    #expect(authenticator.hashedAttempts == 4, "an unknown name costs what a known one costs")
    _ = await verdict(authenticator, "plain", "two")
    #expect(authenticator.hashedAttempts == 4)
  }

  @Test func tooManyAtOnceAreTurnedAway() async throws {
    let authenticator = try authenticator()
    let verdicts = await withTaskGroup(of: AdminAuthenticator.Verdict.self) { group in
      for number in 0..<(4 * PasswordGate.queueLimit) {
        group.addTask { await verdict(authenticator, "hashed", "guess \(number)") }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(verdicts.allSatisfy { $0 == .busy || $0 == .wrong })
    #expect(verdicts.count { $0 == .wrong } == authenticator.failedAttempts)
  }
}
