/// A 64-bit checksum for blocks on disk: four independent lanes take eight bytes each in turn, so
/// the multiplications overlap and a block is read at several bytes a cycle.
///
/// A lane's step is `lane = rotate((lane ^ word) * odd)`: for a given word a bijection of the lane,
/// for a given lane a bijection of the word. A change within one word therefore always changes the
/// result; other damage passes with a chance of 2^-64. It is no protection against an attacker;
/// encryption at rest brings that.
enum BlockChecksum {
  private static let multipliers: (UInt64, UInt64, UInt64, UInt64) = (
    0xD6E8_FEB8_6659_FD93, 0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB, 0x8EBC_6AF0_9C88_C6E3
  )

  /// The checksum of `bytes` under `seed`; O(n).
  static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
    let (m0, m1, m2, m3) = multipliers
    var a = seed ^ m0
    var b = seed &+ m1
    var c = seed ^ m2
    var d = seed &+ m3
    var offset = 0
    let count = bytes.count
    // Bound: each step reads 32 bytes from offset, and offset + 32 <= count.
    while offset &+ 32 <= count {
      a = step(a, bytes.load(offset), m0)
      b = step(b, bytes.load(offset &+ 8), m1)
      c = step(c, bytes.load(offset &+ 16), m2)
      d = step(d, bytes.load(offset &+ 24), m3)
      offset &+= 32
    }
    while offset &+ 8 <= count {
      a = step(a, bytes.load(offset), m1)
      offset &+= 8
    }
    var tail: UInt64 = 0
    while offset < count {
      tail = tail << 8 | UInt64(bytes[offset])
      offset &+= 1
    }
    b = step(b, tail, m2)
    var result = step(step(step(step(UInt64(count) ^ m3, a, m0), b, m1), c, m2), d, m3)
    result ^= result >> 32
    result = result &* m1
    return result ^ result >> 29
  }

  @inline(__always)
  private static func step(_ lane: UInt64, _ word: UInt64, _ multiplier: UInt64) -> UInt64 {
    let product = (lane ^ word) &* multiplier
    return product << 29 | product >> 35
  }
}
