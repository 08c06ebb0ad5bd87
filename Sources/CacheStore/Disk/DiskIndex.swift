import Synchronization

/// Which record holds which object: 64 shards of ``IndexShard``, one lock each. Any thread.
///
/// What a change of the index means for the journal is done by the `journal` closures, under the
/// shard's lock, so that the journal sees an object's changes in the order in which they happened.
/// Lock order: writer's inbox, then a shard, then the journal.
final class DiskIndex: Sendable {
  static let shardCount = 64

  private final class Shard: Sendable {
    struct State: ~Copyable {
      var table = IndexShard()
      /// Removed while the saved index was loading, so that loading does not bring it back.
      var removedWhileLoading: Set<UInt64> = []
      var isLoading = true
    }
    let state = Mutex<State>(State())
  }

  private let shards = (0..<shardCount).map { _ in Shard() }

  private func shard(_ hash: KeyHash) -> Shard {
    shards[Self.shardNumber(hash)]
  }

  static func shardNumber(_ hash: KeyHash) -> Int { Int(hash.high & UInt64(shardCount - 1)) }

  static func fingerprint(_ hash: KeyHash) -> UInt64 {
    hash.low >> (64 - IndexShard.fingerprintBits)
  }

  /// Where the object is; nil when absent. Notes the hit, which spares the record at reclaim.
  func lookup(_ hash: KeyHash) -> RecordPlace? {
    shard(hash).state.withLock { state in
      guard let position = state.table.find(Self.fingerprint(hash)) else { return nil }
      state.table.markHit(at: position)
      return state.table.entry(at: position).place
    }
  }

  /// Where the object is, without a hit.
  func place(_ hash: KeyHash) -> RecordPlace? {
    shard(hash).state.withLock { state in
      state.table.find(Self.fingerprint(hash)).map { state.table.entry(at: $0).place }
    }
  }

  /// Puts an object's newest record in the place of an older one. The journal names the record only
  /// once it is synced, so `journal` runs under the lock when there is an older one or, while the
  /// index loads, may be: what the index no longer shows is not found by sweeps, and must not come
  /// back after a crash when the rules that took it are forgotten.
  func insert(_ hash: KeyHash, _ place: RecordPlace, superseding journal: () -> Void = {}) {
    shard(hash).state.withLock { state in
      let fingerprint = Self.fingerprint(hash)
      if state.isLoading || state.table.find(fingerprint) != nil { journal() }
      state.table.insert(IndexEntry(fingerprint: fingerprint, place: place))
    }
  }

  /// Runs `journal` under the shard's lock if the object is still where `place` says, and tells it
  /// whether the object is marked stale.
  func ifStill(_ hash: KeyHash, at place: RecordPlace, _ journal: (Bool) -> Void) {
    shard(hash).state.withLock { state in
      guard let position = state.table.find(Self.fingerprint(hash)),
        state.table.entry(at: position).place.isSamePlace(as: place)
      else { return }
      journal(state.table.entry(at: position).isMarkedStale)
    }
  }

  /// Marks an object stale, if `place` is given only there; `journal` runs under the lock when it
  /// was not marked before. Not while the saved index loads.
  @discardableResult
  func markStale(_ hash: KeyHash, at place: RecordPlace? = nil, _ journal: () -> Void) -> Bool {
    shard(hash).state.withLock { state in
      guard let position = state.table.find(Self.fingerprint(hash)) else { return false }
      if let place, !state.table.entry(at: position).place.isSamePlace(as: place) { return false }
      guard state.table.markStale(at: position) else { return false }
      journal()
      return true
    }
  }

  /// Moves an object's entry from one record to another, a mark with it; false when it is no
  /// longer there.
  func move(_ hash: KeyHash, from old: RecordPlace, to new: RecordPlace) -> Bool {
    shard(hash).state.withLock { state in
      let fingerprint = Self.fingerprint(hash)
      guard let position = state.table.find(fingerprint),
        state.table.entry(at: position).place.isSamePlace(as: old)
      else { return false }
      var place = new
      if state.table.entry(at: position).isMarkedStale { place.isMarkedStale = true }
      state.table.insert(IndexEntry(fingerprint: fingerprint, place: place))
      return true
    }
  }

  /// Removes an object, if `place` is given only from there; `journal` runs under the lock when
  /// something was removed or, while the index loads, may have to be.
  @discardableResult
  func remove(_ hash: KeyHash, at place: RecordPlace? = nil, _ journal: () -> Void) -> Bool {
    shard(hash).state.withLock { state in
      let fingerprint = Self.fingerprint(hash)
      if let position = state.table.find(fingerprint) {
        if let place, !state.table.entry(at: position).place.isSamePlace(as: place) { return false }
        state.table.remove(at: position)
      } else if !state.isLoading || place != nil {
        return false
      }
      if state.isLoading { state.removedWhileLoading.insert(fingerprint) }
      journal()
      return true
    }
  }

  /// Removes all entries of these slots; O(capacity). Returns how many.
  func removeAll(slots: Set<UInt32>) -> Int {
    removeAll { slots.contains($0.slot) }
  }

  /// Removes all entries that `isRemoved` names; O(capacity). Returns how many.
  func removeAll(where isRemoved: (IndexEntry) -> Bool) -> Int {
    var removed = 0
    for shard in shards {
      removed += shard.state.withLock { state in state.table.filter { !isRemoved($0) } }
    }
    return removed
  }

  /// Clears the hit mark of one object.
  func clearHit(_ hash: KeyHash) -> Bool {
    shard(hash).state.withLock { state in
      let fingerprint = Self.fingerprint(hash)
      guard let position = state.table.find(fingerprint) else { return false }
      var entry = state.table.entry(at: position)
      guard entry.isHit else { return false }
      entry.isHit = false
      state.table.insert(entry)
      return true
    }
  }

  /// All entries that point into a slot; O(capacity).
  func entries(slot: UInt32) -> [IndexEntry] {
    var result: [IndexEntry] = []
    for shard in shards {
      shard.state.withLock { state in
        for entry in state.table.entries where entry.slot == slot { result.append(entry) }
      }
    }
    return result
  }

  /// A copy of one shard's table, for a snapshot.
  func copyShard(_ number: Int) -> [IndexEntry] {
    shards[number].state.withLock { $0.table.entries.filter { !$0.isEmpty } }
  }

  /// Merges what was saved under what happened since; the index is whole afterwards.
  func finishLoading(_ saved: [LoadedShard]) {
    for (number, shard) in shards.enumerated() {
      shard.state.withLock { state in
        if number < saved.count {
          let removed = state.removedWhileLoading
          let fresh = state.table.entries.filter { !$0.isEmpty }
          state.table = saved[number].takeTable()
          for fingerprint in removed {
            if let position = state.table.find(fingerprint) { state.table.remove(at: position) }
          }
          for entry in fresh { state.table.insert(entry) }
        }
        state.removedWhileLoading = []
        state.isLoading = false
      }
    }
  }

  /// Puts other tables in the place of all that is there; only while nothing else happens.
  func replace(with tables: [LoadedShard]) {
    for (number, shard) in shards.enumerated() {
      shard.state.withLock { state in
        state.table = number < tables.count ? tables[number].takeTable() : IndexShard()
        state.removedWhileLoading = []
        state.isLoading = false
      }
    }
  }

  var count: Int { shards.reduce(0) { $0 + $1.state.withLock { $0.table.count } } }

  /// Bytes of all tables.
  var byteCount: Int {
    shards.reduce(0) { $0 + $1.state.withLock { $0.table.capacity } * IndexShard.entryBytes }
  }
}

/// A shard's table while it is rebuilt from a snapshot and the journals; recovery's thread only.
final class LoadedShard {
  var table = IndexShard()

  func takeTable() -> IndexShard {
    var taken = IndexShard()
    swap(&taken, &table)
    return taken
  }
}
