import EdgeSecurity
import NIOCore
import Synchronization

/// What one client address has in use.
///
/// Held by its connections, which ask it for every request: one compare-and-swap, no look-up. The
/// count of connections belongs to the table, under the shard's lock.
final class ClientEntry: Sendable {
  let address: NetworkAddress
  /// Guarded by the lock of the table's shard.
  fileprivate let connections = Atomic<Int>(0)
  private let bucket: RequestBucket?

  fileprivate init(address: NetworkAddress, bucket: RequestBucket?) {
    self.address = address
    self.bucket = bucket
  }

  /// Counts a request; nil when it is within the limit, else the seconds after which the next one
  /// will be.
  func takeRequest(now: NIODeadline) -> Int? { bucket?.take(now: now) }

  /// Whether nothing would change if this were forgotten.
  fileprivate func isForgettable(now: NIODeadline) -> Bool {
    connections.load(ordering: .relaxed) == 0 && bucket?.isFull(now: now) ?? true
  }
}

/// A token bucket as one number: the time at which it would be full again (the generic cell rate
/// algorithm, ITU-T I.371). A request moves that time on by the interval between two requests, and
/// is refused when it would lie further ahead than a burst takes to come in again.
private final class RequestBucket: Sendable {
  private let intervalNanoseconds: Int64
  private let burstNanoseconds: Int64
  private let fullNanoseconds = Atomic<Int64>(0)

  init(requestsPerSecond: Int, burst: Int) {
    intervalNanoseconds = max(1, 1_000_000_000 / Int64(max(1, requestsPerSecond)))
    burstNanoseconds = intervalNanoseconds * Int64(max(1, burst))
  }

  func take(now: NIODeadline) -> Int? {
    let now = Int64(clamping: now.uptimeNanoseconds)
    var full = fullNanoseconds.load(ordering: .relaxed)
    while true {
      let next = max(full, now) + intervalNanoseconds
      let excess = next - now - burstNanoseconds
      guard excess <= 0 else { return Int((excess + 999_999_999) / 1_000_000_000) }
      let result = fullNanoseconds.compareExchange(
        expected: full, desired: next, ordering: .relaxed)
      if result.exchanged { return nil }
      full = result.original
    }
  }

  func isFull(now: NIODeadline) -> Bool {
    fullNanoseconds.load(ordering: .relaxed) <= Int64(clamping: now.uptimeNanoseconds)
  }
}

/// The client addresses that have connections open or have sent requests of late, shared by all
/// loops: SO_REUSEPORT spreads the connections of one client over them.
///
/// Sixteen shards with a mutex each; a connection takes one when it opens and when it closes, a
/// request none. Limit: ``ClientLimits/addresses``.
final class ClientTable: Sendable {
  /// What a new connection is told.
  enum Answer {
    /// It may stay. Without an entry no limit applies to it.
    case admitted(ClientEntry?)
    /// Its address has as many connections open as it may.
    case tooMany
  }

  private struct Shard {
    var entries: [NetworkAddress: ClientEntry] = [:]
    var nextSweep = NIODeadline.uptimeNanoseconds(0)
  }

  /// A mutex that an array can hold.
  private final class LockedShard: Sendable {
    let state = Mutex(Shard())
  }

  private static let shardCount = 16

  private let limits: ClientLimits
  private let shardLimit: Int
  private let shards: [LockedShard]
  private let unlimited = Atomic<Int>(0)

  init(_ limits: ClientLimits) {
    self.limits = limits
    shardLimit = max(1, limits.addresses / Self.shardCount)
    shards = (0..<Self.shardCount).map { _ in LockedShard() }
  }

  /// Connections that no limit applied to because the table was full.
  var unlimitedCount: Int { unlimited.load(ordering: .relaxed) }

  /// Addresses in the table now.
  var addressCount: Int { shards.reduce(0) { $0 + $1.state.withLock { $0.entries.count } } }

  /// Counts a new connection of `address`.
  func admit(_ address: NetworkAddress, now: NIODeadline) -> Answer {
    if limits.exempt.contains(address) { return .admitted(nil) }
    let site = address.site
    return shard(of: site).state.withLock { shard in
      guard let entry = shard.entries[site] ?? insert(site, &shard, now) else {
        unlimited.add(1, ordering: .relaxed)
        return .admitted(nil)
      }
      if let limit = limits.connections, entry.connections.load(ordering: .relaxed) >= limit {
        return .tooMany
      }
      entry.connections.add(1, ordering: .relaxed)
      return .admitted(entry)
    }
  }

  /// A connection of `entry` has ended.
  func giveBack(_ entry: ClientEntry, now: NIODeadline) {
    shard(of: entry.address).state.withLock { shard in
      entry.connections.subtract(1, ordering: .relaxed)
      if entry.isForgettable(now: now) { shard.entries[entry.address] = nil }
    }
  }

  private func insert(
    _ site: NetworkAddress, _ shard: inout Shard, _ now: NIODeadline
  ) -> ClientEntry? {
    if shard.entries.count >= shardLimit {
      // At most once a second: whoever fills the table must not make every connection cost a walk.
      guard now >= shard.nextSweep else { return nil }
      shard.nextSweep = now + .seconds(1)
      shard.entries = shard.entries.filter { !$0.value.isForgettable(now: now) }
      guard shard.entries.count < shardLimit else { return nil }
    }
    let bucket = limits.requestsPerSecond.map {
      RequestBucket(requestsPerSecond: $0, burst: limits.burst)
    }
    let entry = ClientEntry(address: site, bucket: bucket)
    shard.entries[site] = entry
    return entry
  }

  private func shard(of site: NetworkAddress) -> LockedShard {
    shards[Int(truncatingIfNeeded: UInt(bitPattern: site.hashValue) % UInt(Self.shardCount))]
  }
}
