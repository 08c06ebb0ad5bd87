// The store's facade: a memory tier over an optional disk tier, and the log of invalidations that
// both obey. Thread-safe; used from every event loop. Nothing here blocks on I/O: the disk tier
// answers from its index, queues writes and completes reads on the caller's loop.
//
// An object's life: fetched, `insert`; hit, `lookup`; hit once, written behind to disk; evicted or
// idle, handed to disk if it is worth it; asked for again, `load` and promoted, into a full memory
// only when it is asked for twice within about as many reads as memory has objects. The order of
// invalidations is described in InvalidationLog.swift; the rule for every move between the tiers is
// to note the log's moment before, move, and look again after (`settle`).

import Glibc
import Logging
import NIOCore
import Synchronization

/// A two-tier store of responses.
public final class Store: Sendable {
  /// Hashes this store's keys; its seed is kept with the disk tier.
  public let hasher: KeyHasher

  let configuration: Configuration
  let memory: MemoryTier
  let disk: DiskSet?
  let keys: StoreKeys?
  let invalidations: InvalidationLog
  let counters = StoreCounters()
  let maintenance = Maintenance()
  let logger: Logger
  let clock: @Sendable () -> Int64
  /// The latest wall-clock second anyone has named; for calls that are given none.
  private let latestSecond = Atomic<Int64>(0)

  /// Opens a store; its disk index may go on loading afterwards.
  /// - Parameters:
  ///   - configuration: sizes and limits.
  ///   - logger: for what an operator should know.
  /// - Throws: ``StoreError`` when the disk tier's directory can't be used.
  public convenience init(configuration: Configuration, logger: Logger) throws(StoreError) {
    var disk: DiskSet?
    let (disks, keys) = try configuration.openKeys(logger: logger)
    if !disks.isEmpty {
      disk = try DiskSet(disks, witnessPath: configuration.witnessPath, logger: logger)
    }
    self.init(
      configuration: configuration, disk: disk, keys: keys, invalidations: nil, logger: logger,
      clock: wallClockSeconds)
  }

  /// A store over given parts; tests bring their own disk tier, log and clock.
  init(
    configuration: Configuration, disk: DiskSet?, keys: StoreKeys? = nil,
    invalidations: InvalidationLog?, logger: Logger, clock: @escaping @Sendable () -> Int64
  ) {
    self.configuration = configuration
    self.disk = disk
    self.keys = keys
    self.logger = logger
    self.clock = clock
    memory = MemoryTier(
      limitBytes: configuration.memoryBytes,
      largestObjectBytes: configuration.largestMemoryObjectBytes,
      shardCount: configuration.shardCount, cores: System.coreCount,
      notesFirstHits: disk != nil)
    hasher = KeyHasher(seed: disk?.hashSeed ?? UInt64.random(in: .min ... .max))
    if let invalidations {
      self.invalidations = invalidations
    } else if let recovered = disk?.recoveredInvalidations {
      self.invalidations = InvalidationLog(
        sequence: recovered.sequence, floor: recovered.floor,
        rules: recovered.rules.filter { $0.kind == .hard }.map { ($0.sequence, $0.selector) },
        softFloor: recovered.softFloor,
        softRules: recovered.rules.filter { $0.kind == .soft }.map { ($0.sequence, $0.selector) })
    } else {
      self.invalidations = InvalidationLog()
    }
    latestSecond.store(clock(), ordering: .relaxed)
  }

  /// The invalidation number that a fetch beginning now carries; read before the fetch begins.
  public var sequence: UInt64 { invalidations.sequence }

  /// The latest wall-clock second that anyone has named.
  var latestKnownSecond: Int64 { latestSecond.load(ordering: .relaxed) }

  /// Moves the known second forward; written once a second, so that the line stays shared.
  @inline(__always)
  func noteTime(_ nowSeconds: Int64) {
    if latestSecond.load(ordering: .relaxed) < nowSeconds {
      latestSecond.store(nowSeconds, ordering: .relaxed)
    }
  }

  // MARK: - Hits

  /// Looks an object up and records the hit.
  /// - Parameters:
  ///   - hash: `hasher`'s hash of the key.
  ///   - key: the full normalized key; compared.
  ///   - nowSeconds: wall clock, Unix seconds.
  public func lookup(
    _ hash: KeyHash, key: UnsafeRawBufferPointer, nowSeconds: Int64
  ) -> LookupResult {
    noteTime(nowSeconds)
    let shard = memory.shard(hash)
    let second = UInt32(truncatingIfNeeded: nowSeconds)
    // Another round only when a sweep ended within this one.
    for _ in 0..<8 {
      let sweeps = invalidations.sweeps
      guard let object = shard.lookup(hash, key: key, nowSeconds: second) else {
        return disk?.lookup(hash).map { .disk($0) } ?? .absent
      }
      switch invalidations.verdict(on: object, foundAfter: sweeps) {
      case .current: return .memory(object)
      case .moved: continue
      case .invalidated(let sequence):
        if shard.remove(object, cause: .invalidated) { invalidations.noteRemoval(by: sequence) }
        return .absent
      }
    }
    return .absent
  }

  // MARK: - Insertion

  /// Stores an object in the place of what is under its hash.
  /// - Returns: false when a hard invalidation newer than its fetch matches it, or when it is too
  ///   large for memory and the disk tier does not take it. One that a soft invalidation matches is
  ///   stored stale.
  @discardableResult
  public func insert(_ object: StoredObject) -> Bool {
    let hash = object.hash
    if let disk, !object.isOnDisk, disk.contains(hash) { object.supersedesDisk = true }
    let moment = invalidations.moment
    let placement = place(object, as: .newer) {
      switch object.withSubject({ invalidations.match(fill: $0) })?.kind {
      case .hard: return true
      case .soft: object.markStale()
      case nil: break
      }
      return invalidations.wasRemoved(hash, after: object.fetchSequence)
    }
    switch placement {
    case .placed(let left):
      settle(left, leftAt: moment)
      return true
    case .overtaken, .occupied, .declined:
      counters.refusedFills.count()
      return false
    case .tooLarge:
      _ = memory.shard(hash).remove(hash)
      return keepOnDiskOnly(object, leftAt: moment)
    }
  }

  /// Places an object in memory unless `isGone`; asked again whenever the log moved meanwhile.
  func place(
    _ object: StoredObject, as claim: PlacementClaim, unless isGone: () -> Bool
  ) -> Placement {
    let now = latestSecond.load(ordering: .relaxed)
    object.lastUseSeconds = UInt32(truncatingIfNeeded: now)
    guard object.chargedBytes <= memory.largestObjectBytes else {
      return isGone() ? .overtaken : .tooLarge
    }
    // A log that moves this often within a few microseconds is under attack: give the fill up.
    for _ in 0..<16 {
      let sequence = invalidations.sequence
      if isGone() { return .overtaken }
      let placement = memory.shard(object.hash).place(
        object, nowSeconds: now, as: claim, while: { invalidations.sequence == sequence })
      if case .overtaken = placement { continue }
      return placement
    }
    return .overtaken
  }

  private func keepOnDiskOnly(
    _ object: StoredObject, leftAt moment: InvalidationLog.Moment
  ) -> Bool {
    guard disk != nil else { return false }
    return object.isOnDisk || spill(object, leftAt: moment)
  }

  /// Puts another form of a stored response in its place: the same hash, key, head's meaning and
  /// fetch, in no more bytes unless the response's body lies on disk.
  /// - Returns: false when the response is no longer in memory, or was replaced.
  @discardableResult
  public func replace(_ object: StoredObject, with form: StoredObject) -> Bool {
    precondition(
      form.hash == object.hash && form.fetchSequence == object.fetchSequence,
      "another form of a response is of another response")
    return form.chargedBytes <= memory.largestObjectBytes && replaceInMemory(object, with: form)
  }

  /// Puts a form in its response's place; false when that is not in memory.
  func replaceInMemory(_ object: StoredObject, with form: StoredObject) -> Bool {
    let moment = invalidations.moment
    let now = latestSecond.load(ordering: .relaxed)
    let left = memory.shard(object.hash).replace(object, with: form, nowSeconds: now)
    guard let left else { return false }
    settle(left, leftAt: moment)
    return true
  }

  /// Whether this very object is in memory: found by lookups.
  public func holds(_ object: StoredObject) -> Bool {
    memory.shard(object.hash).peek(object.hash)?.isIdentical(to: object) ?? false
  }

  /// Objects of more bytes than this, head included, are not kept in memory.
  public var largestMemoryObjectBytes: Int { memory.largestObjectBytes }

  // MARK: - Removal

  /// Removes what is under a hash from both tiers; fills of it that are under way are refused.
  public func remove(_ hash: KeyHash) {
    invalidations.recordRemoval(hash)
    _ = memory.shard(hash).remove(hash)
    invalidations.recordRemovalAgain(hash)
    disk?.remove(hash, before: invalidations.sequence)
  }

  // MARK: - Counters

  /// A snapshot of the counters; O(shards).
  public var statistics: StoreStatistics {
    var statistics = StoreStatistics()
    statistics.memory = memory.statistics
    invalidations.report(into: &statistics.invalidation)
    counters.report(into: &statistics)
    statistics.disk = disk?.statistics
    statistics.diskPaths = disk?.paths ?? []
    statistics.keys = keys?.statistics
    return statistics
  }
}

/// The wall clock in Unix seconds.
@Sendable func wallClockSeconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME_COARSE, &time)
  return Int64(time.tv_sec)
}
