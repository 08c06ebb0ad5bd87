import CCrypto

/// HMAC-SHA-256 (RFC 2104) by libcrypto, in one call or piece by piece.
public struct HMACSHA256: ~Copyable {
  /// Bytes of a code.
  public static let codeBytes = SHA256.digestBytes

  private let context: OpaquePointer

  /// A code under `key`, of any length, over nothing yet. The library wipes its copy of the key.
  public init(key: UnsafeRawBufferPointer) { context = HMACSHA256.begin(key) }

  /// The same with the key's bytes in an array.
  public init(key: [UInt8]) { context = key.withUnsafeBytes { HMACSHA256.begin($0) } }

  /// The same with a key that is wiped when its owner goes.
  public init(key: SecretBytes) { context = key.withUnsafeBytes { HMACSHA256.begin($0) } }

  private static func begin(_ key: UnsafeRawBufferPointer) -> OpaquePointer {
    let context = LibCrypto.created(EVP_MAC_CTX_new(LibCrypto.hmac))
    LibCrypto.require(
      edge_hmac_sha256_init(
        context, key.baseAddress?.assumingMemoryBound(to: UInt8.self), key.count))
    return context
  }

  deinit { EVP_MAC_CTX_free(context) }

  /// Adds bytes to the message; O(bytes).
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty else { return }
    LibCrypto.require(
      EVP_MAC_update(context, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count))
  }

  /// The same for bytes of any kind.
  public mutating func update(_ bytes: some Sequence<UInt8>) {
    LibCrypto.withBytes(of: bytes) { update($0) }
  }

  /// Ends the message and gives its code of ``codeBytes`` bytes.
  public consuming func finish() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: HMACSHA256.codeBytes) { target, count in
      LibCrypto.require(EVP_MAC_final(context, target.baseAddress, &count, target.count))
    }
  }

  /// The code of a whole message.
  public static func code(_ message: some Sequence<UInt8>, key: [UInt8]) -> [UInt8] {
    var code = HMACSHA256(key: key)
    code.update(message)
    return code.finish()
  }

  /// Whether `code` is the message's code; the time taken does not tell how much of it agrees.
  public static func isValid(
    _ code: [UInt8], of message: some Sequence<UInt8>, key: [UInt8]
  ) -> Bool {
    ConstantTime.areEqual(code, HMACSHA256.code(message, key: key))
  }
}
