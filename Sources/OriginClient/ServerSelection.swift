import Synchronization

/// Which server of an origin gets the next fetch: round robin, leaving out for a while those that
/// could not be connected to.
///
/// Shared by all transport threads; lock-free. Health is passive: a server that refused is left
/// alone for ``penaltyNanoseconds`` and then tried by one ordinary fetch. When all are left out,
/// the turn decides as if none were: a wrong guess costs one refused connection, no answer at all
/// costs the response.
final class ServerSelection: Sendable {
  /// The servers tried are kept as bits of one word.
  static let serverLimit = 64
  /// 5 seconds: short enough that a restarted server is back in use before anyone looks.
  static let penaltyNanoseconds: UInt64 = 5_000_000_000

  private let servers: [ServerState]
  private let turn = Atomic<Int>(0)

  init(count: Int) {
    servers = (0..<count).map { _ in ServerState() }
  }

  var count: Int { servers.count }

  /// The next server at `now` (monotonic nanoseconds) that is not among the bits of `tried`; nil
  /// when all have been tried. O(servers).
  func select(now: UInt64, tried: UInt64) -> Int? {
    if servers.count == 1 { return tried == 0 ? 0 : nil }
    let (start, _) = turn.wrappingAdd(1, ordering: .relaxed)
    var fallback: Int?
    for step in 0..<servers.count {
      let index = Int(UInt(bitPattern: start &+ step) % UInt(servers.count))
      guard tried & 1 << UInt64(index) == 0 else { continue }
      if servers[index].excludedUntil.load(ordering: .relaxed) <= now { return index }
      fallback = fallback ?? index
    }
    return fallback
  }

  /// A connection to the server could not be made.
  func connectionFailed(server: Int, now: UInt64) {
    servers[server].excludedUntil.store(now + Self.penaltyNanoseconds, ordering: .relaxed)
  }

  /// A connection to the server stands.
  func connectionStands(server: Int) {
    let state = servers[server]
    // A load first: the common case must not write a line that other threads read.
    if state.excludedUntil.load(ordering: .relaxed) != 0 {
      state.excludedUntil.store(0, ordering: .relaxed)
    }
  }
}

private final class ServerState: Sendable {
  let excludedUntil = Atomic<UInt64>(0)
}
