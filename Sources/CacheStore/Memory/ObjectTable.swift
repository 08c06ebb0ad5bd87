// The index from hash to slab entry: open addressing with linear probing.
//
// A slot is 8 bytes: 32 bits of the hash as tag, 32 bits of slab index plus one (0: empty). Eight
// slots share a cache line, so a probe is nearly always one line. The tag also gives the home slot
// (multiply and shift, so any capacity will do), thus growing and removing never touch an object.
// Removal shifts followers back; there are no tombstones. At five sixths the table grows by an
// eighth: 9.6 to 10.8 bytes an object. Owner: the shard, under its lock.

import CLinux

/// Maps hashes to slab indices.
struct ObjectTable {
  private var slots = ContiguousArray<UInt64>(repeating: 0, count: 16)
  private(set) var count = 0

  /// Real bytes held.
  var bytes: Int { slots.capacity * MemoryLayout<UInt64>.stride }

  @inline(__always)
  private static func tag(_ hash: KeyHash) -> UInt32 { UInt32(truncatingIfNeeded: hash.low) }

  @inline(__always)
  private func home(_ tag: UInt32) -> Int {
    Int(truncatingIfNeeded: (UInt64(tag) &* UInt64(slots.count)) &>> 32)
  }

  @inline(__always)
  private func after(_ position: Int) -> Int {
    position &+ 1 == slots.count ? 0 : position &+ 1
  }

  /// The first index under this hash's tag that `isMatch` accepts; nil when there is none.
  @inline(__always)
  func find(_ hash: KeyHash, where isMatch: (UInt32) -> Bool) -> UInt32? {
    let tag = Self.tag(hash)
    var position = home(tag)
    // The load limit leaves empty slots, so the probe ends.
    while true {
      let slot = slots[position]
      if slot == 0 { return nil }
      if UInt32(truncatingIfNeeded: slot &>> 32) == tag {
        let index = UInt32(truncatingIfNeeded: slot) &- 1
        if isMatch(index) { return index }
      }
      position = after(position)
    }
  }

  /// Has the processor fetch where a hash is looked for.
  @inline(__always)
  func prefetch(_ hash: KeyHash) {
    let home = home(Self.tag(hash))
    slots.withUnsafeBufferPointer { slots in
      // Bound: a home is one of the slots.
      if let start = slots.baseAddress { edge_prefetch(start + home) }
    }
  }

  /// Adds an index; the caller has seen that the hash is not in the table.
  mutating func insert(_ hash: KeyHash, index: UInt32) {
    if (count + 1) * 6 > slots.count * 5 { resize(to: slots.count + max(16, slots.count / 8)) }
    count += 1
    place(UInt64(Self.tag(hash)) << 32 | UInt64(index &+ 1))
  }

  /// Takes an index out; nothing happens when it is not there.
  mutating func remove(_ hash: KeyHash, index: UInt32) {
    let wanted = UInt64(Self.tag(hash)) << 32 | UInt64(index &+ 1)
    var position = home(Self.tag(hash))
    while slots[position] != wanted {
      if slots[position] == 0 { return }
      position = after(position)
    }
    count -= 1
    closeGap(at: position)
  }

  /// Gives back memory when most of it is unused; for the background sweep.
  mutating func shrink() {
    let wanted = max(16, count + count / 2)
    if slots.count > 64, wanted < slots.count / 2 { resize(to: wanted) }
  }

  private mutating func place(_ slot: UInt64) {
    var position = home(UInt32(truncatingIfNeeded: slot >> 32))
    while slots[position] != 0 { position = after(position) }
    slots[position] = slot
  }

  private mutating func closeGap(at gap: Int) {
    var gap = gap
    var position = after(gap)
    while slots[position] != 0 {
      let home = home(UInt32(truncatingIfNeeded: slots[position] >> 32))
      // It may move back unless its home lies cyclically behind the gap.
      let staysPut =
        gap < position ? (gap < home && home <= position) : (gap < home || home <= position)
      if !staysPut {
        slots[gap] = slots[position]
        gap = position
      }
      position = after(position)
    }
    slots[gap] = 0
  }

  private mutating func resize(to capacity: Int) {
    let old = slots
    slots = ContiguousArray(repeating: 0, count: capacity)
    for slot in old where slot != 0 { place(slot) }
  }
}
