import Testing

@testable import EdgeSecurity

struct AdminAuthenticatorTests {
  private let start = ContinuousClock.now
  private let client = NetworkAddress("192.0.2.1")
  private let right = BasicCredentials(user: "admin", password: "correct horse")
  private let wrong = BasicCredentials(user: "admin", password: "battery staple")

  private func authenticator(_ limits: AdminAuthenticator.Limits = .init()) -> AdminAuthenticator {
    AdminAuthenticator(
      users: [("admin", "correct horse"), ("deploy", "päss:wörd"), ("empty", "")], limits: limits)
  }

  /// Fails `count` times, each as soon as it is let in; the time after that.
  private func fail(
    _ authenticator: AdminAuthenticator, times count: Int, from address: NetworkAddress?
  ) -> ContinuousClock.Instant {
    var now = start
    for _ in 0..<count {
      if case .after(let pause) = authenticator.admit(from: address, now: now) {
        now = now.advanced(by: pause)
      }
      #expect(authenticator.verify(wrong, from: address, now: now) == nil)
    }
    return now
  }

  @Test func theRightPasswordIsLetIn() {
    let authenticator = authenticator()
    #expect(authenticator.verify(right, from: client, now: start) == "admin")
    let deploy = BasicCredentials(user: "deploy", password: "päss:wörd")
    #expect(authenticator.verify(deploy, from: nil, now: start) == "deploy")
    #expect(authenticator.failedAttempts == 0)
  }

  @Test func everythingElseIsNot() {
    let authenticator = authenticator()
    for (user, password) in [
      ("admin", ""), ("", ""), ("admin", "correct horse "), ("Admin", "correct horse"),
      ("deploy", "correct horse"), ("empty", ""), ("nobody", "correct horse"),
    ] {
      let credentials = BasicCredentials(user: user, password: password)
      #expect(authenticator.verify(credentials, from: client, now: start) == nil)
    }
    #expect(authenticator.failedAttempts == 7)
    #expect(AdminAuthenticator(users: []).verify(right, from: client, now: start) == nil)
  }

  @Test func theFirstWrongPasswordsAreFree() {
    let authenticator = authenticator()
    let now = fail(authenticator, times: 3, from: client)
    #expect(now == start)
    #expect(authenticator.admit(from: client, now: now) == .now)
  }

  @Test func pausesDoubleUpToTheLongest() {
    let authenticator = authenticator()
    var now = fail(authenticator, times: 4, from: client)
    var pauses: [Duration] = []
    for _ in 0..<6 {
      guard case .after(let pause) = authenticator.admit(from: client, now: now) else { break }
      pauses.append(pause)
      now = now.advanced(by: pause)
      #expect(authenticator.verify(wrong, from: client, now: now) == nil)
    }
    #expect(pauses == [250, 500, 1_000, 2_000, 2_000, 2_000].map { .milliseconds($0) })
  }

  @Test func attemptsAtOnceQueueUpAndThenAreRefused() {
    let authenticator = authenticator()
    let now = fail(authenticator, times: 10, from: client)
    var waits: [Duration] = []
    while case .after(let wait) = authenticator.admit(from: client, now: now), waits.count < 100 {
      waits.append(wait)
    }
    #expect(waits == [2, 4, 6, 8, 10].map { .seconds($0) })
    #expect(authenticator.admit(from: client, now: now) == .refused(retryAfter: .seconds(12)))
    #expect(authenticator.refusedAttempts == 2)
  }

  @Test func theRightPasswordWorksAfterItsPauseAndClearsTheAddress() {
    let authenticator = authenticator()
    let now = fail(authenticator, times: 10, from: client)
    guard case .after(let pause) = authenticator.admit(from: client, now: now) else {
      Issue.record("no pause after ten failures")
      return
    }
    let later = now.advanced(by: pause)
    #expect(authenticator.verify(right, from: client, now: later) == "admin")
    #expect(authenticator.admit(from: client, now: later) == .now)
  }

  @Test func othersAreNotSlowedButAWholeSlash64Is() {
    let authenticator = authenticator()
    let guesser = NetworkAddress("2001:db8:0:1::1")
    let now = fail(authenticator, times: 5, from: guesser)
    #expect(authenticator.admit(from: client, now: now) == .now)
    #expect(authenticator.admit(from: NetworkAddress("2001:db8:0:2::1"), now: now) == .now)
    #expect(authenticator.admit(from: NetworkAddress("2001:db8:0:1:ffff::9"), now: now) != .now)
  }

  @Test func anAddressStartsAnewAfterALongPause() {
    let authenticator = authenticator()
    let now = fail(authenticator, times: 10, from: client)
    #expect(authenticator.admit(from: client, now: now.advanced(by: .seconds(601))) == .now)
  }

  @Test func rememberedAddressesAreBounded() {
    var limits = AdminAuthenticator.Limits()
    limits.addressLimit = 4
    let authenticator = authenticator(limits)
    for last in 1...20 {
      let address = NetworkAddress("192.0.2.\(last)")
      for _ in 0..<5 {
        _ = authenticator.verify(
          wrong, from: address, now: start.advanced(by: .milliseconds(last)))
      }
    }
    let soon = start.advanced(by: .milliseconds(20))
    #expect(authenticator.admit(from: NetworkAddress("192.0.2.1"), now: soon) == .now)
    #expect(authenticator.admit(from: NetworkAddress("192.0.2.20"), now: soon) != .now)
  }
}
