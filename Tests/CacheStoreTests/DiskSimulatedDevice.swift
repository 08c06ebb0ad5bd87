import Glibc

@testable import CacheStore

/// A file system in memory that fails what a test tells it to, and forgets at a crash what was not
/// synced: bytes without a sync of their file, names without a sync of their folder.
final class DiskSimulatedDevice: BlockDevice, @unchecked Sendable {
  // @unchecked: `state` is only touched under `lock`.
  enum Operation: Sendable, Equatable {
    case createDirectory, open, create, rename, unlink, list, syncDirectory, lock
    case byteCount, read, write, sync
  }

  final class Inode {
    var bytes: [UInt8] = []
    var durable: [UInt8] = []
  }

  struct State {
    var names: [String: Inode] = [:]
    var durableNames: [String: Inode] = [:]
    var locked: Set<String> = []
    var operations = 0
    /// Decides for each operation, by its number, whether it fails and with what.
    var fault: ((Int, Operation) -> Int32?)?
    var isPageCacheCold = false
    /// Files that were synced since ``clearSyncs()``.
    var syncs: [String] = []
  }

  let monitor = Monitor(State())

  /// Operations so far.
  var operations: Int { monitor.withLock { $0.operations } }

  func setFault(_ fault: ((Int, Operation) -> Int32?)?) {
    monitor.withLock { state in
      state.fault = fault
      state.operations = 0
    }
  }

  func setPageCacheCold(_ isCold: Bool) { monitor.withLock { $0.isPageCacheCold = isCold } }

  /// What a power loss leaves. With a generator, each unsynced block may have got to disk or not.
  func crash(tearing generator: inout DiskRandom, isTearing: Bool) {
    monitor.withLock { state in
      state.names = state.durableNames
      state.locked = []
      for inode in state.names.values {
        guard isTearing else {
          inode.bytes = inode.durable
          continue
        }
        let end = generator.next(below: 2) == 0 ? inode.durable.count : inode.bytes.count
        var torn = inode.durable
        torn += [UInt8](repeating: 0, count: max(0, end - torn.count))
        torn.removeLast(max(0, torn.count - max(end, inode.durable.count)))
        var block = 0
        while block < min(torn.count, inode.bytes.count) {
          let limit = min(block + 512, torn.count, inode.bytes.count)
          if generator.next(below: 2) == 0 {
            torn.replaceSubrange(block..<limit, with: inode.bytes[block..<limit])
          }
          block += 512
        }
        inode.bytes = torn
        inode.durable = torn
      }
    }
  }

  func crash() {
    var generator = DiskRandom(seed: 0)
    crash(tearing: &generator, isTearing: false)
  }

  /// Names of files, sorted.
  func files(_ isWanted: (String) -> Bool) -> [String] {
    monitor.withLock { $0.names.keys.filter(isWanted).sorted() }
  }

  func bytes(_ path: String) -> [UInt8] { monitor.withLock { $0.names[path]?.bytes ?? [] } }

  func setBytes(_ path: String, _ bytes: [UInt8]) {
    monitor.withLock { state in
      state.names[path]?.bytes = bytes
      state.names[path]?.durable = bytes
    }
  }

  /// Paths of the files that were synced since the last ``clearSyncs()``.
  var syncs: [String] { monitor.withLock { $0.syncs } }

  func clearSyncs() { monitor.withLock { $0.syncs = [] } }

  /// Puts a durable file there.
  func add(_ path: String, _ bytes: [UInt8]) {
    monitor.withLock { state in
      let inode = Inode()
      inode.bytes = bytes
      inode.durable = bytes
      state.names[path] = inode
      state.durableNames[path] = inode
    }
  }

  /// A device with what a power loss now would leave.
  func durableCopy() -> DiskSimulatedDevice {
    let result = DiskSimulatedDevice()
    let files = monitor.withLock { $0.durableNames.mapValues(\.durable) }
    for (name, bytes) in files { result.add(name, bytes) }
    return result
  }

  /// A device with the same files, all durable.
  func copy() -> DiskSimulatedDevice {
    let result = DiskSimulatedDevice()
    let files = monitor.withLock { $0.names.mapValues(\.bytes) }
    for (name, bytes) in files { result.add(name, bytes) }
    return result
  }

  /// Runs one operation: counts it, fails it if it is to fail.
  func perform<Result>(
    _ operation: Operation, _ path: String, _ body: (inout State) -> Swift.Result<Result, DiskCode>
  ) throws(DeviceError) -> Result {
    let result = monitor.withLock { state -> Swift.Result<Result, DiskCode> in
      state.operations += 1
      if let code = state.fault?(state.operations, operation) { return .failure(DiskCode(code)) }
      return body(&state)
    }
    switch result {
    case .success(let value): return value
    case .failure(let code):
      throw DeviceError(operation: "\(operation)", path: path, code: code.number)
    }
  }

  func createDirectory(_ path: String) throws(DeviceError) {
    try perform(.createDirectory, path) { _ in .success(()) }
  }

  func open(_ path: String, _ access: FileAccess) throws(DeviceError) -> any BlockFile {
    let inode: DiskInodeBox = try perform(access == .create ? .create : .open, path) { state in
      if access == .create {
        let inode = state.names[path] ?? Inode()
        inode.bytes = []
        state.names[path] = inode
        return .success(DiskInodeBox(inode))
      }
      guard let inode = state.names[path] else { return .failure(DiskCode(ENOENT)) }
      return .success(DiskInodeBox(inode))
    }
    return DiskSimulatedFile(device: self, inode: inode.inode, path: path, lockPath: nil)
  }

  func rename(_ from: String, to: String) throws(DeviceError) {
    try perform(.rename, from) { state -> Result<Void, DiskCode> in
      guard let inode = state.names.removeValue(forKey: from) else {
        return .failure(DiskCode(ENOENT))
      }
      state.names[to] = inode
      return .success(())
    }
  }

  func unlink(_ path: String) throws(DeviceError) {
    try perform(.unlink, path) { state -> Result<Void, DiskCode> in
      state.names[path] = nil
      return .success(())
    }
  }

  func list(_ directory: String) throws(DeviceError) -> [String] {
    try perform(.list, directory) { state in
      .success(
        state.names.keys.filter { $0.hasPrefix(directory + "/") }
          .map { String($0.dropFirst(directory.count + 1)) }.filter { !$0.contains("/") })
    }
  }

  func syncDirectory(_ path: String) throws(DeviceError) {
    try perform(.syncDirectory, path) { state -> Result<Void, DiskCode> in
      func isIn(_ name: String) -> Bool {
        name.hasPrefix(path + "/") && !name.dropFirst(path.count + 1).contains("/")
      }
      for name in state.durableNames.keys where isIn(name) && state.names[name] == nil {
        state.durableNames[name] = nil
      }
      for (name, inode) in state.names where isIn(name) { state.durableNames[name] = inode }
      return .success(())
    }
  }

  func lock(_ path: String) throws(DeviceError) -> any BlockFile {
    try perform(.lock, path) { state in
      state.locked.insert(path).inserted ? .success(()) : .failure(DiskCode(EWOULDBLOCK))
    }
    return DiskSimulatedFile(device: self, inode: Inode(), path: path, lockPath: path)
  }
}

struct DiskCode: Error {
  let number: Int32
  init(_ number: Int32) { self.number = number }
}

struct DiskInodeBox: @unchecked Sendable {
  // @unchecked: only used under the device's lock.
  let inode: DiskSimulatedDevice.Inode
  init(_ inode: DiskSimulatedDevice.Inode) { self.inode = inode }
}

final class DiskSimulatedFile: BlockFile, @unchecked Sendable {
  // @unchecked: the inode is only used under the device's lock.
  private let device: DiskSimulatedDevice
  private let inode: DiskSimulatedDevice.Inode
  private let path: String
  private let lockPath: String?

  init(
    device: DiskSimulatedDevice, inode: DiskSimulatedDevice.Inode, path: String, lockPath: String?
  ) {
    self.device = device
    self.inode = inode
    self.path = path
    self.lockPath = lockPath
  }

  deinit {
    if let lockPath { device.monitor.withLock { _ = $0.locked.remove(lockPath) } }
  }

  func byteCount() throws(DeviceError) -> Int {
    try device.perform(.byteCount, path) { _ in .success(inode.bytes.count) }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DeviceError) -> Int {
    try device.perform(.read, path) { _ in .success(copy(into: buffer, at: offset)) }
  }

  func readWithoutWaiting(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
    device.monitor.withLock { state in
      !state.isPageCacheCold && copy(into: buffer, at: offset) == buffer.count
    }
  }

  private func copy(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
    let count = max(0, min(buffer.count, inode.bytes.count - offset))
    if count > 0 {
      inode.bytes.withUnsafeBytes {
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<(offset + count)]))
      }
    }
    return count
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DeviceError) {
    do throws(DeviceError) {
      try device.perform(.write, path) { _ -> Result<Void, DiskCode> in
        put(bytes[...], at: offset)
        return .success(())
      }
    } catch {
      // A write that failed may have got half of its bytes down.
      device.monitor.withLock { _ in put(bytes[..<(bytes.count / 2)], at: offset) }
      throw error
    }
  }

  private func put(_ bytes: Slice<UnsafeRawBufferPointer>, at offset: Int) {
    let end = offset + bytes.count
    if inode.bytes.count < end {
      inode.bytes += [UInt8](repeating: 0, count: end - inode.bytes.count)
    }
    inode.bytes.withUnsafeMutableBytes {
      UnsafeMutableRawBufferPointer(rebasing: $0[offset..<end])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes))
    }
  }

  func sync() throws(DeviceError) {
    try device.perform(.sync, path) { state -> Result<Void, DiskCode> in
      state.syncs.append(path)
      inode.durable = inode.bytes
      return .success(())
    }
  }
}

typealias DiskRandom = SeededGenerator

extension SeededGenerator {
  mutating func next(below limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
