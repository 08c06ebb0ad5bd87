/// Works pending invalidations off the memory tier, on several threads where there is much to do.
///
/// Shard by shard, a few objects under each lock, so that a hit waits some microseconds at most.
/// Walking the shards side by side, whose objects lie beside each other in memory, is no faster:
/// what it saves in finding their pages it loses in those of the shards' tables.
struct MemorySweep: Sendable {
  private let sweep: InvalidationLog.Sweep
  /// Bytes of objects that are kept until the sweep is through; beyond, they are freed as it goes.
  private let mostTakenBytes: Int
  private var takenBytes = 0
  /// Taken out of the store, to be freed when the sweep is said to be through: that takes as long
  /// as finding them.
  private(set) var taken: [StoredObject] = []
  /// How many objects it took or marked, by invalidation.
  private(set) var tally = InvalidationTally()

  /// Most threads of a sweep.
  private static var mostThreads: Int { 4 }

  private init(_ sweep: InvalidationLog.Sweep, mostTakenBytes: Int) {
    self.sweep = sweep
    self.mostTakenBytes = mostTakenBytes
  }

  /// Walks all shards. Blocks until it is through.
  /// - Parameters:
  ///   - mostTakenBytes: the limit on what is kept to be freed afterwards, for all threads.
  ///   - cores: how many cores there are for it. More threads than that would keep each other, and
  ///     a hit that waits for a shard, from running.
  ///   - objectsPerThread: how many objects are worth a thread.
  /// - Returns: what each thread did.
  static func run(
    _ sweep: InvalidationLog.Sweep, through shards: [MemoryTier.Shard], mostTakenBytes: Int,
    cores: Int, objectsPerThread: Int = 65_536
  ) -> [MemorySweep] {
    let objects = shards.reduce(0) { $0 + $1.objectCount }
    let count = max(1, min(mostThreads, cores, shards.count, objects / objectsPerThread))
    let results = Monitor<[MemorySweep]>([])
    let work: @Sendable (Int) -> Void = { number in
      var part = MemorySweep(sweep, mostTakenBytes: mostTakenBytes / count)
      part.walk(stride(from: number, to: shards.count, by: count).map { shards[$0] })
      let done = part
      results.update { $0.append(done) }
    }
    let threads = (1..<count).map { number in
      (number, DiskThread.start("sweep-\(number)", isBackground: true) { work(number) })
    }
    work(0)
    for (number, thread) in threads {
      // Without a thread its part is done here.
      if let thread { thread.join() } else { work(number) }
    }
    return results.withLock { $0 }
  }

  private mutating func walk(_ shards: [MemoryTier.Shard]) {
    for shard in shards {
      var next: UInt32? = 0
      while let start = next { next = step(shard, from: start) }
    }
  }

  private mutating func step(_ shard: MemoryTier.Shard, from start: UInt32) -> UInt32? {
    let round = shard.sweep(from: start, count: MemoryTier.sweepCount) { object in
      guard let match = sweep.match(inMemory: object) else { return false }
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
