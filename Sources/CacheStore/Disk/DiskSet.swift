import Logging
import NIOCore
import Synchronization

// All disks of a store: usually one, or several over which the objects are spread.
//
// An object belongs to one disk, by its hash and by the paths as they are configured
// (DiskPartitions), so a disk that is missing costs its own objects and no others. Each disk is a
// whole tier with its own writer, journal and index. What they share is the hash seed, the numbers
// of invalidations, and the record of who takes part (DiskMembership).
//
// - An invalidation is numbered and appended to every disk's log under one lock: each log is a
//   beginning of the same sequence, so what one lacks can be told by its last number.
// - The removal of a single object goes to every disk, though only its owner has the object: a kept
//   snapshot of another one may have it from a time when that one owned it.
//
// Thread-safe, like the tiers; calls wait where theirs do. With one disk every call goes straight
// to its tier.

/// The disk tiers of a store.
public final class DiskSet: Sendable {
  /// Paths at most.
  public static let mostDisks = DiskMembers.mostDisks

  /// What a path is doing.
  struct Disk: Sendable {
    let path: String
    let sizeBytes: Int
    /// Nil when it could not be used at the start.
    let tier: DiskTier?
  }

  /// As configured.
  let disks: [Disk]
  /// Those that are there.
  let tiers: [DiskTier]
  let logger: Logger
  private let only: DiskTier?
  private let partitions: DiskPartitions
  let membership: DiskMembership?
  /// Held while an invalidation is numbered and appended to the logs.
  let order = Mutex(())
  let keeping: SetKeeping

  /// Opens or makes the stores in some folders and serves at once; the saved indexes load
  /// meanwhile.
  /// - Parameters:
  ///   - configurations: one a path; their paths, in whatever spelling, must differ.
  ///   - witnessPath: a file that is not on one of the disks and says which of them take part; nil
  ///     for none: then an invalidation is not acknowledged while a disk can't log it.
  /// - Throws: ``StoreError`` when no folder can be used, one is in use or of another version, or
  ///   they are not one store's.
  public convenience init(
    _ configurations: [DiskTier.Configuration], witnessPath: String? = nil,
    device: any BlockDevice = PosixBlockDevice(), logger: Logger
  ) throws(StoreError) {
    try self.init(
      configurations, witnessPath: witnessPath, device: device, logger: logger, isRestoring: false)
  }

  init(
    _ configurations: [DiskTier.Configuration], witnessPath: String?, device: any BlockDevice,
    logger: Logger, isRestoring: Bool
  ) throws(StoreError) {
    guard 1...Self.mostDisks ~= configurations.count else {
      throw .configuration(
        reason: "\(configurations.count) disk paths", remedy: "name 1 to \(Self.mostDisks)")
    }
    keeping = SetKeeping(configurations)
    var checked: [DiskTier.Configuration] = []
    for configuration in configurations {
      var configuration = try configuration.checked()
      // Of several disks the set keeps snapshots, so that they bear one name.
      if configurations.count > 1 { configuration.keptSnapshotInterval = nil }
      checked.append(configuration)
    }
    let opening = try DiskOpening(
      checked, witnessPath: witnessPath, device: device, logger: logger)
    var tiers: [DiskTier?] = []
    for (number, configuration) in checked.enumerated() {
      guard let opened = opening.stores[number] else {
        tiers.append(nil)
        continue
      }
      do throws(StoreError) {
        tiers.append(
          try DiskTier(
            opened, configuration: configuration, partitions: opening.bitmaps[number],
            device: device, logger: logger, isRestoring: isRestoring))
      } catch {
        // Threads are lacking: they would for the others.
        for tier in tiers { tier?.abandon() }
        throw error
      }
    }
    self.logger = logger
    disks = zip(checked, tiers).map {
      Disk(path: $0.path, sizeBytes: $0.sizeBytes, tier: $1)
    }
    self.tiers = tiers.compactMap { $0 }
    only = checked.count == 1 ? tiers.first.flatMap { $0 } : nil
    partitions = opening.partitions
    membership =
      checked.count == 1
      ? nil
      : DiskMembership(
        opening, witnessPath: witnessPath, retryInterval: checked[0].retryInterval * 10,
        device: device, logger: logger)
  }

  /// A set of one disk that is open already.
  init(_ tier: DiskTier) {
    keeping = SetKeeping([tier.configuration])
    logger = tier.logger
    disks = [
      Disk(path: tier.configuration.path, sizeBytes: tier.configuration.sizeBytes, tier: tier)
    ]
    tiers = [tier]
    only = tier
    partitions = DiskPartitions([(tier.configuration.path, tier.configuration.sizeBytes)])
    membership = nil
  }

  /// The disk that an object belongs to; nil when it is not there.
  @inline(__always)
  func owner(of hash: KeyHash) -> DiskTier? {
    if let only { return only }
    return disks[partitions.owner(of: hash)].tier
  }

  /// The number of the disk that an object belongs to, there or not.
  @inline(__always)
  func number(of hash: KeyHash) -> Int { only == nil ? partitions.owner(of: hash) : 0 }

  /// The numbers of those that are not there.
  var absent: Set<Int> { Set(disks.indices.filter { disks[$0].tier == nil }) }

  /// Seed of the store's key hash.
  public var hashSeed: UInt64 { tiers[0].hashSeed }

  /// Wall clock, Unix seconds.
  var clock: @Sendable () -> Int64 { tiers[0].configuration.clock }

  /// What was invalidated before this start and has to be checked on load: what any disk has not
  /// worked off.
  public var recoveredInvalidations: RecoveredInvalidations {
    if let only { return only.recoveredInvalidations }
    var all = tiers[0].recovered
    for tier in tiers.dropFirst() {
      let other = tier.recovered
      for rule in other.rules {
        all.add(sequence: rule.sequence, selectors: rule.selectors, kind: rule.kind)
      }
      all.sequence = max(all.sequence, other.sequence)
      all.floor = max(all.floor, other.floor)
      all.softFloor = max(all.softFloor, other.softFloor)
    }
    return all.recovered
  }

  // MARK: - Objects

  /// Where the object may be; see ``DiskTier/lookup(_:)``.
  @inline(__always)
  public func lookup(_ hash: KeyHash) -> DiskLocation? { owner(of: hash)?.lookup(hash) }

  /// True when the object is on disk or on its way there.
  public func contains(_ hash: KeyHash) -> Bool { owner(of: hash)?.contains(hash) ?? false }

  /// Takes an object to be written; see ``DiskTier/enqueue(_:)``.
  public func enqueue(_ object: StoredObject) -> Bool {
    owner(of: object.hash)?.enqueue(object) ?? false
  }

  /// Reads an object; see ``DiskTier/load(_:hash:key:mayBeCached:on:completion:)``.
  public func load(
    _ location: DiskLocation, hash: KeyHash, key: UnsafeRawBufferPointer,
    mayBeCached: Bool = true, on loop: any EventLoop,
    completion: @escaping (StoredObject?) -> Void
  ) {
    guard let owner = owner(of: hash) else { return completion(nil) }
    owner.load(
      location, hash: hash, key: key, mayBeCached: mayBeCached, on: loop, completion: completion)
  }

  /// Reads an object if that needs no waiting; see ``DiskTier/loadAtOnce(_:hash:key:)``.
  func loadAtOnce(
    _ location: DiskLocation, hash: KeyHash, key: UnsafeRawBufferPointer
  ) -> ImmediateLoad {
    owner(of: hash)?.loadAtOnce(location, hash: hash, key: key) ?? .absent
  }

  /// Reads what is under a hash on the calling thread, without a hit.
  func read(_ hash: KeyHash) -> StoredObject? { owner(of: hash)?.read(hash) }

  /// The same, unless it is another key's.
  func read(_ hash: KeyHash, key: UnsafeRawBufferPointer) -> StoredObject? {
    owner(of: hash)?.read(hash, key: key)
  }

  /// Forgets an object, also one on its way to disk.
  public func remove(_ hash: KeyHash) { owner(of: hash)?.remove(hash) }

  /// Forgets an object that a removal took, also where only a kept snapshot has it.
  func remove(_ hash: KeyHash, before sequence: UInt64) {
    for tier in tiers { tier.remove(hash, before: sequence) }
  }

  /// Marks an object stale, also one on its way to disk.
  func markStale(_ hash: KeyHash) { owner(of: hash)?.markStale(hash) }

  /// Begins a large object's way to disk; see ``DiskTier/beginSpool(expectedBytes:)``.
  public func beginSpool(for hash: KeyHash, expectedBytes: Int?) -> SpoolWriter? {
    owner(of: hash)?.beginSpool(expectedBytes: expectedBytes)
  }

  /// Ends a spool that was begun for this hash; see
  /// ``DiskTier/finishSpool(_:hash:key:head:metadata:tags:unless:)``.
  public func finishSpool(
    _ spool: SpoolWriter, hash: KeyHash, key: UnsafeRawBufferPointer,
    head: UnsafeRawBufferPointer, metadata: ObjectMetadata, tags: [UInt64] = [],
    unless isGone: () -> Bool = { false }
  ) -> StoredObject? {
    guard let owner = owner(of: hash), owner.isWriting(spool) else {
      spool.abort()
      return nil
    }
    return owner.finishSpool(
      spool, hash: hash, key: key, head: head, metadata: metadata, tags: tags, unless: isGone)
  }

  /// Whether the log of the disk that an object belongs to can grow by another segment.
  func hasRoom(for hash: KeyHash) -> Bool { owner(of: hash)?.hasRoom ?? false }

  /// Whether so many bytes of large objects wait for an object's disk that it takes no further one.
  func isBacklogged(for hash: KeyHash) -> Bool { owner(of: hash)?.inbox.isBacklogged ?? false }

  /// True when the disk that an object belongs to will take it once its queue has drained.
  func isDraining(for hash: KeyHash) -> Bool {
    guard let state = owner(of: hash)?.statistics else { return false }
    return state.queuedBytes > 0 && !state.isDegraded
  }

  // MARK: - State

  /// The counters of all disks, added up; O(segments).
  public var statistics: DiskStatistics {
    if let only { return only.statistics }
    return paths.reduce(into: DiskStatistics.none) { $0.add($1) }
  }

  /// The counters by path, in the order of the configuration.
  public var paths: [DiskPathStatistics] {
    let out = membership?.out ?? []
    return disks.enumerated().map { number, disk in
      DiskPathStatistics(
        path: disk.path, statistics: disk.tier?.statistics, isOut: out.contains(number))
    }
  }

  /// Writes, syncs and journals all that was handed over. Waits; not for loops.
  public func synchronize() { for tier in tiers { tier.synchronize() } }

  /// Returns once the saved indexes are loaded.
  public func waitUntilReady() async { for tier in tiers { await tier.waitUntilReady() } }

  /// The same for threads that may wait.
  func waitUntilLoaded() { for tier in tiers { tier.waitUntilLoaded() } }

  /// Writes what is queued, saves the indexes and gives the folders free. Waits; not for loops.
  public func shutdown() {
    // At the same time: each may have a queue to write.
    let threads = tiers.dropFirst().map { tier in
      (tier, DiskThread.start("edge-disk-stop") { tier.shutdown() })
    }
    tiers[0].shutdown()
    for (tier, thread) in threads {
      thread?.join()
      tier.shutdown()
    }
  }

  /// Stops as a killed process would: nothing more is written.
  func abandon() { for tier in tiers { tier.abandon() } }

  /// Upkeep, once a second or so. Waits; not for loops.
  func maintain() {
    membership?.takeBack { number in disks[number].tier?.isInvalidationLogWhole() ?? false }
    keepIfDue()
  }
}
