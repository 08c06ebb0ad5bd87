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
  /// Journal files of earlier runs, oldest first, and the one that this start begins with.
  let journalNumbers: [UInt64]
  /// Snapshots of earlier runs, oldest first.
  let snapshotNumbers: [UInt64]
  /// This disk, in ``DiskMembers``.
  let identifier: UInt64
  /// What the `members` file says at present; nil when there is none.
  let members: DiskMembers?
  /// Whether the superblock is to be written yet.
  private let isNew: Bool

  var nextJournalNumber: UInt64 {
    max(journalNumbers.last ?? 0, snapshotNumbers.last ?? 0) + 1
  }

  /// What a disk is to do at this start.
  struct Orders {
    let hashSeed: UInt64
    let verdict: DiskAgreement.Verdict
    /// The partitions that are this disk's; nil for all.
    let partitions: [UInt8]?
    let keyRing: KeyRing?
    let encrypts: Bool
  }

  /// Carries the orders out. What takes away comes first: a crash on the way must leave nothing
  /// that would be believed at the next start. A new store is one only once ``commit(_:)`` is done.
  init(
    _ claim: DiskClaim, _ orders: Orders, device: any BlockDevice
  ) throws(DeviceError) {
    directories = claim.directories
    lock = claim.lock
    var names = claim.names
    isNew = claim.superblock == nil
    if isNew {
      // Left over from a start that did not get to its superblock, or somebody else's: only what
      // bears a name of ours goes.
      try Self.removeEverything(directories, device, names)
      names = try device.list(directories.root)
    }
    var superblock = claim.superblock ?? Superblock(hashSeed: orders.hashSeed, epoch: 0)
    superblock.epoch += 1
    if !isNew {
      try device.replaceFile(directories.superblock, in: directories.root, superblock.encoded())
    }
    self.superblock = superblock
    identifier = orders.verdict.identifier
    members = isNew ? nil : claim.members
    seals = SegmentSeals(
      ring: orders.keyRing, encrypts: orders.encrypts, storeSeed: superblock.hashSeed)
    logSeal = LogSeal(seals)
    logKeyIdentifier = logSeal.currentIdentifier
    snapshotNumbers = names.compactMap { IndexSnapshot.journalNumber(fileName: $0) }.sorted()
    let numbers = names.compactMap {
      CommitLog.number(fileName: $0, prefix: DiskDirectories.journalPrefix)
    }.sorted()
    journalNumbers = try Self.beginJournal(
      Self.preface(orders, superblock, isNew: isNew), directories, device, after: numbers,
      snapshotNumbers)
    invalidations = orders.verdict.state
    let logNumbers = isNew ? [] : claim.logNumbers
    invalidationNumber = (logNumbers.last ?? 0) + 1
    try Self.writeInvalidations(
      invalidations, directories, device, invalidationNumber, logSeal, replacing: logNumbers)
    table = try Self.findSegments(directories, device, superblock, seals)
  }

  /// Writes the superblock of a new store; the disks' record names it by now.
  func commit(_ device: any BlockDevice) throws(DeviceError) {
    guard isNew else { return }
    try device.replaceFile(directories.superblock, in: directories.root, superblock.encoded())
  }

  private static func removeEverything(
    _ directories: DiskDirectories, _ device: any BlockDevice, _ names: [String]
  ) throws(DeviceError) {
    for name in names where isOurs(name) { try device.unlink(directories.root + "/" + name) }
    for name in (try? device.list(directories.snapshots)) ?? []
    where name.hasSuffix(KeptSnapshot.suffix) {
      try device.unlink(directories.snapshots + "/" + name)
    }
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
      || name == "superblock" || name == "members"
  }

  // MARK: - Journal

  /// What this start takes from the index before anything is looked up.
  private static func preface(
    _ orders: Orders, _ superblock: Superblock, isNew: Bool
  ) -> [JournalEntry] {
    if isNew { return [] }
    if orders.verdict.cause != nil {
      return [.olderRemoved(generation: superblock.firstGeneration)]
    }
    // What went to another disk may be replaced or removed there: it must not be believed when it
    // comes back to this one.
    return orders.partitions.map { [.partitionsKept($0)] } ?? []
  }

  /// Writes a journal file with these entries; returns all journal numbers.
  private static func beginJournal(
    _ entries: [JournalEntry], _ directories: DiskDirectories, _ device: any BlockDevice,
    after journals: [UInt64], _ snapshots: [UInt64]
  ) throws(DeviceError) -> [UInt64] {
    guard !entries.isEmpty else { return journals }
    let number = max(journals.last ?? 0, snapshots.last ?? 0) + 1
    var bytes = LogFormat.header(number: number)
    for entry in entries {
      LogFormat.appendFrame(
        entry.encoded(), number: number, base: 0, syncedBytes: 0, to: &bytes)
    }
    let path = CommitLog.path(directories.root, DiskDirectories.journalPrefix, number)
    try device.replaceFile(path, in: directories.root, bytes)
    return journals + [number]
  }

  // MARK: - Invalidations

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
