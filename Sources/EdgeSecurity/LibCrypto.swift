import CCrypto

// What the wrappers around libcrypto share. The algorithms are fetched once: looking one up by name
// takes longer than a short digest (OpenSSL 3 provider search).

/// The algorithms, and what becomes of failures.
///
/// The calls behind ``require(_:)`` fail only when memory runs out or the library was built without
/// the algorithm; there is nothing sensible to do without a digest or a key, so the process stops.
/// What may fail because of its input (opening a sealed message) reports it as a result.
enum LibCrypto {
  nonisolated(unsafe) static let sha256 = created(EVP_MD_fetch(nil, "SHA256", nil))
  nonisolated(unsafe) static let hmac = created(EVP_MAC_fetch(nil, "HMAC", nil))
  nonisolated(unsafe) static let hkdf = created(EVP_KDF_fetch(nil, "HKDF", nil))

  static func require(_ result: Int32, function: StaticString = #function) {
    precondition(result == 1, "libcrypto failed in \(function)")
  }

  static func created(_ pointer: OpaquePointer?, function: StaticString = #function)
    -> OpaquePointer
  {
    guard let pointer else { preconditionFailure("libcrypto has no memory or no \(function)") }
    return pointer
  }

  static func withBytes(
    of bytes: some Sequence<UInt8>, _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    let isDirect: Void? = bytes.withContiguousStorageIfAvailable {
      body(UnsafeRawBufferPointer($0))
    }
    if isDirect == nil { Array(bytes).withUnsafeBytes { body($0) } }
  }
}
