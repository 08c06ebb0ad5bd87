import Logging

// Loading the saved index: the newest snapshot that verifies, and the journals from there on.
//
// Nothing is guessed: when the journals since a snapshot are not whole, a removal may be missing,
// so everything is given up and the tier starts empty. A torn end is whole: what stood there was
// never acknowledged. Owner: the loading thread; it ends when the index is in place.

struct DiskRecovery {
  let opened: OpenedStore
  let device: any BlockDevice
  let logger: Logger
  let removals: RemovalSketch

  private var shards = (0..<DiskIndex.shardCount).map { _ in LoadedShard() }
  /// Segments the journal says are gone, and the generation below which all are.
  private var removed: Set<UInt64> = []
  private var firstGeneration: UInt64 = 0
  private(set) var replayedBytes = 0

  init(
    opened: OpenedStore, device: any BlockDevice, logger: Logger, removals: RemovalSketch
  ) {
    self.opened = opened
    self.device = device
    self.logger = logger
    self.removals = removals
  }

  /// The index as it was saved; nil when it can't be trusted.
  mutating func load() -> [LoadedShard]? {
    var firstJournal: UInt64 = 0
    if !opened.snapshotNumbers.isEmpty {
      guard let snapshot = readSnapshot() else { return nil }
      adopt(snapshot)
      firstJournal = snapshot.journalNumber
    }
    for number in opened.journalNumbers where number >= firstJournal {
      guard replay(number) else { return nil }
    }
    dropRemoved()
    return shards
  }

  private func readSnapshot() -> IndexSnapshot? {
    for number in opened.snapshotNumbers.reversed() {
      let path = IndexSnapshot.path(opened.directories.root, number)
      if let bytes = try? device.readFile(path), let snapshot = IndexSnapshot.decode(bytes),
        snapshot.journalNumber == number
      {
        return snapshot
      }
      logger.warning("an index snapshot can't be read", metadata: ["path": "\(path)"])
    }
    return nil
  }

  private mutating func adopt(_ snapshot: IndexSnapshot) {
    for (place, sequence) in snapshot.removals { removals.raise(place: place, to: sequence) }
    shards = Self.shards(of: snapshot, in: opened.table)
  }

  /// The tables that a snapshot says, without what was in files that are gone.
  static func shards(of snapshot: IndexSnapshot, in table: SegmentTable) -> [LoadedShard] {
    // By slot of the snapshot; 0 stands for what is gone.
    var slots = [UInt32](
      repeating: 0, count: Int((snapshot.segments.map(\.slot).max() ?? 0) & 0x7F_FFFF) + 1)
    for saved in snapshot.segments {
      guard let segment = table.segment(generation: saved.generation),
        Int(saved.slot) < slots.count
      else { continue }
      slots[Int(saved.slot)] = segment.slot
      segment.state.withLock { state in
        state.maxFetchSequence = max(state.maxFetchSequence, saved.maxFetchSequence)
        if let dedicated = saved.dedicated { state.dedicated = dedicated }
      }
    }
    return snapshot.shards.map { entries in
      let shard = LoadedShard()
      shard.table = IndexShard(expecting: entries.count)
      for var entry in entries {
        let saved = Int(entry.slot)
        guard saved < slots.count, slots[saved] != 0 else { continue }
        entry.setSlot(slots[saved])
        shard.table.insert(entry)
      }
      return shard
    }
  }

  private mutating func replay(_ number: UInt64) -> Bool {
    let path = CommitLog.path(
      opened.directories.root, DiskDirectories.journalPrefix, number)
    let bytes: [UInt8]
    do throws(DeviceError) {
      // A killed process leaves entries that were never synced. This run builds on them, and its
      // sweeps forget rules by them: a power loss must not take them any more.
      try device.open(path, .read).sync()
      bytes = try device.readFile(path)
    } catch {
      logger.error(
        "a journal of the index can't be read", metadata: ["path": "\(path)", "cause": "\(error)"])
      return false
    }
    replayedBytes += bytes.count
    var isKnown = true
    let ending = bytes.withUnsafeBytes { bytes in
      LogFormat.replay(bytes, number: number) { payload in
        guard let entry = JournalEntry.decode(payload) else {
          isKnown = false
          return
        }
        apply(entry)
      }
    }
    if ending == .damaged || !isKnown {
      logger.error("a journal of the index is damaged", metadata: ["path": "\(path)"])
      return false
    }
    return true
  }

  private mutating func apply(_ entry: JournalEntry) {
    switch entry {
    case .insertion(let insertion): insert(insertion)
    case .removal(let hash):
      // Its number is not in the journal; whatever was fetched in an earlier run is below this.
      removals.record(hash, sequence: opened.invalidations.sequence)
      remove(hash)
    case .markedStale(let hash):
      let shard = shards[DiskIndex.shardNumber(hash)]
      guard let position = shard.table.find(DiskIndex.fingerprint(hash)) else { return }
      _ = shard.table.markStale(at: position)
    case .partitionsKept(let bitmap):
      for shard in shards {
        _ = shard.table.filter { DiskPartitions.has($0.fingerprint, in: bitmap) }
      }
    case .segmentRemoved(let generation): removed.insert(generation)
    case .olderRemoved(let generation): firstGeneration = max(firstGeneration, generation)
    case .segmentCut(let generation, let block):
      guard let slot = opened.table.segment(generation: generation)?.slot else { return }
      for shard in shards {
        _ = shard.table.filter { $0.slot != slot || $0.place.block < block }
      }
    }
  }

  private func insert(_ insertion: JournalEntry.Insertion) {
    guard let segment = opened.table.segment(generation: insertion.generation),
      insertion.position < DiskFormat.largestSegmentBytes || segment.kind == .dedicated
    else { return remove(insertion.hash) }
    var place = RecordPlace(
      slot: segment.slot, block: 0, blockCount: 0, isMarkedStale: insertion.isMarkedStale)
    if segment.kind == .shared {
      place.block = UInt32(insertion.position / DiskFormat.blockBytes)
      place.blockCount = UInt32(
        min(insertion.count, DiskFormat.largestSegmentBytes) / DiskFormat.blockBytes)
    }
    segment.state.withLock { state in
      state.maxFetchSequence = max(state.maxFetchSequence, insertion.fetchSequence)
      if segment.kind == .dedicated {
        state.dedicated = Segment.DedicatedRecord(
          hash: insertion.hash, position: insertion.position, count: insertion.count)
      }
    }
    let fingerprint = DiskIndex.fingerprint(insertion.hash)
    shards[DiskIndex.shardNumber(insertion.hash)].table.insert(
      IndexEntry(fingerprint: fingerprint, place: place))
  }

  private func remove(_ hash: KeyHash) {
    let shard = shards[DiskIndex.shardNumber(hash)]
    guard let position = shard.table.find(DiskIndex.fingerprint(hash)) else { return }
    shard.table.remove(at: position)
  }

  private func dropRemoved() {
    var slots: Set<UInt32> = []
    for segment in opened.table.all
    where segment.generation < firstGeneration || removed.contains(segment.generation) {
      slots.insert(segment.slot)
    }
    guard !slots.isEmpty else { return }
    for shard in shards { _ = shard.table.filter { !slots.contains($0.slot) } }
  }
}

extension DiskTier {
  /// Bytes of journals above which a new snapshot follows a start.
  private static let longReplayBytes = 8 << 20

  /// Loads the saved index and puts it in place; on the loading thread.
  func loadIndex(_ opened: OpenedStore) {
    var recovery = DiskRecovery(
      opened: opened, device: device, logger: logger, removals: removals)
    let shards = recovery.load()
    if shards == nil {
      removals.recordAll(sequence: opened.invalidations.sequence)
      // Said durably before anything else: the old journals must never be believed again.
      let entry = JournalEntry.olderRemoved(generation: opened.superblock.firstGeneration)
      journal.append(entry.encoded())
      _ = journal.synchronize()
    }
    let counts = countBySlot(shards ?? [])
    let unused = noteSizes(counts, before: opened.superblock.firstGeneration)
    if let shards, !unused.isEmpty {
      let slots = Set(unused.map(\.slot))
      for shard in shards { _ = shard.table.filter { !slots.contains($0.slot) } }
    }
    index.finishLoading(shards ?? (0..<DiskIndex.shardCount).map { _ in LoadedShard() })
    // A kept snapshot may still need them when it is brought back.
    if !isRestoring { removeUnused(unused) }
    inbox.monitor.update { state in
      state.isIndexLoaded = true
      state.wantsDeadSegments = true
      if shards == nil || recovery.replayedBytes > Self.longReplayBytes {
        state.wantsSnapshot = true
      }
    }
    self.recovery.update { $0 = shards == nil ? .startedEmpty : .complete }
  }

  /// By slot; an array, since a dictionary takes longer than all the rest of loading.
  private func countBySlot(_ shards: [LoadedShard]) -> [Int] {
    var counts = [Int](repeating: 0, count: Int(table.all.map(\.slot).max() ?? 0) + 1)
    for shard in shards {
      for entry in shard.table.entries where !entry.isEmpty && Int(entry.slot) < counts.count {
        counts[Int(entry.slot)] += 1
      }
    }
    return counts
  }

  /// Notes the sizes of earlier segments; returns those that hold nothing, or nothing that can be
  /// opened because their key is lost.
  private func noteSizes(_ counts: [Int], before generation: UInt64) -> [Segment] {
    var unused: [Segment] = []
    var lost = 0
    for segment in table.all where segment.generation < generation {
      let objects = Int(segment.slot) < counts.count ? counts[Int(segment.slot)] : 0
      guard objects > 0 else {
        unused.append(segment)
        continue
      }
      do throws(DeviceError) {
        let opened = try segment.openFile()
        if opened.isLost {
          unused.append(segment)
          lost += objects
          continue
        }
        let count = try opened.file.byteCount()
        segment.noteWritten(upTo: count)
        writer.usedBytes.add(count, ordering: .relaxed)
      } catch {
        // Loads from it will find out; it counts as empty.
        counters.readErrors.add(1)
      }
    }
    if lost > 0 {
      counters.lostKeyRecords.add(lost)
      logger.error(
        "objects on disk are given up: the keys they were sealed under are lost",
        metadata: ["objects": "\(lost)", "path": "\(directories.root)"])
    }
    return unused
  }

  private func removeUnused(_ segments: [Segment]) {
    for segment in segments {
      segment.noteRemoved()
      table.remove(segment)
      journal.append(JournalEntry.segmentRemoved(generation: segment.generation).encoded())
      do throws(DeviceError) { try device.unlink(segment.path) } catch {
        counters.writeErrors.add(1)
      }
    }
  }
}
