/// Which disks took part in the store's last run: the file `members` on each of them, and beside
/// the store's keys, where it is found whichever disk is missing. All little-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | magic `SEMB` |
/// | 4 | 2 | format version |
/// | 6 | 2 | zero |
/// | 8 | 8 | this disk's identifier, random at its creation; 0 beside the keys |
/// | 16 | 8 | seed of the store's key hash |
/// | 24 | 8 | number of invalidations at the start that wrote it |
/// | 32 | 4 | number of disks that took part |
/// | 36 | 4 | number of tokens |
/// | 40 | 8 each | their identifiers, this one's among them |
/// | then | 8 each | tokens, the newest first |
/// | then | 8 | checksum of all before |
///
/// A token stands for one set of disks: whenever the set changes a new one is drawn and put before
/// the earlier ones. Of two records, the one whose tokens include the other's newest is the later
/// one; if neither does, the disks were in use apart from each other.
struct DiskMembers: Equatable, Sendable {
  private static let magic: UInt32 = 0x424D_4553
  private static let headerBytes = 40
  /// More disks have never been in one store.
  static let mostDisks = 255
  /// Sets of disks that are remembered.
  static let mostTokens = 1024

  var identifier: UInt64
  var hashSeed: UInt64
  /// What a start has to go beyond, also when the disks that know more are missing.
  var sequence: UInt64 = 0
  /// Those that took part.
  var all: Set<UInt64>
  /// Never empty; the newest first.
  var tokens: [UInt64]

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Self.magic)
    bytes.append(littleEndian: DiskFormat.version)
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: identifier)
    bytes.append(littleEndian: hashSeed)
    bytes.append(littleEndian: sequence)
    bytes.append(littleEndian: UInt32(all.count))
    bytes.append(littleEndian: UInt32(tokens.count))
    for member in all.sorted() { bytes.append(littleEndian: member) }
    for token in tokens { bytes.append(littleEndian: token) }
    let checksum = bytes.withUnsafeBytes { BlockChecksum.of($0, seed: 0) }
    bytes.append(littleEndian: checksum)
    return bytes
  }

  init(
    identifier: UInt64, hashSeed: UInt64, sequence: UInt64 = 0, all: Set<UInt64>,
    tokens: [UInt64]
  ) {
    self.identifier = identifier
    self.hashSeed = hashSeed
    self.sequence = sequence
    self.all = all
    self.tokens = tokens
  }

  /// Reads a file; nil when it does not verify or is of another version.
  init?(_ bytes: [UInt8]) {
    let read = bytes.withUnsafeBytes { bytes -> DiskMembers? in
      guard bytes.count > Self.headerBytes, bytes.load(0, as: UInt32.self) == Self.magic,
        bytes.load(4, as: UInt16.self) == DiskFormat.version
      else { return nil }
      let diskCount = Int(bytes.load(32, as: UInt32.self))
      let tokenCount = Int(bytes.load(36, as: UInt32.self))
      guard diskCount <= Self.mostDisks, 1...Self.mostTokens ~= tokenCount,
        bytes.count == Self.headerBytes + 8 * (diskCount + tokenCount) + 8
      else { return nil }
      let end = bytes.count - 8
      guard bytes.load(end, as: UInt64.self) == BlockChecksum.of(bytes.slice(0, end), seed: 0)
      else { return nil }
      func numbers(_ range: Range<Int>) -> [UInt64] {
        range.map { bytes.load(Self.headerBytes + 8 * $0, as: UInt64.self) }
      }
      return DiskMembers(
        identifier: bytes.load(8), hashSeed: bytes.load(16), sequence: bytes.load(24),
        all: Set(numbers(0..<diskCount)),
        tokens: numbers(diskCount..<(diskCount + tokenCount)))
    }
    guard let read else { return nil }
    self = read
  }

  /// True when the other record is this one's set of disks or an earlier one.
  func follows(_ other: DiskMembers) -> Bool {
    other.tokens.first.map { tokens.contains($0) } ?? true
  }

  /// The same as another disk keeps it.
  func of(_ identifier: UInt64) -> DiskMembers {
    var members = self
    members.identifier = identifier
    return members
  }
}

extension BlockDevice {
  /// Reads a `members` file; nil when there is none, or it does not verify.
  func readMembers(_ path: String) throws(DeviceError) -> DiskMembers? {
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    guard try list(String(path[..<slash])).contains(String(path[slash...].dropFirst())) else {
      return nil
    }
    return DiskMembers(try readFile(path))
  }

  /// Writes a `members` file.
  func writeMembers(_ members: DiskMembers, _ path: String) throws(DeviceError) {
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    try replaceFile(path, in: String(path[..<slash]), members.encoded())
  }
}
