import Testing

@testable import EdgeSecurity

struct AdminAuthenticatorTests {
  private let start = ContinuousClock.now
  private let client = NetworkAddress("192.0.2.1")
  private let right = BasicCredentials(user: "admin", password: "correct horse")
  private let wrong = BasicCredentials(user: "admin", password: "battery staple")

  private func authenticator(_ limits: AdminAuthenticator.Limits = .init()) -> AdminAuthenticator {
    AdminAuthenticator(
      users: [
        .init(name: "admin", secret: .password("correct horse")),
        .init(name: "deploy", secret: .password("päss:wörd"), scopes: .purge),
        .init(name: "empty", secret: .password("")),
      ], limits: limits)
  }

  private func accepted(_ name: String, _ scopes: AdminScopes) -> AdminAuthenticator.Verdict {
    .accepted(AdminIdentity(name: name, credential: .password, scopes: scopes))
  }

  /// Fails `count` times, each as soon as it is let in; the time after that.
  private func fail(
    _ authenticator: AdminAuthenticator, times count: Int, from address: NetworkAddress?
  ) async -> ContinuousClock.Instant {
    var now = start
    for _ in 0..<count {
      if case .after(let pause) = authenticator.admit(from: address, now: now) {
        now = now.advanced(by: pause)
      }
      #expect(await authenticator.verify(wrong, from: address, now: now) == .wrong)
    }
    return now
  }

  @Test func theRightPasswordIsLetIn() async {
    let authenticator = authenticator()
    #expect(
      await authenticator.verify(right, from: client, now: start) == accepted("admin", .admin))
    let deploy = BasicCredentials(user: "deploy", password: "päss:wörd")
    #expect(
      await authenticator.verify(deploy, from: nil, now: start) == accepted("deploy", .purge))
    #expect(authenticator.failedAttempts == 0)
  }

  @Test func everythingElseIsNot() async {
    let authenticator = authenticator()
    for (user, password) in [
      ("admin", ""), ("", ""), ("admin", "correct horse "), ("Admin", "correct horse"),
      ("deploy", "correct horse"), ("empty", ""), ("nobody", "correct horse"),
    ] {
      let credentials = BasicCredentials(user: user, password: password)
      #expect(await authenticator.verify(credentials, from: client, now: start) == .wrong)
    }
    #expect(authenticator.failedAttempts == 7)
    #expect(
      await AdminAuthenticator(users: []).verify(right, from: client, now: start) == .wrong)
  }

  @Test func theFirstWrongPasswordsAreFree() async {
    let authenticator = authenticator()
    let now = await fail(authenticator, times: 3, from: client)
    #expect(now == start)
    #expect(authenticator.admit(from: client, now: now) == .now)
  }

  @Test func pausesDoubleUpToTheLongest() async {
    let authenticator = authenticator()
    var now = await fail(authenticator, times: 4, from: client)
    var pauses: [Duration] = []
    for _ in 0..<6 {
      guard case .after(let pause) = authenticator.admit(from: client, now: now) else { break }
      pauses.append(pause)
      now = now.advanced(by: pause)
      #expect(await authenticator.verify(wrong, from: client, now: now) == .wrong)
    }
    #expect(pauses == [250, 500, 1_000, 2_000, 2_000, 2_000].map { .milliseconds($0) })
  }

  @Test func attemptsAtOnceQueueUpAndThenAreRefused() async {
    let authenticator = authenticator()
    let now = await fail(authenticator, times: 10, from: client)
    var waits: [Duration] = []
    while case .after(let wait) = authenticator.admit(from: client, now: now), waits.count < 100 {
      waits.append(wait)
    }
    #expect(waits == [2, 4, 6, 8, 10].map { .seconds($0) })
    #expect(authenticator.admit(from: client, now: now) == .refused(retryAfter: .seconds(12)))
    #expect(authenticator.refusedAttempts == 2)
  }

  @Test func theRightPasswordWorksAfterItsPauseAndClearsTheAddress() async {
    let authenticator = authenticator()
    let now = await fail(authenticator, times: 10, from: client)
    guard case .after(let pause) = authenticator.admit(from: client, now: now) else {
      Issue.record("no pause after ten failures")
      return
    }
    let later = now.advanced(by: pause)
    #expect(
      await authenticator.verify(right, from: client, now: later) == accepted("admin", .admin))
    #expect(authenticator.admit(from: client, now: later) == .now)
  }

  @Test func othersAreNotSlowedButAWholeSlash64Is() async {
    let authenticator = authenticator()
    let guesser = NetworkAddress("2001:db8:0:1::1")
    let now = await fail(authenticator, times: 5, from: guesser)
    #expect(authenticator.admit(from: client, now: now) == .now)
    #expect(authenticator.admit(from: NetworkAddress("2001:db8:0:2::1"), now: now) == .now)
    #expect(authenticator.admit(from: NetworkAddress("2001:db8:0:1:ffff::9"), now: now) != .now)
  }

  @Test func anAddressStartsAnewAfterALongPause() async {
    let authenticator = authenticator()
    let now = await fail(authenticator, times: 10, from: client)
    #expect(authenticator.admit(from: client, now: now.advanced(by: .seconds(601))) == .now)
  }

  @Test func rememberedAddressesAreBounded() async {
    var limits = AdminAuthenticator.Limits()
    limits.addressLimit = 4
    let authenticator = authenticator(limits)
    for last in 1...20 {
      let address = NetworkAddress("192.0.2.\(last)")
      for _ in 0..<5 {
        _ = await authenticator.verify(
          wrong, from: address, now: start.advanced(by: .milliseconds(last)))
      }
    }
    let soon = start.advanced(by: .milliseconds(20))
    #expect(authenticator.admit(from: NetworkAddress("192.0.2.1"), now: soon) == .now)
    #expect(authenticator.admit(from: NetworkAddress("192.0.2.20"), now: soon) != .now)
  }
}
