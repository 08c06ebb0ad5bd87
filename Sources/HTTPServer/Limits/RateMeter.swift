import NIOCore

/// Judges whether bytes that are waited for come, or go, at a minimum rate.
///
/// Only the time counts in which the client is waited for: an upload whose origin is slow, or a
/// response that has nothing to send, is nobody's fault. The rate is that of the whole time waited
/// in a window, so that a short pause, or a client behind a slow start, does no harm.
struct RateMeter {
  private var waited = TimeAmount.zero
  private var bytes = 0
  private var last: NIODeadline?

  /// Counts bytes that came or went.
  mutating func add(_ count: Int) { bytes += count }

  /// Begins anew.
  mutating func reset() {
    if last != nil || bytes != 0 || waited > .zero { self = RateMeter() }
  }

  /// Notes, at every sweep, whether the client is being waited for; whether it was too slow.
  mutating func isTooSlow(
    isWaiting: Bool, bytesPerSecond: Int, window: TimeAmount, now: NIODeadline
  ) -> Bool {
    guard isWaiting, bytesPerSecond > 0 else {
      last = nil
      return false
    }
    if let last { waited = waited + (now - last) }
    last = now
    guard waited >= window else { return false }
    let (expected, isOverflown) = bytesPerSecond.multipliedReportingOverflow(
      by: Int(waited.nanoseconds / 1_000_000))
    let isSlow = isOverflown || bytes < expected / 1000
    self = RateMeter()
    last = now
    return isSlow
  }
}
