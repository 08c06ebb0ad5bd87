import Glibc
import Logging

// Kept snapshots: copies of the index snapshot that outlive the next one.
//
// Owner: the writer thread, which takes a snapshot every minute anyway and hands it over; whenever
// one is due or asked for, its bytes are written once more under a name of their own. Old ones are
// removed then, and with them the need to remember the invalidations that they would have to be
// compared with. Limit: `mostSnapshots`, the oldest goes.

struct SnapshotKeeper {
  /// An index snapshot as it was just saved.
  struct Saved {
    let bytes: [UInt8]
    let objectCount: Int
  }

  /// Where the invalidations stood before the index was copied.
  struct Mark {
    let rulesFrom: UInt64
  }

  /// More are never kept.
  static let mostSnapshots = 500
  /// Invalidations may reach the log out of order; by fewer than this. A start jumps as far.
  static let disorder: UInt64 = 1 << 40

  let device: any BlockDevice
  let directories: DiskDirectories
  let interval: Duration?
  let lifetime: Duration
  let hashSeed: UInt64
  let clock: @Sendable () -> Int64
  let logger: Logger
  let storedBytes: @Sendable () -> Int
  let mark: @Sendable () -> Mark
  /// Lets the invalidations up to a number be forgotten.
  let forgetRules: @Sendable (_ through: UInt64) -> Void

  /// Oldest first; nil until the folder was read.
  private(set) var kept: [KeptSnapshot]?
  /// When one that is due is tried again after a failure.
  private var retrySeconds = Int64.min

  init(
    device: any BlockDevice, directories: DiskDirectories,
    configuration: DiskTier.Configuration, hashSeed: UInt64, logger: Logger,
    storedBytes: @escaping @Sendable () -> Int, mark: @escaping @Sendable () -> Mark,
    forgetRules: @escaping @Sendable (_ through: UInt64) -> Void
  ) {
    self.device = device
    self.directories = directories
    interval = configuration.keptSnapshotInterval
    lifetime = configuration.keptSnapshotLifetime
    clock = configuration.clock
    self.hashSeed = hashSeed
    self.logger = logger
    self.storedBytes = storedBytes
    self.mark = mark
    self.forgetRules = forgetRules
  }

  /// Keeps what was just saved if it is time to or somebody asked for it.
  mutating func keepIfDue(
    _ saved: Saved, mark: Mark, for requests: [WriterInbox.KeepRequest]
  ) {
    let now = clock()
    do throws(DeviceError) {
      var kept: [KeptSnapshot]
      if let known = self.kept {
        kept = known
      } else {
        kept = try KeptSnapshot.list(directories, device)
      }
      defer { self.kept = kept }
      let isDue = isDue(kept, now)
      let unnamed = requests.filter { $0.name == nil }
      if isDue || !unnamed.isEmpty {
        let snapshot = try keep(saved, mark, now, kept, named: nil)
        kept.append(snapshot)
        for request in unnamed { request.completed(.success(snapshot)) }
      }
      for request in requests where request.name != nil {
        let snapshot = try keep(saved, mark, now, kept, named: request.name)
        kept.append(snapshot)
        request.completed(.success(snapshot))
      }
      removeOutdated(&kept, now)
      forgetRules(neededFrom(kept, mark))
    } catch {
      retrySeconds = now + 60
      logger.warning("a snapshot could not be kept", metadata: ["cause": "\(error)"])
      for request in requests { request.completed(.failure(.device(error))) }
    }
  }

  private func isDue(_ kept: [KeptSnapshot], _ now: Int64) -> Bool {
    guard let interval, now >= retrySeconds else { return false }
    guard let last = kept.last else { return true }
    // A clock that was set back must not stop them.
    return now - last.createdSeconds >= interval.components.seconds || now < last.createdSeconds
  }

  private func keep(
    _ saved: Saved, _ mark: Mark, _ now: Int64, _ kept: [KeptSnapshot], named name: String?
  ) throws(DeviceError) -> KeptSnapshot {
    let snapshot = KeptSnapshot(
      name: name ?? KeptSnapshot.name(seconds: now, taken: Set(kept.map(\.name))),
      createdSeconds: now,
      objectCount: saved.objectCount, storedBytes: storedBytes(), hashSeed: hashSeed,
      rulesFrom: mark.rulesFrom)
    try device.createDirectory(directories.snapshots)
    try device.replaceFile(
      KeptSnapshot.path(directories, snapshot.name), in: directories.snapshots,
      snapshot.header() + saved.bytes)
    try device.syncDirectory(directories.root)
    return snapshot
  }

  private func removeOutdated(_ kept: inout [KeptSnapshot], _ now: Int64) {
    let oldest = now - lifetime.components.seconds
    var surplus = kept.count - Self.mostSnapshots
    kept.removeAll { snapshot in
      surplus -= 1
      guard snapshot.createdSeconds < oldest || surplus >= 0 else { return false }
      do throws(DeviceError) {
        try device.unlink(KeptSnapshot.path(directories, snapshot.name))
        return true
      } catch {
        logger.warning("an old snapshot could not be removed", metadata: ["cause": "\(error)"])
        return false
      }
    }
  }

  /// Invalidations up to here concern no kept snapshot.
  private func neededFrom(_ kept: [KeptSnapshot], _ mark: Mark) -> UInt64 {
    kept.reduce(mark.rulesFrom) { min($0, $1.rulesFrom) }
  }
}

extension DiskTier {
  func makeKeeper() -> SnapshotKeeper {
    SnapshotKeeper(
      device: device, directories: directories, configuration: configuration, hashSeed: hashSeed,
      logger: logger,
      storedBytes: { [writer] in writer.usedBytes.load(ordering: .relaxed) },
      mark: { [weak self] in
        // A tier that is gone takes no snapshots.
        SnapshotKeeper.Mark(rulesFrom: self?.oldestNeededRule ?? 0)
      },
      forgetRules: { [weak self] number in
        self?.invalidations.withLock { $0.forgetHistory(through: number) }
      })
  }

  /// A number below that of every invalidation that may still take something from the index as it
  /// is now.
  private var oldestNeededRule: UInt64 {
    invalidations.withLock { state in
      let oldest = min(state.sequence, state.rules.first?.sequence ?? .max)
      return oldest > SnapshotKeeper.disorder ? oldest - SnapshotKeeper.disorder : 0
    }
  }

  // MARK: - Asking

  /// Saves the index and keeps it.
  /// - Parameter name: a name that there is none of; nil: that of the second.
  public func keepSnapshot(named name: String? = nil) async -> Result<KeptSnapshot, SnapshotFailure>
  {
    await withCheckedContinuation { continuation in
      let isTaken = inbox.monitor.update { state in
        guard state.stop == nil else { return false }
        state.keepRequests.append(
          WriterInbox.KeepRequest(name: name) { continuation.resume(returning: $0) })
        return true
      }
      if !isTaken { continuation.resume(returning: .failure(.stopped)) }
    }
  }

  /// The kept snapshots, oldest first. Reads files; not for loops.
  public func keptSnapshots() -> Result<[KeptSnapshot], SnapshotFailure> {
    Self.keptSnapshots(of: configuration.path, device: device)
  }

  /// The kept snapshots of the store in a folder, also of one that is in use.
  public static func keptSnapshots(
    of path: String, device: any BlockDevice = PosixBlockDevice()
  ) -> Result<[KeptSnapshot], SnapshotFailure> {
    do throws(DeviceError) {
      return .success(try KeptSnapshot.list(DiskDirectories(path: path), device))
    } catch {
      return .failure(.device(error))
    }
  }
}
