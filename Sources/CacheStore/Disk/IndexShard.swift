// One shard of the disk tier's index: linear probing over 12-byte entries.
//
// An entry keeps 40 bits of the hash, not all 128: two objects that share them (and the shard) are
// told apart when the record is read and its full key compared; the loser of such a pair is a miss.
// Home places follow from the fingerprint by multiplication (Lemire's range reduction), so the
// table need not be a power of two and grows by an eighth at a time: between 75.5% and 85% full it
// costs 14 to 16 bytes an object. Removal shifts the followers back, so there are no tombstones.
//
// Owner: DiskIndex, which guards each shard with a lock.

/// Where a record is, as the index keeps it.
struct RecordPlace: Equatable {
  /// The segment's slot, 1 ..< 2^23.
  var slot: UInt32
  /// First block of the record, below 2^17; 0 in a dedicated segment.
  var block: UInt32
  /// Blocks to read, at least the record's; 0 in a dedicated segment.
  var blockCount: UInt32
  /// A soft invalidation matches what is there.
  var isMarkedStale = false

  func isSamePlace(as other: RecordPlace) -> Bool { slot == other.slot && block == other.block }
}

/// | bits | field |
/// |---|---|
/// | word 0 | fingerprint, upper 32 bits |
/// | word 1, 24...31 | fingerprint, lower 8 bits |
/// | word 1, 23 | a soft invalidation matches it |
/// | word 1, 0...22 | segment slot; 0 marks an empty place |
/// | word 2, 31 | looked up since it was written |
/// | word 2, 17...30 | blocks: below 8192 as they are, else 8192 + blocks / 16, rounded up |
/// | word 2, 0...16 | first block |
struct IndexEntry {
  var word0: UInt32 = 0
  var word1: UInt32 = 0
  var word2: UInt32 = 0

  static let empty = IndexEntry()
  private static let hitBit: UInt32 = 1 << 31
  private static let staleBit: UInt32 = 1 << 23
  private static let slotMask: UInt32 = 1 << 23 - 1

  init() {}

  init(fingerprint: UInt64, place: RecordPlace) {
    word0 = UInt32(truncatingIfNeeded: fingerprint >> 8)
    word1 =
      UInt32(truncatingIfNeeded: fingerprint & 0xFF) << 24 | place.slot
      | (place.isMarkedStale ? Self.staleBit : 0)
    let code =
      place.blockCount < 8192 ? place.blockCount : 8192 | min(8191, (place.blockCount + 15) / 16)
    word2 = code << 17 | place.block
  }

  var isEmpty: Bool { word1 & Self.slotMask == 0 }
  var fingerprint: UInt64 { UInt64(word0) << 8 | UInt64(word1 >> 24) }
  var slot: UInt32 { word1 & Self.slotMask }

  var place: RecordPlace {
    let code = word2 >> 17 & 0x3FFF
    return RecordPlace(
      slot: slot, block: word2 & 0x1_FFFF, blockCount: code < 8192 ? code : (code & 8191) * 16,
      isMarkedStale: isMarkedStale)
  }

  var isMarkedStale: Bool {
    get { word1 & Self.staleBit != 0 }
    set { word1 = newValue ? word1 | Self.staleBit : word1 & ~Self.staleBit }
  }

  var isHit: Bool {
    get { word2 & Self.hitBit != 0 }
    set { word2 = newValue ? word2 | Self.hitBit : word2 & ~Self.hitBit }
  }

  mutating func setSlot(_ slot: UInt32) { word1 = word1 & ~Self.slotMask | slot }
}

struct IndexShard: ~Copyable {
  /// Fingerprints are this many bits of the hash.
  static let fingerprintBits: UInt64 = 40
  static let entryBytes = 12
  private static let smallestCapacity = 16

  private(set) var entries: [IndexEntry]
  private(set) var count = 0

  init() { entries = [] }

  /// An empty shard with room for `count` entries.
  init(expecting count: Int) {
    entries = [IndexEntry](repeating: .empty, count: Self.capacity(for: count))
  }

  var capacity: Int { entries.count }

  /// Finds the place of a fingerprint's entry; nil when it is absent.
  func find(_ fingerprint: UInt64) -> Int? {
    guard count > 0 else { return nil }
    var position = home(fingerprint)
    // Ends: a table is at most 85% full, so an empty place comes.
    while !entries[position].isEmpty {
      if entries[position].fingerprint == fingerprint { return position }
      position = next(position)
    }
    return nil
  }

  func entry(at position: Int) -> IndexEntry { entries[position] }

  /// Marks an entry stale; false when it was already.
  mutating func markStale(at position: Int) -> Bool {
    guard !entries[position].isMarkedStale else { return false }
    entries[position].isMarkedStale = true
    return true
  }

  mutating func markHit(at position: Int) {
    if !entries[position].isHit { entries[position].isHit = true }
  }

  /// Puts an entry in, in place of one with the same fingerprint.
  mutating func insert(_ entry: IndexEntry) {
    if let position = find(entry.fingerprint) {
      entries[position] = entry
      return
    }
    // At most 85% full after the insertion.
    if (count + 1) * 20 > capacity * 17 { grow() }
    place(entry)
    count += 1
  }

  mutating func remove(at removed: Int) {
    var hole = removed
    var position = next(hole)
    while !entries[position].isEmpty {
      let home = self.home(entries[position].fingerprint)
      // The entry may fill the hole unless its home lies behind the hole, seen cyclically.
      if distance(from: home, to: position) >= distance(from: hole, to: position) {
        entries[hole] = entries[position]
        hole = position
      }
      position = next(position)
    }
    entries[hole] = .empty
    count -= 1
  }

  /// Keeps only the entries that `isKept` says; O(capacity), in one pass into a new table.
  mutating func filter(_ isKept: (IndexEntry) -> Bool) -> Int {
    let kept = entries.filter { !$0.isEmpty && isKept($0) }
    let removed = count - kept.count
    guard removed > 0 else { return 0 }
    count = kept.count
    entries = [IndexEntry](repeating: .empty, count: Self.capacity(for: count))
    for entry in kept { place(entry) }
    return removed
  }

  mutating func removeAll() {
    entries = []
    count = 0
  }

  private mutating func grow() {
    let old = entries
    entries = [IndexEntry](repeating: .empty, count: max(Self.smallestCapacity, capacity * 9 / 8))
    for entry in old where !entry.isEmpty { place(entry) }
  }

  private static func capacity(for count: Int) -> Int {
    max(smallestCapacity, count * 20 / 16)
  }

  private mutating func place(_ entry: IndexEntry) {
    var position = home(entry.fingerprint)
    while !entries[position].isEmpty { position = next(position) }
    entries[position] = entry
  }

  @inline(__always)
  private func home(_ fingerprint: UInt64) -> Int {
    let spread = fingerprint << (64 - Self.fingerprintBits)
    return Int(spread.multipliedFullWidth(by: UInt64(entries.count)).high)
  }

  @inline(__always)
  private func next(_ position: Int) -> Int {
    position + 1 == entries.count ? 0 : position + 1
  }

  @inline(__always)
  private func distance(from: Int, to: Int) -> Int {
    to >= from ? to - from : to + entries.count - from
  }
}
