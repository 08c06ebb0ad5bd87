import HTTPMessage

/// A freshness lifetime, and where it comes from.
///
/// The rules, for a response that may be stored at all:
///
/// | the origin says | minimum 0 | minimum above 0 |
/// |---|---|---|
/// | `no-store`, `private` | not stored | the minimum |
/// | `no-cache` | stored, always validated | the minimum |
/// | s-maxage, max-age or Expires - Date | at most the maximum | within minimum and maximum |
/// | nothing, and the route names the status | that lifetime, at most the maximum | the same |
/// | nothing | the default, at most the maximum | the larger of default and minimum, likewise |
///
/// Default, status lifetime and minimum are the operator's word on how long the edge keeps a
/// response: they count from its receipt, whatever age it had by then. The origin's lifetimes
/// count from the response's origin (RFC 9111 section 4.2).
struct Lifetime: Equatable {
  /// The age in seconds at which the response stops being fresh.
  var seconds: Int64
  /// Where it comes from.
  var source: LifetimeSource
  /// Whether the route gives it to a response whose use the origin forbids.
  var isForced = false

  /// The lifetime that the origin declares; nil when it declares none
  /// (RFC 9111 section 4.2.1).
  static func explicit(
    _ control: CacheControl, _ fields: FieldBlock, responseTime: Int64
  ) -> Lifetime? {
    if let seconds = control.sMaxAge { return Lifetime(seconds: seconds, source: .sMaxAge) }
    if let seconds = control.maxAge { return Lifetime(seconds: seconds, source: .maxAge) }
    return ResponseAge.expiresLifetime(fields, responseTime: responseTime).map {
      Lifetime(seconds: $0, source: .expires)
    }
  }

  /// The lifetime under a route's rules, by the table above.
  static func resolve(
    explicit: Lifetime?, isForbidden: Bool, status: Int, initialAge: Int64, rules: PolicyRules
  ) -> Lifetime {
    let ttl = rules.ttl
    if isForbidden, ttl.minimumSeconds > 0 {
      let seconds = min(ttl.minimumSeconds, ttl.maximumSeconds)
      return Lifetime(seconds: seconds + initialAge, source: .routeMinimum, isForced: true)
    }
    if let explicit { return explicit.bounded(ttl, initialAge: initialAge) }
    var lifetime: Lifetime
    if let seconds = rules.statusLifetimes[status] {
      lifetime = Lifetime(seconds: seconds, source: .statusLifetime)
    } else if ttl.minimumSeconds > ttl.defaultSeconds {
      lifetime = Lifetime(seconds: ttl.minimumSeconds, source: .routeMinimum)
    } else {
      lifetime = Lifetime(seconds: ttl.defaultSeconds, source: .routeDefault)
    }
    if lifetime.seconds > ttl.maximumSeconds {
      lifetime = Lifetime(seconds: ttl.maximumSeconds, source: .routeMaximum)
    }
    // An operator's zero says "do not keep": it must not come out as an age's worth of freshness.
    if lifetime.seconds > 0 { lifetime.seconds += initialAge }
    return lifetime
  }

  private func bounded(_ ttl: TTLBounds, initialAge: Int64) -> Lifetime {
    var result = self
    if result.seconds > ttl.maximumSeconds {
      result = Lifetime(seconds: ttl.maximumSeconds, source: .routeMaximum)
    }
    let minimum = min(ttl.minimumSeconds, ttl.maximumSeconds)
    if minimum > 0, result.seconds < minimum + initialAge {
      result = Lifetime(seconds: minimum + initialAge, source: .routeMinimum)
    }
    return result
  }
}
