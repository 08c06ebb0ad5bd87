/// The store's first file, `superblock`. All little-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | magic `SESB` |
/// | 4 | 2 | format version |
/// | 6 | 2 | zero |
/// | 8 | 8 | seed of the key hash |
/// | 16 | 8 | epoch: how often the store was opened |
/// | 24 | 8 | checksum of bytes 0 ..< 24 |
///
/// The epoch is the upper half of every segment generation, so that none is ever used twice, even
/// when a crash made a segment's name vanish.
struct Superblock: Equatable {
  static let byteCount = 32
  private static let magic: UInt32 = 0x4253_4553

  var hashSeed: UInt64
  var epoch: UInt64

  /// Why a file is not a superblock that this version reads.
  enum Failure: Error {
    case damaged
    case otherVersion(UInt16)
  }

  var firstGeneration: UInt64 { epoch << 32 | 1 }

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Self.magic)
    bytes.append(littleEndian: DiskFormat.version)
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: hashSeed)
    bytes.append(littleEndian: epoch)
    let checksum = bytes.withUnsafeBytes { BlockChecksum.of($0, seed: 0) }
    bytes.append(littleEndian: checksum)
    return bytes
  }

  init(hashSeed: UInt64, epoch: UInt64) {
    self.hashSeed = hashSeed
    self.epoch = epoch
  }

  init(_ bytes: [UInt8]) throws(Failure) {
    let parsed = bytes.withUnsafeBytes { bytes -> Result<Superblock, Failure> in
      guard bytes.count >= Self.byteCount, bytes.load(0, as: UInt32.self) == Self.magic else {
        return .failure(.damaged)
      }
      let version = bytes.load(4, as: UInt16.self)
      guard version == DiskFormat.version else { return .failure(.otherVersion(version)) }
      guard bytes.load(24, as: UInt64.self) == BlockChecksum.of(bytes.slice(0, 24), seed: 0) else {
        return .failure(.damaged)
      }
      return .success(Superblock(hashSeed: bytes.load(8), epoch: bytes.load(16)))
    }
    self = try parsed.get()
  }
}
