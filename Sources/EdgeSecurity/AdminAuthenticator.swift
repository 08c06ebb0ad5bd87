import Synchronization

/// Knows the administrators, checks their passwords and slows down whoever guesses.
///
/// Passwords known in clear text are held only as keyed digests (see `SecretDigester`), others as
/// slow hashes; every check looks at every user, and where one user has a hash, an unknown name
/// costs a hash too, so neither names nor passwords can be found out by timing.
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

  /// Somebody who may log in with a password.
  public struct User: Sendable {
    /// How the password is known.
    public enum Secret: Sendable {
      /// In clear text; only its digest is kept. An empty one never matches.
      case password(String)
      /// As a hash.
      case hash(PasswordHash)
    }

    /// The name, without a colon.
    public var name: String
    /// How the password is known.
    public var secret: Secret
    /// What the user may do.
    public var scopes: AdminScopes

    /// A user.
    public init(name: String, secret: Secret, scopes: AdminScopes = .admin) {
      self.name = name
      self.secret = secret
      self.scopes = scopes
    }
  }

  /// What became of an attempt.
  public enum Verdict: Sendable, Equatable {
    /// Somebody was let in.
    case accepted(AdminIdentity)
    /// Nobody's credentials.
    case wrong
    /// A token that was somebody's until then, in seconds since 1970.
    case expired(name: String, atSeconds: Int64)
    /// Too many passwords wait to be hashed; the attempt was not looked at.
    case busy
  }

  private struct Account: Sendable {
    let name: String
    let scopes: AdminScopes
    let nameDigest: [UInt8]
    /// Of a password that is known in clear text.
    let passwordDigest: [UInt8]?
    let hash: PasswordHash?
  }

  /// Passwords that were hashed and right, by the digest of name and password: a client that logs
  /// in with every request pays for one hash. Bounded by the users.
  private struct Remembered {
    var places: [[UInt8]: Int] = [:]
  }

  private struct Offender: Sendable {
    var failures = 0
    var nextAttempt: ContinuousClock.Instant
    var lastAttempt: ContinuousClock.Instant
  }

  private let digester = SecretDigester()
  private let accounts: [Account]
  /// What an unknown name's password is hashed against, for the time's sake; nil when no user has
  /// a hash.
  private let decoy: PasswordHash?
  private let gate = PasswordGate()
  private let remembered = Mutex(Remembered())
  private let limits: Limits
  private let offenders = Mutex<[NetworkAddress: Offender]>([:])
  private let failed = Atomic(0)
  private let refused = Atomic(0)
  /// The bearer tokens.
  public let tokens: AdminTokenTable

  /// Knows these users and tokens. Passwords are digested here and not kept. Without users and
  /// tokens nobody is let in.
  public init(
    users: [User], tokens: AdminTokenTable = AdminTokenTable(path: nil) { _ in },
    limits: Limits = Limits()
  ) {
    self.limits = limits
    self.tokens = tokens
    let digester = digester
    accounts = users.compactMap { user in
      let nameDigest = digester.digest(user.name.utf8)
      switch user.secret {
      case .password(let password):
        guard !password.isEmpty else { return nil }
        return Account(
          name: user.name, scopes: user.scopes, nameDigest: nameDigest,
          passwordDigest: digester.digest(password.utf8), hash: nil)
      case .hash(let hash):
        return Account(
          name: user.name, scopes: user.scopes, nameDigest: nameDigest, passwordDigest: nil,
          hash: hash)
      }
    }
    decoy = accounts.lazy.compactMap(\.hash).max { $0.cost.memoryBytes < $1.cost.memoryBytes }
  }

  /// Attempts with a wrong name or password so far.
  public var failedAttempts: Int { failed.load(ordering: .relaxed) }
  /// Passwords that were hashed.
  var hashedAttempts: Int { gate.hashedCount }
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

  /// Whose credentials these are; nobody's count as a failure of `address`. A success clears the
  /// address. Suspends while a password is hashed.
  public func verify(
    _ credentials: BasicCredentials, from address: NetworkAddress?, now: ContinuousClock.Instant
  ) async -> Verdict {
    let site = (address ?? AdminAuthenticator.nowhere).site
    let nameDigest = digester.digest(credentials.user.utf8)
    let passwordDigest = digester.digest(credentials.password.utf8)
    var found: Account?
    var named: (place: Int, account: Account)?
    for (place, account) in accounts.enumerated() {
      // Both are compared for every user: no short cut tells a known name from an unknown one.
      let isName = ConstantTime.areEqual(account.nameDigest, nameDigest)
      let isPassword = ConstantTime.areEqual(account.passwordDigest ?? [], passwordDigest)
      if isName { named = (place, account) }
      if isName, isPassword { found = account }
    }
    if found == nil, let decoy {
      let key = digester.digest(nameDigest + passwordDigest)
      if let place = remembered.withLock({ $0.places[key] }) {
        found = accounts[place]
      } else {
        // A user without a hash and an unknown one cost the same as one with a wrong password.
        let hash = named?.account.hash
        guard let isMatch = await gate.matches(hash ?? decoy, credentials.password) else {
          return .busy
        }
        if isMatch, hash != nil, let named {
          found = named.account
          remember(key, named.place)
        }
      }
    }
    guard let found else {
      failed.wrappingAdd(1, ordering: .relaxed)
      recordFailure(of: site, now: now)
      return .wrong
    }
    offenders.withLock { $0[site] = nil }
    return .accepted(
      AdminIdentity(name: found.name, credential: .password, scopes: found.scopes))
  }

  /// Whose token this is; nobody's counts as a failure of `address`.
  /// - Parameter nowSeconds: the wall clock, by which tokens expire.
  public func verify(
    _ bearer: BearerToken, from address: NetworkAddress?, now: ContinuousClock.Instant,
    nowSeconds: Int64
  ) -> Verdict {
    let site = (address ?? AdminAuthenticator.nowhere).site
    guard let token = tokens.token(of: bearer) else {
      failed.wrappingAdd(1, ordering: .relaxed)
      recordFailure(of: site, now: now)
      return .wrong
    }
    if let expiry = token.expirySeconds, token.isExpired(nowSeconds: nowSeconds) {
      // Not a guess: no reason to slow its owner's other jobs.
      failed.wrappingAdd(1, ordering: .relaxed)
      return .expired(name: token.name, atSeconds: expiry)
    }
    offenders.withLock { $0[site] = nil }
    return .accepted(
      AdminIdentity(
        name: token.name, credential: .token, scopes: token.scopes,
        expirySeconds: token.expirySeconds))
  }

  /// Whether to log now that this identity's token is about to expire: once a day each.
  public func mustWarn(of identity: AdminIdentity, nowSeconds: Int64) -> Bool {
    guard identity.credential == .token, let expiry = identity.expirySeconds,
      expiry - nowSeconds < AdminTokenTable.warningSeconds
    else { return false }
    return tokens.mustWarn(ofTokenNamed: identity.name, nowSeconds: nowSeconds)
  }

  private func remember(_ key: [UInt8], _ place: Int) {
    remembered.withLock { remembered in
      // One right password a user.
      remembered.places = remembered.places.filter { $0.value != place }
      remembered.places[key] = place
    }
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
