import NIOCore

/// Large objects: each streams into a segment of its own.
extension SegmentWriter {
  /// Does the next piece of work for a spool and puts it back in line if more may follow.
  func service(_ spool: SpoolWriter) {
    let key = ObjectIdentifier(spool)
    switch spool.nextWork() {
    case .nothing: return
    case .abort: drop(spool)
    case .write(let parts, let count, let bodyOffset):
      do throws(DeviceError) {
        try makeRoom(count + openReserve)
        let target = try spoolSegment(spool)
        try write(parts, count, bodyOffset, spool, target)
        inbox.requestService(spool)
      } catch { fail(spool, error) }
    case .finish(let finish, let bodyCount, let tags):
      do throws(DeviceError) {
        let target = try spoolSegment(spool)
        try end(finish, bodyCount, tags, target)
        spoolSegments[key] = nil
        spool.noteOver()
        afterCommit()
      } catch { fail(spool, error) }
    }
  }

  /// Room that the open shared segment may still take.
  private var openReserve: Int {
    open.map { configuration.segmentBytes - $0.position } ?? 0
  }

  private func spoolSegment(_ spool: SpoolWriter) throws(DeviceError) -> Dirty {
    if let existing = spoolSegments[ObjectIdentifier(spool)] { return existing }
    let (segment, file) = try createSegment(.dedicated)
    let created = Dirty(segment: segment, file: file)
    spoolSegments[ObjectIdentifier(spool)] = created
    spool.noteOpened(file, generation: segment.generation)
    return created
  }

  private func write(
    _ parts: [ByteBuffer], _ count: Int, _ bodyOffset: Int, _ spool: SpoolWriter, _ target: Dirty
  ) throws(DeviceError) {
    spoolBytes.removeAll(keepingCapacity: true)
    spoolBytes.reserveCapacity(count)
    var tags: [ChunkTag] = []
    tags.reserveCapacity(DiskFormat.chunkCount(count))
    var source = parts.makeIterator()
    var part = source.next()
    // A chunk is sealed right after it was copied, while it is in the processor's cache.
    while spoolBytes.count < count {
      let start = spoolBytes.count
      let end = min(count, start + DiskFormat.chunkBytes)
      while spoolBytes.count < end, var rest = part {
        if let slice = rest.readSlice(length: min(rest.readableBytes, end - spoolBytes.count)) {
          slice.withUnsafeReadableBytes { spoolBytes.append(contentsOf: $0) }
        }
        part = rest.readableBytes > 0 ? rest : source.next()
      }
      precondition(spoolBytes.count == end, "\(count) bytes were promised in \(parts.count) parts")
      let context = ChunkContext.chunk(
        (bodyOffset + start) / DiskFormat.chunkBytes, hash: KeyHash(high: 0, low: 0),
        generation: target.segment.generation,
        bodyPosition: DiskFormat.dedicatedBodyPosition)
      let tag = spoolBytes.withUnsafeMutableBytes {
        target.file.seal.seal($0.slice(start, end - start), context)
      }
      tags.append(tag)
    }
    let position = DiskFormat.dedicatedBodyPosition + bodyOffset
    try target.file.file.write(spoolBytes, at: position)
    noteSpoolBytes(count, target, end: position + count)
    spool.noteWritten(count, tags: tags)
  }

  /// Writes the record and the footer behind the body and lets the object into the index.
  private func end(
    _ finish: SpoolWriter.Finish, _ bodyCount: Int, _ tags: [ChunkTag], _ target: Dirty
  ) throws(DeviceError) {
    let segment = target.segment
    let position = (DiskFormat.dedicatedBodyPosition + bodyCount)
      .roundedUp(toMultipleOf: DiskFormat.blockBytes)
    let record = finish.key.withUnsafeBytes { key in
      finish.head.withUnsafeBytes { head in
        RecordEncoder(seal: target.file.seal).encodeDedicated(
          hash: finish.hash, key: key, head: head,
          metadata: RecordMetadata(finish.metadata, tags: finish.tags), bodyCount: bodyCount,
          bodyPosition: DiskFormat.dedicatedBodyPosition, tags: tags,
          generation: segment.generation)
      }
    }
    var footer: [UInt8] = []
    finish.withTagBytes { key, tagCount, tags in
      FooterEntry.append(
        hash: finish.hash, metadata: finish.metadata, block: 0, key: key, tagCount: tagCount,
        tags: tags, to: &footer)
      segment.noteFooterEntry(
        hash: finish.hash, metadata: finish.metadata, block: 0, key: key, tagCount: tagCount,
        tags: tags)
    }
    let tail =
      record
      + Self.footer(
        footer, generation: segment.generation, position: position + record.count,
        target.file.seal)
    try target.file.file.write(tail, at: position)
    noteSpoolBytes(tail.count, target, end: position + tail.count)
    dirty[segment.generation] = target
    let dedicated = Segment.DedicatedRecord(
      hash: finish.hash, position: position, count: record.count)
    segment.state.withLock { $0.dedicated = dedicated }
    if commit(finish, segment, dedicated) {
      segment.noteSealed()
      counters.writtenObjects.add(1)
    } else {
      remove([segment])
    }
  }

  private func commit(
    _ finish: SpoolWriter.Finish, _ segment: Segment, _ dedicated: Segment.DedicatedRecord
  ) -> Bool {
    var place = RecordPlace(slot: segment.slot, block: 0, blockCount: 0)
    let sequence = finish.metadata.fetchSequence
    let floor = floor.load(ordering: .acquiring)
    let isCommitted = inbox.monitor.withLock { state in
      guard let pending = state.pending[finish.hash], pending.ticket == finish.ticket else {
        return false
      }
      state.pending[finish.hash] = nil
      let kind = finish.withSubject { state.sweeps.kind(for: $0) }
      guard sequence >= floor, kind != .hard else { return false }
      place.isMarkedStale = kind == .soft || pending.isMarkedStale
      enterIndex(finish.hash, place)
      return true
    }
    guard isCommitted else { return false }
    let insertion = JournalEntry.Insertion(
      hash: finish.hash, generation: segment.generation, position: dedicated.position,
      count: dedicated.count, fetchSequence: sequence)
    withheld.append(Withheld(insertion: insertion, place: place))
    return true
  }

  private func noteSpoolBytes(_ count: Int, _ target: Dirty, end: Int) {
    // Counts padding too, so that what removal subtracts is what was added.
    let added = max(0, end - target.segment.byteCount)
    target.segment.noteWritten(upTo: end)
    usedBytes.add(added, ordering: .relaxed)
    counters.writtenBytes.add(count)
  }

  private func fail(_ spool: SpoolWriter, _ error: DeviceError) {
    spool.noteFailed()
    drop(spool)
    noteFailure(error)
  }

  private func drop(_ spool: SpoolWriter) {
    if let entry = spoolSegments.removeValue(forKey: ObjectIdentifier(spool)) {
      remove([entry.segment])
    }
    if let finish = spool.finishing {
      inbox.monitor.withLock { state in
        if state.pending[finish.hash]?.ticket == finish.ticket { state.pending[finish.hash] = nil }
      }
    }
    spool.noteOver()
  }
}
