/// Works pending invalidations off the memory tier: shard by shard, a few objects under each lock,
/// so that a hit waits some microseconds at most.
struct MemorySweep: Sendable {
  /// Bytes of objects that are kept until the sweep is through; beyond, they are freed as it goes.
  private let mostTakenBytes: Int
  private var takenBytes = 0
  /// Taken out of the store, to be freed when the sweep is said to be through: that takes as long
  /// as finding them.
  private(set) var taken: [StoredObject] = []
  /// How many objects it took or marked, by invalidation.
  private(set) var tally = InvalidationTally()

  /// Walks the shards.
  /// - Parameter mostTakenBytes: the limit on what is kept to be freed afterwards.
  init(
    _ sweep: InvalidationLog.Sweep, through shards: [MemoryTier.Shard], mostTakenBytes: Int
  ) {
    self.mostTakenBytes = mostTakenBytes
    let prefixes = PrefixRules(sweep.rules)
    withExtendedLifetime(prefixes) {
      for shard in shards {
        var next: UInt32? = 0
        while let start = next { next = step(shard, from: start, sweep, prefixes?.view) }
      }
    }
  }

  private mutating func step(
    _ shard: MemoryTier.Shard, from start: UInt32, _ sweep: InvalidationLog.Sweep,
    _ prefixes: PrefixRules.View?
  ) -> UInt32? {
    let round = shard.sweep(from: start, count: MemoryTier.sweepCount) { object in
      guard let match = sweep.match(inMemory: object, prefixes: prefixes) else { return false }
      switch match.kind {
      case .hard:
        tally.count(match.sequence)
        return true
      case .soft:
        if object.markStale() { tally.count(match.sequence) }
        return false
      }
    }
    // Beyond the limit, released here, without the lock.
    if takenBytes < mostTakenBytes {
      takenBytes += round.takenBytes
      taken += round.taken
    }
    return round.next
  }
}
