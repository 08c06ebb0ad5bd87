/// The store's memory, under the eviction policy in use.
typealias MemoryTier = PolicyMemoryTier<SizeClassedS3FIFO>

/// A memory tier: shards picked by hash, each with its share of the budget. Thread-safe.
struct PolicyMemoryTier<Policy: EvictionPolicy>: Sendable {
  typealias Shard = MemoryShard<Policy>

  let shards: [Shard]
  /// Objects of more charged bytes are not taken in.
  let largestObjectBytes: Int
  private let mask: Int

  /// Entries that a walk looks at under one lock.
  static var walkCount: UInt32 { 256 }

  /// Entries that a sweep looks at, and may take away, under one lock.
  static var sweepCount: UInt32 { 64 }

  /// A tier of the given budget.
  /// - Parameters:
  ///   - shardCount: rounded up to a power of two; nil: eight a core, fewer when a shard would
  ///     hold less than four of the largest objects.
  ///   - notesFirstHits: whether the shards note first hits for a disk tier.
  init(
    limitBytes: Int, largestObjectBytes: Int, shardCount: Int?, cores: Int,
    notesFirstHits: Bool = false
  ) {
    var count = 1
    if let shardCount {
      while count < min(shardCount, 4096) { count *= 2 }
    } else {
      while count < cores * 8, limitBytes / (count * 2) >= 4 * largestObjectBytes { count *= 2 }
    }
    let share = limitBytes / count
    shards = (0..<count).map { _ in Shard(limitBytes: share, notesFirstHits: notesFirstHits) }
    mask = count - 1
    self.largestObjectBytes = min(largestObjectBytes, share / 2)
  }

  @inline(__always)
  func shard(_ hash: KeyHash) -> Shard {
    shards[Int(truncatingIfNeeded: hash.high) & mask]
  }

  /// Calls `body` with every object that `isWanted` accepts, without a lock held.
  func forEach(
    where isWanted: (StoredObject) -> Bool, _ body: (Shard, StoredObject) -> Bool
  ) {
    for shard in shards {
      var next: UInt32? = 0
      while let start = next {
        let found = shard.collect(from: start, count: Self.walkCount, where: isWanted)
        for object in found.objects where !body(shard, object) { return }
        next = found.next
      }
    }
  }

  /// The sum over the shards.
  var statistics: StoreStatistics.Memory {
    var sum = StoreStatistics.Memory()
    for shard in shards { sum.add(shard.statistics) }
    return sum
  }
}

extension StoreStatistics.Memory {
  /// Adds another shard's counters.
  mutating func add(_ other: StoreStatistics.Memory) {
    objects += other.objects
    objectBytes += other.objectBytes
    indexBytes += other.indexBytes
    limitBytes += other.limitBytes
    hits += other.hits
    misses += other.misses
    insertions += other.insertions
    replacements += other.replacements
    tooLarge += other.tooLarge
    ghostHits += other.ghostHits
    evictedForRoom += other.evictedForRoom
    evictedExpired += other.evictedExpired
    evictedIdle += other.evictedIdle
    invalidated += other.invalidated
    removed += other.removed
  }
}
