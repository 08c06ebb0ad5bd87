import EdgeSecurity
import Glibc
import Logging

/// A disk's folder, locked, and what it says of itself. Nothing but the lock has been written yet:
/// ``DiskAgreement`` says what is to be made of it, ``OpenedStore`` does it.
struct DiskClaim: Sendable {
  let directories: DiskDirectories
  let lock: any BlockFile
  /// Names in the folder.
  let names: [String]
  /// Nil for a folder without a store, and for one whose superblock is damaged.
  let superblock: Superblock?
  let members: DiskMembers?
  /// What the invalidation log says, as far as it can be read.
  let invalidations: InvalidationState
  let isLogDamaged: Bool
  /// The invalidation log's files, oldest first.
  let logNumbers: [UInt64]

  /// Locks the folder and reads it.
  /// - Parameter mayMakeParent: whether folders above it are made, too. Where there are several
  ///   disks, one that is not mounted must not come into being on the disk below it.
  init(
    _ configuration: DiskTier.Configuration, mayMakeParent: Bool, device: any BlockDevice,
    logger: Logger
  ) throws(StoreError) {
    directories = DiskDirectories(path: configuration.path)
    if !mayMakeParent {
      do throws(DeviceError) { _ = try device.list(directories.parent) } catch {
        throw Self.storeError(directories, error)
      }
    }
    lock = try Self.lock(directories, device)
    do throws(DeviceError) {
      names = try device.list(directories.root)
    } catch { throw Self.storeError(directories, error) }
    superblock = try Self.readSuperblock(directories, device, names, logger)
    logNumbers = names.compactMap {
      CommitLog.number(fileName: $0, prefix: DiskDirectories.invalidationPrefix)
    }.sorted()
    guard let superblock else {
      members = nil
      invalidations = InvalidationState()
      isLogDamaged = false
      return
    }
    let seals = SegmentSeals(
      ring: configuration.keyRing, encrypts: configuration.encrypts,
      storeSeed: superblock.hashSeed)
    do throws(DeviceError) {
      members = try device.readMembers(directories.members)
      (invalidations, isLogDamaged) = try Self.readInvalidations(
        directories, device, logNumbers, LogSeal(seals))
    } catch { throw Self.storeError(directories, error) }
  }

  /// The part that the other disks have to know.
  var claim: DiskAgreement.Claim {
    DiskAgreement.Claim(
      hashSeed: superblock?.hashSeed, epoch: superblock?.epoch ?? 0, members: members,
      state: invalidations, isLogDamaged: isLogDamaged)
  }

  /// A device's failure as the operator is told it.
  static func storeError(_ directories: DiskDirectories, _ error: DeviceError) -> StoreError {
    let remedy =
      switch error.code {
      case EACCES, EPERM: "let this user read and write the folder, or name another"
      case ENOSPC, EDQUOT: "free some space on its disk, or name a folder on another"
      case EROFS: "name a folder on a writable disk"
      case ENOTDIR: "name a folder; a part of this path is a file"
      default: "check the disk, or name another folder"
      }
    return .directory(path: directories.root, reason: "\(error)", remedy: remedy)
  }

  private static func lock(
    _ directories: DiskDirectories, _ device: any BlockDevice
  ) throws(StoreError) -> any BlockFile {
    do throws(DeviceError) {
      try device.createDirectory(directories.root)
      try device.createDirectory(directories.segments)
      return try device.lock(directories.lock)
    } catch {
      if error.code == EWOULDBLOCK {
        throw .inUse(
          path: directories.root,
          remedy: "stop that process, or give each its own store.disk.path")
      }
      throw storeError(directories, error)
    }
  }

  private static func readSuperblock(
    _ directories: DiskDirectories, _ device: any BlockDevice, _ names: [String], _ logger: Logger
  ) throws(StoreError) -> Superblock? {
    guard names.contains("superblock") else { return nil }
    let bytes: [UInt8]
    do throws(DeviceError) {
      bytes = try device.readFile(directories.superblock)
    } catch { throw storeError(directories, error) }
    do throws(Superblock.Failure) {
      return try Superblock(bytes)
    } catch {
      switch error {
      case .otherVersion(let version):
        throw .format(
          path: directories.root,
          reason: "it has format version \(version), this program reads "
            + "version \(DiskFormat.version)",
          remedy: "start the program that wrote it, or remove the folder to begin anew")
      case .damaged:
        logger.error(
          "the disk tier's superblock is damaged; the store begins anew",
          metadata: ["path": "\(directories.root)"])
        return nil
      }
    }
  }

  private static func readInvalidations(
    _ directories: DiskDirectories, _ device: any BlockDevice, _ numbers: [UInt64],
    _ logSeal: LogSeal
  ) throws(DeviceError) -> (InvalidationState, isDamaged: Bool) {
    var state = InvalidationState()
    // A store has a log, which begins with where it stands and was synced before it got its name:
    // without that nobody knows what was invalidated.
    var isDamaged = false
    var hasBeginning = false
    for number in numbers {
      let path = CommitLog.path(directories.root, DiskDirectories.invalidationPrefix, number)
      let bytes = try device.readFile(path)
      let ending = bytes.withUnsafeBytes { bytes in
        LogFormat.replay(bytes, number: number) { payload in
          let opened = logSeal.open(payload)
          guard let entry = opened?.withUnsafeBytes({ InvalidationEntry.decode($0) }) else {
            isDamaged = true
            return
          }
          if case .startOver = entry { hasBeginning = true }
          entry.apply(to: &state)
        }
      }
      if ending == .damaged { isDamaged = true }
    }
    return (state, isDamaged || !hasBeginning)
  }
}
