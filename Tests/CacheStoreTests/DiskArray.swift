import Glibc

@testable import CacheStore

/// Several simulated devices as one file system: `/a/...`, `/b/...` and so on lie each on one of
/// its own, which may be missing.
final class DiskArray: BlockDevice {
  let devices: [String: DiskSimulatedDevice]
  private let missing = Monitor<Set<String>>([])

  init(_ names: [String]) {
    devices = Dictionary(uniqueKeysWithValues: names.map { ($0, DiskSimulatedDevice()) })
  }

  /// Takes devices away, all others are there.
  func setMissing(_ names: Set<String>) { missing.withLock { $0 = names } }

  subscript(_ name: String) -> DiskSimulatedDevice {
    guard let device = devices[name] else { fatalError("no device \(name)") }
    return device
  }

  private func device(
    _ path: String, _ operation: String
  ) throws(DeviceError) -> DiskSimulatedDevice {
    let name = String(path.dropFirst().prefix { $0 != "/" })
    guard let device = devices[name], !missing.withLock({ $0.contains(name) }) else {
      throw DeviceError(operation: operation, path: path, code: ENODEV)
    }
    return device
  }

  func createDirectory(_ path: String) throws(DeviceError) {
    try device(path, "mkdir").createDirectory(path)
  }

  func open(_ path: String, _ access: FileAccess) throws(DeviceError) -> any BlockFile {
    try device(path, "open").open(path, access)
  }

  func rename(_ from: String, to: String) throws(DeviceError) {
    try device(from, "rename").rename(from, to: to)
  }

  func unlink(_ path: String) throws(DeviceError) { try device(path, "unlink").unlink(path) }

  func list(_ directory: String) throws(DeviceError) -> [String] {
    try device(directory, "list").list(directory)
  }

  func syncDirectory(_ path: String) throws(DeviceError) {
    try device(path, "sync").syncDirectory(path)
  }

  func lock(_ path: String) throws(DeviceError) -> any BlockFile {
    try device(path, "lock").lock(path)
  }
}

/// The record beside the keys in these tests.
let witnessPath = "/keys/members"

func openSet(
  _ array: DiskArray, _ names: [String], sizeBytes: Int = 8 << 20, witness: String? = witnessPath
) throws -> DiskSet {
  let set = try DiskSet(
    names.map { smallDisk("/\($0)/store", sizeBytes: sizeBytes) }, witnessPath: witness,
    device: array, logger: quietLogger)
  set.waitUntilLoaded()
  return set
}

extension MemoryStore {
  /// A store over a set, with what the set recovered.
  init(_ set: DiskSet, bytes: Int = 1 << 20, mostPending: Int = 1024) {
    let recovered = set.recoveredInvalidations
    func rules(_ kind: InvalidationKind) -> [InvalidationLog.RecoveredRule] {
      recovered.rules.filter { $0.kind == kind }.map { ($0.sequence, $0.selector) }
    }
    self.init(
      bytes: bytes, disks: set,
      log: InvalidationLog(
        sequence: recovered.sequence, floor: recovered.floor, rules: rules(.hard),
        softFloor: recovered.softFloor, softRules: rules(.soft), mostPending: mostPending,
        mostHistory: mostPending))
  }

  /// Which disk an object belongs to, by its number.
  func disk(of url: String) -> Int {
    guard let set = store.disk, let owner = set.owner(of: hash(url)) else { return -1 }
    return set.disks.firstIndex { $0.tier === owner } ?? -1
  }

  /// Puts an object on disk; it is in memory, too.
  func spill(_ url: String, bytes: Int = 500, tags: [String] = []) {
    let object = object(url, bytes: bytes, tags: tags)
    store.insert(object)
    store.spill(object, leftAt: store.invalidations.moment)
  }
}
