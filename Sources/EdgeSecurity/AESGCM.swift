import CAESGCM

// AES-256-GCM (NIST SP 800-38D) under one key. Any thread.
//
// By the BoringSSL that comes with SwiftNIO SSL, not by libcrypto: it uses the vector instructions
// of newer processors, for which Debian's libcrypto has no code, and its context is the same for
// all threads, so none is lent (Benchmarks/RESULTS.md, "Disk hits"). Both seal alike: the tests
// open with one what the other sealed.

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

  private struct Cipher: @unchecked Sendable {
    // @unchecked: immutable once made; the library only reads it.
    let pointer: OpaquePointer
  }

  private let cipher: Cipher

  /// Under a key of ``keyBytes`` bytes.
  public init(key: SecretBytes) {
    precondition(key.count == AESGCM.keyBytes)
    let pointer = key.withUnsafeBytes { key in key.start.flatMap { edge_aesgcm_create($0) } }
    guard let pointer else { preconditionFailure("no memory for an AES key") }
    cipher = Cipher(pointer: pointer)
  }

  deinit { edge_aesgcm_destroy(cipher.pointer) }

  /// Seals `message` in place.
  /// - Parameters:
  ///   - message: at most 2^31 - 1 bytes.
  ///   - nonce: never used for another message under this key.
  ///   - associated: proved along, but not hidden.
  public func seal(
    _ message: UnsafeMutableRawBufferPointer, nonce: Nonce, associated: UnsafeRawBufferPointer
  ) -> Tag {
    var tag = Tag(low: 0, high: 0)
    let isSealed = withUnsafeMutableBytes(of: &tag) { tag in
      nonce.withBytes { nonce in
        guard let tag = tag.start, let nonce = nonce.start else { return false }
        return edge_aesgcm_seal(
          cipher.pointer, nonce, associated.start, associated.count, message.start, message.count,
          message.start, tag) == 1
      }
    }
    precondition(isSealed, "the message is too long for AES-GCM")
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
    let expected = Tag(low: tag.low.littleEndian, high: tag.high.littleEndian)
    return withUnsafeBytes(of: expected) { tag in
      nonce.withBytes { nonce in
        guard let tag = tag.start, let nonce = nonce.start else { return false }
        return edge_aesgcm_open(
          cipher.pointer, nonce, associated.start, associated.count, message.start, message.count,
          target.start, tag) == 1
      }
    }
  }
}

extension AESGCM.Nonce {
  fileprivate func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let words = (
      prefix.littleEndian, UInt32(truncatingIfNeeded: number).littleEndian,
      UInt32(truncatingIfNeeded: number >> 32).littleEndian
    )
    // Three 32-bit words stand without gaps: exactly the nonce's twelve bytes.
    return withUnsafeBytes(of: words, body)
  }
}

extension UnsafeRawBufferPointer {
  fileprivate var start: UnsafePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}

extension UnsafeMutableRawBufferPointer {
  fileprivate var start: UnsafeMutablePointer<UInt8>? {
    baseAddress?.assumingMemoryBound(to: UInt8.self)
  }
}
