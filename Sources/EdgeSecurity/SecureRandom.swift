import CCrypto

/// Random bytes for keys, salts and nonces, from libcrypto's generator, which the kernel seeds.
public enum SecureRandom {
  /// Fills `bytes`. Stops the process when there is no randomness: going on would make secrets that
  /// are none.
  public static func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    guard !bytes.isEmpty else { return }
    let result = RAND_bytes(
      bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(bytes.count))
    precondition(result == 1, "the system gives no random bytes")
  }

  /// `count` random bytes.
  public static func bytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBytes { fill($0) }
    return bytes
  }

  /// A random number.
  public static func number() -> UInt64 {
    var number: UInt64 = 0
    withUnsafeMutableBytes(of: &number) { fill($0) }
    return number
  }
}
