/// A snapshot of a store's counters; sums since the store was opened unless named otherwise.
public struct StoreStatistics: Sendable, Equatable {
  /// The memory tier.
  public var memory = Memory()
  /// Invalidations and removals.
  public var invalidation = Invalidation()
  /// The disk tier as seen from the facade; its own counters are in ``disk``.
  public var traffic = Traffic()
  /// The disk tier's own counters, of all paths together; nil when it is off.
  public var disk: DiskTier.Statistics?
  /// The same by path.
  public var diskPaths: [DiskPathStatistics] = []
  /// The disk tier's keys; nil when there are none.
  public var keys: KeyStatistics?

  /// Zeroes.
  public init() {}

  /// Counters of the memory tier.
  public struct Memory: Sendable, Equatable {
    /// Objects held now.
    public var objects = 0
    /// Bytes held now by objects: head, key, body, the allocator's rounding.
    public var objectBytes = 0
    /// Bytes held now by the tables, entry slabs and ghost queues.
    public var indexBytes = 0
    /// The budget for the two above.
    public var limitBytes = 0
    /// Lookups answered.
    public var hits: UInt64 = 0
    /// Lookups not answered.
    public var misses: UInt64 = 0
    /// Objects taken in.
    public var insertions: UInt64 = 0
    /// Objects that took the place of one with the same hash.
    public var replacements: UInt64 = 0
    /// Objects refused because they are larger than a shard may hold.
    public var tooLarge: UInt64 = 0
    /// Objects that came in with a ghost's recommendation.
    public var ghostHits: UInt64 = 0
    /// Evictions for room.
    public var evictedForRoom: UInt64 = 0
    /// Evictions for room of objects past their usefulness.
    public var evictedExpired: UInt64 = 0
    /// Departures for idleness.
    public var evictedIdle: UInt64 = 0
    /// Objects taken away by invalidations.
    public var invalidated: UInt64 = 0
    /// Objects taken away by hash.
    public var removed: UInt64 = 0

    /// Bytes held now, objects and index.
    public var bytes: Int { objectBytes + indexBytes }

    /// Zeroes.
    public init() {}
  }

  /// Counters of invalidations.
  public struct Invalidation: Sendable, Equatable {
    /// The present sequence number.
    public var sequence: UInt64 = 0
    /// Invalidations accepted.
    public var invalidations: UInt64 = 0
    /// Removals by hash.
    public var removals: UInt64 = 0
    /// Rules not yet worked off by the sweeper, now.
    public var pendingRules = 0
    /// Rules that were merged into the floor because there were too many.
    public var mergedRules: UInt64 = 0
    /// Fills refused because an invalidation newer than their fetch matches them.
    public var refusedFills: UInt64 = 0

    /// Zeroes.
    public init() {}
  }

  /// Counters of what moves between memory and disk.
  public struct Traffic: Sendable, Equatable {
    /// Loads from disk that gave an object.
    public var diskHits: UInt64 = 0
    /// Loads from disk that gave nothing.
    public var diskMisses: UInt64 = 0
    /// Objects moved from disk into memory.
    public var promotions: UInt64 = 0
    /// Objects handed to the disk tier.
    public var spills: UInt64 = 0
    /// Objects the disk tier did not take.
    public var shedSpills: UInt64 = 0

    /// Zeroes.
    public init() {}
  }
}
