import Glibc
import Logging
import Synchronization

// The writer thread: the only one that writes segments, reclaims them and takes snapshots.
//
// Owner: its thread; everything not in `inbox` or atomic is touched by it alone. An object goes
// queue -> write buffer -> file -> index -> (segment synced) -> journal. A crash may lose what is
// not in the journal yet; it never leaves a journal entry whose record was not synced, unless
// syncing is off.
//
// A failed write or sync gives the segment up (what it holds already stays readable), drops the
// queue and stops admission for `retryInterval`; the next object is the attempt to go on.

/// Writes objects to segments.
final class SegmentWriter: @unchecked Sendable {
  // @unchecked: see the file's head; the mutable parts belong to the writer thread.

  /// A record in the write buffer, not yet in the file.
  struct Uncommitted {
    enum Origin {
      case queued(ticket: UInt64)
      /// Written again at reclaim.
      case moved(from: RecordPlace)
    }
    let object: StoredObject
    let place: RecordPlace
    let origin: Origin
  }

  struct OpenSegment {
    let segment: Segment
    let file: SegmentFile
    /// Bytes in the file.
    var position: Int
    var buffer: [UInt8] = []
    var footerBytes = 0
    var uncommitted: [Uncommitted] = []
  }

  /// An insertion whose segment is not synced yet, so the journal must not name it.
  struct Withheld {
    let insertion: JournalEntry.Insertion
    let place: RecordPlace
  }

  struct Dirty {
    let segment: Segment
    let file: SegmentFile
  }

  let configuration: DiskTier.Configuration
  let device: any BlockDevice
  let directories: DiskDirectories
  let inbox: WriterInbox
  let index: DiskIndex
  let table: SegmentTable
  let journal: CommitLog
  let removals: RemovalSketch
  let reader: DiskReader
  let counters: DiskCounters
  let logger: Logger
  let seals: SegmentSeals
  /// Nothing fetched under a lower number is kept.
  let floor = Atomic<UInt64>(0)
  let usedBytes = Atomic<Int>(0)

  var open: OpenSegment?
  var spoolSegments: [ObjectIdentifier: Dirty] = [:]
  /// What a spool's write is sealed in, used again: at most ``DiskFormat/writeBytes``.
  var spoolBytes: [UInt8] = []
  var dirty: [UInt64: Dirty] = [:]
  var hasNewNames = false
  var withheld: [Withheld] = []
  var isReclaiming = false
  var mustFreeSegment = false
  var nextSync: MonotonicTime
  var nextSnapshot: MonotonicTime
  var prefersSpools = false
  var keptSnapshots: [UInt64]
  /// Keeps snapshots for longer; there from the thread's start on.
  var keeper: SnapshotKeeper?
  /// Called after each snapshot; the invalidation log is shortened then.
  var afterSnapshot: @Sendable () -> Void = {}

  init(
    configuration: DiskTier.Configuration, device: any BlockDevice, directories: DiskDirectories,
    inbox: WriterInbox, index: DiskIndex, table: SegmentTable, journal: CommitLog,
    removals: RemovalSketch, reader: DiskReader, counters: DiskCounters, logger: Logger,
    keptSnapshots: [UInt64], seals: SegmentSeals
  ) {
    self.configuration = configuration
    self.device = device
    self.directories = directories
    self.inbox = inbox
    self.index = index
    self.table = table
    self.journal = journal
    self.removals = removals
    self.reader = reader
    self.counters = counters
    self.logger = logger
    self.keptSnapshots = keptSnapshots
    self.seals = seals
    nextSync = MonotonicTime.now.advanced(by: .seconds(1))
    nextSnapshot = MonotonicTime.now.advanced(by: configuration.snapshotInterval)
  }

  // MARK: - The thread

  private enum Task {
    case spool(SpoolWriter)
    case objects([WriterInbox.Queued])
    case orphans([UInt64])
    case deadSegments
    case sync(round: UInt64?)
    case snapshot
    case finish
    case stop
  }

  func run(keeper: SnapshotKeeper, afterSnapshot: @escaping @Sendable () -> Void) {
    self.keeper = keeper
    self.afterSnapshot = afterSnapshot
    while true {
      switch nextTask() {
      case .spool(let spool): service(spool)
      case .objects(let objects): write(objects)
      case .orphans(let generations): removeOrphans(generations)
      case .deadSegments: removeDeadSegments()
      case .sync(let round): sync(round: round)
      case .snapshot: takeSnapshot()
      case .finish: return finish()
      case .stop: return
      }
    }
  }

  private func nextTask() -> Task {
    while true {
      let deadline = min(nextSync, nextSnapshot)
      let task = inbox.monitor.wait(until: deadline) { state in self.task(&state) }
      if let task { return task }
    }
  }

  private func task(_ state: inout WriterInbox.State) -> Task? {
    if case .atOnce = state.stop { return .stop }
    let now = MonotonicTime.now
    if nextSync <= now {
      nextSync = now.advanced(by: .seconds(1))
      if !dirty.isEmpty || !withheld.isEmpty { return .sync(round: nil) }
    }
    if !state.orphans.isEmpty {
      defer { state.orphans = [] }
      return .orphans(state.orphans)
    }
    if state.wantsDeadSegments, state.isIndexLoaded {
      state.wantsDeadSegments = false
      return .deadSegments
    }
    // Before the queue, which may never be empty.
    if nextSnapshot <= now {
      nextSnapshot = now.advanced(by: configuration.snapshotInterval)
      if state.isIndexLoaded { return .snapshot }
    }
    if let task = writeTask(&state) { return task }
    if state.wantsSync {
      state.wantsSync = false
      return .sync(round: state.syncsAsked)
    }
    if state.isIndexLoaded, state.wantsSnapshot || !state.keepRequests.isEmpty {
      state.wantsSnapshot = false
      nextSnapshot = now.advanced(by: configuration.snapshotInterval)
      return .snapshot
    }
    return state.stop == nil ? nil : .finish
  }

  /// Spools and queued objects in turn, up to one write's bytes at a time.
  private func writeTask(_ state: inout WriterInbox.State) -> Task? {
    prefersSpools.toggle()
    if prefersSpools || state.queue.isEmpty, let spool = state.spools.popFirst() {
      return .spool(spool)
    }
    var objects: [WriterInbox.Queued] = []
    var bytes = 0
    while bytes < DiskFormat.writeBytes, let next = state.queue.popFirst() {
      objects.append(next)
      bytes += next.bytes
      state.queuedBytes -= next.bytes
    }
    guard !objects.isEmpty else { return state.spools.popFirst().map { .spool($0) } }
    state.isWriting = true
    return .objects(objects)
  }

  /// Everything is written: closes the segment, syncs, and saves the index.
  private func finish() {
    do throws(DeviceError) { try sealOpenSegment() } catch { noteFailure(error) }
    sync(round: nil)
    if inbox.monitor.withLock({ $0.isIndexLoaded }) { takeSnapshot() }
    inbox.monitor.update { $0.syncsDone = $0.syncsAsked }
  }

  // MARK: - Objects

  private func write(_ objects: [WriterInbox.Queued]) {
    var rest = objects[...]
    do throws(DeviceError) {
      while let next = rest.first {
        try append(next.object, .queued(ticket: next.ticket))
        rest = rest.dropFirst()
      }
      try flush()
    } catch {
      noteFailure(error)
      shed(Array(rest))
    }
    inbox.monitor.update { state in
      state.isWriting = false
      state.writtenTicket = max(state.writtenTicket, objects.last?.ticket ?? 0)
    }
  }

  /// Lays an object's record into the write buffer. One that no segment can hold is passed over.
  func append(_ object: StoredObject, _ origin: Uncommitted.Origin) throws(DeviceError) {
    let footerBytes = FooterEntry.count(
      keyCount: object.withKey { $0.count }, tagBytes: object.withTagBytes { $1.count })
    let most = configuration.segmentBytes - SegmentFormat.headerBytes - SegmentTrailer.byteCount
    guard object.diskBody == nil, let prepared = RecordEncoder.prepare(object),
      prepared.paddedCount + footerBytes <= most
    else { return shed(object, origin) }
    let count = prepared.paddedCount
    if let open {
      let end = open.position + open.buffer.count + open.footerBytes + SegmentTrailer.byteCount
      if end + count + footerBytes > configuration.segmentBytes { try sealOpenSegment() }
    }
    if open == nil { try openSegment() }
    guard var open = self.open.take() else { return shed(object, origin) }
    let start = open.buffer.count
    let position = open.position + start
    open.buffer.append(contentsOf: repeatElement(0, count: count))
    open.buffer.withUnsafeMutableBytes { buffer in
      RecordEncoder(seal: open.file.seal).encode(
        prepared, generation: open.segment.generation, position: position,
        into: buffer.slice(start, count))
    }
    open.footerBytes += footerBytes
    let place = RecordPlace(
      slot: open.segment.slot, block: UInt32(position / DiskFormat.blockBytes),
      blockCount: UInt32(count / DiskFormat.blockBytes))
    open.uncommitted.append(Uncommitted(object: object, place: place, origin: origin))
    let isFull = open.buffer.count >= DiskFormat.writeBytes
    self.open = open
    if isFull { try flush() }
  }

  /// Writes the buffer and lets its objects into the index.
  func flush() throws(DeviceError) {
    guard var open = self.open, !open.buffer.isEmpty else { return }
    // Not held twice: the buffer would be copied.
    self.open = nil
    do throws(DeviceError) {
      try open.file.file.write(open.buffer, at: open.position)
    } catch {
      self.open = open
      throw error
    }
    let count = open.buffer.count
    open.position += count
    open.buffer.removeAll(keepingCapacity: true)
    noteBytesWritten(count, open.segment, end: open.position)
    dirty[open.segment.generation] = Dirty(segment: open.segment, file: open.file)
    commit(open.uncommitted, in: open.segment)
    open.uncommitted = []
    self.open = open
    noteSuccess()
    afterCommit()
  }

  /// By the sync policy, makes what was just written durable or lets the journal name it.
  func afterCommit() {
    switch configuration.sync {
    case .everySecond: break
    case .always: sync(round: nil)
    case .never: release()
    }
  }

  private func commit(_ records: [Uncommitted], in segment: Segment) {
    let floor = floor.load(ordering: .acquiring)
    var committed = 0
    inbox.monitor.withLock { state in
      for record in records {
        let object = record.object
        let kind = state.sweeps.isEmpty ? nil : object.withSubject { state.sweeps.kind(for: $0) }
        let isAlive = object.fetchSequence >= floor && kind != .hard
        var place = record.place
        place.isMarkedStale = kind == .soft || object.isMarkedStale
        switch record.origin {
        case .queued(let ticket):
          guard let pending = state.pending[object.hash], pending.ticket == ticket else { continue }
          state.pending[object.hash] = nil
          guard isAlive else { continue }
          if pending.isMarkedStale { place.isMarkedStale = true }
          enterIndex(object.hash, place)
        case .moved(let old):
          guard isAlive, index.move(object.hash, from: old, to: place) else { continue }
        }
        noteFooterEntry(object, record.place.block, in: segment)
        withheld.append(Withheld(insertion: insertion(record, segment), place: record.place))
        committed += 1
      }
    }
    counters.writtenObjects.add(committed)
  }

  /// Shows lookups a new record, and has the journal forget the one before it.
  func enterIndex(_ hash: KeyHash, _ place: RecordPlace) {
    index.insert(hash, place) { journal.append(JournalEntry.removal(hash).encoded()) }
  }

  private func insertion(_ record: Uncommitted, _ segment: Segment) -> JournalEntry.Insertion {
    JournalEntry.Insertion(
      hash: record.object.hash, generation: segment.generation,
      position: Int(record.place.block) * DiskFormat.blockBytes,
      count: Int(record.place.blockCount) * DiskFormat.blockBytes,
      fetchSequence: record.object.fetchSequence)
  }

  private func noteFooterEntry(
    _ object: StoredObject, _ block: UInt32, in segment: Segment
  ) {
    object.withKey { key in
      object.withTagBytes { tagCount, tags in
        segment.noteFooterEntry(
          hash: object.hash, metadata: object.metadata, block: block, key: key,
          tagCount: tagCount, tags: tags)
      }
    }
  }

  // MARK: - Segments

  private func openSegment() throws(DeviceError) {
    try makeRoom(configuration.segmentBytes)
    // Reclaiming may have opened one for what it wrote again.
    if open != nil { return }
    let (segment, file) = try createSegment(.shared)
    open = OpenSegment(segment: segment, file: file, position: SegmentFormat.headerBytes)
  }

  func createSegment(_ kind: Segment.Kind) throws(DeviceError) -> (Segment, SegmentFile) {
    guard let (generation, slot) = table.reserve() else {
      throw DeviceError(operation: "create", path: directories.segments, code: ENOSPC)
    }
    let path = directories.segments + "/" + SegmentFormat.fileName(generation, kind)
    let sealing = seals.fresh()
    let file = try createFile(path)
    do throws(DeviceError) {
      try file.write(
        SegmentFormat.header(generation: generation, kind: kind, sealing: sealing), at: 0)
    } catch {
      try? device.unlink(path)
      throw error
    }
    let created = SegmentFile(file: file, seal: seals.seal(sealing, generation: generation))
    let segment = Segment(
      generation: generation, slot: slot, kind: kind, path: path, device: device, seals: seals,
      created: (created, sealing))
    noteBytesWritten(SegmentFormat.headerBytes, segment, end: SegmentFormat.headerBytes)
    table.add(segment)
    hasNewNames = true
    return (segment, created)
  }

  /// A new file; when somebody took its folder away, in a new folder.
  private func createFile(_ path: String) throws(DeviceError) -> any BlockFile {
    do throws(DeviceError) {
      return try device.open(path, .create)
    } catch {
      guard error.code == ENOENT else { throw error }
      try device.createDirectory(directories.segments)
      return try device.open(path, .create)
    }
  }

  /// Writes the footer; the segment takes nothing more.
  func sealOpenSegment() throws(DeviceError) {
    try flush()
    guard let open else { return }
    let footer = open.segment.state.withLock { $0.openFooter } ?? []
    let tail = Self.footer(
      footer, generation: open.segment.generation, position: open.position, open.file.seal)
    try open.file.file.write(tail, at: open.position)
    noteBytesWritten(tail.count, open.segment, end: open.position + tail.count)
    dirty[open.segment.generation] = Dirty(segment: open.segment, file: open.file)
    open.segment.noteSealed()
    self.open = nil
  }

  static func footer(
    _ entries: [UInt8], generation: UInt64, position: Int, _ seal: any ChunkSeal
  ) -> [UInt8] {
    var entries = entries
    let tag = entries.withUnsafeMutableBytes {
      seal.seal($0, .footer(generation: generation, position: position))
    }
    let trailer = SegmentTrailer(
      generation: generation, footerPosition: position, footerCount: entries.count,
      footerTag: tag)
    return entries + trailer.encoded()
  }

  func noteBytesWritten(_ count: Int, _ segment: Segment, end: Int) {
    segment.noteWritten(upTo: end)
    usedBytes.add(count, ordering: .relaxed)
    counters.writtenBytes.add(count)
  }

  // MARK: - Failure

  /// The device failed a write, an open or a sync: gives up what was under way.
  func noteFailure(_ error: DeviceError) {
    counters.writeErrors.add(1)
    let isFull = error.code == ENOSPC || error.code == EDQUOT
    if isFull {
      counters.fullErrors.add(1)
      mustFreeSegment = true
    }
    abandonOpenSegment()
    let (dropped, isFirst) = inbox.monitor.update { state in
      let dropped = Array(state.queue)
      let isFirst = !state.isDegraded
      state.queue = []
      state.queuedBytes = 0
      state.writtenTicket = max(state.writtenTicket, dropped.last?.ticket ?? 0)
      state.isDegraded = true
      state.degradedUntil = MonotonicTime.now.advanced(by: configuration.retryInterval)
      return (dropped, isFirst)
    }
    shed(dropped)
    if isFirst {
      logger.error(
        "disk tier takes nothing in until the device works again",
        metadata: ["cause": "\(error)", "path": "\(directories.root)"])
    }
  }

  private func noteSuccess() {
    let wasDegraded = inbox.monitor.withLock { state in
      defer {
        state.isDegraded = false
        state.degradedUntil = nil
      }
      return state.isDegraded
    }
    if wasDegraded {
      mustFreeSegment = false
      logger.notice("disk tier takes objects in again", metadata: ["path": "\(directories.root)"])
    }
  }

  private func abandonOpenSegment() {
    guard let open else { return }
    self.open = nil
    for record in open.uncommitted { shed(record.object, record.origin) }
    let isEmpty = open.segment.state.withLock { state in
      // Its footer stays in memory for sweeps: nothing more is written to this file.
      state.isSealed = true
      return state.openFooter?.isEmpty ?? true
    }
    if isEmpty { remove([open.segment]) }
  }

  private func shed(_ objects: [WriterInbox.Queued]) {
    for queued in objects { shed(queued.object, .queued(ticket: queued.ticket)) }
  }

  private func shed(_ object: StoredObject, _ origin: Uncommitted.Origin) {
    guard case .queued(let ticket) = origin else { return }
    counters.shedObjects.add(1)
    object.isOnDisk = false
    inbox.monitor.withLock { state in
      if state.pending[object.hash]?.ticket == ticket { state.pending[object.hash] = nil }
    }
  }
}
