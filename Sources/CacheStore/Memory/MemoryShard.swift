// One shard of the memory tier: table, slab, queues and counters under one mutex.
//
// Invariants, under the lock: every object in the slab is in the table once and in one queue once;
// `objectBytes` is the sum of their charges; objects and index together stay within the budget.
// Nothing is called out of the shard while its lock is held, and objects that leave are released by
// the caller, after the lock: a release may free megabytes.

import Synchronization

/// Why an object left memory.
enum DepartureCause: Sendable {
  case room
  case expired
  case replaced
  case idle
  case invalidated
  case removed
}

/// An object that left memory, still alive for the disk tier.
struct Departure: Sendable {
  let object: StoredObject
  let cause: DepartureCause
}

/// What came of an insertion.
enum Placement: Sendable {
  /// It is in; those that left for it.
  case placed([Departure])
  /// It is larger than a shard holds.
  case tooLarge
  /// Something else is under that hash already, and only an empty place was wanted.
  case occupied
  /// It would have taken another's place, and is not worth it yet.
  case declined
  /// The caller's condition had ceased to hold.
  case overtaken
}

/// What a placement may push aside.
enum PlacementClaim: Sendable {
  /// Whatever is under its hash, and whatever has to leave for it.
  case newer
  /// Nothing under its hash; what has to leave for it only when it was asked for before, lately: it
  /// comes from disk, where it stays.
  case promoted
}

/// A shard; thread-safe.
final class MemoryShard<Policy: EvictionPolicy>: Sendable {
  let limitBytes: Int
  /// Whether first hits are noted for whoever writes behind.
  private let notesFirstHits: Bool
  private let state: Mutex<State>

  /// First hits that wait for write-behind; beyond it objects reach the disk when they leave.
  private static var mostFirstHits: Int { 4096 }

  private struct State {
    var table = ObjectTable()
    var slab = ObjectSlab()
    var policy: Policy
    var objectBytes = 0
    var firstHits: [UInt32] = []
    var counters = StoreStatistics.Memory()

    init(limitBytes: Int) { policy = Policy(limitBytes: limitBytes) }

    var indexBytes: Int {
      table.bytes + slab.bytes + policy.bytes + firstHits.capacity * MemoryLayout<UInt32>.stride
    }

    @inline(__always)
    func find(_ hash: KeyHash, key: UnsafeRawBufferPointer) -> UInt32? {
      table.find(hash) { index in
        slab.entries[Int(index)].object.map { $0.matches(hash, key) } ?? false
      }
    }

    func find(_ hash: KeyHash) -> UInt32? {
      table.find(hash) { index in slab.object(at: index)?.hash == hash }
    }

    /// Takes an entry out of table, queue and slab.
    mutating func take(_ index: UInt32) -> StoredObject? {
      guard let object = slab.object(at: index) else { return nil }
      policy.remove(index, object: object, charge: object.chargedBytes, slab: &slab)
      return drop(index)
    }

    /// Takes an entry that its policy has forgotten out of table and slab.
    mutating func drop(_ index: UInt32) -> StoredObject? {
      guard let object = slab.remove(at: index) else { return nil }
      table.remove(object.hash, index: index)
      objectBytes -= object.chargedBytes
      return object
    }

    mutating func makeRoom(_ wanted: Int, limit: Int, now: Int64, into left: inout [Departure]) {
      while objectBytes + indexBytes + wanted > limit {
        guard let eviction = policy.evict(nowSeconds: now, slab: &slab),
          let object = drop(eviction.index)
        else { return }
        counters.evictedForRoom += eviction.isExpired ? 0 : 1
        counters.evictedExpired += eviction.isExpired ? 1 : 0
        left.append(Departure(object: object, cause: eviction.isExpired ? .expired : .room))
      }
    }
  }

  /// A shard of this budget.
  /// - Parameter notesFirstHits: keeps a list of what was hit for the first time, for
  ///   ``takeFirstHits(_:)``; false without a disk tier, where nobody would take it.
  init(limitBytes: Int, notesFirstHits: Bool = false) {
    self.limitBytes = limitBytes
    self.notesFirstHits = notesFirstHits
    state = Mutex(State(limitBytes: limitBytes))
  }

  // MARK: - Hits

  /// The object under this hash and key, its hit recorded; nil when there is none.
  @inline(__always)
  func lookup(
    _ hash: KeyHash, key: UnsafeRawBufferPointer, nowSeconds: UInt32
  ) -> StoredObject? {
    state.withLock { state in
      guard let index = state.find(hash, key: key), let object = state.slab.object(at: index)
      else {
        state.counters.misses &+= 1
        return nil
      }
      state.counters.hits &+= 1
      state.policy.recordHit(index, slab: &state.slab)
      if object.recordHit(nowSeconds: nowSeconds) == 0, notesFirstHits,
        state.firstHits.count < Self.mostFirstHits
      {
        state.firstHits.append(index)
      }
      return object
    }
  }

  /// The object under this hash and key, unrecorded.
  func peek(_ hash: KeyHash, key: UnsafeRawBufferPointer) -> StoredObject? {
    state.withLock { state in
      state.find(hash, key: key).flatMap { state.slab.object(at: $0) }
    }
  }

  /// The object under this hash, whatever its key, unrecorded.
  func peek(_ hash: KeyHash) -> StoredObject? {
    state.withLock { state in state.find(hash).flatMap { state.slab.object(at: $0) } }
  }

  // MARK: - Changes

  /// Puts an object in the place of whatever is under its hash.
  /// - Parameters:
  ///   - claim: what it may push aside; else `.occupied` or `.declined`.
  ///   - isCurrent: asked under the lock; false means `.overtaken`. It must not block.
  func place(
    _ object: StoredObject, nowSeconds: Int64, as claim: PlacementClaim,
    while isCurrent: () -> Bool
  ) -> Placement {
    let charge = object.chargedBytes
    return state.withLock { state in
      guard isCurrent() else { return .overtaken }
      let present = state.find(object.hash)
      if claim == .promoted, present != nil { return .occupied }
      guard charge + state.indexBytes <= limitBytes else {
        state.counters.tooLarge += 1
        return .tooLarge
      }
      if claim == .promoted, state.objectBytes + state.indexBytes + charge > limitBytes,
        !state.policy.admits(object.hash, slab: state.slab)
      {
        return .declined
      }
      var left: [Departure] = []
      if let present, let replaced = state.take(present) {
        state.counters.replacements += 1
        left.append(Departure(object: replaced, cause: .replaced))
      }
      state.makeRoom(charge, limit: limitBytes, now: nowSeconds, into: &left)
      let index = state.slab.insert(object)
      state.table.insert(object.hash, index: index)
      state.objectBytes += charge
      state.counters.insertions += 1
      if state.policy.insert(index, object: object, charge: charge, slab: &state.slab) {
        state.counters.ghostHits += 1
      }
      // The index may have grown.
      state.makeRoom(0, limit: limitBytes, now: nowSeconds, into: &left)
      return .placed(left)
    }
  }

  /// Puts another form of an object in its place if it is still there; the form takes over its
  /// standing. It is no larger, unless the other one's body lies on disk. In one step: whoever
  /// walks the shard meets one of the two.
  /// - Returns: what left memory for it; nil when it was not put there.
  func replace(
    _ object: StoredObject, with form: StoredObject, nowSeconds: Int64
  ) -> [Departure]? {
    let charge = form.chargedBytes
    let before = object.chargedBytes
    guard charge <= before || object.diskBody != nil else { return nil }
    return state.withLock { state in
      guard charge <= before || charge + state.indexBytes <= limitBytes else { return nil }
      let found = state.table.find(object.hash) { index in
        state.slab.object(at: index)?.isIdentical(to: object) ?? false
      }
      guard let found else { return nil }
      form.inherit(from: object)
      state.policy.remove(found, object: object, charge: before, slab: &state.slab)
      state.slab.replace(at: found, with: form)
      state.objectBytes += charge - before
      _ = state.policy.insert(found, object: form, charge: charge, slab: &state.slab)
      var left: [Departure] = []
      if charge > before {
        state.makeRoom(0, limit: limitBytes, now: nowSeconds, into: &left)
      }
      return left
    }
  }

  /// Takes away what is under this hash.
  func remove(_ hash: KeyHash) -> StoredObject? {
    state.withLock { state in
      guard let index = state.find(hash) else { return nil }
      state.counters.removed += 1
      return state.take(index)
    }
  }

  /// Takes away this very object if it is still there.
  func remove(_ object: StoredObject, cause: DepartureCause) -> Bool {
    state.withLock { state in
      let found = state.table.find(object.hash) { index in
        state.slab.object(at: index)?.isIdentical(to: object) ?? false
      }
      guard let found else { return false }
      switch cause {
      case .idle: state.counters.evictedIdle += 1
      case .invalidated: state.counters.invalidated += 1
      default: state.counters.removed += 1
      }
      return state.take(found) != nil
    }
  }

  // MARK: - Walks

  /// Objects among the next `count` entries from `start` that `isWanted` accepts, and where to go
  /// on; nil at the end. Short enough to hold the lock for.
  func collect(
    from start: UInt32, count: UInt32, where isWanted: (StoredObject) -> Bool
  ) -> (objects: [StoredObject], next: UInt32?) {
    state.withLock { state in
      let end = min(state.slab.endIndex, start &+ count)
      guard start < end else { return ([], nil) }
      state.slab.prefetch(start..<end)
      var objects: [StoredObject] = []
      for index in start..<end {
        if let object = state.slab.entries[Int(index)].object, isWanted(object) {
          objects.append(object)
        }
      }
      return (objects, end < state.slab.endIndex ? end : nil)
    }
  }

  /// What a sweep keeps from one step to the next, so that no step allocates.
  struct SweepScratch {
    fileprivate var indices: [UInt32] = []
    fileprivate var taken: [UInt32] = []
  }

  /// Takes away those of the next `count` objects from `start` that `takes` names. Short enough to
  /// hold the lock for; `takes` is called under it.
  /// - Parameters:
  ///   - filter: the folders that are looked into; nil: all.
  ///   - taken: what was taken is appended, to be released without the lock.
  /// - Returns: the bytes that were taken, and where to go on; nil at the end.
  func sweep(
    from start: UInt32, count: UInt32, in filter: FolderFilter?, _ scratch: inout SweepScratch,
    into taken: inout [StoredObject], where takes: (StoredObject) -> Bool
  ) -> (takenBytes: Int, next: UInt32?) {
    state.withLock { state in
      let next = state.slab.collect(from: start, count: count, in: filter, into: &scratch.indices)
      let before = state.objectBytes
      state.slab.prefetch(scratch.indices)
      state.slab.forEachHash(scratch.indices) { state.table.prefetch($0) }
      scratch.taken.removeAll(keepingCapacity: true)
      state.slab.forEachObject(scratch.indices) { index, object in
        if takes(object) { scratch.taken.append(index) }
      }
      for index in scratch.taken {
        if let object = state.take(index) { taken.append(object) }
      }
      state.counters.invalidated += UInt64(scratch.taken.count)
      return (before - state.objectBytes, next)
    }
  }

  /// Objects hit for the first time since the last call, at most `count`, still here.
  func takeFirstHits(_ count: Int) -> [StoredObject] {
    state.withLock { state in
      let taken = state.firstHits.suffix(count)
      let objects = taken.compactMap { index in
        index < state.slab.endIndex ? state.slab.object(at: index) : nil
      }
      state.firstHits.removeLast(taken.count)
      return objects
    }
  }

  /// Gives back index memory that is not needed.
  func shrink() {
    state.withLock { $0.table.shrink() }
  }

  /// The shard's counters now.
  var statistics: StoreStatistics.Memory {
    state.withLock { state in
      var counters = state.counters
      counters.objects = state.slab.count
      counters.objectBytes = state.objectBytes
      counters.indexBytes = state.indexBytes
      counters.limitBytes = limitBytes
      return counters
    }
  }
}
