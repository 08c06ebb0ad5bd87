/// Digests of content that names itself: the body of a QUERY in the cache key.
public enum ContentDigest {
  /// The SHA-256 of the bytes (FIPS 180-4), 32 bytes. O(bytes).
  public static func sha256(_ bytes: UnsafeRawBufferPointer) -> [UInt8] { SHA256.digest(bytes) }
}
