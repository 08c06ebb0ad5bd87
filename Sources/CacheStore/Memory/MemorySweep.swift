/// Works pending invalidations off the memory tier: shard by shard, a few objects under each lock,
/// so that a hit waits some microseconds at most.
struct MemorySweep: ~Copyable {
  private var scratch = MemoryTier.Shard.SweepScratch()
  /// How many objects it took or marked, by invalidation.
  private(set) var tally = InvalidationTally()

  /// Walks the shards.
  /// - Parameter taken: what is taken out of the store goes there.
  init(
    _ sweep: InvalidationLog.Sweep, through shards: [MemoryTier.Shard],
    into taken: inout TakenObjects
  ) {
    let folders = sweep.concernsEverything ? nil : FolderFilter(sweep.rules)
    let numbers = sweep.numbers
    if let prefixes = PrefixRules(sweep.rules) {
      withExtendedLifetime(prefixes) {
        let view = prefixes.view
        walk(shards, in: folders, into: &taken) { object in
          numbers.match(object) { checked in
            object.withKey { view.match($0, newerThan: checked) }
          }
        }
      }
    } else {
      let rules = sweep.rules
      walk(shards, in: folders, into: &taken) { object in
        numbers.match(object) { checked in
          object.withSubject { rules.match($0, newerThan: checked) }
        }
      }
    }
  }

  @inline(__always)
  private mutating func walk(
    _ shards: [MemoryTier.Shard], in folders: FolderFilter?, into taken: inout TakenObjects,
    match: (StoredObject) -> InvalidationMatch?
  ) {
    for shard in shards {
      var next: UInt32? = 0
      while let start = next {
        next = taken.add { objects in
          shard.sweep(
            from: start, count: MemoryTier.sweepCount, in: folders, &scratch, into: &objects
          ) { object in
            guard let match = match(object) else { return false }
            switch match.kind {
            case .hard:
              tally.count(match.sequence)
              return true
            case .soft:
              if object.markStale() { tally.count(match.sequence) }
              return false
            }
          }
        }
      }
    }
  }
}

extension InvalidationLog.Sweep.Numbers {
  /// What the sweep does to an object in memory.
  /// - Parameter rules: what the sweep's rules newer than a number say of it.
  @inline(__always)
  fileprivate func match(
    _ object: StoredObject, rules: (_ newerThan: UInt64) -> InvalidationMatch?
  ) -> InvalidationMatch? {
    let fetchSequence = object.fetchSequence
    if fetchSequence < floor { return InvalidationMatch(kind: .hard, sequence: floor) }
    let checked = object.checkedSequence
    if checked < newestRule, let match = rules(checked) { return match }
    if checked < softFloor, fetchSequence < softFloor {
      return InvalidationMatch(kind: .soft, sequence: softFloor)
    }
    return nil
  }
}

/// Objects that sweeps have taken out of the store, to be freed when the sweep is said to be
/// through: that takes as long as finding them.
struct TakenObjects: ~Copyable {
  /// Bytes of objects that are kept; beyond, they are freed as they come.
  private let mostBytes: Int
  /// Of all that was kept since nothing was; what is freed meanwhile counts until all is.
  private var bytes = 0
  private(set) var objects: [StoredObject] = []

  /// Objects freed between two pauses, at least: some tens of microseconds' worth.
  private static var freedAtOnce: Int { 256 }
  /// Of more objects more are freed at once: the background work waits meanwhile.
  private static var mostPauses: Int { 2000 }

  /// - Parameter mostBytes: the limit on what is kept.
  init(mostBytes: Int) { self.mostBytes = mostBytes }

  /// Takes what a step of a sweep appends.
  mutating func add(
    _ step: (inout [StoredObject]) -> (takenBytes: Int, next: UInt32?)
  ) -> UInt32? {
    guard bytes < mostBytes else {
      var freed: [StoredObject] = []
      return step(&freed).next
    }
    let round = step(&objects)
    bytes += round.takenBytes
    return round.next
  }

  /// Frees a few objects at a time, with a pause after each few: allocating on the event loops
  /// waits for the allocator while objects are freed.
  /// - Parameter pause: makes the pause and says whether to go on.
  mutating func free(pause: () -> Bool) {
    let count = max(Self.freedAtOnce, objects.count / Self.mostPauses)
    while !objects.isEmpty {
      objects.removeLast(min(count, objects.count))
      if !objects.isEmpty, !pause() { return }
    }
    bytes = 0
  }
}
