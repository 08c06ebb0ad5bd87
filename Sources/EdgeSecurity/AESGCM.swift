import CCrypto
import Synchronization

// AES-256-GCM (NIST SP 800-38D) under one key. Any thread.
//
// A libcrypto context belongs to one thread at a time and keeps the expanded key, which costs more
// to make than a short message costs to seal; so contexts are lent and come back. Limit:
// `mostIdleContexts` of them wait, about one kilobyte each; the library wipes what it frees.

/// Seals and opens messages under one key.
///
/// A nonce must never be used for two different messages under the same key: it is the caller's to
/// see to that, see `SegmentSeal` for how the store does.
public final class AESGCM: Sendable {
  /// Bytes of a key.
  public static let keyBytes = 32
  /// Bytes of a nonce.
  public static let nonceBytes = 12
  /// Bytes of a tag.
  public static let tagBytes = 16

  /// 96 bits that are used once under a key: a 64-bit number behind a 32-bit prefix, as SP 800-38D
  /// section 8.2.1 builds them.
  public struct Nonce: Sendable, Equatable {
    /// The first four bytes.
    public var prefix: UInt32
    /// The last eight.
    public var number: UInt64

    /// A nonce of the two parts.
    public init(prefix: UInt32, number: UInt64) {
      self.prefix = prefix
      self.number = number
    }

    /// A random nonce; good for 2^32 messages under one key (SP 800-38D section 8.3).
    public static func random() -> Nonce {
      Nonce(
        prefix: UInt32(truncatingIfNeeded: SecureRandom.number()), number: SecureRandom.number())
    }
  }

  /// What proves a message: 128 bits.
  public struct Tag: Sendable, Equatable {
    /// Bytes 0 ..< 8, little-endian.
    public var low: UInt64
    /// Bytes 8 ..< 16, little-endian.
    public var high: UInt64

    /// A tag of the two halves.
    public init(low: UInt64, high: UInt64) {
      self.low = low
      self.high = high
    }
  }

  private struct Context: @unchecked Sendable {
    // @unchecked: whoever took it out of `idle`, under its lock, has it alone.
    let pointer: OpaquePointer
  }

  private static let mostIdleContexts = 4

  private let key: SecretBytes
  private let idle = Mutex<[Context]>([])

  /// Under a key of ``keyBytes`` bytes.
  public init(key: SecretBytes) {
    precondition(key.count == AESGCM.keyBytes)
    self.key = key
  }

  deinit { idle.withLock { $0.forEach { EVP_CIPHER_CTX_free($0.pointer) } } }

  /// Seals `message` in place.
  /// - Parameters:
  ///   - message: at most 2^31 - 1 bytes.
  ///   - nonce: never used for another message under this key.
  ///   - associated: proved along, but not hidden.
  public func seal(
    _ message: UnsafeMutableRawBufferPointer, nonce: Nonce, associated: UnsafeRawBufferPointer
  ) -> Tag {
    let context = take()
    defer { give(context) }
    LibCrypto.require(begin(context, nonce, isSealing: 1))
    LibCrypto.require(add(associated, context))
    LibCrypto.require(transform(UnsafeRawBufferPointer(message), into: message, context))
    var rest: Int32 = 0
    var none: UInt8 = 0
    LibCrypto.require(EVP_CipherFinal_ex(context, &none, &rest))
    var tag = Tag(low: 0, high: 0)
    withUnsafeMutableBytes(of: &tag) { bytes in
      LibCrypto.require(
        EVP_CIPHER_CTX_ctrl(
          context, EVP_CTRL_AEAD_GET_TAG, Int32(AESGCM.tagBytes), bytes.baseAddress))
    }
    return Tag(low: UInt64(littleEndian: tag.low), high: UInt64(littleEndian: tag.high))
  }

  /// Opens `message` in place; false when message, tag, nonce, associated data or key are not those
  /// of the sealing. What `message` holds then must not be used.
  public func open(
    _ message: UnsafeMutableRawBufferPointer, tag: Tag, nonce: Nonce,
    associated: UnsafeRawBufferPointer
  ) -> Bool {
    open(
      UnsafeRawBufferPointer(message), into: message, tag: tag, nonce: nonce,
      associated: associated)
  }

  /// Opens `message` into `target`; false when message, tag, nonce, associated data or key are not
  /// those of the sealing. What `target` holds then must not be used.
  /// - Parameter target: as large as `message`; the same memory, or none of it.
  public func open(
    _ message: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, tag: Tag,
    nonce: Nonce, associated: UnsafeRawBufferPointer
  ) -> Bool {
    precondition(target.count == message.count)
    let context = take()
    defer { give(context) }
    LibCrypto.require(begin(context, nonce, isSealing: 0))
    LibCrypto.require(add(associated, context))
    LibCrypto.require(transform(message, into: target, context))
    var expected = Tag(low: tag.low.littleEndian, high: tag.high.littleEndian)
    withUnsafeMutableBytes(of: &expected) { bytes in
      LibCrypto.require(
        EVP_CIPHER_CTX_ctrl(
          context, EVP_CTRL_AEAD_SET_TAG, Int32(AESGCM.tagBytes), bytes.baseAddress))
    }
    var rest: Int32 = 0
    var none: UInt8 = 0
    return EVP_CipherFinal_ex(context, &none, &rest) == 1
  }

  // MARK: - Steps

  private func take() -> OpaquePointer {
    if let context = idle.withLock({ $0.popLast() }) { return context.pointer }
    let context = LibCrypto.created(EVP_CIPHER_CTX_new())
    key.withUnsafeBytes { key in
      LibCrypto.require(
        EVP_CipherInit_ex2(
          context, LibCrypto.aes256gcm, key.baseAddress?.assumingMemoryBound(to: UInt8.self), nil,
          1,
          nil))
    }
    return context
  }

  private func give(_ pointer: OpaquePointer) {
    let context = Context(pointer: pointer)
    let isKept = idle.withLock { idle in
      guard idle.count < AESGCM.mostIdleContexts else { return false }
      idle.append(context)
      return true
    }
    if !isKept { EVP_CIPHER_CTX_free(pointer) }
  }

  private func begin(_ context: OpaquePointer, _ nonce: Nonce, isSealing: Int32) -> Int32 {
    var bytes = (
      nonce.prefix.littleEndian, UInt32(truncatingIfNeeded: nonce.number).littleEndian,
      UInt32(truncatingIfNeeded: nonce.number >> 32).littleEndian
    )
    // Three 32-bit words stand without gaps: exactly the nonce's twelve bytes.
    return withUnsafeBytes(of: &bytes) { bytes in
      EVP_CipherInit_ex2(
        context, nil, nil, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), isSealing, nil)
    }
  }

  private func add(_ associated: UnsafeRawBufferPointer, _ context: OpaquePointer) -> Int32 {
    guard !associated.isEmpty else { return 1 }
    var count: Int32 = 0
    return EVP_CipherUpdate(
      context, nil, &count, associated.baseAddress?.assumingMemoryBound(to: UInt8.self),
      Int32(associated.count))
  }

  private func transform(
    _ message: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer,
    _ context: OpaquePointer
  ) -> Int32 {
    guard !message.isEmpty else { return 1 }
    var count: Int32 = 0
    // The library allows input and output to be the same.
    return EVP_CipherUpdate(
      context, target.baseAddress?.assumingMemoryBound(to: UInt8.self), &count,
      message.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(message.count))
  }
}
