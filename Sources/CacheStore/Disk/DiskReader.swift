import Glibc
import NIOCore

/// Where the disk tier may have an object, for ``DiskTier/load(_:hash:key:on:completion:)``.
public struct DiskLocation: Sendable {
  enum Source: Sendable {
    /// In the write queue.
    case queued(StoredObject)
    case record(Segment, RecordPlace)
  }

  let source: Source
}

/// What a load that must not wait gave.
public enum ImmediateLoad: Sendable {
  /// The object, verified.
  case object(StoredObject)
  /// It is gone, damaged or another one's: a miss.
  case absent
  /// The device has to be asked.
  case mustWait
}

/// Reads records: on the caller's thread when the page cache has them, else on the pool.
final class DiskReader: Sendable {
  let counters: DiskCounters
  let pool: ReaderPool
  private let buffers = ReadBuffers()
  private let index: DiskIndex
  private let journal: CommitLog

  init(
    index: DiskIndex, journal: CommitLog, counters: DiskCounters
  ) {
    self.index = index
    self.journal = journal
    self.counters = counters
    pool = ReaderPool(counters: counters)
  }

  /// What one attempt at a record gave.
  enum Outcome {
    case object(StoredObject)
    /// Another object's record, or none of ours.
    case otherObject
    case corrupt
    /// The page cache or the device did not give the bytes.
    case unavailable
    /// The envelope needs this many bytes.
    case needsMore(Int)
  }

  typealias Fill = (any BlockFile, UnsafeMutableRawBufferPointer, Int) -> Bool

  /// Reads a record if the page cache has it.
  func loadAtOnce(
    _ segment: Segment, _ place: RecordPlace, hash: KeyHash, key: UnsafeRawBufferPointer
  ) -> ImmediateLoad {
    let expected = Expected(segment: segment, place: place, hash: hash)
    guard let file = open(expected) else { return .absent }
    return loadAtOnce(expected, file, key)
  }

  private func loadAtOnce(
    _ expected: Expected, _ file: SegmentFile, _ key: UnsafeRawBufferPointer
  ) -> ImmediateLoad {
    guard expected.readCount(isWhole: false) <= DiskFormat.inlineReadBytes else { return .mustWait }
    let outcome = read(expected, file, key, isWhole: false) {
      $0.readWithoutWaiting(into: $1, at: $2)
    }
    if case .unavailable = outcome { return .mustWait }
    counters.inlineReads.add(1)
    return settle(outcome, expected).map { .object($0) } ?? .absent
  }

  /// Reads a record and calls `completion` on `loop`, from within this call when the page cache has
  /// it.
  /// - Parameter mayBeCached: false when the page cache was asked in vain a moment ago.
  func load(
    _ segment: Segment, _ place: RecordPlace, hash: KeyHash, key: UnsafeRawBufferPointer,
    mayBeCached: Bool = true, on loop: any EventLoop,
    completion: @escaping (StoredObject?) -> Void
  ) {
    let expected = Expected(segment: segment, place: place, hash: hash)
    guard let file = open(expected) else { return complete(nil, on: loop, completion) }
    if mayBeCached {
      switch loadAtOnce(expected, file, key) {
      case .object(let object): return complete(object, on: loop, completion)
      case .absent: return complete(nil, on: loop, completion)
      case .mustWait: break
      }
    }
    let once = LoopCompletion(completion)
    let keyCopy = [UInt8](key)
    let isTaken = pool.submit { [self] in
      let object = keyCopy.withUnsafeBytes { key in
        settle(
          read(expected, file, key, isWhole: false) { readFully($0, into: $1, at: $2) }, expected)
      }
      loop.execute { once.call(object) }
    }
    if !isTaken { complete(nil, on: loop, completion) }
  }

  /// Reads a whole record on the calling thread, whoever's it is; nil when it does not verify.
  func loadWhole(_ segment: Segment, _ place: RecordPlace) -> StoredObject? {
    let expected = Expected(segment: segment, place: place, hash: nil)
    guard let file = open(expected) else { return nil }
    let outcome = read(expected, file, nil, isWhole: true) { readFully($0, into: $1, at: $2) }
    guard case .object(let object) = outcome else { return nil }
    return object
  }

  /// Reads with waiting; false on failure or a short file, both counted.
  func readFully(
    _ file: any BlockFile, into target: UnsafeMutableRawBufferPointer, at place: Int
  ) -> Bool {
    do throws(DeviceError) {
      return try file.read(into: target, at: place) == target.count
    } catch {
      counters.readErrors.add(1)
      return false
    }
  }

  /// Forgets a record that does not verify.
  func discard(_ hash: KeyHash, at place: RecordPlace) {
    index.remove(hash, at: place) { journal.append(JournalEntry.removal(hash).encoded()) }
  }

  // MARK: - Steps

  private struct Expected {
    let segment: Segment
    let place: RecordPlace
    let hash: KeyHash?
    let position: Int
    let count: Int
    /// The segment's file if it was open already.
    let openFile: SegmentFile?

    init(segment: Segment, place: RecordPlace, hash: KeyHash?) {
      self.segment = segment
      self.place = place
      self.hash = hash
      let state = segment.readState
      let record = state.dedicated
      let start = record?.position ?? Int(place.block) * DiskFormat.blockBytes
      let wanted = record?.count ?? Int(place.blockCount) * DiskFormat.blockBytes
      position = start
      // A large record's count is rounded up and may reach past the segment's end.
      count = max(0, min(wanted, state.byteCount - start))
      openFile = state.file
    }

    /// A dedicated record holds no body: it is read whole.
    func readCount(isWhole: Bool) -> Int {
      isWhole || count <= DiskFormat.wholeReadBytes ? count : DiskFormat.headReadBytes
    }
  }

  private func open(_ expected: Expected) -> SegmentFile? {
    do throws(DeviceError) {
      let file: SegmentFile
      if let openFile = expected.openFile {
        file = openFile
      } else {
        file = try expected.segment.openFile()
      }
      guard file.isLost else { return file }
      counters.lostKeyRecords.add(1)
      if let hash = expected.hash { discard(hash, at: expected.place) }
      return nil
    } catch {
      if !expected.segment.isRemoved { counters.readErrors.add(1) }
      // Somebody removed the file: it will not come back.
      if error.code == ENOENT, let hash = expected.hash { discard(hash, at: expected.place) }
      return nil
    }
  }

  private func settle(_ outcome: Outcome, _ expected: Expected) -> StoredObject? {
    switch outcome {
    case .object(let object): return object
    case .corrupt:
      // A reclaimed segment's place may have been given to another one meanwhile.
      if !expected.segment.isRemoved {
        counters.corruptRecords.add(1)
        if let hash = expected.hash { discard(hash, at: expected.place) }
      }
      return nil
    case .otherObject, .unavailable, .needsMore: return nil
    }
  }

  private func read(
    _ expected: Expected, _ file: SegmentFile, _ key: UnsafeRawBufferPointer?, isWhole: Bool,
    _ fill: Fill
  ) -> Outcome {
    var count = expected.readCount(isWhole: isWhole)
    // Twice at most: the header says how much the envelope needs.
    for _ in 0..<2 {
      guard count >= RecordHeader.byteCount else { return .corrupt }
      let outcome = buffers.lend(count) { bytes in
        fill(file.file, bytes, expected.position)
          ? parse(bytes, expected, file, key) : .unavailable
      }
      guard case .needsMore(let needed) = outcome else { return outcome }
      guard needed > count, needed <= expected.count else { return .corrupt }
      count = needed
    }
    return .corrupt
  }

  private func parse(
    _ bytes: UnsafeMutableRawBufferPointer, _ expected: Expected, _ file: SegmentFile,
    _ key: UnsafeRawBufferPointer?
  ) -> Outcome {
    let readable = UnsafeRawBufferPointer(bytes)
    guard
      let header = RecordHeader.decode(readable, generation: expected.segment.generation),
      header.recordPosition == expected.position
    else { return .corrupt }
    if let hash = expected.hash, header.hash != hash { return .otherObject }
    let envelopeEnd = RecordHeader.byteCount + header.envelopeCount
    if envelopeEnd > bytes.count { return .needsMore(envelopeEnd) }
    let decoder = RecordDecoder(seal: file.seal)
    guard let record = decoder.open(header, in: bytes) else { return .corrupt }
    let ownKey = readable.slice(record.keyOffset, header.keyCount)
    if let key, !isEqual(ownKey, key) { return .otherObject }
    // A whole record in hand gives a body in memory; a head alone leaves the body where it is.
    let hasBody = !header.isDedicated && bytes.count - record.bodyOffset >= header.bodyCount
    guard
      let object = hasBody
        ? makeWhole(record, readable, decoder) : makeHead(record, readable, expected, file)
    else { return .corrupt }
    if expected.place.isMarkedStale { object.markStale() }
    return .object(object)
  }

  /// The object of a record that is all in `bytes`; nil when its body does not verify.
  private func makeWhole(
    _ record: OpenedRecord, _ bytes: UnsafeRawBufferPointer, _ decoder: RecordDecoder
  ) -> StoredObject? {
    let header = record.header
    // What verifies is written where it stays: no copy between the seal and the object.
    return StoredObject.make(
      hash: header.hash, key: bytes.slice(record.keyOffset, header.keyCount),
      head: bytes.slice(record.headOffset, header.headCount), bodyCount: header.bodyCount,
      metadata: record.metadata.metadata, tags: record.metadata.storedHashes
    ) { chunk, target in
      decoder.openChunk(chunk, of: record, in: bytes, into: target)
    }
  }

  /// The object of a record whose body stays on disk; nil when the segment ends before the body.
  private func makeHead(
    _ record: OpenedRecord, _ bytes: UnsafeRawBufferPointer, _ expected: Expected,
    _ file: SegmentFile
  ) -> StoredObject? {
    let header = record.header
    guard header.bodyPosition + header.bodyCount <= expected.segment.byteCount else { return nil }
    let bodyFile = BodyFile(
      file: file, hash: header.isDedicated ? KeyHash(high: 0, low: 0) : header.hash,
      generation: header.generation, position: header.bodyPosition, count: header.bodyCount,
      tags: record.chunkTags(in: bytes), reader: self)
    return StoredObject.make(
      hash: header.hash, key: bytes.slice(record.keyOffset, header.keyCount),
      head: bytes.slice(record.headOffset, header.headCount),
      body: .disk(DiskBody(count: header.bodyCount, source: .file(bodyFile))),
      metadata: record.metadata.metadata, tags: record.metadata.storedHashes)
  }

  private func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else { return true }
    return memcmp(leftBase, rightBase, left.count) == 0
  }
}
