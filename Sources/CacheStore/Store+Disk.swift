import NIOCore

/// Moves between memory and disk.
extension Store {
  /// Reads an object from disk and, when it is small enough, moves it into memory.
  /// - Parameters:
  ///   - location: what ``lookup(_:key:nowSeconds:)`` gave.
  ///   - key: the full normalized key; compared with the one on disk.
  ///   - mayBeCached: false when ``loadAtOnce(_:hash:key:)`` has just said that it must wait.
  ///   - loop: where `completion` runs.
  ///   - completion: called on `loop`, perhaps before this returns; nil when the object is gone,
  ///     damaged or invalidated: a miss.
  public func load(
    _ location: DiskLocation, hash: KeyHash, key: ByteBuffer, mayBeCached: Bool = true,
    on loop: any EventLoop, completion: @escaping (StoredObject?) -> Void
  ) {
    guard let disk else { return completion(nil) }
    let moment = invalidations.moment
    key.withUnsafeReadableBytes { bytes in
      disk.load(location, hash: hash, key: bytes, mayBeCached: mayBeCached, on: loop) { object in
        completion(object.flatMap { self.promote($0, from: disk, startedAt: moment) })
        if object == nil { self.counters.diskMisses.count() }
      }
    }
  }

  /// Reads an object from disk if that needs no waiting and, when it is small enough, moves it into
  /// memory. No closure, no copy of the key: the way of a hit that the page cache answers.
  /// - Parameters:
  ///   - location: what ``lookup(_:key:nowSeconds:)`` gave.
  ///   - key: the full normalized key; compared with the one on disk.
  public func loadAtOnce(
    _ location: DiskLocation, hash: KeyHash, key: UnsafeRawBufferPointer
  ) -> ImmediateLoad {
    guard let disk else { return .absent }
    let moment = invalidations.moment
    switch disk.loadAtOnce(location, hash: hash, key: key) {
    case .mustWait: return .mustWait
    case .absent:
      counters.diskMisses.count()
      return .absent
    case .object(let object):
      return promote(object, from: disk, startedAt: moment).map { .object($0) } ?? .absent
    }
  }

  /// Checks what came from disk and puts it into memory; nil when it must not be served.
  func promote(
    _ object: StoredObject, from disk: DiskSet, startedAt moment: InvalidationLog.Moment
  ) -> StoredObject? {
    object.isOnDisk = true
    var mustGo = false
    let placement = place(object, as: .promoted) {
      let match = object.withSubject { invalidations.match(stored: $0) }
      mustGo = match?.kind == .hard
      if match?.kind == .soft { object.markStale() }
      return mustGo || invalidations.hasForgottenRules(after: moment.sequence)
        || invalidations.wasRemoved(object.hash, after: moment.sequence)
    }
    switch placement {
    case .overtaken:
      // The sweep may have passed before it arrived on disk; nobody else would remove it.
      if mustGo { disk.remove(object.hash) }
      counters.diskMisses.count()
      return nil
    case .placed(let left):
      counters.promotions.count()
      settle(left, leftAt: moment)
    case .occupied:
      return newerInMemory(than: object)
    case .tooLarge, .declined: break
    }
    counters.diskHits.count()
    return object
  }

  /// What was stored under the object's key while the object was read from disk.
  private func newerInMemory(than object: StoredObject) -> StoredObject? {
    let moment = invalidations.moment
    let shard = memory.shard(object.hash)
    guard let newer = object.withKey({ shard.peek(object.hash, key: $0) }),
      invalidations.mayArrive(newer, leftAt: moment)
    else {
      counters.diskMisses.count()
      return nil
    }
    counters.diskHits.count()
    return newer
  }

  /// Sends what left memory where it belongs: to the disk tier what is not there and proved itself,
  /// or anything while the log has room.
  /// Runs without a lock; the last references go when it returns.
  func settle(_ left: [Departure], leftAt moment: InvalidationLog.Moment) {
    guard let disk else { return }
    for departure in left where departure.cause == .room || departure.cause == .expired {
      let object = departure.object
      if object.isOnDisk { continue }
      // Admission by use pays once the log has to reclaim: until then the disk takes everything.
      if departure.cause == .room, object.isProven || disk.hasRoom(for: object.hash) {
        spill(object, leftAt: moment)
      } else if object.supersedesDisk {
        disk.remove(object.hash)
      }
    }
  }

  /// Hands an object to the disk tier.
  /// - Parameter moment: the log's moment before the object left memory.
  /// - Returns: false when the tier does not take it or an invalidation overtook it.
  @discardableResult
  func spill(_ object: StoredObject, leftAt moment: InvalidationLog.Moment) -> Bool {
    guard let disk else { return false }
    let wasStale = object.isMarkedStale
    guard disk.enqueue(object) else {
      counters.shedSpills.count()
      if object.supersedesDisk { disk.remove(object.hash) }
      return false
    }
    object.isOnDisk = true
    counters.spills.count()
    guard invalidations.mayArrive(object, leftAt: moment) else {
      disk.remove(object.hash)
      return false
    }
    // Its record may be in the index already, unmarked.
    if !wasStale, object.isMarkedStale { disk.markStale(object.hash) }
    return true
  }

  // MARK: - Spools

  /// Begins a large object's way to disk while it is being fetched.
  /// - Parameters:
  ///   - hash: what it will be stored under, which says on which path.
  ///   - expectedBytes: the body's size; nil when it is not known.
  /// - Returns: nil when the disk tier is off, failing, full, or the body is too large for it.
  public func beginSpool(for hash: KeyHash, expectedBytes: Int?) -> SpoolWriter? {
    disk?.beginSpool(for: hash, expectedBytes: expectedBytes)
  }

  /// Ends a spool: the object is indexed on disk and its head kept in memory.
  /// - Returns: the object; nil when the spool failed or an invalidation newer than the fetch
  ///   matches it.
  public func finishSpool(
    _ spool: SpoolWriter, hash: KeyHash, key: UnsafeRawBufferPointer,
    head: UnsafeRawBufferPointer, metadata: ObjectMetadata, tags: [UInt64] = []
  ) -> StoredObject? {
    guard let disk,
      let object = disk.finishSpool(
        spool, hash: hash, key: key, head: head, metadata: metadata, tags: tags,
        unless: {
          self.invalidationKind(
            key: key, tags: tags, metadata: metadata, fetchSequence: metadata.fetchSequence)
            == .hard || self.invalidations.wasRemoved(hash, after: metadata.fetchSequence)
        })
    else { return nil }
    object.isOnDisk = true
    guard insert(object) else {
      disk.remove(hash)
      return nil
    }
    if object.isMarkedStale { disk.markStale(hash) }
    return object
  }

  /// Puts another form of a stored response, its body in a spool, in its place in both tiers.
  /// - Parameters:
  ///   - head: the form's head.
  ///   - metadata: the form's; of the same fetch.
  ///   - tags: the response's.
  /// - Returns: false when the response is no longer in memory, was replaced or invalidated, or
  ///   the spool failed.
  public func replace(
    _ object: StoredObject, with spool: SpoolWriter, head: UnsafeRawBufferPointer,
    metadata: ObjectMetadata, tags: [UInt64]
  ) -> Bool {
    precondition(
      metadata.fetchSequence == object.fetchSequence,
      "another form of a response is of another response")
    // Asked before, too: an order to write that is then taken back cancels the one before it.
    guard let disk, holds(object) else {
      spool.abort()
      return false
    }
    let hash = object.hash
    let form = object.withKey { key in
      // What is stored newly after this check is written after the form, with a later ticket.
      disk.finishSpool(
        spool, hash: hash, key: key, head: head, metadata: metadata, tags: tags,
        unless: {
          !self.holds(object)
            || self.invalidationKind(
              key: key, tags: tags, metadata: metadata, fetchSequence: metadata.fetchSequence)
              == .hard
            || self.invalidations.wasRemoved(hash, after: metadata.fetchSequence)
        })
    }
    guard let form else { return false }
    form.isOnDisk = true
    if !replaceInMemory(object, with: form) {
      memory.shard(hash).peek(hash)?.supersedesDisk = true
    }
    if object.isMarkedStale { disk.markStale(hash) }
    return true
  }
}
