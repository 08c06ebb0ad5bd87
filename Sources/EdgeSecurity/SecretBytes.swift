import CCrypto

/// Secret bytes in one allocation of their own, which is wiped before it is given back. Its
/// descriptions never show them.
///
/// Confinement: written only by its maker, before it is shared; read-only from then on.
public final class SecretBytes: @unchecked Sendable {
  // @unchecked: see above.

  private let bytes: UnsafeMutableRawBufferPointer

  /// Zeroed room for a secret that its maker fills in.
  init(count: Int) {
    bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// A copy of `source`, which remains the caller's to wipe.
  public init(copying source: UnsafeRawBufferPointer) {
    bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 16)
    bytes.copyMemory(from: source)
  }

  /// Fresh random bytes.
  public static func random(count: Int) -> SecretBytes {
    let secret = SecretBytes(count: count)
    SecureRandom.fill(secret.bytes)
    return secret
  }

  deinit {
    // Not a loop of stores, which the optimizer may leave out: the memory is never read again.
    OPENSSL_cleanse(bytes.baseAddress, bytes.count)
    bytes.deallocate()
  }

  /// Number of bytes.
  public var count: Int { bytes.count }

  /// Lends the bytes; they must not be copied where nobody wipes them.
  public func withUnsafeBytes<Result, Failure>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(bytes))
  }

  func withUnsafeMutableBytes(_ body: (UnsafeMutableRawBufferPointer) -> Void) { body(bytes) }

  /// Wipes bytes that held a secret.
  public static func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
  }
}

extension SecretBytes: CustomStringConvertible, CustomReflectable {
  /// The number of bytes alone.
  public var description: String { "SecretBytes(\(count) bytes)" }
  /// Nothing.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
