import CCrypto

/// Compares secrets without telling by the time taken how much of them agrees.
public enum ConstantTime {
  /// Whether both hold the same bytes. The time depends on the lengths only, which are no secret
  /// among digests.
  public static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.withUnsafeBytes { left in right.withUnsafeBytes { areEqual(left, $0) } }
  }

  /// The same for bytes that lie elsewhere.
  public static func areEqual(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
  ) -> Bool {
    guard left.count == right.count else { return false }
    guard let leftBase = left.baseAddress, let rightBase = right.baseAddress, left.count > 0 else {
      return true
    }
    return CRYPTO_memcmp(leftBase, rightBase, left.count) == 0
  }
}
