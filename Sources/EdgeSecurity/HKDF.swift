import CCrypto

/// Derives keys from a key (RFC 5869, with SHA-256) by libcrypto.
public enum HKDF {
  /// Most bytes that one derivation gives: 255 blocks.
  public static let mostBytes = 255 * SHA256.digestBytes

  /// A key of `count` bytes.
  /// - Parameters:
  ///   - key: the secret to derive from.
  ///   - salt: random and need not be secret; two salts give unrelated keys.
  ///   - info: what the key is for.
  ///   - count: 1 ... ``mostBytes``.
  public static func derive(
    from key: SecretBytes, salt: [UInt8], info: [UInt8], count: Int
  ) -> SecretBytes {
    precondition(count > 0 && count <= mostBytes)
    let context = LibCrypto.created(EVP_KDF_CTX_new(LibCrypto.hkdf))
    defer { EVP_KDF_CTX_free(context) }
    let result = SecretBytes(count: count)
    key.withUnsafeBytes { key in
      salt.withUnsafeBytes { salt in
        info.withUnsafeBytes { info in
          result.withUnsafeMutableBytes { target in
            LibCrypto.require(
              edge_hkdf_sha256(
                context, key.baseAddress, key.count, salt.baseAddress, salt.count,
                info.baseAddress, info.count,
                target.baseAddress?.assumingMemoryBound(to: UInt8.self), target.count))
          }
        }
      }
    }
    return result
  }
}
