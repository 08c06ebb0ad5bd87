import Synchronization

/// Knows the administrators, checks their passwords and slows down whoever guesses.
///
/// Passwords are held only as keyed digests (see `SecretDigester`), and every check looks at
/// every user, so neither names nor passwords can be found out by timing.
///
/// Slowing: after ``Limits/freeFailures`` wrong passwords, an address (a /64 for IPv6) gets its
/// attempts looked at one after the other with a growing pause between them. The right password
/// still works then, only later, so a monitor with an old password does not lock out a deployment
/// on the same machine. Attempts beyond ``Limits/longestWait`` of pauses are refused unseen.
///
/// Thread-safe; control plane only.
public final class AdminAuthenticator: Sendable {
  /// How wrong passwords are slowed.
  public struct Limits: Sendable {
    /// Wrong passwords before the first pause.
    public var freeFailures = 3
    /// The first pause; it doubles with each further failure.
    public var firstPause: Duration = .milliseconds(250)
    /// The longest pause between two attempts.
    public var longestPause: Duration = .seconds(2)
    /// An attempt that would have to wait longer is refused.
    public var longestWait: Duration = .seconds(10)
    /// After this long without an attempt, an address starts anew.
    public var forgetAfter: Duration = .seconds(600)
    /// Most addresses remembered; the one longest without an attempt leaves first.
    public var addressLimit = 4096

    /// The limits as they stand above.
    public init() {}
  }

  /// When an attempt may be looked at.
  public enum Admission: Sendable, Equatable {
    /// At once.
    case now
    /// After this pause; the place in the queue is taken.
    case after(Duration)
    /// Not at all; the client may come back after this long.
    case refused(retryAfter: Duration)
  }

  private struct User: Sendable {
    let name: String
    let nameDigest: [UInt8]
    let passwordDigest: [UInt8]
  }

  private struct Offender: Sendable {
    var failures = 0
    var nextAttempt: ContinuousClock.Instant
    var lastAttempt: ContinuousClock.Instant
  }

  private let digester = SecretDigester()
  private let users: [User]
  private let limits: Limits
  private let offenders = Mutex<[NetworkAddress: Offender]>([:])
  private let failed = Atomic(0)
  private let refused = Atomic(0)

  /// Knows these users. The passwords are digested here and not kept; one that is empty never
  /// matches. Without users nobody is let in.
  public init(users: [(name: String, password: String)], limits: Limits = Limits()) {
    self.limits = limits
    let digester = digester
    self.users = users.filter { !$0.password.isEmpty }.map { user in
      User(
        name: user.name, nameDigest: digester.digest(user.name.utf8),
        passwordDigest: digester.digest(user.password.utf8))
    }
  }

  /// Attempts with a wrong name or password so far.
  public var failedAttempts: Int { failed.load(ordering: .relaxed) }
  /// Attempts that were refused without a look.
  public var refusedAttempts: Int { refused.load(ordering: .relaxed) }

  /// Asks when an attempt from `address` may be checked. Call before
  /// ``verify(_:from:now:)``, and wait as told. nil is a peer without an address.
  public func admit(
    from address: NetworkAddress?, now: ContinuousClock.Instant
  ) -> Admission {
    let site = (address ?? AdminAuthenticator.nowhere).site
    let admission = offenders.withLock { offenders -> Admission in
      guard var offender = offenders[site], offender.failures > limits.freeFailures else {
        return .now
      }
      if now - offender.lastAttempt > limits.forgetAfter {
        offenders[site] = nil
        return .now
      }
      let start = max(now, offender.nextAttempt)
      let wait = start - now
      guard wait <= limits.longestWait else { return .refused(retryAfter: wait) }
      offender.nextAttempt = start.advanced(by: pause(failures: offender.failures))
      offender.lastAttempt = now
      offenders[site] = offender
      return wait > .zero ? .after(wait) : .now
    }
    if case .refused = admission { refused.wrappingAdd(1, ordering: .relaxed) }
    return admission
  }

  /// The name of the user whose credentials these are; nil when they are nobody's, which counts
  /// as a failure of `address`. A success clears the address.
  public func verify(
    _ credentials: BasicCredentials, from address: NetworkAddress?, now: ContinuousClock.Instant
  ) -> String? {
    let site = (address ?? AdminAuthenticator.nowhere).site
    let nameDigest = digester.digest(credentials.user.utf8)
    let passwordDigest = digester.digest(credentials.password.utf8)
    var found: String?
    for user in users {
      // Both are compared for every user: no short cut tells a known name from an unknown one.
      let isName = ConstantTime.areEqual(user.nameDigest, nameDigest)
      let isPassword = ConstantTime.areEqual(user.passwordDigest, passwordDigest)
      if isName, isPassword { found = user.name }
    }
    if found != nil {
      offenders.withLock { $0[site] = nil }
    } else {
      failed.wrappingAdd(1, ordering: .relaxed)
      recordFailure(of: site, now: now)
    }
    return found
  }

  private func recordFailure(of site: NetworkAddress, now: ContinuousClock.Instant) {
    offenders.withLock { offenders in
      if offenders[site] == nil, offenders.count >= limits.addressLimit {
        let oldest = offenders.min { $0.value.lastAttempt < $1.value.lastAttempt }
        if let oldest { offenders[oldest.key] = nil }
      }
      var offender = offenders[site] ?? Offender(nextAttempt: now, lastAttempt: now)
      if now - offender.lastAttempt > limits.forgetAfter { offender.failures = 0 }
      offender.failures += 1
      offender.lastAttempt = max(now, offender.lastAttempt)
      if offender.failures > limits.freeFailures {
        let next = now.advanced(by: pause(failures: offender.failures))
        offender.nextAttempt = max(offender.nextAttempt, next)
      }
      offenders[site] = offender
    }
  }

  private func pause(failures: Int) -> Duration {
    // 2^16 times the first pause is beyond any limit in use.
    let doublings = min(max(0, failures - limits.freeFailures - 1), 16)
    return min(limits.firstPause * (1 << doublings), limits.longestPause)
  }

  private static let nowhere = NetworkAddress(bits: 0)
}
