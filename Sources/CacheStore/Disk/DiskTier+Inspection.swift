/// Looking into the disk tier. Everything here reads files and waits; not for loops.
extension DiskTier {
  /// All segments by rising generation.
  var segmentsByGeneration: [Segment] { table.all.sorted { $0.generation < $1.generation } }

  /// Calls `body` with each record that a segment holds, also with those that are no longer in the
  /// index.
  func forEachRecord(in segment: Segment, _ body: (FooterEntry) -> Void) {
    _ = SegmentWalk(segment: segment, reader: reader).forEach(body)
  }

  /// The same for all segments.
  func forEachRecord(_ body: (Segment, FooterEntry) -> Void) {
    for segment in table.all { forEachRecord(in: segment) { body(segment, $0) } }
  }

  /// The index's place of a record; nil when the index has another one or none.
  func place(of entry: FooterEntry, in segment: Segment) -> RecordPlace? {
    guard let place = index.place(entry.hash), place.slot == segment.slot,
      place.block == entry.block
    else { return nil }
    return place
  }

  /// True when the record is what the index has.
  func isThere(_ entry: FooterEntry, in segment: Segment) -> Bool {
    place(of: entry, in: segment) != nil
  }

  /// Bytes that a record takes on disk.
  func recordBytes(_ place: RecordPlace, in segment: Segment) -> Int {
    segment.kind == .dedicated
      ? segment.byteCount : Int(place.blockCount) * DiskFormat.blockBytes
  }

  /// Reads an object on the calling thread, without a hit; nil when it is not there, damaged, or
  /// another key's.
  func read(_ hash: KeyHash, key: UnsafeRawBufferPointer) -> StoredObject? {
    read(hash).flatMap { $0.matches(hash, key) ? $0 : nil }
  }

  /// Reads what is under a hash on the calling thread, without a hit; nil when nothing is there, or
  /// it is damaged.
  func read(_ hash: KeyHash) -> StoredObject? {
    if let object = inbox.queued(hash) { return object }
    guard let place = index.place(hash), let segment = table.segment(slot: place.slot),
      let object = reader.loadWhole(segment, place), object.hash == hash
    else { return nil }
    object.isOnDisk = true
    return object
  }
}
