import Testing

@testable import CacheStore

@Suite struct KeyHasherTests {
  private func hash(_ text: String, seed: UInt64 = 1) -> KeyHash {
    Array(text.utf8).withUnsafeBytes { KeyHasher(seed: seed).hash($0) }
  }

  @Test func hashDependsOnSeedAndEveryByte() {
    #expect(hash("http://a/b") == hash("http://a/b"))
    #expect(hash("http://a/b") != hash("http://a/b", seed: 2))
    let text = String(repeating: "x", count: 70)
    for offset in 0..<70 {
      var bytes = Array(text.utf8)
      bytes[offset] ^= 1
      #expect(hash(String(decoding: bytes, as: UTF8.self)) != hash(text))
    }
  }

  @Test func zeroBytesAndLengthTellKeysApart() {
    var seen = Set<KeyHash>()
    for count in 0..<80 {
      seen.insert(
        [UInt8](repeating: 0, count: count).withUnsafeBytes {
          KeyHasher(seed: 7).hash($0)
        })
    }
    #expect(seen.count == 80)
  }

  @Test func eitherHalfSpreadsOverBuckets() {
    var high = [Int](repeating: 0, count: 64)
    var low = [Int](repeating: 0, count: 64)
    for number in 0..<64_000 {
      let hash = hash("http://a.example/items/\(number)")
      high[Int(hash.high & 63)] += 1
      low[Int(hash.low >> 58)] += 1
    }
    #expect(high.allSatisfy { (800...1200).contains($0) })
    #expect(low.allSatisfy { (800...1200).contains($0) })
  }

  @Test func variantsDifferByPrimarySaltAndValues() {
    let hasher = KeyHasher(seed: 3)
    let one = hash("one")
    let two = hash("two")
    func variant(_ primary: KeyHash, _ salt: UInt64, _ values: String) -> KeyHash {
      Array(values.utf8).withUnsafeBytes { hasher.variant(of: primary, salt: salt, values: $0) }
    }
    let all: Set = [
      variant(one, 0, "gzip"), variant(one, 0, "br"), variant(one, 1, "gzip"),
      variant(two, 0, "gzip"), one, two,
    ]
    #expect(all.count == 6)
    #expect(variant(one, 0, "gzip") == variant(one, 0, "gzip"))
  }
}
