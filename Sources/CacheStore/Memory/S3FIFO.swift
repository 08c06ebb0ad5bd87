/// S3-FIFO as its paper has it (Yang et al., SOSP 2023), without regard to sizes: the comparison
/// that shows in `edge-bench simulate` what the size classes of ``SizeClassedS3FIFO`` bring.
/// Owner: a shard, under its lock.
struct S3FIFO: EvictionPolicy {
  private enum Place {
    static let small: UInt8 = 0
    static let main: UInt8 = 1
  }

  private var small = ObjectQueue()
  private var main = ObjectQueue()
  private var ghosts = GhostQueue()
  private let smallLimitBytes: Int

  init(limitBytes: Int) { smallLimitBytes = limitBytes / 10 }

  var bytes: Int { ghosts.bytes }

  mutating func insert(
    _ index: UInt32, object: StoredObject, charge: Int, slab: inout ObjectSlab
  ) -> Bool {
    let isGhost = ghosts.remove(object.hash)
    if isGhost { object.isProven = true }
    push(index, object, charge, to: isGhost ? Place.main : Place.small, &slab)
    return isGhost
  }

  mutating func admits(_ hash: KeyHash, slab: ObjectSlab) -> Bool {
    ghosts.reserve(slab.count)
    return ghosts.containsOrInsert(hash)
  }

  mutating func remove(
    _ index: UInt32, object: StoredObject, charge: Int, slab: inout ObjectSlab
  ) {
    if object.queue == Place.small {
      small.remove(index, bytes: charge, in: &slab)
    } else {
      main.remove(index, bytes: charge, in: &slab)
    }
  }

  mutating func evict(nowSeconds: Int64, slab: inout ObjectSlab) -> Eviction? {
    ghosts.reserve(slab.count)
    // Every round evicts, moves an object from small to main, or spends one of its hits.
    while !small.isEmpty || !main.isEmpty {
      let isSmall = !small.isEmpty && (small.bytes > smallLimitBytes || main.isEmpty)
      let index = isSmall ? small.tail : main.tail
      guard let object = slab.object(at: index) else { return nil }
      let charge = object.chargedBytes
      remove(index, object: object, charge: charge, slab: &slab)
      if object.usefulUntilSeconds < nowSeconds { return Eviction(index: index, isExpired: true) }
      if object.hits >= (isSmall ? SizeClassedS3FIFO.hitsToStay : 1) {
        object.hits = isSmall ? 0 : object.hits - 1
        object.isProven = true
        push(index, object, charge, to: Place.main, &slab)
        continue
      }
      if isSmall { ghosts.insert(object.hash) }
      return Eviction(index: index, isExpired: false)
    }
    return nil
  }

  private mutating func push(
    _ index: UInt32, _ object: StoredObject, _ charge: Int, to place: UInt8,
    _ slab: inout ObjectSlab
  ) {
    object.queue = place
    if place == Place.small {
      small.push(index, bytes: charge, in: &slab)
    } else {
      main.push(index, bytes: charge, in: &slab)
    }
  }
}
