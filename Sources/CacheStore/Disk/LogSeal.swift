import EdgeSecurity
import Synchronization

/// Seals the entries of the invalidation log, which name URLs and tags.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | 16: sealed; other numbers are ``InvalidationEntry``'s kinds in clear |
/// | 4 | 4 | zero |
/// | 8 | 8 | key identifier |
/// | 16 | 12 | nonce, random: a log that was rolled back does not use one again |
/// | 28 | 4 | zero |
/// | 32 | 16 | tag |
/// | 48 | | the sealed entry |
///
/// Any thread. Its keys follow from the ring's, apart from those of segments.
final class LogSeal: Sendable {
  static let overheadBytes = 48
  private static let sealedKind: UInt32 = 16
  private let seals: SegmentSeals
  private let ciphers = Mutex<[UInt64: AESGCM]>([:])

  init(_ seals: SegmentSeals) { self.seals = seals }

  /// The key that new entries are sealed under; nil when they are written in clear.
  var currentIdentifier: UInt64? { seals.encrypts ? seals.ring?.current?.identifier : nil }

  /// The payload to write for an entry; the entry itself when nothing is encrypted.
  func seal(_ entry: [UInt8]) -> [UInt8] {
    guard let identifier = currentIdentifier, let cipher = cipher(identifier) else {
      return entry
    }
    let nonce = AESGCM.Nonce.random()
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.overheadBytes + entry.count)
    bytes.append(littleEndian: Self.sealedKind)
    bytes.append(littleEndian: UInt32(0))
    bytes.append(littleEndian: identifier)
    bytes.append(littleEndian: nonce.prefix)
    bytes.append(littleEndian: nonce.number)
    bytes.append(littleEndian: UInt32(0))
    bytes.append(contentsOf: repeatElement(0, count: AESGCM.tagBytes))
    bytes.append(contentsOf: entry)
    bytes.withUnsafeMutableBytes { bytes in
      let tag = cipher.seal(
        bytes.slice(Self.overheadBytes, entry.count), nonce: nonce,
        associated: UnsafeRawBufferPointer(bytes.slice(0, 16)))
      bytes.store(tag.low, at: 32)
      bytes.store(tag.high, at: 40)
    }
    return bytes
  }

  /// The entry in a payload; nil when it does not open.
  func open(_ payload: UnsafeRawBufferPointer) -> [UInt8]? {
    guard payload.count >= 4, payload.load(0, as: UInt32.self) == Self.sealedKind else {
      return Array(payload)
    }
    guard payload.count >= Self.overheadBytes, let cipher = cipher(payload.load(8)) else {
      return nil
    }
    let tag = ChunkTag(low: payload.load(32), high: payload.load(40))
    let nonce = AESGCM.Nonce(prefix: payload.load(16), number: payload.load(20))
    var entry = Array(payload.dropFirst(Self.overheadBytes))
    let isGenuine = entry.withUnsafeMutableBytes {
      cipher.open($0, tag: tag, nonce: nonce, associated: payload.slice(0, 16))
    }
    return isGenuine ? entry : nil
  }

  private func cipher(_ identifier: UInt64) -> AESGCM? {
    if let cipher = ciphers.withLock({ $0[identifier] }) { return cipher }
    guard let key = seals.ring?.key(identifier) else { return nil }
    var info = Array("synapse-edge invalidation log 1".utf8)
    info.append(littleEndian: seals.storeSeed)
    let derived = HKDF.derive(from: key.secret, salt: [], info: info, count: AESGCM.keyBytes)
    let cipher = AESGCM(key: derived)
    ciphers.withLock { $0[identifier] = cipher }
    return cipher
  }
}
