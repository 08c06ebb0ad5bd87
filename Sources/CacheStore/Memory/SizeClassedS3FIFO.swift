// Size-classed S3-FIFO.
//
// S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023) holds new
// objects in a small queue of a tenth of the space; those hit there move to the main queue, the
// others leave soon and are remembered as ghosts, and a ghost that returns goes straight to the
// main queue. The main queue gives an object another round for each hit. So a scan passes through
// the
// small queue only, and a hit is one saturating counter: no list moves, no lock beyond the probe's.
//
// It knows nothing of sizes. GDSF (Cherkasova, 1998) does: it ranks objects by
// `L + frequency / size`, where L is the rank of the last object evicted, and so keeps many small
// objects instead of a large one; but it needs a heap. Here objects are sorted into power-of-two
// size classes, and each class is an S3-FIFO of its own: it offers the tail of its small queue
// while that holds more than a tenth of the class, else that of its main queue. Within a class the
// sizes are alike and FIFO order stands for rank; between the classes what they offer is compared
// by GDSF's rank, with L noted when the object joined its queue. There are at most 32 classes, and
// of each only the tails are looked at.
//
// Measured on the traces that `edge-bench simulate` reads (Benchmarks/RESULTS.md): a small queue's
// tenth of the class hits 1.5 points more often than a tenth of all (NASA, 5 and 10 % of the
// footprint), since with one tenth for all the small queues alone decide which sizes stay; two hits
// before an object moves to the main queue hit 0.3 to 0.4 points more often than one (web12).
//
// Objects past their usefulness leave first when they come to a tail.

/// The memory tier's eviction policy; see the file's head. Owner: a shard, under its lock.
struct SizeClassedS3FIFO: EvictionPolicy {
  private static let classCount = 32
  /// Hits in the small queue that make an object worth the main queue.
  static let hitsToStay: UInt8 = 2
  /// Main queues' numbers begin here.
  private static let main = 32

  /// Small queues, then main queues.
  private var queues = ContiguousArray(repeating: ObjectQueue(), count: 2 * classCount)
  private var occupied: UInt64 = 0
  private var ghosts = GhostQueue()
  /// L: the rank of the last object evicted. Objects note its low 32 bits; one rank unit is 2^-26
  /// evictions a byte, so the shortest-lived class takes thousands of turnovers to wrap them, and
  /// then one comparison goes wrong.
  private var clock: UInt64 = 0

  init(limitBytes: Int) {}

  var bytes: Int {
    ghosts.bytes + queues.capacity * MemoryLayout<ObjectQueue>.stride
  }

  mutating func insert(
    _ index: UInt32, object: StoredObject, charge: Int, slab: inout ObjectSlab
  ) -> Bool {
    let isGhost = ghosts.remove(object.hash)
    if isGhost { object.isProven = true }
    push(
      index, object: object, charge: charge,
      onto: Self.sizeClass(charge) + (isGhost ? Self.main : 0), slab: &slab)
    return isGhost
  }

  mutating func admits(_ hash: KeyHash, slab: ObjectSlab) -> Bool {
    ghosts.reserve(slab.count)
    return ghosts.containsOrInsert(hash)
  }

  mutating func remove(
    _ index: UInt32, object: StoredObject, charge: Int, slab: inout ObjectSlab
  ) {
    unlink(index, from: Int(object.queue), charge: charge, slab: &slab)
  }

  mutating func evict(nowSeconds: Int64, slab: inout ObjectSlab) -> Eviction? {
    ghosts.reserve(slab.count)
    // Every round evicts, moves an object from small to main, or spends one of its hits; so the
    // rounds end.
    while occupied != 0 {
      guard let candidate = weakestTail(nowSeconds: nowSeconds, slab: slab) else { return nil }
      let index = queues[candidate.queue].tail
      guard let object = slab.object(at: index) else { return nil }
      let charge = object.chargedBytes
      unlink(index, from: candidate.queue, charge: charge, slab: &slab)
      if candidate.isExpired { return Eviction(index: index, isExpired: true) }
      let isSmall = candidate.queue < Self.main
      if object.hits >= (isSmall ? Self.hitsToStay : 1) {
        let home = isSmall ? candidate.queue + Self.main : candidate.queue
        object.hits = isSmall ? 0 : object.hits - 1
        object.isProven = true
        push(index, object: object, charge: charge, onto: home, slab: &slab)
        continue
      }
      // A rank counts from the clock less 2^32 - 1, so that it is never negative.
      clock = max(clock, candidate.rank &- UInt64(UInt32.max))
      if isSmall { ghosts.insert(object.hash) }
      return Eviction(index: index, isExpired: false)
    }
    return nil
  }

  private struct Candidate {
    let queue: Int
    let rank: UInt64
    let isExpired: Bool
  }

  /// The tail of lowest rank among those that the classes offer; an expired tail anywhere comes
  /// first.
  private func weakestTail(nowSeconds: Int64, slab: ObjectSlab) -> Candidate? {
    var weakest: Candidate?
    var rest = (occupied | occupied >> UInt64(Self.main)) & UInt64(UInt32.max)
    while rest != 0 {
      let small = rest.trailingZeroBitCount
      rest &= rest - 1
      let main = small + Self.main
      for number in stride(from: small, through: main, by: Self.main) where !queues[number].isEmpty
      {
        guard let object = slab.object(at: queues[number].tail) else { continue }
        if object.usefulUntilSeconds < nowSeconds {
          return Candidate(queue: number, rank: 0, isExpired: true)
        }
        guard (number == small) == offersSmall(small, main) else { continue }
        let rank = rank(of: object, in: number)
        if weakest.map({ rank < $0.rank }) ?? true {
          weakest = Candidate(queue: number, rank: rank, isExpired: false)
        }
      }
    }
    return weakest
  }

  /// Whether a class offers its small queue's tail: as long as that holds more than a tenth of it.
  private func offersSmall(_ small: Int, _ main: Int) -> Bool {
    if queues[main].isEmpty { return true }
    return queues[small].bytes * 10 > queues[small].bytes + queues[main].bytes
  }

  /// GDSF's `L + frequency / size`, with the class's mean size.
  private func rank(of object: StoredObject, in number: Int) -> UInt64 {
    let age = UInt64(UInt32(truncatingIfNeeded: clock) &- object.evictionStamp)
    let share = (UInt64(queues[number].count) << 26) / UInt64(max(1, queues[number].bytes))
    return clock + UInt64(UInt32.max) - age + UInt64(object.hits + 1) * share
  }

  private mutating func push(
    _ index: UInt32, object: StoredObject, charge: Int, onto number: Int, slab: inout ObjectSlab
  ) {
    object.queue = UInt8(truncatingIfNeeded: number)
    object.evictionStamp = UInt32(truncatingIfNeeded: clock)
    queues[number].push(index, bytes: charge, in: &slab)
    occupied |= 1 << UInt64(number)
  }

  private mutating func unlink(
    _ index: UInt32, from number: Int, charge: Int, slab: inout ObjectSlab
  ) {
    queues[number].remove(index, bytes: charge, in: &slab)
    if queues[number].isEmpty { occupied &= ~(1 << UInt64(number)) }
  }

  /// The power of two a charge is below: class c holds 2^(c-1) up to 2^c - 1 bytes.
  private static func sizeClass(_ charge: Int) -> Int {
    min(classCount - 1, Int.bitWidth - charge.leadingZeroBitCount)
  }
}
