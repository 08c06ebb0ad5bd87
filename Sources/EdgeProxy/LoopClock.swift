import Glibc

/// The time as one event loop sees it: read once a request, then shared by all that the request
/// does. Confined to its loop. Tests inject a source and move it by hand.
public final class LoopClock {
  /// Reads both clocks: wall clock in nanoseconds since 1970, monotonic nanoseconds.
  public typealias Source = () -> (wallNanoseconds: Int64, monotonicNanoseconds: Int64)

  /// Wall clock, Unix seconds.
  public private(set) var wallSeconds: Int64 = 0
  /// The wall clock's part below a second.
  public private(set) var wallNanoseconds: Int64 = 0
  /// Monotonic nanoseconds, for durations.
  public private(set) var monotonicNanoseconds: Int64 = 0
  private let source: Source

  /// A clock that reads `source`; by default the kernel's.
  public init(source: @escaping Source = LoopClock.system) {
    self.source = source
    refresh()
  }

  /// Reads the source again.
  public func refresh() {
    let (wall, monotonic) = source()
    wallSeconds = wall / 1_000_000_000
    wallNanoseconds = wall % 1_000_000_000
    monotonicNanoseconds = monotonic
  }

  /// The monotonic time at this very moment, without moving the loop's.
  func monotonicNow() -> Int64 { source().monotonicNanoseconds }

  /// The kernel's clocks. The wall clock is the coarse one: a tick of a few milliseconds is fine
  /// for HTTP's seconds and costs a quarter of the exact one.
  public static func system() -> (wallNanoseconds: Int64, monotonicNanoseconds: Int64) {
    var wall = timespec()
    var monotonic = timespec()
    clock_gettime(CLOCK_REALTIME_COARSE, &wall)
    clock_gettime(CLOCK_MONOTONIC, &monotonic)
    return (
      Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec),
      Int64(monotonic.tv_sec) * 1_000_000_000 + Int64(monotonic.tv_nsec)
    )
  }
}
