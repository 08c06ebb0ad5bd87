import EdgeSecurity
import Glibc
import Logging

/// What has to be known before a store serves its first request: the folder is locked, the seed is
/// read, the invalidations are read, and every segment has a slot. The index itself is loaded
/// later, by ``DiskRecovery``.
struct OpenedStore: Sendable {
  let directories: DiskDirectories
  let lock: any BlockFile
  let superblock: Superblock
  let table: SegmentTable
  let seals: SegmentSeals
  let logSeal: LogSeal
  /// The key under which the invalidation log was written at this start.
  let logKeyIdentifier: UInt64?
  let invalidations: InvalidationState
  /// Number of the invalidation log's file, which holds all of `invalidations`.
  let invalidationNumber: UInt64
  /// Journal files of earlier runs, oldest first.
  let journalNumbers: [UInt64]
  /// Snapshots of earlier runs, oldest first.
  let snapshotNumbers: [UInt64]

  var nextJournalNumber: UInt64 {
    max(journalNumbers.last ?? 0, snapshotNumbers.last ?? 0) + 1
  }

  /// Distance by which the sequence jumps at each start, so that it is above every number used by a
  /// fetch before a crash, also under invalidations that did not become durable.
  private static let sequenceGap: UInt64 = 1 << 40

  init(
    path: String, device: any BlockDevice, keyRing: KeyRing? = nil, encrypts: Bool = true,
    logger: Logger
  ) throws(StoreError) {
    directories = DiskDirectories(path: path)
    lock = try Self.lock(directories, device)
    let names: [String]
    let advanced: Result<Superblock, StoreError>
    var isNew = false
    do throws(DeviceError) {
      names = try device.list(directories.root)
      advanced = try Self.advanceSuperblock(directories, device, names, logger, &isNew)
    } catch {
      throw Self.storeError(directories, error)
    }
    superblock = try advanced.get()
    seals = SegmentSeals(
      ring: keyRing, encrypts: encrypts, storeSeed: superblock.hashSeed)
    logSeal = LogSeal(seals)
    logKeyIdentifier = logSeal.currentIdentifier
    do throws(DeviceError) {
      // What was there before a new store has been removed.
      let names = isNew ? try device.list(directories.root) : names
      journalNumbers = names.compactMap {
        CommitLog.number(fileName: $0, prefix: DiskDirectories.journalPrefix)
      }.sorted()
      snapshotNumbers = names.compactMap { IndexSnapshot.journalNumber(fileName: $0) }.sorted()
      let logNumbers = names.compactMap {
        CommitLog.number(fileName: $0, prefix: DiskDirectories.invalidationPrefix)
      }.sorted()
      invalidations = try Self.readInvalidations(
        directories, device, logNumbers, isNew, logSeal, logger)
      invalidationNumber = (logNumbers.last ?? 0) + 1
      try Self.writeInvalidations(
        invalidations, directories, device, invalidationNumber, logSeal, replacing: logNumbers)
      table = try Self.findSegments(directories, device, superblock, seals)
    } catch {
      throw Self.storeError(directories, error)
    }
  }

  private static func storeError(
    _ directories: DiskDirectories, _ error: DeviceError
  ) -> StoreError {
    let remedy =
      switch error.code {
      case EACCES, EPERM: "let this user read and write the folder, or name another"
      case ENOSPC, EDQUOT: "free some space on its disk, or name a folder on another"
      case EROFS: "name a folder on a writable disk"
      case ENOTDIR: "name a folder; a part of this path is a file"
      default: "check the disk, or name another folder"
      }
    return .directory(path: directories.root, reason: "\(error)", remedy: remedy)
  }

  private static func lock(
    _ directories: DiskDirectories, _ device: any BlockDevice
  ) throws(StoreError) -> any BlockFile {
    do throws(DeviceError) {
      try device.createDirectory(directories.root)
      try device.createDirectory(directories.segments)
      return try device.lock(directories.lock)
    } catch {
      if error.code == EWOULDBLOCK {
        throw .inUse(
          path: directories.root,
          remedy: "stop that process, or give each its own store.disk.path")
      }
      throw storeError(directories, error)
    }
  }

  // MARK: - Superblock

  /// Reads the superblock and writes it back with the next epoch; makes one in a new store.
  private static func advanceSuperblock(
    _ directories: DiskDirectories, _ device: any BlockDevice, _ names: [String],
    _ logger: Logger, _ isNew: inout Bool
  ) throws(DeviceError) -> Result<Superblock, StoreError> {
    var superblock = Superblock(hashSeed: .random(in: .min ... .max), epoch: 0)
    if names.contains("superblock") {
      do throws(Superblock.Failure) {
        let bytes: [UInt8]
        do throws(DeviceError) {
          bytes = try device.readFile(directories.superblock)
        } catch { return .failure(storeError(directories, error)) }
        superblock = try Superblock(bytes)
      } catch {
        switch error {
        case .otherVersion(let version):
          return .failure(
            .format(
              path: directories.root,
              reason: "it has format version \(version), this program reads "
                + "version \(DiskFormat.version)",
              remedy: "start the program that wrote it, or remove the folder to begin anew"))
        case .damaged:
          logger.error(
            "the disk tier's superblock is damaged; the store begins anew",
            metadata: ["path": "\(directories.root)"])
          try removeEverything(directories, device, names)
          return try advanceSuperblock(directories, device, [], logger, &isNew)
        }
      }
    } else {
      isNew = true
      // Left over from a start that did not get to its superblock, or somebody else's: only what
      // bears a name of ours goes.
      try removeEverything(directories, device, names)
    }
    superblock.epoch += 1
    try device.replaceFile(directories.superblock, in: directories.root, superblock.encoded())
    return .success(superblock)
  }

  private static func removeEverything(
    _ directories: DiskDirectories, _ device: any BlockDevice, _ names: [String]
  ) throws(DeviceError) {
    for name in names where isOurs(name) { try device.unlink(directories.root + "/" + name) }
    for name in try device.list(directories.segments)
    where SegmentFormat.parse(fileName: name) != nil {
      try device.unlink(directories.segments + "/" + name)
    }
    try device.syncDirectory(directories.root)
    try device.syncDirectory(directories.segments)
  }

  private static func isOurs(_ name: String) -> Bool {
    CommitLog.number(fileName: name, prefix: DiskDirectories.journalPrefix) != nil
      || CommitLog.number(fileName: name, prefix: DiskDirectories.invalidationPrefix) != nil
      || IndexSnapshot.journalNumber(fileName: name) != nil
  }

  // MARK: - Invalidations

  private static func readInvalidations(
    _ directories: DiskDirectories, _ device: any BlockDevice, _ numbers: [UInt64],
    _ isNew: Bool, _ logSeal: LogSeal, _ logger: Logger
  ) throws(DeviceError) -> InvalidationState {
    var state = InvalidationState()
    // A store that is not new has a log: without one nobody knows what was invalidated.
    var isDamaged = numbers.isEmpty && !isNew
    for number in numbers {
      let path = CommitLog.path(directories.root, DiskDirectories.invalidationPrefix, number)
      let bytes = try device.readFile(path)
      let ending = bytes.withUnsafeBytes { bytes in
        LogFormat.replay(bytes, number: number) { payload in
          let opened = logSeal.open(payload)
          guard let entry = opened?.withUnsafeBytes({ InvalidationEntry.decode($0) }) else {
            isDamaged = true
            return
          }
          entry.apply(to: &state)
        }
      }
      if ending == .damaged { isDamaged = true }
    }
    if !isNew {
      state.sequence = state.sequence.addingReportingOverflow(sequenceGap).partialValue
    }
    if isDamaged {
      logger.error(
        "the disk tier's invalidation log is damaged; everything stored before is invalidated",
        metadata: ["path": "\(directories.root)"])
      state.startOver(
        sequence: state.sequence, floor: state.sequence, softFloor: state.softFloor,
        historyFloor: state.sequence)
    }
    return state
  }

  private static func writeInvalidations(
    _ state: InvalidationState, _ directories: DiskDirectories, _ device: any BlockDevice,
    _ number: UInt64, _ logSeal: LogSeal, replacing old: [UInt64]
  ) throws(DeviceError) {
    var bytes = LogFormat.header(number: number)
    for entry in state.entries {
      LogFormat.appendFrame(
        logSeal.seal(entry.encoded()), number: number, base: 0, syncedBytes: 0, to: &bytes)
    }
    let prefix = DiskDirectories.invalidationPrefix
    try device.replaceFile(
      CommitLog.path(directories.root, prefix, number), in: directories.root, bytes)
    for number in old { try device.unlink(CommitLog.path(directories.root, prefix, number)) }
  }

  // MARK: - Segments

  private static func findSegments(
    _ directories: DiskDirectories, _ device: any BlockDevice, _ superblock: Superblock,
    _ seals: SegmentSeals
  ) throws(DeviceError) -> SegmentTable {
    let table = SegmentTable(firstGeneration: superblock.firstGeneration)
    let found = try device.list(directories.segments).compactMap { name in
      SegmentFormat.parse(fileName: name).map { (name: name, $0.generation, $0.kind) }
    }.sorted { $0.1 < $1.1 }
    for (name, generation, kind) in found {
      guard let slot = table.reserveSlot() else { break }
      let segment = Segment(
        generation: generation, slot: slot, kind: kind, path: directories.segments + "/" + name,
        device: device, seals: seals)
      segment.state.withLock { $0.isSealed = true }
      table.add(segment)
    }
    return table
  }
}
