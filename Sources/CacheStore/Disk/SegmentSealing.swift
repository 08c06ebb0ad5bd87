import EdgeSecurity

/// How a segment's chunks are sealed, as its header says.
enum SegmentSealing: Sendable, Equatable {
  case checksum
  case aes256GCM(keyIdentifier: UInt64, salt: [UInt8])

  static let saltBytes = 32

  /// The ring's key that it needs; nil when it needs none.
  var keyIdentifier: UInt64? {
    if case .aes256GCM(let identifier, _) = self { return identifier }
    return nil
  }
}

/// An open segment's file, with what seals its chunks.
final class SegmentFile: Sendable {
  let file: any BlockFile
  let seal: any ChunkSeal
  /// Whether nothing in it can be read, because its key is not in the ring.
  let isLost: Bool

  init(file: any BlockFile, seal: any ChunkSeal) {
    self.file = file
    self.seal = seal
    // Looked up here: a hit does not have the time.
    isLost = seal is LostSeal
  }
}

/// Makes the seals of a store's segments from its key ring.
struct SegmentSeals: Sendable {
  /// Nil: nothing is encrypted, and what is can't be read.
  let ring: KeyRing?
  /// Whether new segments are encrypted.
  let encrypts: Bool
  /// The store's seed: a segment moved here from another store does not open.
  let storeSeed: UInt64

  /// How a new segment is sealed; the salt is fresh.
  func fresh() -> SegmentSealing {
    guard encrypts, let key = ring?.current else { return .checksum }
    return .aes256GCM(
      keyIdentifier: key.identifier, salt: SecureRandom.bytes(SegmentSealing.saltBytes))
  }

  /// The seal of a segment; ``LostSeal`` when its key is not in the ring.
  func seal(_ sealing: SegmentSealing?, generation: UInt64) -> any ChunkSeal {
    switch sealing {
    case nil: return LostSeal()
    case .checksum: return ChecksumSeal()
    case .aes256GCM(let identifier, let salt):
      guard let key = ring?.key(identifier) else { return LostSeal() }
      var info = Array("synapse-edge segment 1".utf8)
      info.append(littleEndian: storeSeed)
      info.append(littleEndian: generation)
      let derived = HKDF.derive(
        from: key.secret, salt: salt, info: info, count: AESGCM.keyBytes)
      return AESGCMSeal(cipher: AESGCM(key: derived))
    }
  }
}
