/// Lifetimes that follow from how often an object changes, for objects whose origin declares none.
///
/// The idea is that of Alex (Cate 1992): what has not changed for long will likely not change soon.
/// The edge learns it from its own revalidations. An object starts with what the route gives it.
/// Each time it has stood for its whole lifetime and is then found unchanged, the lifetime doubles;
/// when it is found changed, the lifetime becomes half of what it was, or of the time in which the
/// change came to light, if that is shorter. The route's bounds hold throughout.
///
/// Three things do not make it grow: validation before the lifetime is over (a client's reload),
/// which shows less than the lifetime claims; a long silence after it was over, since what nobody
/// asks for gains nothing from a longer life; and a lifetime that the origin declared before.
public enum AdaptiveLifetime {
  /// The least adaptive lifetime, so that one that shrank to nothing can grow again.
  public static let minimumSeconds: Int64 = 1
  /// Beyond a second lifetime, for how long after its end an object counts as in use: short
  /// lifetimes would otherwise never grow under a few requests a minute.
  public static let idleAllowanceSeconds: Int64 = 60

  /// The next lifetime in seconds from the receipt, before the route's bounds.
  ///
  /// - Parameters:
  ///   - start: what an object gets that has no history.
  ///   - previous: what was stored of the object until now; nil when nothing was.
  ///   - isUnchanged: the origin said that `previous` still stands.
  ///   - now: when the origin's answer came in, wall-clock Unix seconds.
  public static func next(
    start: Int64, previous: Freshness?, isUnchanged: Bool, now: Int64
  ) -> Int64 {
    guard let previous, previous.trace?.row == .adaptive else { return max(minimumSeconds, start) }
    let granted = max(minimumSeconds, previous.lifetimeSeconds - previous.initialAgeSeconds)
    let elapsed = max(0, now - previous.responseTimeSeconds)
    guard isUnchanged else { return max(minimumSeconds, min(granted, elapsed) / 2) }
    let isInUse = elapsed <= 2 * granted + idleAllowanceSeconds
    return elapsed >= granted && isInUse ? 2 * granted : granted
  }
}
