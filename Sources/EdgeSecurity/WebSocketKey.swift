import CCrypto

/// The proof of the WebSocket handshake that a server has read the client's key: SHA-1 over key and
/// a constant, in base 64 (RFC 6455 section 4.2.2). It protects nothing but caches and servers that
/// know no WebSocket.
public enum WebSocketKey {
  private static let suffix: StaticString = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

  /// Whether `key` is base 64 of 16 bytes, as a client has to make it (RFC 6455 section 4.1).
  public static func isValid(_ key: UnsafeRawBufferPointer) -> Bool {
    key.count == 24 && Base64.decode(Array(key))?.count == 16
  }

  /// What Sec-WebSocket-Accept has to say in answer to `key`: 28 bytes.
  public static func accept(_ key: UnsafeRawBufferPointer) -> [UInt8] {
    var text = [UInt8](key)
    text += UnsafeBufferPointer(start: suffix.utf8Start, count: suffix.utf8CodeUnitCount)
    var digest = [UInt8](repeating: 0, count: 20)
    var digestCount: CUnsignedInt = 0
    // Bound: SHA-1 writes 20 bytes, EVP_EncodeBlock 28 and a NUL for them.
    let isMade = EVP_Digest(text, text.count, &digest, &digestCount, EVP_sha1(), nil) == 1
    precondition(isMade && digestCount == 20, "libcrypto has no SHA-1")
    var encoded = [UInt8](repeating: 0, count: 29)
    let count = EVP_EncodeBlock(&encoded, digest, CInt(digest.count))
    return Array(encoded.prefix(Int(count)))
  }
}
