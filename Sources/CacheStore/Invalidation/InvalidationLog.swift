// The order of invalidations.
//
// Rule: an object carries the sequence number that was readable when its fetch began, and may be
// served only if no invalidation with a higher number matches it.
//
// One 64-bit counter gives the numbers. An invalidation takes the next multiple of 2^24, a removal
// by hash the next two. Removals are not journaled with their number; since fewer than 2^24 of them
// pass between two journaled numbers (`needsMark`), a restart that begins at the next multiple
// begins above every number that an object on disk carries.
//
// An invalidation is published in this order: the rule or the floor, the newest rule's number, and
// last the counter. A fetch that reads the new counter therefore began after the invalidation; any
// other has a lower number and is checked. Lookups check an object once per rule: an object that
// passed remembers up to where.
//
// The sweeper works pending rules off both tiers; then they leave the pending list, which lookups
// read, for the history, which only insertions and loads from disk read: a fill that began before a
// rule may end long after it was swept. What falls off the history's end raises `historyFloor`, and
// fills older than that are refused. Too many pending rules raise the floor: safe, costs hits,
// counted.
//
// Owner: none. Readers use atomics; the lists change under one mutex, held for copies only.

import Synchronization

/// All invalidations accepted and what they mean for an object.
final class InvalidationLog: Sendable {
  /// Numbers between one invalidation and the next that removals may use.
  static let step: UInt64 = 1 << 24

  private let counter: Atomic<UInt64>
  private let floorSequence = Atomic<UInt64>(0)
  private let newestRule = Atomic<UInt64>(0)
  private let historyFloor = Atomic<UInt64>(0)
  private let finishedSweeps = Atomic<UInt64>(0)
  private let lists = Mutex(Lists())
  private let removals = RemovalSketch()
  private let mostPending: Int
  private let mostHistory: Int

  private struct Lists {
    var pending = InvalidationRules()
    var history = InvalidationRules()
    /// The floor up to which the tiers have been swept.
    var sweptFloor: UInt64 = 0
    var invalidationCount: UInt64 = 0
    var removalCount: UInt64 = 0
    var mergedRuleCount: UInt64 = 0
    /// The highest number that the disk's journal has, or will have, on record.
    var lastInvalidation: UInt64 = 0
  }

  /// A log that continues from what was recovered.
  /// - Parameters:
  ///   - sequence: the highest number recovered; 0 for a new store.
  ///   - floor: objects with a lower number are gone.
  ///   - rules: rules that no sweep has worked off.
  ///   - mostPending: pending rules above which the oldest raise the floor.
  ///   - mostHistory: swept rules that are remembered for fills.
  init(
    sequence: UInt64 = 0, floor: UInt64 = 0,
    rules: [(sequence: UInt64, selector: InvalidationSelector)] = [],
    mostPending: Int = 1024, mostHistory: Int = 1024
  ) {
    self.mostPending = mostPending
    self.mostHistory = mostHistory
    let newest = rules.reduce(max(sequence, floor)) { max($0, $1.sequence) }
    let first = (newest / Self.step + 1) * Self.step
    counter = Atomic(first)
    floorSequence.store(floor, ordering: .relaxed)
    lists.withLock { lists in
      lists.lastInvalidation = first
      for rule in rules.sorted(by: { $0.sequence < $1.sequence }) {
        add(rule.selector, rule.sequence, to: &lists)
      }
      publish(&lists)
    }
  }

  // MARK: - Numbers

  /// The number a fetch that begins now carries.
  @inline(__always)
  var sequence: UInt64 { counter.load(ordering: .acquiring) }

  /// True when removals have used up half of a step since the last invalidation: the journal needs
  /// an empty invalidation as a mark, or a restart could fall behind by a whole step.
  var needsMark: Bool {
    let last = lists.withLock { $0.lastInvalidation }
    return sequence &- last > Self.step / 2
  }

  // MARK: - Changes

  /// Accepts selectors under one new number, which is returned; effective when this returns.
  func record(_ selectors: [InvalidationSelector]) -> UInt64 {
    lists.withLock { lists in
      // Readable only once it is stored, below.
      let sequence = (counter.load(ordering: .relaxed) / Self.step + 1) * Self.step
      lists.lastInvalidation = sequence
      lists.invalidationCount += selectors.isEmpty ? 0 : 1
      for selector in selectors { add(selector, sequence, to: &lists) }
      publish(&lists)
      counter.store(sequence, ordering: .sequentiallyConsistent)
      return sequence
    }
  }

  /// Accepts the removal of one hash: fills that began before it will be refused. A removal is
  /// recorded twice, before and after memory is cleared: an object that was on its way from memory
  /// to disk meanwhile then finds a number above the one it noted when it left.
  func recordRemoval(_ hash: KeyHash) {
    lists.withLock { lists in
      lists.removalCount += 1
      noteRemoval(hash)
    }
  }

  /// The second half of a removal, once memory is cleared.
  func recordRemovalAgain(_ hash: KeyHash) {
    lists.withLock { _ in noteRemoval(hash) }
  }

  private func noteRemoval(_ hash: KeyHash) {
    let sequence = counter.load(ordering: .relaxed) + 1
    removals.record(hash, sequence: sequence)
    counter.store(sequence, ordering: .sequentiallyConsistent)
  }

  private func add(
    _ selector: InvalidationSelector, _ sequence: UInt64, to lists: inout Lists
  ) {
    switch selector {
    case .everything:
      raiseFloor(to: sequence)
    case .path(let host, let pattern):
      lists.pending.append(
        InvalidationRule(sequence: sequence, host: host, pattern: pattern))
    }
  }

  private func raiseFloor(to sequence: UInt64) {
    if floorSequence.load(ordering: .relaxed) < sequence {
      floorSequence.store(sequence, ordering: .sequentiallyConsistent)
    }
  }

  /// Holds the limit on pending rules and shows lookups the newest number.
  private func publish(_ lists: inout Lists) {
    while lists.pending.count > mostPending, let oldest = lists.pending.oldestSequence {
      let merged = lists.pending.removeAll(upTo: oldest)
      lists.mergedRuleCount += UInt64(merged.count)
      raiseFloor(to: oldest)
    }
    // What the floor covers needs no rule.
    _ = lists.pending.removeAll(upTo: floorSequence.load(ordering: .relaxed))
    newestRule.store(lists.pending.newestSequence, ordering: .sequentiallyConsistent)
  }

  // MARK: - Questions

  /// What the log says of an object that was found in memory.
  enum Verdict {
    case current
    case invalidated
    /// A sweep ended since the object was looked for: it may have been taken away meanwhile, by a
    /// rule that is no longer pending. Look again.
    case moved
  }

  /// Sweeps finished so far; read before an object is looked for.
  @inline(__always)
  var sweeps: UInt64 { finishedSweeps.load(ordering: .acquiring) }

  /// Whether an object may be served with regard to invalidations. The usual answer costs three
  /// loads; an object that has not met the newest rule is compared with those it has not met.
  ///
  /// The order of the loads matters: an invalidation of everything raises the floor before it
  /// lowers the newest rule's number, and a sweep counts itself before it does.
  @inline(__always)
  func verdict(on object: StoredObject, foundAfter sweeps: UInt64) -> Verdict {
    let newest = newestRule.load(ordering: .acquiring)
    if object.fetchSequence < floorSequence.load(ordering: .acquiring) { return .invalidated }
    if object.checkedSequence >= newest, self.sweeps == sweeps { return .current }
    return verdictByRules(on: object, foundAfter: sweeps)
  }

  @inline(never)
  private func verdictByRules(
    on object: StoredObject, foundAfter sweeps: UInt64
  ) -> Verdict {
    let known = known
    if object.fetchSequence < known.floor { return .invalidated }
    let checked = object.checkedSequence
    if object.withKey({ known.pending.invalidates(key: $0, newerThan: checked) }) {
      return .invalidated
    }
    if known.sweeps != sweeps { return .moved }
    object.checkedSequence = max(checked, known.pending.newestSequence)
    return .current
  }

  /// True when what was fetched from `fetchSequence` on under this key must not be stored or
  /// served: an invalidation, pending or swept, is newer and matches, or so much was invalidated
  /// since that it is no longer known. For fills.
  func isInvalidated(key: UnsafeRawBufferPointer, fetchSequence: UInt64) -> Bool {
    if fetchSequence >= counter.load(ordering: .acquiring) { return false }
    let known = known
    return fetchSequence < known.historyFloor
      || known.invalidates(key: key, fetchSequence: fetchSequence)
  }

  /// The same without the history's limit. For what was on disk: the sweep has been there.
  func isInvalidatedByKnownRules(key: UnsafeRawBufferPointer, fetchSequence: UInt64) -> Bool {
    known.invalidates(key: key, fetchSequence: fetchSequence)
  }

  /// All that is known at one moment: rules move from one list to the next and into a floor, so
  /// lists and floors must be read together.
  private struct Known {
    let floor: UInt64
    let historyFloor: UInt64
    let sweeps: UInt64
    let pending: InvalidationRules
    let history: InvalidationRules

    func invalidates(key: UnsafeRawBufferPointer, fetchSequence: UInt64) -> Bool {
      fetchSequence < floor || pending.invalidates(key: key, newerThan: fetchSequence)
        || history.invalidates(key: key, newerThan: fetchSequence)
    }
  }

  private var known: Known {
    lists.withLock { lists in
      Known(
        floor: floorSequence.load(ordering: .relaxed),
        historyFloor: historyFloor.load(ordering: .relaxed),
        sweeps: finishedSweeps.load(ordering: .relaxed), pending: lists.pending,
        history: lists.history)
    }
  }

  /// True when this hash was removed after `sequence` was read; may be true for another hash's
  /// sake, see ``RemovalSketch``.
  func wasRemoved(_ hash: KeyHash, after sequence: UInt64) -> Bool {
    removals.lastRemoval(of: hash) > sequence
  }

  /// True when swept rules newer than `sequence` may have been forgotten.
  func hasForgottenRules(after sequence: UInt64) -> Bool {
    historyFloor.load(ordering: .acquiring) > sequence
  }

  // MARK: - Moves between the tiers

  /// A moment in the log's life, noted before an object leaves a place where sweeps would find it.
  struct Moment: Sendable {
    let sequence: UInt64
    let finishedSweeps: UInt64
  }

  /// The present moment.
  var moment: Moment {
    let sweeps = finishedSweeps.load(ordering: .sequentiallyConsistent)
    return Moment(
      sequence: counter.load(ordering: .sequentiallyConsistent), finishedSweeps: sweeps)
  }

  /// True when an object that left memory after `moment` may stay where it has arrived: no
  /// invalidation or removal overtook it on the way.
  func mayArrive(_ object: StoredObject, leftAt moment: Moment) -> Bool {
    let verdict = verdict(on: object, foundAfter: moment.finishedSweeps)
    if case .invalidated = verdict { return false }
    if wasRemoved(object.hash, after: moment.sequence) { return false }
    if case .current = verdict, sequence == moment.sequence { return true }
    let checked = object.checkedSequence
    if object.withKey({ isInvalidatedByKnownRules(key: $0, fetchSequence: checked) }) {
      return false
    }
    return !hasForgottenRules(after: moment.sequence)
  }

  // MARK: - Sweeping

  /// What a sweep has to work off: rules and floor as they stand; nil when nothing is pending.
  struct Sweep: Sendable {
    let floor: UInt64
    let rules: InvalidationRules
    /// Rules up to here are done when the sweep is.
    let upTo: UInt64

    /// True when the sweep takes the object away.
    func takes(key: UnsafeRawBufferPointer, fetchSequence: UInt64) -> Bool {
      fetchSequence < floor || rules.invalidates(key: key, newerThan: fetchSequence)
    }
  }

  /// The work that is pending.
  func pendingSweep() -> Sweep? {
    lists.withLock { lists in
      let floor = floorSequence.load(ordering: .relaxed)
      guard !lists.pending.isEmpty || floor > lists.sweptFloor else { return nil }
      return Sweep(
        floor: floor, rules: lists.pending, upTo: max(floor, lists.pending.newestSequence))
    }
  }

  /// Both tiers have been worked through: the sweep's rules leave the pending list.
  func finish(_ sweep: Sweep) {
    lists.withLock { lists in
      finishedSweeps.wrappingAdd(1, ordering: .sequentiallyConsistent)
      lists.sweptFloor = max(lists.sweptFloor, sweep.floor)
      for rule in lists.pending.removeAll(upTo: sweep.upTo) { lists.history.append(rule) }
      while lists.history.count > mostHistory, let oldest = lists.history.oldestSequence {
        _ = lists.history.removeAll(upTo: oldest)
        historyFloor.store(oldest, ordering: .sequentiallyConsistent)
      }
      newestRule.store(lists.pending.newestSequence, ordering: .sequentiallyConsistent)
    }
  }

  /// Adds the log's counters to a snapshot.
  func report(into statistics: inout StoreStatistics.Invalidation) {
    statistics.sequence = sequence
    lists.withLock { lists in
      statistics.invalidations = lists.invalidationCount
      statistics.removals = lists.removalCount
      statistics.pendingRules = lists.pending.count
      statistics.mergedRules = lists.mergedRuleCount
    }
  }
}
