import NIOCore

// Export and import of whole objects.
//
// What an import brings into another store counts as fetched now: earlier invalidations of that
// store do not concern it, later ones do. Brought back into its own store, every object is compared
// with all that was invalidated since its fetch, like a snapshot that is restored. What the store
// has already stays: an import is a seed, not an update.

/// What an export wrote or an import took in.
public struct ArchiveReport: Sendable, Equatable {
  /// Objects written or taken in.
  public var objects = 0
  /// Bytes of their bodies.
  public var bodyBytes = 0
  /// Objects that could not be read.
  public var unreadable = 0
  /// Objects that were invalidated or are of no use any more.
  public var outdated = 0
  /// Objects that are there already.
  public var present = 0
  /// Objects that belong to a path that can't be used.
  public var homeless = 0

  /// Nothing yet.
  public init() {}
}

extension DiskSet {
  /// Writes all objects. Waits for reads, so not for loops.
  /// - Parameters:
  ///   - loop: where body reads complete; not the caller's.
  ///   - write: takes the file's next bytes.
  public func exportObjects(
    on loop: any EventLoop, write: ([UInt8]) throws(ArchiveFailure) -> Void
  ) async throws(ArchiveFailure) -> ArchiveReport {
    await waitUntilReady()
    let header = ObjectArchive.Header(hashSeed: hashSeed, createdSeconds: clock())
    try write(header.encoded())
    var report = ArchiveReport()
    var number: UInt64 = 0
    for tier in tiers {
      try await tier.exportObjects(
        usefulAt: header.createdSeconds, number: &number, into: &report, on: loop, write)
    }
    try write(ObjectArchive.frame(.archiveEnd, [], number: number))
    return report
  }

  /// Everything that was invalidated, as the disk tells it that remembers most.
  func judge(rulesFrom: UInt64) -> RestoreJudge {
    let states = tiers.map { tier in tier.invalidations.withLock { $0 } }
    let fullest = states.min { $0.historyFloor < $1.historyFloor } ?? InvalidationState()
    return RestoreJudge(
      state: fullest, rulesFrom: rulesFrom, hasher: KeyHasher(seed: hashSeed),
      removals: tiers.map(\.removals))
  }
}

extension DiskTier {
  /// Writes this disk's objects.
  /// - Parameters:
  ///   - seconds: objects that are of no use any more then are left out.
  ///   - number: the file's next frame's.
  fileprivate func exportObjects(
    usefulAt seconds: Int64, number: inout UInt64, into report: inout ArchiveReport,
    on loop: any EventLoop, _ write: ([UInt8]) throws(ArchiveFailure) -> Void
  ) async throws(ArchiveFailure) {
    let judge = judge(rulesFrom: .max)
    for segment in segmentsByGeneration {
      for place in livingPlaces(segment, judge, &report) {
        guard let object = reader.loadWhole(segment, place),
          object.usefulUntilSeconds >= seconds
        else {
          report.unreadable += 1
          continue
        }
        let isWhole = try await export(object, number: &number, on: loop, write)
        if isWhole {
          report.objects += 1
          report.bodyBytes += object.bodyCount
        } else {
          report.unreadable += 1
        }
      }
    }
  }

  private func livingPlaces(
    _ segment: Segment, _ judge: RestoreJudge, _ report: inout ArchiveReport
  ) -> [RecordPlace] {
    var places: [RecordPlace] = []
    var outdated = 0
    forEachRecord(in: segment) { entry in
      guard var place = place(of: entry, in: segment) else { return }
      switch judge.match(entry.subject)?.kind {
      case .hard: outdated += 1
      case .soft:
        place.isMarkedStale = true
        places.append(place)
      case nil: places.append(place)
      }
    }
    report.outdated += outdated
    return places
  }

  private func export(
    _ object: StoredObject, number: inout UInt64, on loop: any EventLoop,
    _ write: ([UInt8]) throws(ArchiveFailure) -> Void
  ) async throws(ArchiveFailure) -> Bool {
    let entry = ObjectArchive.Entry(
      key: object.withKey { Array($0) }, head: object.withHead { Array($0) },
      metadata: object.metadata,
      tags: object.withTagBytes { count, bytes in
        guard let start = bytes.baseAddress else {
          return count == 0 ? [] : TagList.unknown.storedHashes
        }
        return TagList(countByte: count, start: start).storedHashes
      }, isMarkedStale: object.isMarkedStale, bodyCount: object.bodyCount)
    try write(ObjectArchive.frame(.object, entry.encoded(), number: number))
    number += 1
    var offset = 0
    while offset < object.bodyCount {
      guard let part = await part(of: object, from: offset, on: loop), !part.isEmpty else {
        try write(ObjectArchive.frame(.givenUp, [], number: number))
        number += 1
        return false
      }
      try write(ObjectArchive.frame(.part, part, number: number))
      number += 1
      offset += part.count
    }
    try write(ObjectArchive.frame(.end, [], number: number))
    number += 1
    return true
  }

  /// The body's bytes from `offset` on, as many as go into a frame.
  private func part(
    of object: StoredObject, from offset: Int, on loop: any EventLoop
  ) async -> [UInt8]? {
    guard let body = object.diskBody else {
      var bytes = object.withInlineBody { Array($0) }
      for chunk in object.bodyChunks { bytes += chunk.readableBytesView }
      return Array(bytes.dropFirst(offset).prefix(ObjectArchive.partBytes))
    }
    return await withCheckedContinuation { continuation in
      loop.execute {
        body.read(offset: offset, count: ObjectArchive.partBytes, on: loop) { part in
          continuation.resume(returning: part.map { Array($0.readableBytesView) })
        }
      }
    }
  }
}

/// Takes an archive's objects into the disk tier. Waits, so not for loops.
public struct ArchiveImport {
  private let disk: DiskSet
  private let loop: any EventLoop
  private let hasher: KeyHasher
  private var judge: RestoreJudge?
  private var report = ArchiveReport()
  private var number: UInt64 = 0

  /// - Parameter loop: where waits for the disk complete; not the caller's.
  public init(into disk: DiskSet, on loop: any EventLoop) {
    self.disk = disk
    self.loop = loop
    hasher = KeyHasher(seed: disk.hashSeed)
  }

  /// An object whose body is coming.
  private struct Incoming {
    let entry: ObjectArchive.Entry
    let hash: KeyHash
    var body: [UInt8] = []
    var received = 0
    var spool: SpoolWriter?
    /// Why it is passed over; nil when it is wanted.
    var isSkipped = false
  }

  /// Reads a whole file.
  /// - Parameter read: gives the next bytes, exactly as many as asked for; fewer at the file's end.
  public mutating func run(
    read: (Int) throws(ArchiveFailure) -> [UInt8]
  ) async throws(ArchiveFailure) -> ArchiveReport {
    await disk.waitUntilReady()
    guard let header = ObjectArchive.Header.decode(try read(ObjectArchive.headerBytes)) else {
      throw .notAnArchive
    }
    // Its own store's objects keep their numbers, and are compared with everything since.
    if header.hashSeed == disk.hashSeed { judge = disk.judge(rulesFrom: 0) }
    var incoming: Incoming?
    while true {
      let (type, payload) = try nextFrame(read)
      switch type {
      case .object:
        guard let entry = ObjectArchive.Entry.decode(payload), incoming == nil else {
          throw .damaged(afterObjects: report.objects)
        }
        incoming = begin(entry)
      case .part:
        guard incoming != nil else { throw .damaged(afterObjects: report.objects) }
        await add(payload, to: &incoming)
      case .end:
        guard let whole = incoming, whole.received == whole.entry.bodyCount else {
          throw .damaged(afterObjects: report.objects)
        }
        incoming = nil
        try end(whole)
      case .givenUp:
        incoming?.spool?.abort()
        incoming = nil
      case .archiveEnd:
        disk.synchronize()
        return report
      }
    }
  }

  private mutating func nextFrame(
    _ read: (Int) throws(ArchiveFailure) -> [UInt8]
  ) throws(ArchiveFailure) -> (ObjectArchive.FrameType, [UInt8]) {
    let head = try read(ObjectArchive.frameBytes)
    guard head.count == ObjectArchive.frameBytes else {
      throw .cutOff(afterObjects: report.objects)
    }
    let (word, count, checksum) = head.withUnsafeBytes {
      ($0.load(0, as: UInt32.self), Int($0.load(4, as: UInt32.self)), $0.load(8, as: UInt64.self))
    }
    guard let type = ObjectArchive.FrameType(rawValue: word),
      count <= ObjectArchive.mostPayloadBytes
    else { throw .damaged(afterObjects: report.objects) }
    let payload = try read(count)
    guard payload.count == count else { throw .cutOff(afterObjects: report.objects) }
    guard checksum == ObjectArchive.checksum(word, payload, number: number) else {
      throw .damaged(afterObjects: report.objects)
    }
    number += 1
    return (type, payload)
  }

  private mutating func begin(_ entry: ObjectArchive.Entry) -> Incoming {
    var entry = entry
    let hash = entry.key.withUnsafeBytes { hasher.hash($0) }
    var isSkipped = false
    if disk.owner(of: hash) == nil {
      report.homeless += 1
      isSkipped = true
    } else if disk.contains(hash) {
      report.present += 1
      isSkipped = true
    } else if entry.metadata.usefulUntilSeconds < disk.clock() {
      report.outdated += 1
      isSkipped = true
    } else if let judge {
      switch match(entry, judge)?.kind {
      case .hard:
        report.outdated += 1
        isSkipped = true
      case .soft: entry.isMarkedStale = true
      case nil: break
      }
    }
    if judge == nil { entry.metadata.fetchSequence = disk.recoveredInvalidations.sequence }
    var incoming = Incoming(entry: entry, hash: hash)
    incoming.isSkipped = isSkipped
    if !isSkipped, entry.bodyCount > ObjectArchive.partBytes {
      // What the device has not taken of those before goes first.
      for _ in 0..<8 where disk.isBacklogged(for: hash) { disk.synchronize() }
      incoming.spool = disk.beginSpool(for: hash, expectedBytes: entry.bodyCount)
      incoming.isSkipped = incoming.spool == nil
    }
    return incoming
  }

  private func match(
    _ entry: ObjectArchive.Entry, _ judge: RestoreJudge
  ) -> InvalidationMatch? {
    entry.key.withUnsafeBytes { key in
      entry.tags.withUnsafeBufferPointer { tags in
        judge.match(
          InvalidationSubject(
            key: key, fetchSequence: entry.metadata.fetchSequence,
            tags: tags.count > TagHash.mostTags ? TagList.unknown : TagList(tags),
            attributes: InvalidationSubject.Attributes(
              status: entry.metadata.status, route: entry.metadata.route,
              responseTimeSeconds: entry.metadata.responseTimeSeconds)))
      }
    }
  }

  private func add(_ part: [UInt8], to incoming: inout Incoming?) async {
    guard var object = incoming.take() else { return }
    object.received += part.count
    if let spool = object.spool {
      spool.append(ByteBuffer(bytes: part))
      await withCheckedContinuation { continuation in
        loop.execute { [loop] in
          spool.whenBelow(4 * ObjectArchive.partBytes, on: loop) { continuation.resume() }
        }
      }
    } else if !object.isSkipped {
      object.body += part
    }
    incoming = object
  }

  private mutating func end(_ object: Incoming) throws(ArchiveFailure) {
    if object.isSkipped { return }
    let isTaken = object.spool.map { finish($0, object) } ?? enqueue(object)
    guard isTaken else { throw .diskRefuses }
    report.objects += 1
    report.bodyBytes += object.entry.bodyCount
  }

  private func finish(_ spool: SpoolWriter, _ object: Incoming) -> Bool {
    let made = object.entry.key.withUnsafeBytes { key in
      object.entry.head.withUnsafeBytes { head in
        disk.finishSpool(
          spool, hash: object.hash, key: key, head: head, metadata: object.entry.metadata,
          tags: object.entry.tags)
      }
    }
    if made != nil, object.entry.isMarkedStale { disk.markStale(object.hash) }
    return made != nil
  }

  private func enqueue(_ object: Incoming) -> Bool {
    let made = object.entry.key.withUnsafeBytes { key in
      object.entry.head.withUnsafeBytes { head in
        object.body.withUnsafeBytes { body in
          let stored: StoredBody =
            body.count > DiskFormat.chunkBytes
            ? .buffers(chunks(object.body)) : .bytes(body)
          return StoredObject.make(
            hash: object.hash, key: key, head: head, body: stored,
            metadata: object.entry.metadata, tags: object.entry.tags)
        }
      }
    }
    if object.entry.isMarkedStale { made.markStale() }
    // The queue is full: what is in it goes to the file first.
    for _ in 0..<8 {
      if disk.enqueue(made) { return true }
      disk.synchronize()
    }
    return false
  }

  private func chunks(_ body: [UInt8]) -> [ByteBuffer] {
    stride(from: 0, to: body.count, by: DiskFormat.chunkBytes).map { start in
      ByteBuffer(bytes: body[start..<min(body.count, start + DiskFormat.chunkBytes)])
    }
  }
}
