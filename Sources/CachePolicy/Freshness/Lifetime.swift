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
/// | nothing, and it is an error | the error lifetime, at most the maximum | the same |
/// | nothing, but a Last-Modified; heuristic route | a share of the time since | the same |
/// | nothing | the default, at most the maximum | the larger of default and minimum, likewise |
///
/// A heuristic lifetime is bounded as a declared one is.
/// On an adaptive route ``AdaptiveLifetime`` makes something of the last two rows. Where the route
/// stores all errors, their lifetime is also the least that an error with a declared one gets.
///
/// Default, status, error and adaptive lifetime and the minimum are the operator's word on how long
/// the edge keeps a response: they count from its receipt, whatever age it had by then. The
/// origin's lifetimes, and what Last-Modified lets expect, count from the response's origin
/// (RFC 9111 section 4.2).
struct Lifetime: Equatable {
  /// The age in seconds at which the response stops being fresh.
  var seconds: Int64
  /// How it came about.
  var trace: LifetimeTrace

  /// Whether the route gives it to a response whose use the origin forbids.
  var isForced: Bool { trace.clamps.contains(.forced) }

  /// A lifetime as the origin has it.
  private init(declared seconds: Int64, _ row: LifetimeSource) {
    self.seconds = seconds
    trace = LifetimeTrace(row: row, rowSeconds: seconds)
  }

  /// The lifetime that the origin declares; nil when it declares none
  /// (RFC 9111 section 4.2.1).
  static func explicit(
    _ directives: ResponseDirectives, _ fields: FieldBlock, responseTime: Int64
  ) -> Lifetime? {
    if let seconds = directives.control.sMaxAge { return Lifetime(declared: seconds, .sMaxAge) }
    if let seconds = directives.control.maxAge { return Lifetime(declared: seconds, .maxAge) }
    // A targeted field takes the place of Expires as well (RFC 9213 section 2.2).
    if directives.targetIndex != nil { return nil }
    return ResponseAge.expiresLifetime(fields, responseTime: responseTime).map {
      Lifetime(declared: $0, .expires)
    }
  }

  /// What a lifetime follows from when the origin declares none.
  struct Circumstances {
    var status: Int
    /// Whether the origin forbids to use the response, or to use it without validation.
    var isForbidden: Bool
    var initialAge: Int64
    var responseTime: Int64
    /// What was stored of the object until now.
    var previous: Freshness?
    /// Whether the origin said that it still stands.
    var isUnchanged: Bool
  }

  /// The lifetime under a route's rules, by the table above.
  static func resolve(
    explicit: Lifetime?, _ fields: FieldBlock, _ facts: Circumstances, rules: PolicyRules
  ) -> Lifetime {
    let ttl = rules.ttl
    if facts.isForbidden, ttl.floorSeconds > 0 {
      var lifetime = Lifetime(declared: ttl.floorSeconds, .routeMinimum)
      lifetime.trace.clamps = .forced
      lifetime.seconds += facts.initialAge
      return lifetime
    }
    if var explicit {
      explicit.bound(ttl, facts.initialAge, errorMinimum: errorMinimum(facts.status, rules))
      return explicit
    }
    if let seconds = rules.statusLifetimes[facts.status] {
      return granted(seconds, .statusLifetime, floor: 0, facts.initialAge, ttl)
    }
    if StatusRules.isError(facts.status) {
      return granted(rules.errors.seconds, .errorLifetime, floor: 0, facts.initialAge, ttl)
    }
    let heuristic = rules.heuristic.flatMap { heuristic in
      ResponseAge.heuristicLifetime(fields, heuristic, responseTime: facts.responseTime)
    }
    if rules.isAdaptive {
      let seconds = AdaptiveLifetime.next(
        start: heuristic ?? ttl.defaultSeconds, previous: facts.previous,
        isUnchanged: facts.isUnchanged, now: facts.responseTime)
      return granted(seconds, .adaptive, floor: ttl.floorSeconds, facts.initialAge, ttl)
    }
    if let heuristic {
      var lifetime = Lifetime(declared: heuristic, .heuristic)
      lifetime.bound(ttl, facts.initialAge, errorMinimum: 0)
      return lifetime
    }
    return granted(
      ttl.defaultSeconds, .routeDefault, floor: ttl.floorSeconds, facts.initialAge, ttl)
  }

  /// The least lifetime of a response of this status, from its receipt.
  private static func errorMinimum(_ status: Int, _ rules: PolicyRules) -> Int64 {
    guard rules.errors.includesServerErrors, StatusRules.isError(status) else { return 0 }
    return min(rules.errors.seconds, rules.ttl.maximumSeconds)
  }

  /// A lifetime that the operator gives.
  private static func granted(
    _ seconds: Int64, _ row: LifetimeSource, floor: Int64, _ initialAge: Int64, _ ttl: TTLBounds
  ) -> Lifetime {
    var lifetime = Lifetime(declared: seconds, row)
    if seconds > ttl.maximumSeconds {
      lifetime.seconds = ttl.maximumSeconds
      lifetime.trace.clamps.insert(.cutAtMaximum)
    } else if seconds < floor {
      lifetime.seconds = floor
      lifetime.trace.clamps.insert(.raisedToMinimum)
    }
    // An operator's zero says "do not keep": it must not come out as an age's worth of freshness.
    if lifetime.seconds > 0 { lifetime.seconds += initialAge }
    return lifetime
  }

  /// Cuts a lifetime that counts from the response's origin at the maximum, and raises it to the
  /// larger of the two minimums, which count from the receipt.
  private mutating func bound(_ ttl: TTLBounds, _ initialAge: Int64, errorMinimum: Int64) {
    if seconds > ttl.maximumSeconds {
      seconds = ttl.maximumSeconds
      trace.clamps.insert(.cutAtMaximum)
    }
    let floor = max(ttl.floorSeconds, errorMinimum)
    guard floor > 0, seconds < floor + initialAge else { return }
    seconds = floor + initialAge
    trace.clamps.insert(
      ttl.floorSeconds >= errorMinimum ? .raisedToMinimum : .raisedToErrorMinimum)
  }
}
