/// Least recently used: one queue, whose head an object comes to with every hit. What caches did
/// before S3-FIFO, and the comparison in `edge-bench simulate`; each hit writes to three entries,
/// which is why the store does not use it. Owner: a shard, under its lock.
struct LeastRecentlyUsed: EvictionPolicy {
  private var queue = ObjectQueue()

  init(limitBytes: Int) {}

  var bytes: Int { 0 }

  mutating func insert(
    _ index: UInt32, object: StoredObject, charge: Int, slab: inout ObjectSlab
  ) -> Bool {
    queue.push(index, bytes: charge, in: &slab)
    return false
  }

  mutating func recordHit(_ index: UInt32, slab: inout ObjectSlab) {
    queue.moveToHead(index, in: &slab)
  }

  mutating func remove(
    _ index: UInt32, object: StoredObject, charge: Int, slab: inout ObjectSlab
  ) {
    queue.remove(index, bytes: charge, in: &slab)
  }

  mutating func evict(nowSeconds: Int64, slab: inout ObjectSlab) -> Eviction? {
    guard !queue.isEmpty, let object = slab.object(at: queue.tail) else { return nil }
    let index = queue.tail
    queue.remove(index, bytes: object.chargedBytes, in: &slab)
    return Eviction(index: index, isExpired: object.usefulUntilSeconds < nowSeconds)
  }
}
