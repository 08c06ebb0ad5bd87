// Which disk of a store an object belongs to.
//
// The hashes fall into 65,536 partitions, and each partition goes to one disk by weighted
// rendezvous hashing (Thaler and Ravishankar 1998; the weights as in Schindelhauer and Schomaker
// 2005): every disk draws a number from its path and the partition, and the smallest of
// -ln(u) / size wins. A disk wins in proportion to its size, whatever the order in which disks are
// listed; one that joins takes partitions only for itself, one that leaves gives away only its own,
// and one that grows only gains.
//
// The partition is taken from those bits of the hash that the index keeps in every entry, so that a
// disk can tell what of its own belongs to another one now. They are the lowest ones of the
// fingerprint: the index finds an entry's home by the highest, which must stay evenly spread.

import Glibc

/// The owner of every partition. Made once at start, O(partitions x disks); asked in O(1).
struct DiskPartitions: Sendable {
  static let count = 65_536
  /// Bytes of a ``bitmap(of:)``.
  static let bitmapBytes = count / 8

  /// By partition; empty when one disk owns all.
  private let owners: [UInt8]

  /// - Parameter disks: a name that stays the same over restarts, and a size; 1 ..< 256 of them.
  init(_ disks: [(name: String, size: Int)]) {
    precondition(!disks.isEmpty && disks.count <= UInt8.max)
    guard disks.count > 1 else {
      owners = []
      return
    }
    let seeds = disks.map { Self.seed($0.name) }
    let sizes = disks.map { Double(max(1, $0.size)) }
    owners = (0..<Self.count).map { partition in
      var best = 0
      var least = Double.infinity
      for disk in disks.indices {
        let word = Self.mix(seeds[disk] ^ Self.mix(UInt64(partition)))
        // Strictly between 0 and 1: 53 bits and a half.
        let drawn = (Double(word >> 11) + 0.5) * 0x1p-53
        let score = -log(drawn) / sizes[disk]
        if score < least {
          least = score
          best = disk
        }
      }
      return UInt8(best)
    }
  }

  /// The disk that owns an object, by its place in the list.
  @inline(__always)
  func owner(of hash: KeyHash) -> Int {
    owners.isEmpty ? 0 : Int(owners[Self.partition(of: DiskIndex.fingerprint(hash))])
  }

  /// The partition of a hash, by its index fingerprint.
  @inline(__always)
  static func partition(of fingerprint: UInt64) -> Int { Int(fingerprint & UInt64(count - 1)) }

  /// The partitions that a disk owns, one bit each, lowest first; nil when it owns all.
  func bitmap(of disk: Int) -> [UInt8]? {
    guard !owners.isEmpty else { return nil }
    var bitmap = [UInt8](repeating: 0, count: Self.bitmapBytes)
    for (partition, owner) in owners.enumerated() where Int(owner) == disk {
      bitmap[partition / 8] |= 1 << UInt8(partition % 8)
    }
    return bitmap
  }

  /// Whether a bitmap has the partition of a fingerprint.
  static func has(_ fingerprint: UInt64, in bitmap: [UInt8]) -> Bool {
    let partition = partition(of: fingerprint)
    return bitmap[partition / 8] & 1 << UInt8(partition % 8) != 0
  }

  /// FNV-1a, so that it is the same in every process.
  private static func seed(_ name: String) -> UInt64 {
    mix(name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 })
  }

  /// The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
  private static func mix(_ word: UInt64) -> UInt64 {
    var word = word &+ 0x9e37_79b9_7f4a_7c15
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
