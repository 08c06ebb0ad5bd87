import Glibc

/// A snapshot of the index that is kept for days, so that it can be brought back. The file says
/// which objects there were and where; their bytes stay in the segments, and what was reclaimed
/// since is a miss. All little-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | magic `SEKS` |
/// | 4 | 2 | format version |
/// | 6 | 2 | zero |
/// | 8 | 8 | when it was made, Unix seconds |
/// | 16 | 8 | seed of the key hash, which tells the store |
/// | 24 | 8 | invalidations above this number may take what is in it |
/// | 32 | 8 | objects |
/// | 40 | 8 | bytes of the segments then |
/// | 48 | 8 | checksum of bytes 0 ..< 48 |
/// | 56 | 8 | zero |
/// | 64 | | ``IndexSnapshot`` |
public struct KeptSnapshot: Sendable, Equatable {
  static let headerBytes = 64
  static let suffix = ".snapshot"
  private static let magic: UInt32 = 0x534B_4553

  /// Its name: the second in which it was made, `2026-11-28T06-00-00Z`, and `.2` and so on for
  /// further ones of the same second.
  public let name: String
  /// When it was made, Unix seconds.
  public let createdSeconds: Int64
  /// Objects in it.
  public let objectCount: Int
  /// Bytes of the segments when it was made.
  public let storedBytes: Int
  /// Seed of its store's key hash.
  let hashSeed: UInt64
  /// Invalidations above this number may take what is in it.
  let rulesFrom: UInt64

  func header() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Self.magic)
    bytes.append(littleEndian: DiskFormat.version)
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: createdSeconds)
    bytes.append(littleEndian: hashSeed)
    bytes.append(littleEndian: rulesFrom)
    bytes.append(littleEndian: UInt64(objectCount))
    bytes.append(littleEndian: UInt64(storedBytes))
    let checksum = bytes.withUnsafeBytes { BlockChecksum.of($0, seed: 0) }
    bytes.append(littleEndian: checksum)
    bytes.append(littleEndian: UInt64(0))
    return bytes
  }

  /// Reads a header; nil when it does not verify or is of another version.
  static func decode(_ bytes: [UInt8], name: String) -> KeptSnapshot? {
    bytes.withUnsafeBytes { bytes in
      guard bytes.count >= headerBytes, bytes.load(0, as: UInt32.self) == magic,
        bytes.load(4, as: UInt16.self) == DiskFormat.version,
        bytes.load(48, as: UInt64.self) == BlockChecksum.of(bytes.slice(0, 48), seed: 0),
        let objects = Int(exactly: bytes.load(32, as: UInt64.self)),
        let stored = Int(exactly: bytes.load(40, as: UInt64.self))
      else { return nil }
      return KeptSnapshot(
        name: name, createdSeconds: bytes.load(8), objectCount: objects, storedBytes: stored,
        hashSeed: bytes.load(16), rulesFrom: bytes.load(24))
    }
  }

  init(
    name: String, createdSeconds: Int64, objectCount: Int, storedBytes: Int, hashSeed: UInt64,
    rulesFrom: UInt64
  ) {
    self.name = name
    self.createdSeconds = createdSeconds
    self.objectCount = objectCount
    self.storedBytes = storedBytes
    self.hashSeed = hashSeed
    self.rulesFrom = rulesFrom
  }

  /// The name of one that is made now; `taken` are the names that there are.
  static func name(seconds: Int64, taken: Set<String>) -> String {
    var moment = time_t(seconds)
    var parts = tm()
    gmtime_r(&moment, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let date = "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    let base = date + "T\(two(parts.tm_hour))-\(two(parts.tm_min))-\(two(parts.tm_sec))Z"
    var name = base
    var number = 2
    while taken.contains(name) {
      name = base + ".\(number)"
      number += 1
    }
    return name
  }

  /// True for what may be a snapshot's name: nothing that leads out of its folder.
  static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 64 && !text.hasPrefix(".")
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "T"), UInt8(ascii: "Z"),
          UInt8(ascii: "-"), UInt8(ascii: "."):
          true
        default: false
        }
      }
  }

  static func path(_ directories: DiskDirectories, _ name: String) -> String {
    directories.snapshots + "/" + name + suffix
  }

  /// The kept snapshots of a store, oldest first. One that can't be read is left out.
  static func list(
    _ directories: DiskDirectories, _ device: any BlockDevice
  ) throws(DeviceError) -> [KeptSnapshot] {
    let names: [String]
    do throws(DeviceError) {
      names = try device.list(directories.snapshots)
    } catch {
      // No snapshot was kept yet.
      if error.code == ENOENT { return [] }
      throw error
    }
    var kept: [KeptSnapshot] = []
    for file in names where file.hasSuffix(suffix) {
      let name = String(file.dropLast(suffix.count))
      guard isName(name),
        let bytes = try? device.open(path(directories, name), .read).readBytes(headerBytes, at: 0),
        let snapshot = decode(bytes, name: name)
      else { continue }
      kept.append(snapshot)
    }
    return kept.sorted { ($0.createdSeconds, $0.name) < ($1.createdSeconds, $1.name) }
  }
}

/// Why a kept snapshot could not be made, found or brought back.
public enum SnapshotFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The store has no disk tier.
  case noDisk
  /// The disk tier is being shut down.
  case stopped
  /// There is none of this name.
  case unknown(name: String)
  /// The file does not verify.
  case damaged(name: String)
  /// It belongs to another store.
  case foreign(name: String)
  /// A call of the device failed.
  case device(DeviceError)
  /// The restored index could not be made durable; nothing has changed.
  case notSaved(reason: String)
  /// The store could not be opened.
  case store(StoreError)

  /// One line: what, and what to do about it.
  public var description: String {
    switch self {
    case .noDisk: "the store has no disk tier; set store.disk"
    case .stopped: "the edge is shutting down"
    case .unknown(let name): "there is no snapshot '\(name)'; see edge snapshot list"
    case .damaged(let name): "snapshot '\(name)' is damaged; take another one"
    case .foreign(let name):
      "snapshot '\(name)' belongs to another store: it names places in that store's segments; "
        + "use edge snapshot export there and import here"
    case .device(let error): "\(error)"
    case .notSaved(let reason): "the store is as it was, because \(reason)"
    case .store(let error): "\(error)"
    }
  }
}
