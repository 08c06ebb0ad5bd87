/// Remembers which objects were evicted lately, by 20 bits of their hash: 4 bytes a ghost.
///
/// Buckets of four; an entry is a tag and the low 12 bits of a coarse eviction count. It is a ghost
/// as long as no more evictions have passed than the queue remembers, so the queue needs no links
/// and no removal: entries grow old in place and are overwritten, oldest first. Owner: the shard's
/// policy, under the shard's lock.
struct GhostQueue {
  private var entries = ContiguousArray<UInt32>()
  private var evictionCount: UInt64 = 1 << 12
  /// Ticks after which an entry is no ghost any more.
  private var rememberedTicks: UInt32 = 0

  /// Real bytes held.
  var bytes: Int { entries.capacity * MemoryLayout<UInt32>.stride }

  /// Remembers this many evictions from now on. The entries are a power of two; growing forgets.
  mutating func reserve(_ count: Int) {
    if count > entries.count {
      var capacity = max(64, entries.count)
      while capacity < count { capacity *= 2 }
      entries = ContiguousArray(repeating: 0, count: capacity)
    }
    guard !entries.isEmpty else { return }
    rememberedTicks = UInt32(truncatingIfNeeded: count * Int(Self.ticks) / entries.count)
  }

  /// Notes an eviction.
  mutating func insert(_ hash: KeyHash) {
    guard !entries.isEmpty else { return }
    evictionCount += 1
    let bucket = bucket(hash)
    var oldest = bucket
    for index in bucket..<(bucket + 4) where age(entries[index]) > age(entries[oldest]) {
      oldest = index
    }
    entries[oldest] = Self.tag(hash) << 12 | (clock & 0xfff)
  }

  /// Whether it was evicted lately; a ghost answers once.
  mutating func remove(_ hash: KeyHash) -> Bool {
    guard let index = find(hash) else { return false }
    entries[index] = 0
    return true
  }

  /// Whether it was evicted lately; if not, it counts as evicted now.
  mutating func containsOrInsert(_ hash: KeyHash) -> Bool {
    if find(hash) != nil { return true }
    insert(hash)
    return false
  }

  private func find(_ hash: KeyHash) -> Int? {
    guard !entries.isEmpty else { return nil }
    let bucket = bucket(hash)
    return (bucket..<(bucket + 4)).first { index in
      entries[index] >> 12 == Self.tag(hash) && age(entries[index]) <= rememberedTicks
    }
  }

  /// Ticks in which `entries.count` evictions pass.
  private static let ticks: UInt32 = 1024

  private var clock: UInt32 {
    UInt32(truncatingIfNeeded: evictionCount * UInt64(Self.ticks) / UInt64(entries.count))
  }

  /// Ticks since an entry was written, modulo 4096; an empty entry is as old as can be.
  private func age(_ entry: UInt32) -> UInt32 {
    entry == 0 ? .max : (clock &- entry) & 0xfff
  }

  private func bucket(_ hash: KeyHash) -> Int {
    Int(truncatingIfNeeded: hash.low >> 32) & (entries.count - 4)
  }

  /// 20 bits that place neither shard nor bucket; never zero.
  private static func tag(_ hash: KeyHash) -> UInt32 {
    max(1, UInt32(truncatingIfNeeded: hash.high >> 44))
  }
}
