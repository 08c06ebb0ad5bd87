// Key hashing: a 128-bit multiply-and-fold hash.
//
// Each 16 bytes of input are XORed with secrets, multiplied 64 x 64 -> 128 bits, and the product's
// halves are folded together: one multiplication spreads every input bit over the whole word, and
// current cores finish one a cycle. Two lanes with different secrets and opposite operand order run
// side by side and together give 128 bits. A lane adds its product to a rotated state instead of
// replacing it, so that a product of zero (an operand that equals a secret) cannot erase what came
// before. The family is that of wyhash and of "multilinear" hashing; the constants are the
// fractional bits of square roots of small primes.
//
// The secrets grow from a random seed kept with the store, so that a client cannot prepare keys
// that collide. The hash is not cryptographic; a collision costs a miss, never a wrong answer,
// since the full key is compared.

/// Hashes normalized keys with secrets drawn from one store's seed.
public struct KeyHasher: Sendable {
  private let secret0: UInt64
  private let secret1: UInt64
  private let secret2: UInt64
  private let secret3: UInt64

  /// A hasher for the store that keeps `seed`; the same seed gives the same hashes for ever.
  public init(seed: UInt64) {
    secret0 = Self.fold(seed ^ 0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b)
    secret1 = Self.fold(seed ^ 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1)
    secret2 = Self.fold(seed ^ 0x510e_527f_ade6_82d1, 0x9b05_688c_2b3e_6c1f)
    secret3 = Self.fold(seed ^ 0x1f83_d9ab_fb41_bd6b, 0x5be0_cd19_137e_2179)
  }

  /// Hash of a normalized key's bytes, of any length; O(count).
  public func hash(_ bytes: UnsafeRawBufferPointer) -> KeyHash {
    absorb(bytes, laneA: secret2, laneB: secret3)
  }

  /// Identity of one variant under a primary key.
  /// - Parameters:
  ///   - primary: hash of the primary key.
  ///   - salt: the place for a number that tells apart generations of the variant list.
  ///   - values: the normalized values of the fields by which the variants differ.
  public func variant(of primary: KeyHash, salt: UInt64, values: UnsafeRawBufferPointer) -> KeyHash
  {
    let laneA = Self.fold(primary.high ^ secret3, salt ^ secret0) &+ primary.low
    let laneB = Self.fold(primary.low ^ secret2, salt ^ secret1) &+ primary.high
    return absorb(values, laneA: laneA, laneB: laneB)
  }

  private func absorb(
    _ bytes: UnsafeRawBufferPointer, laneA: UInt64, laneB: UInt64
  ) -> KeyHash {
    var laneA = laneA
    var laneB = laneB
    let count = bytes.count
    var offset = 0
    // Bound: every load below ends at or before `count`.
    while count &- offset >= 16 {
      mix(Self.word(bytes, offset), Self.word(bytes, offset &+ 8), &laneA, &laneB)
      offset &+= 16
    }
    let rest = count &- offset
    if rest > 0 {
      let (first, second) = Self.tail(bytes, from: offset, count: rest)
      mix(first, second, &laneA, &laneB)
    }
    let length = UInt64(truncatingIfNeeded: count)
    let high = Self.fold(laneA ^ secret0 ^ length, laneB ^ secret1)
    let low = Self.fold(laneB ^ secret2 ^ length, laneA.rotated(by: 32) ^ secret3)
    return KeyHash(high: high ^ laneB, low: low ^ laneA)
  }

  @inline(__always)
  private func mix(
    _ first: UInt64, _ second: UInt64, _ laneA: inout UInt64, _ laneB: inout UInt64
  ) {
    let productA = Self.fold(first ^ secret0, second ^ laneA)
    let productB = Self.fold(second ^ secret1, first ^ laneB)
    laneA = laneA.rotated(by: 23) &+ productA
    laneB = laneB.rotated(by: 41) &+ productB
  }

  /// The last 1...15 bytes as two words, without reading past the end; the length is mixed in
  /// later.
  @inline(__always)
  private static func tail(
    _ bytes: UnsafeRawBufferPointer, from offset: Int, count: Int
  ) -> (UInt64, UInt64) {
    if count >= 8 {
      return (word(bytes, offset), word(bytes, offset &+ count &- 8))
    }
    var value: UInt64 = 0
    for index in 0..<count {
      value |= UInt64(bytes[offset &+ index]) << UInt64(8 &* index)
    }
    return (value, 0)
  }

  @inline(__always)
  private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }
}

extension UInt64 {
  @inline(__always)
  fileprivate func rotated(by count: UInt64) -> UInt64 {
    (self << count) | (self >> (64 &- count))
  }
}
