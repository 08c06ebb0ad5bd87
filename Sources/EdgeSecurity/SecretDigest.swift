/// Compares secrets without telling by the time taken how much of them agrees.
public enum ConstantTime {
  /// Whether both hold the same bytes. The time depends on the longer length only.
  ///
  /// Every byte is looked at and the differences are gathered without a branch; the result goes
  /// through a function the optimizer cannot see into, so that it cannot stop early either.
  public static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    var difference = UInt8(left.count == right.count ? 0 : 1)
    for index in 0..<max(left.count, right.count) {
      let leftByte = index < left.count ? left[index] : 0
      let rightByte = index < right.count ? right[index] : 0
      difference = opaque(difference | (leftByte ^ rightByte))
    }
    return difference == 0
  }

  @inline(never)
  @_optimize(none)
  private static func opaque(_ value: UInt8) -> UInt8 { value }
}

/// Makes digests of secrets that are only good inside this process: HMAC-SHA-256 (RFC 2104) under
/// a random key that is never written anywhere.
///
/// What it is for: the password itself need not stay in memory, and all digests have one length,
/// so a comparison does not tell the length of the secret. What it is not: a slow password hash.
/// It does not protect a password from someone who reads this process's memory, key included, and
/// must not be stored.
struct SecretDigester: Sendable {
  private let innerKey: [UInt8]
  private let outerKey: [UInt8]

  /// A digester with a fresh random key.
  init() {
    var generator = SystemRandomNumberGenerator()
    self.init(
      key: (0..<SHA256.digestBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
  }

  /// A digester with a known key.
  init(key: [UInt8]) {
    let short = key.count > SHA256.blockBytes ? SHA256.digest(key) : key
    let padded = short + [UInt8](repeating: 0, count: SHA256.blockBytes - short.count)
    innerKey = padded.map { $0 ^ 0x36 }
    outerKey = padded.map { $0 ^ 0x5C }
  }

  func digest(_ secret: some Sequence<UInt8>) -> [UInt8] {
    var inner = SHA256()
    inner.update(innerKey)
    inner.update(secret)
    var outer = SHA256()
    outer.update(outerKey)
    outer.update(inner.finish())
    return outer.finish()
  }
}
