import Glibc
import Logging

// Bringing a kept snapshot back.
//
// The store is opened as at every start, and the index that was loaded gives way to the snapshot's.
// Then everything that was invalidated since is taken from it: what the log remembers of worked-off
// invalidations, those that are pending, the removals of single hashes, and the floors. Only then
// is the index saved, in one step: a crash before it leaves the store as it was. The superblock's
// epoch went on, so no generation, and with it no nonce, is used twice.

/// What became of a kept snapshot.
public struct RestoredSnapshot: Sendable, Equatable {
  /// The one that was brought back.
  public let snapshot: KeptSnapshot
  /// Objects that are there again.
  public let objectCount: Int
  /// Objects whose segments were reclaimed meanwhile.
  public let reclaimedCount: Int
  /// Objects that were invalidated meanwhile, or can't be read to find out.
  public let invalidatedCount: Int
  /// Paths that stay as they are: they have no such snapshot, or can't be used.
  public var untouchedPaths: [String] = []
}

extension DiskTier {
  /// Puts a kept snapshot in the place of a store's index. The store must not be in use. Waits.
  public static func restore(
    _ name: String, configuration: Configuration, device: any BlockDevice = PosixBlockDevice(),
    logger: Logger
  ) throws(SnapshotFailure) -> RestoredSnapshot {
    try DiskSet.restore(
      name, configurations: [configuration], device: device, logger: logger)
  }

  /// A kept snapshot's file, read and verified.
  struct KeptFile {
    let header: KeptSnapshot
    let index: IndexSnapshot
  }

  static func keptFile(
    _ name: String, _ directories: DiskDirectories, _ device: any BlockDevice
  ) throws(SnapshotFailure) -> KeptFile {
    guard KeptSnapshot.isName(name) else { throw .unknown(name: name) }
    let bytes: [UInt8]
    do throws(DeviceError) {
      bytes = try device.readFile(KeptSnapshot.path(directories, name))
    } catch {
      throw error.code == ENOENT ? .unknown(name: name) : .device(error)
    }
    guard let header = KeptSnapshot.decode(bytes, name: name),
      let index = IndexSnapshot.decode(Array(bytes[KeptSnapshot.headerBytes...]))
    else { throw .damaged(name: name) }
    return KeptFile(header: header, index: index)
  }

  /// The tier was opened for this.
  func restore(_ file: KeptFile) throws(SnapshotFailure) -> RestoredSnapshot {
    waitUntilLoaded()
    for (place, sequence) in file.index.removals { removals.raise(place: place, to: sequence) }
    let tables = DiskRecovery.shards(of: file.index, in: table)
    let found = tables.reduce(0) { $0 + $1.table.count }
    if let partitions {
      // What belongs to another disk by now may be replaced there.
      for shard in tables {
        _ = shard.table.filter { DiskPartitions.has($0.fingerprint, in: partitions) }
      }
    }
    index.replace(with: tables)
    let judge = judge(rulesFrom: file.header.rulesFrom)
    var tally = InvalidationTally()
    guard sweep(upTo: 0, into: &tally, { judge.match($0) }) else {
      throw .notSaved(reason: "its journal can't be written")
    }
    let errors = counters.snapshotErrors.current
    snapshot()
    guard counters.snapshotErrors.current == errors else {
      throw .notSaved(reason: "the index can't be written")
    }
    let left = index.count
    return RestoredSnapshot(
      snapshot: file.header, objectCount: left,
      reclaimedCount: file.header.objectCount - found, invalidatedCount: found - left)
  }

  /// Everything that was invalidated, as a sweep asks for it.
  func judge(rulesFrom: UInt64) -> RestoreJudge {
    invalidations.withLock { state in
      RestoreJudge(
        state: state, rulesFrom: rulesFrom, hasher: KeyHasher(seed: hashSeed),
        removals: [removals])
    }
  }
}

/// Says what was invalidated since something was stored, whether or not it is worked off.
struct RestoreJudge: Sendable {
  private let floor: UInt64
  private let softFloor: UInt64
  private let rules: InvalidationRuleSet
  private let hasher: KeyHasher
  private let removals: [RemovalSketch]

  /// - Parameter rulesFrom: rules up to this number are known not to match.
  init(
    state: InvalidationState, rulesFrom: UInt64, hasher: KeyHasher, removals: [RemovalSketch]
  ) {
    var rules = InvalidationRuleSet()
    for rule in state.history + state.rules {
      for selector in rule.selectors {
        rules.append(InvalidationRule(selector, sequence: rule.sequence), rule.kind)
      }
    }
    // A rule that would be needed may have been forgotten: it counts as matching.
    floor = state.historyFloor > rulesFrom ? max(state.floor, state.historyFloor) : state.floor
    softFloor = state.softFloor
    self.rules = rules
    self.hasher = hasher
    self.removals = removals
  }

  func match(_ subject: InvalidationSubject) -> InvalidationMatch? {
    let sequence = subject.fetchSequence
    if sequence < floor { return InvalidationMatch(kind: .hard, sequence: floor) }
    let hash = hasher.hash(subject.key)
    let removal = removals.reduce(0) { max($0, $1.lastRemoval(of: hash)) }
    if removal > sequence { return InvalidationMatch(kind: .hard, sequence: removal) }
    if let match = rules.match(subject, newerThan: sequence) { return match }
    return sequence < softFloor ? InvalidationMatch(kind: .soft, sequence: softFloor) : nil
  }
}
