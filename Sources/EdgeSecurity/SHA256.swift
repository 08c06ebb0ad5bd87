import CCrypto

/// SHA-256 (FIPS 180-4) by libcrypto, in one call or piece by piece.
public struct SHA256: ~Copyable {
  /// Bytes of a digest.
  public static let digestBytes = 32

  private let context: OpaquePointer

  /// The digest of nothing yet.
  public init() {
    context = LibCrypto.created(EVP_MD_CTX_new())
    LibCrypto.require(EVP_DigestInit_ex(context, LibCrypto.sha256, nil))
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Adds bytes to the message; O(bytes).
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty else { return }
    LibCrypto.require(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count))
  }

  /// The same for bytes of any kind; those without storage of their own are copied.
  public mutating func update(_ bytes: some Sequence<UInt8>) {
    LibCrypto.withBytes(of: bytes) { update($0) }
  }

  /// Ends the message and gives its digest of ``digestBytes`` bytes.
  public consuming func finish() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: SHA256.digestBytes) { target, count in
      var written: UInt32 = 0
      LibCrypto.require(EVP_DigestFinal_ex(context, target.baseAddress, &written))
      count = Int(written)
    }
  }

  /// The digest of a whole message.
  public static func digest(_ message: UnsafeRawBufferPointer) -> [UInt8] {
    var hash = SHA256()
    hash.update(message)
    return hash.finish()
  }

  /// The same for bytes of any kind.
  public static func digest(_ message: some Sequence<UInt8>) -> [UInt8] {
    var hash = SHA256()
    hash.update(message)
    return hash.finish()
  }
}
