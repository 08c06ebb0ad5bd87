/// Makes digests of secrets that are only good inside this process: HMAC-SHA-256 (RFC 2104) under
/// a random key that is never written anywhere.
///
/// What it is for: the password itself need not stay in memory, and all digests have one length,
/// so a comparison does not tell the length of the secret. What it is not: a slow password hash.
/// It does not protect a password from someone who reads this process's memory, key included, and
/// must not be stored.
struct SecretDigester: Sendable {
  private let key: SecretBytes

  /// A digester with a fresh random key.
  init() { key = SecretBytes.random(count: SHA256.digestBytes) }

  /// A digester with a known key.
  init(key: [UInt8]) {
    self.key = key.withUnsafeBytes { SecretBytes(copying: $0) }
  }

  func digest(_ secret: some Sequence<UInt8>) -> [UInt8] {
    var code = HMACSHA256(key: key)
    code.update(secret)
    return code.finish()
  }
}
