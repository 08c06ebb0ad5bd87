import EdgeSecurity
import Glibc
import Logging
import Synchronization

// The upkeep of a store's keys: follows the directory, makes a new key when the current one is old,
// deletes what nothing needs any more. Called from the store's maintenance, once a second; the time
// is passed in. A failure leaves things as they are and is logged once.

/// Whether and with which keys a store encrypts what it writes to disk.
public struct StoreEncryption: Sendable, Equatable {
  /// The folder of the keys; made if needed, for this user only, and used by one store.
  public var directory: String
  /// Age at which a key gives way to a new one; nil: never by itself.
  public var rotationSeconds: Int64?
  /// False: new objects are written in clear, old ones stay readable.
  public var encrypts: Bool

  /// Encryption with keys in a folder.
  public init(directory: String, rotationSeconds: Int64? = 30 * 86_400, encrypts: Bool = true) {
    self.directory = directory
    self.rotationSeconds = rotationSeconds
    self.encrypts = encrypts
  }

  /// The folder of keys that stands beside a disk tier's folder when none is named.
  public static func defaultDirectory(besidePath path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path + ".keys"
  }
}

/// What a store tells of its keys; nothing secret.
public struct KeyStatistics: Sendable, Equatable {
  /// Usable keys.
  public var keys = 0
  /// Seconds since the current key was made.
  public var currentAgeSeconds: Int64 = 0
  /// Key files that are damaged.
  public var damaged = 0
  /// Keys made since the start.
  public var rotations: UInt64 = 0
  /// Failed attempts to read or write the folder of keys.
  public var failures: UInt64 = 0

  /// Zeroes.
  public init() {}
}

final class StoreKeys: Sendable {
  private struct State {
    var statistics = KeyStatistics()
    var isFailing = false
    /// The key that the invalidation log was written under.
    var current: UInt64?
  }

  let ring: KeyRing
  private let rotationSeconds: Int64?
  private let lock: Mutex<(any BlockFile)?>
  private let logger: Logger
  private let state: Mutex<State>

  init(ring: KeyRing, rotationSeconds: Int64?, lock: (any BlockFile)?, logger: Logger) {
    self.ring = ring
    self.rotationSeconds = rotationSeconds
    self.lock = Mutex(lock)
    self.logger = logger
    var state = State()
    state.current = ring.current?.identifier
    self.state = Mutex(state)
  }

  /// Opens the folder of keys.
  /// - Parameter makesFolder: whether the folder is needed for more than keys.
  /// - Returns: nil when nothing is encrypted and there are no keys from before.
  static func open(
    _ encryption: StoreEncryption, makesFolder: Bool = false, nowSeconds: Int64, logger: Logger
  ) throws(StoreError) -> StoreKeys? {
    let path = encryption.directory
    let device = PosixBlockDevice()
    if !encryption.encrypts, (try? device.list(path)) == nil {
      guard makesFolder else { return nil }
      do throws(DeviceError) { try device.createDirectory(path) } catch {
        throw .directory(
          path: path, reason: "\(error)", remedy: "let this user write there, or name another")
      }
    }
    let ring: KeyRing
    do throws(KeyRingError) {
      if encryption.encrypts {
        ring = try KeyRing(directory: path, nowSeconds: nowSeconds)
      } else {
        ring = try KeyRing(existing: path)
      }
    } catch {
      throw .directory(path: error.path, reason: error.reason, remedy: error.remedy)
    }
    for identifier in ring.damaged {
      logger.error(
        "a key file is damaged; what was sealed under it is lost",
        metadata: ["path": "\(path)", "key": "\(StoreKey.text(identifier))"])
    }
    return StoreKeys(
      ring: ring, rotationSeconds: encryption.encrypts ? encryption.rotationSeconds : nil,
      lock: try lock(path, device), logger: logger)
  }

  /// Deleting unused keys is only right while one store uses them.
  private static func lock(
    _ path: String, _ device: PosixBlockDevice
  ) throws(StoreError) -> any BlockFile {
    do throws(DeviceError) {
      return try device.lock(path + "/lock")
    } catch {
      guard error.code == EWOULDBLOCK else {
        throw .directory(
          path: path, reason: "\(error)", remedy: "let this user write there, or name another")
      }
      throw .inUse(
        path: path,
        remedy: "stop that process, or give each its own store.disk.path and store.keys")
    }
  }

  /// One round of upkeep.
  /// - Parameters:
  ///   - tiers: asked for the keys their files need, and told to write their logs under the current
  ///     one. A disk that is not there needs none: it gives up what it stored when it is back.
  func maintain(nowSeconds: Int64, for tiers: [DiskTier]) {
    do throws(KeyRingError) {
      let change = try ring.refresh()
      report(change)
      if let rotationSeconds,
        try ring.rotateIfDue(nowSeconds: nowSeconds, lifetimeSeconds: rotationSeconds) != nil
      {
        state.withLock { $0.statistics.rotations += 1 }
      }
      noteCurrent(for: tiers)
      if let used = Self.usedKeys(of: tiers) {
        for identifier in ring.removeUnused(keeping: used) {
          logger.notice(
            "an old key was deleted: nothing uses it any more",
            metadata: ["key": "\(StoreKey.text(identifier))"])
        }
      }
      state.withLock { $0.isFailing = false }
    } catch {
      noteFailure(error)
    }
    let age = max(0, nowSeconds - (ring.current?.createdSeconds ?? nowSeconds))
    state.withLock { $0.statistics.currentAgeSeconds = age }
  }

  private static func usedKeys(of tiers: [DiskTier]) -> Set<UInt64>? {
    var used: Set<UInt64> = []
    for tier in tiers {
      guard let own = tier.usedKeys else { return nil }
      used.formUnion(own)
    }
    return used
  }

  private func noteCurrent(for tiers: [DiskTier]) {
    guard let current = ring.current?.identifier else { return }
    let isNew = state.withLock { state in
      defer { state.current = current }
      return state.current != current
    }
    guard isNew else { return }
    logger.notice(
      "new objects are sealed under a new key", metadata: ["key": "\(StoreKey.text(current))"])
    for tier in tiers { tier.rewriteInvalidationLog() }
  }

  private func report(_ change: KeyRing.Change) {
    for identifier in change.missing {
      logger.warning(
        "a key is gone; objects sealed under it are misses once their segments are closed",
        metadata: ["key": "\(StoreKey.text(identifier))"])
    }
    for identifier in change.damaged {
      logger.error(
        "a key file is damaged; what was sealed under it is lost",
        metadata: ["key": "\(StoreKey.text(identifier))"])
    }
  }

  private func noteFailure(_ error: KeyRingError) {
    let isFirst = state.withLock { state in
      defer { state.isFailing = true }
      state.statistics.failures += 1
      return !state.isFailing
    }
    if isFirst {
      logger.error("the store's keys can't be kept up", metadata: ["cause": "\(error)"])
    }
  }

  /// Gives the folder free.
  func close() { lock.withLock { $0 = nil } }

  var statistics: KeyStatistics {
    var result = state.withLock { $0.statistics }
    result.keys = ring.all.count
    result.damaged = ring.damaged.count
    return result
  }
}

extension DiskTier {
  /// Keys that the tier's files need; nil while that is not known.
  var usedKeys: Set<UInt64>? {
    guard recovery.withLock({ $0 != .loading }) else { return nil }
    var used = Set(table.all.compactMap(\.keyIdentifier))
    if let identifier = logKeyIdentifier.withLock({ $0 }) { used.insert(identifier) }
    return used
  }
}
