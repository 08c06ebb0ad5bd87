/// What a stored response allows and forbids, as one word: eight flags, and in the upper bits the
/// trace of its lifetime (``Freshness/trace``).
public struct FreshnessFlags: OptionSet, Sendable, Equatable {
  /// The bits.
  public let rawValue: UInt16

  /// Flags from their bits.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Once stale it must not be used without validation: `must-revalidate`, `proxy-revalidate`,
  /// `s-maxage`, or a lifetime that the route forced on a forbidden response. The only exception is
  /// a window in ``Freshness`` that the origin itself named beside `s-maxage`.
  public static let mustRevalidate = FreshnessFlags(rawValue: 1 << 0)
  /// Every use needs validation: `no-cache` (RFC 9111 section 5.2.2.4).
  public static let alwaysRevalidate = FreshnessFlags(rawValue: 1 << 1)
  /// It does not change while fresh (RFC 8246).
  public static let immutable = FreshnessFlags(rawValue: 1 << 2)
  /// The origin declared the lifetime.
  public static let explicitLifetime = FreshnessFlags(rawValue: 1 << 3)
  /// The content must not be transformed (RFC 9111 section 5.2.2.6).
  public static let noTransform = FreshnessFlags(rawValue: 1 << 4)
  /// Nothing forbids stale use while the origin cannot be reached (RFC 9111 section 4.2.4).
  public static let mayServeStaleOnFailure = FreshnessFlags(rawValue: 1 << 5)
  /// It carries an ETag or a Last-Modified to validate it with.
  public static let hasValidator = FreshnessFlags(rawValue: 1 << 6)
  /// It names fields, in a qualified `no-cache` or `private`, that are not stored with it.
  public static let withholdsFields = FreshnessFlags(rawValue: 1 << 7)
}

/// How long a stored response may be used, fixed when it was received or validated.
///
/// Plain integers that the store keeps with the object. Times are wall-clock Unix seconds.
public struct Freshness: Sendable, Equatable {
  /// When the head was received.
  public var responseTimeSeconds: Int64
  /// Its age at that time: the corrected initial age of RFC 9111 section 4.2.3.
  public var initialAgeSeconds: Int64
  /// The age at which it stops being fresh.
  public var lifetimeSeconds: Int64
  /// Seconds past the lifetime during which it is served while being revalidated.
  public var staleWhileRevalidateSeconds: Int64
  /// Seconds past the lifetime during which it is served in place of an error.
  public var staleIfErrorSeconds: Int64
  /// What it allows and forbids.
  public var flags: FreshnessFlags

  /// Freshness with these parts, in seconds.
  public init(
    responseTimeSeconds: Int64, initialAgeSeconds: Int64, lifetimeSeconds: Int64,
    staleWhileRevalidateSeconds: Int64 = 0, staleIfErrorSeconds: Int64 = 0,
    flags: FreshnessFlags = []
  ) {
    self.responseTimeSeconds = responseTimeSeconds
    self.initialAgeSeconds = initialAgeSeconds
    self.lifetimeSeconds = lifetimeSeconds
    self.staleWhileRevalidateSeconds = staleWhileRevalidateSeconds
    self.staleIfErrorSeconds = staleIfErrorSeconds
    self.flags = flags
  }

  /// The current age in seconds at `now` (RFC 9111 section 4.2.3). A clock set back does not make
  /// it younger than it was when received.
  public func age(now: Int64) -> Int64 { initialAgeSeconds + max(0, now - responseTimeSeconds) }

  /// Whether its age is below its lifetime at `now` (RFC 9111 section 4.2).
  public func isFresh(now: Int64) -> Bool { age(now: now) < lifetimeSeconds }

  /// Seconds until it turns stale at `now`; negative: for how long it has been stale.
  public func remainingSeconds(now: Int64) -> Int64 { lifetimeSeconds - age(now: now) }
}
