/// Invalidations.
extension Store {
  /// Takes away everything the selectors match, or marks it stale.
  ///
  /// Effective before the first suspension: no lookup that begins afterwards serves a matching
  /// object as it was, and no fill that began before is stored as fresh. Returns when the disk
  /// tier's journal has it durably; with the disk tier off nothing outlives the process, so nothing
  /// needs to be durable. The sweeper's progress can be followed by the receipt's sequence.
  /// - Parameters:
  ///   - kind: `.hard` takes away; `.soft` marks stale, ``StoredObject/isMarkedStale``.
  ///   - isFollowed: whether somebody will ask for ``invalidationProgress(_:)``.
  public func invalidate(
    _ selectors: [InvalidationSelector], kind: InvalidationKind = .hard, isFollowed: Bool = true
  ) async -> InvalidationReceipt {
    guard let disk else {
      let sequence = invalidations.record(selectors, kind: kind, isFollowed: isFollowed)
      maintenance.wake()
      return InvalidationReceipt(sequence: sequence, isDurable: true)
    }
    let recorded = disk.record(selectors, kind) {
      invalidations.record(selectors, kind: kind, isFollowed: isFollowed)
    }
    maintenance.wake()
    let failure = await disk.acknowledgement(of: recorded)
    return InvalidationReceipt(
      sequence: recorded.sequence, isDurable: failure == nil, failure: failure)
  }

  /// The same, effective on return; made durable in the background, for callers on an event loop
  /// that answer no client for it.
  public func invalidateSoon(
    _ selectors: [InvalidationSelector], kind: InvalidationKind = .hard
  ) {
    defer { maintenance.wake() }
    guard let disk else {
      _ = invalidations.record(selectors, kind: kind, isFollowed: false)
      return
    }
    let recorded = disk.record(selectors, kind) {
      invalidations.record(selectors, kind: kind, isFollowed: false)
    }
    Task { _ = await disk.acknowledgement(of: recorded) }
  }

  /// How far the sweeper is with an invalidation.
  /// - Parameter sequence: the receipt's.
  /// - Returns: nil when it is not among the latest ``mostInvalidationJobs`` that are followed
  ///   since the start.
  public func invalidationProgress(_ sequence: UInt64) -> InvalidationProgress? {
    invalidations.progress(sequence)
  }

  /// Invalidations whose progress is remembered.
  public static var mostInvalidationJobs: Int { InvalidationJobs.mostJobs }

  // MARK: - Fills

  /// What invalidations since its beginning do to a fill that is under way.
  ///
  /// What is not known yet counts as matching, so that a fill whose head has not come is not joined
  /// after an invalidation of a tag.
  /// - Parameters:
  ///   - key: the full normalized key.
  ///   - tags: its tag hashes; nil as long as its head has not told them.
  ///   - metadata: what its head told beside; nil as long as it has not come.
  ///   - fetchSequence: ``sequence``, as it was read before the fetch began.
  /// - Returns: `.hard` when it must not be stored or joined by new requests, `.soft` when it will
  ///   be stored stale, nil when nothing concerns it.
  public func invalidationKind(
    key: UnsafeRawBufferPointer, tags: [UInt64]?, metadata: ObjectMetadata? = nil,
    fetchSequence: UInt64
  ) -> InvalidationKind? {
    let attributes = metadata.map {
      InvalidationSubject.Attributes(
        status: $0.status, route: $0.route, responseTimeSeconds: $0.responseTimeSeconds)
    }
    guard let tags else {
      return invalidations.match(
        fill: InvalidationSubject(
          key: key, fetchSequence: fetchSequence, tags: .unknown, attributes: attributes))?.kind
    }
    return tags.withUnsafeBufferPointer { hashes in
      let list = hashes.count > TagHash.mostTags ? TagList.unknown : TagList(hashes)
      return invalidations.match(
        fill: InvalidationSubject(
          key: key, fetchSequence: fetchSequence, tags: list, attributes: attributes))?.kind
    }
  }

  /// True when a fill that began at `fetchSequence` must not be stored or joined: a hard
  /// invalidation since then matches its key, or one of its tags.
  /// - Parameter tags: its tag hashes; nil as long as they are not known, which counts as a match.
  public func isInvalidated(
    key: UnsafeRawBufferPointer, tags: [UInt64]? = nil, fetchSequence: UInt64
  ) -> Bool {
    invalidationKind(key: key, tags: tags, fetchSequence: fetchSequence) == .hard
  }

  // MARK: - Sweeping

  /// Works the pending rules and the floors off both tiers. Only from maintenance.
  func sweepInvalidated() {
    var taken = TakenObjects(mostBytes: configuration.memoryBytes / 8)
    // Each round takes what was pending when it began; a few rounds catch what came meanwhile.
    for _ in 0..<8 {
      // What comes from here on sets it again.
      maintenance.requests.withLock { $0.isWanted = false }
      guard let sweep = invalidations.pendingSweep() else { return }
      let swept = MemorySweep(sweep, through: memory.shards, into: &taken)
      let diskTally = disk?.sweep(sweep) ?? InvalidationTally()
      invalidations.finish(sweep, memory: swept.tally, disk: diskTally)
      // The next invalidation does not wait until all is freed.
      taken.free { maintenance.pause(for: Self.freeingPause) }
    }
  }

  /// Between freeing a few objects and the next few.
  private static var freeingPause: Duration { .microseconds(500) }
}
