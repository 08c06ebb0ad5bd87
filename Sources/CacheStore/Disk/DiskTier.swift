import Logging
import NIOCore
import Synchronization

// The disk tier: an append-only log of segments with an index in memory.
//
// Threads: one writer (SegmentWriter), one for each of the two logs (CommitLog), a few readers
// (ReaderPool), and for a moment after start one that loads the saved index (DiskRecovery). The
// calls below may be made from any thread and do not wait, except `sweep`, `shutdown` and
// `synchronize`, which are not for loops.
//
// Recovery is the start path: there is no other way to open a store, so nothing depends on a clean
// end. Nothing below throws into a request: a device that fails makes misses and counters.

/// Objects on disk. Its threads keep it alive until ``shutdown()``.
public final class DiskTier: Sendable {
  /// Seed of the store's key hash; random at creation, kept in the superblock.
  public let hashSeed: UInt64
  let configuration: Configuration
  let directories: DiskDirectories
  let device: any BlockDevice
  let logger: Logger
  let counters: DiskCounters
  let index = DiskIndex()
  let table: SegmentTable
  let inbox: WriterInbox
  let journal: CommitLog
  let invalidationLog: CommitLog
  let logSeal: LogSeal
  /// The oldest key that the invalidation log may need.
  let logKeyIdentifier: Monitor<UInt64?>
  let reader: DiskReader
  let writer: SegmentWriter
  let invalidations: Mutex<InvalidationState>
  /// Which hashes were removed when, also of objects that only a kept snapshot still has.
  let removals = RemovalSketch()
  /// Whether the tier was opened to bring a kept snapshot back: then it only reads, until it does.
  let isRestoring: Bool
  /// The partitions that are this disk's, of a store on several; nil for all.
  let partitions: [UInt8]?
  /// What was invalidated before this start.
  let recovered: InvalidationState
  let recovery = Monitor(DiskStatistics.Recovery.loading)
  private let threads: Monitor<[DiskThread]>
  private let lock: Monitor<(any BlockFile)?>
  private let isShutDown = Monitor(false)

  /// Opens or makes the store in a folder and serves at once; the saved index loads meanwhile.
  /// - Throws: ``StoreError`` when the folder can't be used, is in use, or is of another version.
  public convenience init(configuration: Configuration, logger: Logger) throws(StoreError) {
    try self.init(configuration: configuration, device: PosixBlockDevice(), logger: logger)
  }

  /// The same on a given device.
  public convenience init(
    configuration: Configuration, device: any BlockDevice, logger: Logger
  ) throws(StoreError) {
    try self.init(
      configuration: configuration, device: device, logger: logger, isRestoring: false)
  }

  /// A store of one disk.
  convenience init(
    configuration: Configuration, device: any BlockDevice, logger: Logger, isRestoring: Bool
  ) throws(StoreError) {
    let configuration = try configuration.checked()
    let opening = try DiskOpening(
      [configuration], witnessPath: nil, device: device, logger: logger)
    guard let opened = opening.stores[0] else {
      preconditionFailure("an opening without a store has thrown")
    }
    try self.init(
      opened, configuration: configuration, partitions: nil, device: device, logger: logger,
      isRestoring: isRestoring)
  }

  /// Serves what was opened.
  /// - Parameter partitions: those that are this disk's; nil for all.
  init(
    _ opened: OpenedStore, configuration: Configuration, partitions: [UInt8]?,
    device: any BlockDevice, logger: Logger, isRestoring: Bool
  ) throws(StoreError) {
    self.isRestoring = isRestoring
    self.partitions = partitions
    self.configuration = configuration
    self.device = device
    self.logger = logger
    directories = opened.directories
    hashSeed = opened.superblock.hashSeed
    table = opened.table
    logSeal = opened.logSeal
    logKeyIdentifier = Monitor(opened.logKeyIdentifier)
    recovered = opened.invalidations
    invalidations = Mutex(opened.invalidations)
    lock = Monitor(opened.lock)
    threads = Monitor([])
    counters = DiskCounters()
    inbox = WriterInbox(queueLimitBytes: configuration.writeQueueBytes)
    journal = CommitLog(
      device: device, directory: directories.root, prefix: DiskDirectories.journalPrefix,
      firstNumber: opened.nextJournalNumber, retryInterval: configuration.retryInterval,
      counters: counters, logger: logger)
    invalidationLog = CommitLog(
      device: device, directory: directories.root, prefix: DiskDirectories.invalidationPrefix,
      firstNumber: opened.invalidationNumber + 1, retryInterval: configuration.retryInterval,
      counters: counters, logger: logger)
    reader = DiskReader(
      index: index, journal: journal, counters: counters)
    writer = SegmentWriter(
      configuration: configuration, device: device, directories: directories, inbox: inbox,
      index: index, table: table, journal: journal, removals: removals, reader: reader,
      counters: counters, logger: logger, keptSnapshots: opened.snapshotNumbers,
      seals: opened.seals)
    writer.floor.store(recovered.floor, ordering: .releasing)
    try startThreads(opened)
  }

  private func startThreads(_ opened: OpenedStore) throws(StoreError) {
    reader.pool.start(threadCount: configuration.readerThreads)
    let writerThread = DiskThread.start("edge-disk-write") { [self] in
      writer.run(keeper: makeKeeper(), afterSnapshot: { self.shortenInvalidationLog() })
    }
    let loader = DiskThread.start("edge-disk-load") { [self] in loadIndex(opened) }
    guard journal.start(), invalidationLog.start(), let writerThread, let loader else {
      abandon()
      throw .directory(
        path: configuration.path, reason: "no thread could be started for it",
        remedy: "raise the limit on threads")
    }
    threads.withLock { $0 = [loader, writerThread] }
  }

  /// What was invalidated before this start and has to be checked on load.
  public var recoveredInvalidations: RecoveredInvalidations { recovered.recovered }

  // MARK: - Objects

  /// Where the object may be; nil when it is not on disk or the index has not loaded it yet. Notes
  /// a hit, which spares the object at reclaim.
  public func lookup(_ hash: KeyHash) -> DiskLocation? {
    if let object = inbox.queued(hash) { return DiskLocation(source: .queued(object)) }
    guard let place = index.lookup(hash), let segment = table.segment(slot: place.slot) else {
      return nil
    }
    return DiskLocation(source: .record(segment, place))
  }

  /// True when the object is on disk or on its way there.
  public func contains(_ hash: KeyHash) -> Bool {
    index.place(hash) != nil || inbox.isPending(hash)
  }

  /// Takes an object to be written. False when it is shed: too large, the queue is full, or the
  /// device failed a moment ago.
  public func enqueue(_ object: StoredObject) -> Bool {
    guard object.diskBody == nil, object.bodyCount <= configuration.largestObjectBytes,
      inbox.enqueue(object)
    else {
      counters.shedObjects.add(1)
      return false
    }
    return true
  }

  /// Reads an object.
  /// - Parameters:
  ///   - location: what ``lookup(_:)`` gave.
  ///   - key: the full key; compared.
  ///   - mayBeCached: false when ``loadAtOnce(_:hash:key:)`` has just said that it must wait.
  ///   - loop: where `completion` runs.
  ///   - completion: called on `loop`, from within this call when the page cache has the record.
  ///     Nil when it is gone, damaged, or another object's.
  public func load(
    _ location: DiskLocation, hash: KeyHash, key: UnsafeRawBufferPointer,
    mayBeCached: Bool = true, on loop: any EventLoop,
    completion: @escaping (StoredObject?) -> Void
  ) {
    switch location.source {
    case .queued(let object):
      complete(object.matches(hash, key) ? object : nil, on: loop, completion)
    case .record(let segment, let place):
      reader.load(
        segment, place, hash: hash, key: key, mayBeCached: mayBeCached, on: loop,
        completion: completion)
    }
  }

  /// Reads an object if that needs no waiting: from the write queue or the page cache.
  /// - Parameters:
  ///   - location: what ``lookup(_:)`` gave.
  ///   - key: the full key; compared.
  func loadAtOnce(
    _ location: DiskLocation, hash: KeyHash, key: UnsafeRawBufferPointer
  ) -> ImmediateLoad {
    switch location.source {
    case .queued(let object): object.matches(hash, key) ? .object(object) : .absent
    case .record(let segment, let place):
      reader.loadAtOnce(segment, place, hash: hash, key: key)
    }
  }

  /// Forgets an object, also one on its way to disk.
  public func remove(_ hash: KeyHash) {
    inbox.cancel(hash)
    index.remove(hash) { journal.append(JournalEntry.removal(hash).encoded()) }
  }

  /// Forgets an object that a removal took, also where only a kept snapshot has it.
  /// - Parameter sequence: what was fetched under a lower number is gone.
  func remove(_ hash: KeyHash, before sequence: UInt64) {
    removals.record(hash, sequence: sequence)
    inbox.cancel(hash)
    let entry = JournalEntry.removal(hash).encoded()
    let isThere = index.remove(hash) { journal.append(entry) }
    if !isThere { journal.append(entry) }
  }

  /// Marks an object stale, also one on its way to disk.
  func markStale(_ hash: KeyHash) {
    inbox.markStale(hash) {
      index.markStale(hash) { journal.append(JournalEntry.markedStale(hash).encoded()) }
    }
  }

  // MARK: - Large objects

  /// Begins a large object's way to disk.
  /// - Parameter expectedBytes: the body's size; nil when it is not known.
  /// - Returns: nil when the device failed a moment ago, the body is too large, or other spools
  ///   hold too many bytes that wait for the device.
  public func beginSpool(expectedBytes: Int?) -> SpoolWriter? {
    guard (expectedBytes ?? 0) <= configuration.largestObjectBytes, inbox.mayBeginSpool() else {
      return nil
    }
    guard !inbox.isBacklogged else {
      counters.shedObjects.add(1)
      return nil
    }
    return SpoolWriter(
      largestBytes: configuration.largestObjectBytes, reader: reader, inbox: inbox)
  }

  /// Ends a spool and gives the object it makes; readable at once, found by lookups once its last
  /// bytes are written. Nil when the spool failed or was aborted, or `isGone` says so: it is asked
  /// once the inbox knows of the spool, so whatever it misses is a sweep that the inbox remembers.
  public func finishSpool(
    _ spool: SpoolWriter, hash: KeyHash, key: UnsafeRawBufferPointer,
    head: UnsafeRawBufferPointer, metadata: ObjectMetadata, tags: [UInt64] = [],
    unless isGone: () -> Bool = { false }
  ) -> StoredObject? {
    let ticket = inbox.ticket(for: hash)
    let finish = SpoolWriter.Finish(
      hash: hash, key: [UInt8](key), head: [UInt8](head), metadata: metadata, tags: tags,
      ticket: ticket)
    if isGone() {
      inbox.cancel(hash, ticket: ticket)
      spool.abort()
      return nil
    }
    guard spool.end(finish) else {
      inbox.cancel(hash, ticket: ticket)
      return nil
    }
    let body = DiskBody(count: spool.count, source: .spool(spool))
    return StoredObject.make(
      hash: hash, key: key, head: head, body: .disk(body), metadata: metadata, tags: tags)
  }

  /// Whether a spool was begun here.
  func isWriting(_ spool: SpoolWriter) -> Bool { spool.isServed(by: inbox) }

  // MARK: - State

  /// A snapshot of the counters; O(segments).
  public var statistics: Statistics {
    var result = DiskStatistics()
    counters.fill(&result)
    result.recovery = recovery.withLock { $0 }
    result.objects = index.count
    result.indexBytes = index.byteCount
    result.usedBytes = writer.usedBytes.load(ordering: .relaxed)
    result.limitBytes = configuration.sizeBytes
    result.segments = table.count
    inbox.monitor.withLock { state in
      result.queuedBytes = state.queuedBytes
      result.spooledBytes = inbox.spooledBytes
      result.isDegraded = state.isDegraded
    }
    return result
  }

  /// Whether the log can grow by another segment without reclaiming one.
  public var hasRoom: Bool {
    writer.usedBytes.load(ordering: .relaxed) + 2 * configuration.segmentBytes
      <= configuration.sizeBytes
  }

  /// Writes, syncs and journals all that was handed over. Waits; not for loops.
  public func synchronize() {
    inbox.synchronize()
  }

  /// Returns once the saved index is loaded.
  public func waitUntilReady() async {
    await Task.detached { self.waitUntilLoaded() }.value
  }

  /// Waits until the saved index is loaded. Not for loops.
  func waitUntilLoaded() {
    _ = recovery.wait(until: nil) { $0 == .loading ? nil : true }
  }

  /// Saves the index now, for tests and tools; waits.
  func snapshot() {
    let before = counters.snapshots.current + counters.snapshotErrors.current
    inbox.monitor.update { $0.wantsSnapshot = true }
    while counters.snapshots.current + counters.snapshotErrors.current == before {
      inbox.synchronize()
      if inbox.monitor.withLock({ $0.stop != nil }) { return }
    }
  }

  /// Writes what is queued, saves the index and gives the folder free. Waits; not for loops.
  public func shutdown() { stop(.flushing) }

  /// Stops as a killed process would: nothing more is written.
  func abandon() { stop(.atOnce) }

  private func stop(_ stop: WriterInbox.Stop) {
    let isFirst = isShutDown.withLock { isShutDown in
      defer { isShutDown = true }
      return !isShutDown
    }
    guard isFirst else { return }
    inbox.monitor.update { $0.stop = stop }
    for thread in threads.withLock({ $0 }) { thread.join() }
    let isFlushing = stop == .flushing
    for request in inbox.takeKeepRequests() { request.completed(.failure(.stopped)) }
    journal.stop(flushing: isFlushing)
    invalidationLog.stop(flushing: isFlushing)
    reader.pool.stop()
    lock.withLock { $0 = nil }
  }
}
