import CacheStore
import NIOCore
import Synchronization

/// The fills under way by key, and the keys known as uncacheable: one for all loops.
///
/// Power-of-two shards with a mutex each, never held across a call out. Limits: one entry a fill of
/// the whole, and one a fill of a part, of which a request has one;
/// at most `uncacheableLimit` remembered keys, beyond which a shard forgets all of its own.
final class FillRegistry: Sendable {
  private struct Shard: Sendable {
    var fills: [KeyHash: Fill] = [:]
    /// The fills of single parts, which are told apart by what they fetch.
    var partFills: [KeyHash: [Fill]] = [:]
    var uncacheableUntil: [KeyHash: Int64] = [:]

    /// Takes a part's fill off the list; false when it is not on it.
    @discardableResult
    mutating func removePart(_ fill: Fill) -> Bool {
      guard var parts = partFills[fill.hash], let place = parts.firstIndex(where: { $0 === fill })
      else { return false }
      parts.remove(at: place)
      partFills[fill.hash] = parts.isEmpty ? nil : parts
      return true
    }
  }

  private final class LockedShard: Sendable {
    let state = Mutex(Shard())
  }

  private static let shardCount = 64
  private let shards: [LockedShard]
  private let uncacheableLimit: Int

  init(uncacheableLimit: Int) {
    shards = (0..<Self.shardCount).map { _ in LockedShard() }
    self.uncacheableLimit = uncacheableLimit
  }

  /// The fill of `hash` that `isUsable` accepts, or a new one of `make`'s that takes its place.
  func join(
    _ hash: KeyHash, isUsable: (Fill) -> Bool, make: () -> Fill
  ) -> (fill: Fill, isLeader: Bool) {
    let shard = shard(of: hash)
    if let fill = shard.state.withLock({ $0.fills[hash] }), isUsable(fill) { return (fill, false) }
    let candidate = make()
    return shard.state.withLock { state in
      // Another loop may have begun one in between; its fetch began after this request, so it
      // is as good as ours.
      if let fill = state.fills[hash], fill.fetchSequence >= candidate.fetchSequence {
        return (fill, false)
      }
      state.fills[hash] = candidate
      return (candidate, true)
    }
  }

  /// The fill of the part that `candidate` would fetch, if one is under way and `isUsable`;
  /// else `candidate`, which takes its place. Two loops that begin the same one at the same moment
  /// both fetch it.
  func joinPart(
    _ candidate: Fill, isUsable: (Fill) -> Bool
  ) -> (fill: Fill, isLeader: Bool) {
    let shard = shard(of: candidate.hash)
    let label = candidate.part?.label
    let present = shard.state.withLock { state in
      state.partFills[candidate.hash]?.last { $0.part?.label == label }
    }
    if let present, isUsable(present) { return (present, false) }
    shard.state.withLock { $0.partFills[candidate.hash, default: []].append(candidate) }
    return (candidate, true)
  }

  /// The fill of the whole under way, if any.
  func wholeFill(of hash: KeyHash) -> Fill? {
    shard(of: hash).state.withLock { $0.fills[hash] }
  }

  /// Lets others join a part's fill for the whole: the origin has sent that instead.
  func promote(_ fill: Fill) {
    shard(of: fill.hash).state.withLock { state in
      guard state.removePart(fill), state.fills[fill.hash] == nil else { return }
      state.fills[fill.hash] = fill
    }
  }

  /// Whether a fill of `hash` is under way.
  func contains(_ hash: KeyHash) -> Bool {
    shard(of: hash).state.withLock { $0.fills[hash] != nil }
  }

  /// Takes a fill off the list, so that nobody joins it any more.
  func remove(_ fill: Fill) {
    shard(of: fill.hash).state.withLock { state in
      if state.fills[fill.hash] === fill { state.fills[fill.hash] = nil }
      if fill.part != nil { state.removePart(fill) }
    }
  }

  /// Marks the fill of `hash`, if any, as overtaken by an invalidation, and takes it off the list.
  func doom(_ hash: KeyHash) {
    let (whole, parts) = shard(of: hash).state.withLock { state in
      (state.fills.removeValue(forKey: hash), state.partFills.removeValue(forKey: hash))
    }
    whole?.doom()
    parts?.forEach { $0.doom() }
  }

  /// Remembers until `deadlineSeconds` (wall clock) that responses of this key are not stored.
  func markUncacheable(_ hash: KeyHash, untilSeconds deadlineSeconds: Int64) {
    shard(of: hash).state.withLock { state in
      if state.uncacheableUntil.count >= max(1, uncacheableLimit / Self.shardCount) {
        state.uncacheableUntil.removeAll(keepingCapacity: true)
      }
      state.uncacheableUntil[hash] = deadlineSeconds
    }
  }

  /// Whether the key is remembered as uncacheable; forgets it when its time is over.
  func isUncacheable(_ hash: KeyHash, nowSeconds: Int64) -> Bool {
    shard(of: hash).state.withLock { state in
      guard let deadline = state.uncacheableUntil[hash] else { return false }
      if deadline > nowSeconds { return true }
      state.uncacheableUntil[hash] = nil
      return false
    }
  }

  /// Forgets that the key was uncacheable: a response of it has been stored.
  func clearUncacheable(_ hash: KeyHash) {
    shard(of: hash).state.withLock { state in
      if !state.uncacheableUntil.isEmpty { state.uncacheableUntil[hash] = nil }
    }
  }

  private func shard(of hash: KeyHash) -> LockedShard {
    shards[Int(truncatingIfNeeded: hash.high >> 58)]
  }
}
