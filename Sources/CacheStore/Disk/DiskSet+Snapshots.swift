import Glibc
import Logging
import Synchronization

// Kept snapshots of a store on several disks: each disk keeps one of its own index, all under one
// name, and brings that back by itself. A disk that was not there when one was taken has none of
// that name and stays as it is.

/// When a set of several disks keeps its next snapshot. A single disk sees to that by itself.
final class SetKeeping: Sendable {
  private struct State {
    /// Second of the last one; nil until the folders were read.
    var lastSeconds: Int64?
    var nextTrySeconds = Int64.min
    var isUnderWay = false
  }

  private let interval: Int64?
  private let clock: @Sendable () -> Int64
  private let state = Mutex(State())

  init(_ configurations: [DiskTier.Configuration]) {
    let first = configurations[0]
    interval =
      configurations.count > 1 ? first.keptSnapshotInterval?.components.seconds : nil
    clock = first.clock
  }

  /// True when a snapshot is due and nobody else is at it; ``finish(_:)`` has to follow.
  /// - Parameter last: reads when the last one was kept.
  func begin(last: () -> Int64?) -> Bool {
    guard let interval else { return false }
    let now = clock()
    let isKnown = state.withLock { state in
      // As on one disk: the first one comes when there is something to keep.
      if state.nextTrySeconds == .min { state.nextTrySeconds = now + 60 }
      return state.lastSeconds != nil
    }
    let found = isKnown ? nil : last() ?? .min
    return state.withLock { state in
      if state.lastSeconds == nil { state.lastSeconds = found }
      guard !state.isUnderWay, now >= state.nextTrySeconds, let last = state.lastSeconds else {
        return false
      }
      // A clock that was set back must not stop them.
      guard last == .min || now - last >= interval || now < last else { return false }
      state.isUnderWay = true
      return true
    }
  }

  /// The snapshot that was begun is kept, or not.
  func finish(_ isKept: Bool) {
    let now = clock()
    state.withLock { state in
      state.isUnderWay = false
      if isKept { state.lastSeconds = now } else { state.nextTrySeconds = now + 60 }
    }
  }
}

extension DiskSet {
  /// Saves the indexes and keeps them. Succeeds when one disk has done so.
  public func keepSnapshot() async -> Result<KeptSnapshot, SnapshotFailure> {
    if tiers.count == 1 { return await tiers[0].keepSnapshot() }
    let taken = (try? keptSnapshots().get()) ?? []
    let name = KeptSnapshot.name(seconds: clock(), taken: Set(taken.map(\.name)))
    let results = await withTaskGroup(of: Result<KeptSnapshot, SnapshotFailure>.self) { group in
      for tier in tiers { group.addTask { await tier.keepSnapshot(named: name) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    var kept: KeptSnapshot?
    var failed: SnapshotFailure?
    for result in results {
      switch result {
      case .success(let snapshot): kept = kept?.with(snapshot) ?? snapshot
      case .failure(let failure):
        failed = failure
        logger.warning(
          "a path of the disk tier kept no snapshot", metadata: ["cause": "\(failure)"])
      }
    }
    return kept.map { .success($0) } ?? .failure(failed ?? .noDisk)
  }

  /// Keeps a snapshot when one is due.
  func keepIfDue() {
    let isDue = keeping.begin { (try? keptSnapshots().get())?.last?.createdSeconds }
    guard isDue else { return }
    Task {
      let result = await keepSnapshot()
      keeping.finish((try? result.get()) != nil)
    }
  }

  /// The kept snapshots, oldest first. Reads files; not for loops.
  public func keptSnapshots() -> Result<[KeptSnapshot], SnapshotFailure> {
    Self.keptSnapshots(of: disks.map(\.path), device: tiers[0].device)
  }

  /// The kept snapshots of the store in some folders, also of one that is in use. What can't be
  /// read is left out, unless nothing can.
  public static func keptSnapshots(
    of paths: [String], device: any BlockDevice = PosixBlockDevice()
  ) -> Result<[KeptSnapshot], SnapshotFailure> {
    var byName: [String: KeptSnapshot] = [:]
    var failures: [SnapshotFailure] = []
    for path in paths {
      switch DiskTier.keptSnapshots(of: path, device: device) {
      case .success(let kept):
        for snapshot in kept {
          byName[snapshot.name] = byName[snapshot.name]?.with(snapshot) ?? snapshot
        }
      case .failure(let failure): failures.append(failure)
      }
    }
    if let failure = failures.first, failures.count == paths.count { return .failure(failure) }
    return .success(
      byName.values.sorted { ($0.createdSeconds, $0.name) < ($1.createdSeconds, $1.name) })
  }

  /// Puts a kept snapshot in the place of a store's indexes. The store must not be in use. Waits.
  public static func restore(
    _ name: String, configurations: [DiskTier.Configuration], witnessPath: String? = nil,
    device: any BlockDevice = PosixBlockDevice(), logger: Logger
  ) throws(SnapshotFailure) -> RestoredSnapshot {
    // Before anything is opened: a name that there is none of changes nothing.
    var files: [String: DiskTier.KeptFile] = [:]
    var failure = SnapshotFailure.unknown(name: name)
    for configuration in configurations {
      let directories = DiskDirectories(path: configuration.path)
      do throws(SnapshotFailure) {
        files[configuration.path] = try DiskTier.keptFile(name, directories, device)
      } catch {
        if case .unknown = error { continue }
        failure = error
      }
    }
    if files.isEmpty { throw failure }
    let set = try open(configurations, witnessPath, device, logger)
    defer { set.abandon() }
    var restored: RestoredSnapshot?
    for disk in set.disks {
      guard let tier = disk.tier, let file = files[disk.path] else { continue }
      guard file.header.hashSeed == tier.hashSeed else { throw .foreign(name: name) }
      let own = try tier.restore(file)
      restored = restored?.with(own) ?? own
    }
    guard var restored else { throw .unknown(name: name) }
    restored.untouchedPaths = set.disks.filter { $0.tier == nil || files[$0.path] == nil }
      .map(\.path)
    return restored
  }

  private static func open(
    _ configurations: [DiskTier.Configuration], _ witnessPath: String?,
    _ device: any BlockDevice, _ logger: Logger
  ) throws(SnapshotFailure) -> DiskSet {
    do throws(StoreError) {
      return try DiskSet(
        configurations.map { configuration in
          var configuration = configuration
          // Nothing but the restore saves the index.
          configuration.snapshotInterval = .seconds(1 << 32)
          configuration.keptSnapshotInterval = nil
          return configuration
        }, witnessPath: witnessPath, device: device, logger: logger, isRestoring: true)
    } catch {
      throw .store(error)
    }
  }
}

extension KeptSnapshot {
  /// This one together with another disk's of the same name.
  func with(_ other: KeptSnapshot) -> KeptSnapshot {
    KeptSnapshot(
      name: name, createdSeconds: min(createdSeconds, other.createdSeconds),
      objectCount: objectCount + other.objectCount, storedBytes: storedBytes + other.storedBytes,
      hashSeed: hashSeed, rulesFrom: min(rulesFrom, other.rulesFrom))
  }
}

extension RestoredSnapshot {
  /// What became of this one and of another disk's of the same name.
  func with(_ other: RestoredSnapshot) -> RestoredSnapshot {
    RestoredSnapshot(
      snapshot: snapshot.with(other.snapshot), objectCount: objectCount + other.objectCount,
      reclaimedCount: reclaimedCount + other.reclaimedCount,
      invalidatedCount: invalidatedCount + other.invalidatedCount)
  }
}
