/// Decides which object leaves a shard: the seam for another algorithm.
///
/// A policy links the slab's entries into its queues and may keep what it needs in an object's
/// eviction fields (`hits`, `evictionStamp`, `queue`). It is called under the shard's lock.
protocol EvictionPolicy: Sendable {
  /// A policy for a shard of this budget.
  init(limitBytes: Int)

  /// Real bytes held beside the slab.
  var bytes: Int { get }

  /// Takes in an entry.
  /// - Parameters:
  ///   - charge: its charged bytes; the same number is given when it leaves.
  /// - Returns: true when the policy remembers having evicted this hash lately.
  mutating func insert(
    _ index: UInt32, object: StoredObject, charge: Int, slab: inout ObjectSlab
  ) -> Bool

  /// Whether an object that was read from disk is worth the place of another one, as it is when it
  /// was read or evicted lately; remembers that it was read.
  mutating func admits(_ hash: KeyHash, slab: ObjectSlab) -> Bool

  /// Notes that an entry was hit. Most policies need no more than the object's own count of hits,
  /// which is why this does nothing unless a policy says so.
  mutating func recordHit(_ index: UInt32, slab: inout ObjectSlab)

  /// Forgets an entry that leaves for another reason than eviction.
  mutating func remove(
    _ index: UInt32, object: StoredObject, charge: Int, slab: inout ObjectSlab)

  /// Chooses the entry to evict and forgets it; nil when there is none. May reorder its queues.
  mutating func evict(nowSeconds: Int64, slab: inout ObjectSlab) -> Eviction?
}

extension EvictionPolicy {
  @inline(__always)
  mutating func recordHit(_ index: UInt32, slab: inout ObjectSlab) {}

  mutating func admits(_ hash: KeyHash, slab: ObjectSlab) -> Bool { true }
}

/// An entry that a policy gave up.
struct Eviction {
  let index: UInt32
  /// True when it was past its usefulness.
  let isExpired: Bool
}
