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
// A soft invalidation is a rule like any other, but what it matches is marked stale instead of
// taken away. One of everything raises the soft floor: objects in memory meet it as they would meet
// a rule, objects on disk when they are loaded; so it is O(1) too and is never forgotten.
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
  private let pendingLimit: Limit
  private let historyLimit: Limit

  /// How many rules a list may hold.
  private struct Limit {
    /// Of those that are compared one by one.
    let linear: Int
    /// Of those that are found by a hash.
    var hashed: Int { linear * 16 }

    /// The number up to which rules of one kind have to go; nil while there are few enough. Of
    /// hashed ones an eighth goes at once, since finding the oldest costs a look at all.
    func excess(_ rules: InvalidationRules) -> UInt64? {
      if rules.linearCount > linear {
        return rules.sequence(ofOldest: rules.linearCount - linear, hashed: false)
      }
      guard rules.hashedCount > hashed else { return nil }
      let most = hashed - hashed / 8
      return rules.sequence(ofOldest: rules.hashedCount - most, hashed: true)
    }
  }

  private struct Lists {
    var pending = InvalidationRuleSet()
    var history = InvalidationRuleSet()
    /// Everything fetched under a lower number is stale.
    var softFloor: UInt64 = 0
    /// The floors up to which the tiers have been swept.
    var sweptFloor: UInt64 = 0
    var sweptSoftFloor: UInt64 = 0
    var jobs = InvalidationJobs()
    var invalidationCount: UInt64 = 0
    var removalCount: UInt64 = 0
    var mergedRuleCount: UInt64 = 0
    /// The highest number that the disk's journal has, or will have, on record.
    var lastInvalidation: UInt64 = 0

    /// What an object must have been checked against.
    var newestRule: UInt64 {
      max(pending.newestSequence, softFloor > sweptSoftFloor ? softFloor : 0)
    }
  }

  /// A selector under its number.
  typealias RecoveredRule = (sequence: UInt64, selector: InvalidationSelector)

  /// A log that continues from what was recovered.
  /// - Parameters:
  ///   - sequence: the highest number recovered; 0 for a new store.
  ///   - floor: objects with a lower number are gone.
  ///   - rules: rules that no sweep has worked off.
  ///   - softFloor: objects with a lower number are stale.
  ///   - softRules: soft rules that no sweep has worked off.
  ///   - mostPending: pending rules of each kind above which the oldest raise the floor; sixteen
  ///     times as many of those that are found by a hash.
  ///   - mostHistory: swept rules that are remembered for fills, likewise.
  init(
    sequence: UInt64 = 0, floor: UInt64 = 0, rules: [RecoveredRule] = [], softFloor: UInt64 = 0,
    softRules: [RecoveredRule] = [], mostPending: Int = 1024, mostHistory: Int = 1024
  ) {
    pendingLimit = Limit(linear: mostPending)
    historyLimit = Limit(linear: mostHistory)
    let newest = (rules + softRules).reduce(max(sequence, floor, softFloor)) {
      max($0, $1.sequence)
    }
    let first = (newest / Self.step + 1) * Self.step
    counter = Atomic(first)
    floorSequence.store(floor, ordering: .relaxed)
    lists.withLock { lists in
      lists.lastInvalidation = first
      lists.softFloor = softFloor
      // Memory is empty: what comes into it is compared with the floor then.
      lists.sweptSoftFloor = softFloor
      for rule in rules.sorted(by: { $0.sequence < $1.sequence }) {
        add(rule.selector, rule.sequence, .hard, to: &lists)
      }
      for rule in softRules.sorted(by: { $0.sequence < $1.sequence }) {
        add(rule.selector, rule.sequence, .soft, to: &lists)
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
  /// - Parameter isFollowed: whether somebody will ask for its progress.
  func record(
    _ selectors: [InvalidationSelector], kind: InvalidationKind = .hard, isFollowed: Bool = true
  ) -> UInt64 {
    // Made before the lock: a pattern takes a while.
    let rules = selectors.filter { $0 != .everything }.map { InvalidationRule($0, sequence: 0) }
    let isEverything = rules.count < selectors.count
    return lists.withLock { lists in
      // Readable only once it is stored, below.
      let sequence = (counter.load(ordering: .relaxed) / Self.step + 1) * Self.step
      lists.lastInvalidation = sequence
      if !selectors.isEmpty {
        lists.invalidationCount += 1
        if isFollowed { lists.jobs.add(sequence) }
      }
      if isEverything { add(.everything, sequence, kind, to: &lists) }
      for rule in rules {
        lists.pending.append(InvalidationRule(rule, sequence: sequence), kind)
      }
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
    _ selector: InvalidationSelector, _ sequence: UInt64, _ kind: InvalidationKind,
    to lists: inout Lists
  ) {
    switch (selector, kind) {
    case (.everything, .hard): raiseFloor(to: sequence)
    case (.everything, .soft): lists.softFloor = max(lists.softFloor, sequence)
    default: lists.pending.append(InvalidationRule(selector, sequence: sequence), kind)
    }
  }

  private func raiseFloor(to sequence: UInt64) {
    if floorSequence.load(ordering: .relaxed) < sequence {
      floorSequence.store(sequence, ordering: .sequentiallyConsistent)
    }
  }

  /// Holds the limit on pending rules and shows lookups the newest number.
  private func publish(_ lists: inout Lists) {
    while let upTo = pendingLimit.excess(lists.pending.hard) {
      let merged = lists.pending.hard.removeAll(upTo: upTo)
      lists.mergedRuleCount += UInt64(merged.count)
      raiseFloor(to: upTo)
    }
    while let upTo = pendingLimit.excess(lists.pending.soft) {
      let merged = lists.pending.soft.removeAll(upTo: upTo)
      lists.mergedRuleCount += UInt64(merged.count)
      lists.softFloor = max(lists.softFloor, upTo)
    }
    // What a floor covers needs no rule.
    let floor = floorSequence.load(ordering: .relaxed)
    lists.pending.hard.removeAll(upTo: floor)
    lists.pending.soft.removeAll(upTo: max(floor, lists.softFloor))
    newestRule.store(lists.newestRule, ordering: .sequentiallyConsistent)
  }

  // MARK: - Questions

  /// What the log says of an object that was found in memory.
  enum Verdict {
    case current
    /// By the invalidation of this number.
    case invalidated(by: UInt64)
    /// A sweep ended since the object was looked for: it may have been taken away meanwhile, by a
    /// rule that is no longer pending. Look again.
    case moved
  }

  /// Sweeps finished so far; read before an object is looked for.
  @inline(__always)
  var sweeps: UInt64 { finishedSweeps.load(ordering: .acquiring) }

  /// Whether an object may be served with regard to invalidations; one that a soft one matches is
  /// marked. The usual answer costs three loads; an object that has not met the newest rule is
  /// compared with those it has not met.
  ///
  /// The order of the loads matters: an invalidation of everything raises the floor before it
  /// lowers the newest rule's number, and a sweep counts itself before it does.
  @inline(__always)
  func verdict(on object: StoredObject, foundAfter sweeps: UInt64) -> Verdict {
    let newest = newestRule.load(ordering: .acquiring)
    let floor = floorSequence.load(ordering: .acquiring)
    if object.fetchSequence < floor { return .invalidated(by: floor) }
    if object.checkedSequence >= newest, self.sweeps == sweeps { return .current }
    return verdictByRules(on: object, foundAfter: sweeps)
  }

  @inline(never)
  private func verdictByRules(
    on object: StoredObject, foundAfter sweeps: UInt64
  ) -> Verdict {
    let known = known
    if object.fetchSequence < known.floor { return .invalidated(by: known.floor) }
    let checked = object.checkedSequence
    switch object.withSubject({ known.pending.match($0, newerThan: checked) }) {
    case .some(let match) where match.kind == .hard: return .invalidated(by: match.sequence)
    case .some(let match): mark(object, by: match.sequence)
    case nil: if object.fetchSequence < known.softFloor { mark(object, by: known.softFloor) }
    }
    if known.sweeps != sweeps { return .moved }
    object.checkedSequence = max(checked, known.newestRule)
    return .current
  }

  private func mark(_ object: StoredObject, by sequence: UInt64) {
    if object.markStale() { noteRemoval(by: sequence) }
  }

  /// What an invalidation, pending or swept, does to what was fetched from the subject's sequence
  /// on; nil when none does. Hard also when so much was invalidated since that it is no longer
  /// known. For fills.
  func match(fill subject: InvalidationSubject) -> InvalidationMatch? {
    if subject.fetchSequence >= counter.load(ordering: .acquiring) { return nil }
    let known = known
    if subject.fetchSequence < known.historyFloor {
      return InvalidationMatch(kind: .hard, sequence: known.historyFloor)
    }
    return known.match(subject, newerThan: subject.fetchSequence)
  }

  /// The same without the history's limit. For what was on disk: the sweep has been there.
  func match(stored subject: InvalidationSubject) -> InvalidationMatch? {
    if subject.fetchSequence >= counter.load(ordering: .acquiring) { return nil }
    return known.match(subject, newerThan: subject.fetchSequence)
  }

  /// All that is known at one moment: rules move from one list to the next and into a floor, so
  /// lists and floors must be read together.
  struct Known: Sendable {
    let floor: UInt64
    let softFloor: UInt64
    let historyFloor: UInt64
    let sweeps: UInt64
    let newestRule: UInt64
    let pending: InvalidationRuleSet
    let history: InvalidationRuleSet

    /// - Parameter sequence: rules up to here have been found not to match.
    func match(
      _ subject: InvalidationSubject, newerThan sequence: UInt64
    ) -> InvalidationMatch? {
      if subject.fetchSequence < floor { return InvalidationMatch(kind: .hard, sequence: floor) }
      let isPending = pending.match(subject, newerThan: sequence)
      if let isPending, isPending.kind == .hard { return isPending }
      let isSwept = history.match(subject, newerThan: sequence)
      if let isSwept, isSwept.kind == .hard { return isSwept }
      if subject.fetchSequence < softFloor {
        return InvalidationMatch(kind: .soft, sequence: softFloor)
      }
      return isPending ?? isSwept
    }
  }

  /// What is known now.
  var known: Known {
    lists.withLock { lists in
      Known(
        floor: floorSequence.load(ordering: .relaxed), softFloor: lists.softFloor,
        historyFloor: historyFloor.load(ordering: .relaxed),
        sweeps: finishedSweeps.load(ordering: .relaxed), newestRule: lists.newestRule,
        pending: lists.pending, history: lists.history)
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
  /// invalidation or removal overtook it on the way. Marks it when a soft one did.
  func mayArrive(_ object: StoredObject, leftAt moment: Moment) -> Bool {
    let verdict = verdict(on: object, foundAfter: moment.finishedSweeps)
    if case .invalidated = verdict { return false }
    if wasRemoved(object.hash, after: moment.sequence) { return false }
    if case .current = verdict, sequence == moment.sequence { return true }
    let known = known
    let checked = object.checkedSequence
    switch object.withSubject({ known.match($0, newerThan: checked) }) {
    case .some(let match) where match.kind == .hard: return false
    case .some: object.markStale()
    case nil: break
    }
    return !hasForgottenRules(after: moment.sequence)
  }

  // MARK: - Sweeping

  /// What a sweep has to work off: rules and floors as they stand; nil when nothing is pending.
  struct Sweep: Sendable {
    let floor: UInt64
    /// Whether the floor has risen since the last sweep.
    let isFloorNew: Bool
    let softFloor: UInt64
    let rules: InvalidationRuleSet
    /// Rules up to here are done when the sweep is.
    let upTo: UInt64

    /// Whether a floor has risen, so that no object can be passed over.
    var concernsEverything: Bool { isFloorNew || softFloor > 0 }

    /// What the sweep does to a record on disk; the soft floor is met when the record is loaded.
    func match(onDisk subject: InvalidationSubject) -> InvalidationMatch? {
      if subject.fetchSequence < floor { return InvalidationMatch(kind: .hard, sequence: floor) }
      return rules.match(subject, newerThan: subject.fetchSequence)
    }

    /// The sweep's numbers, without the rules.
    struct Numbers {
      let floor: UInt64
      let softFloor: UInt64
      let newestRule: UInt64
    }

    /// For a walk, which would count the references of all rules at each object.
    var numbers: Numbers {
      Numbers(floor: floor, softFloor: softFloor, newestRule: rules.newestSequence)
    }
  }

  /// The work that is pending.
  func pendingSweep() -> Sweep? {
    lists.withLock { lists in
      let floor = floorSequence.load(ordering: .relaxed)
      let isSoftFloorNew = lists.softFloor > lists.sweptSoftFloor
      guard !lists.pending.isEmpty || floor > lists.sweptFloor || isSoftFloorNew else { return nil }
      return Sweep(
        floor: floor, isFloorNew: floor > lists.sweptFloor,
        softFloor: isSoftFloorNew ? lists.softFloor : 0, rules: lists.pending,
        upTo: max(floor, lists.newestRule))
    }
  }

  /// Both tiers have been worked through: the sweep's rules leave the pending list.
  func finish(
    _ sweep: Sweep, memory: InvalidationTally = .init(), disk: InvalidationTally = .init()
  ) {
    lists.withLock { lists in
      finishedSweeps.wrappingAdd(1, ordering: .sequentiallyConsistent)
      lists.sweptFloor = max(lists.sweptFloor, sweep.floor)
      lists.sweptSoftFloor = max(lists.sweptSoftFloor, sweep.softFloor)
      for rule in lists.pending.hard.removeAll(upTo: sweep.upTo) { lists.history.hard.append(rule) }
      for rule in lists.pending.soft.removeAll(upTo: sweep.upTo) { lists.history.soft.append(rule) }
      forget(&lists)
      newestRule.store(lists.newestRule, ordering: .sequentiallyConsistent)
      for (sequence, count) in memory.bySequence { lists.jobs.note(sequence, memory: count) }
      for (sequence, count) in disk.bySequence { lists.jobs.note(sequence, disk: count) }
      lists.jobs.complete(through: sweep.upTo)
    }
  }

  /// Holds the limit on the history.
  private func forget(_ lists: inout Lists) {
    while let upTo = historyLimit.excess(lists.history.hard)
      ?? historyLimit.excess(lists.history.soft)
    {
      lists.history.hard.removeAll(upTo: upTo)
      lists.history.soft.removeAll(upTo: upTo)
      historyFloor.store(upTo, ordering: .sequentiallyConsistent)
    }
  }

  // MARK: - Jobs

  /// A look-up found an object that an invalidation takes or marks, before the sweep did.
  func noteRemoval(by sequence: UInt64) {
    lists.withLock { $0.jobs.note(sequence, memory: 1) }
  }

  /// How far the sweeper is with an invalidation; nil when it is not among the latest of this run.
  func progress(_ sequence: UInt64) -> InvalidationProgress? {
    lists.withLock { $0.jobs.progress(sequence) }
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
