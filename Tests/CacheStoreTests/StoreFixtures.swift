import Logging
import NIOCore

@testable import CacheStore

/// A generator whose numbers follow from its seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}

/// A memory-only store with short-hands for keys given as text.
struct MemoryStore: Sendable {
  let store: Store
  /// The budget less what an empty index takes.
  var memory: StoreStatistics.Memory { store.statistics.memory }

  init(
    bytes: Int = 1 << 20, idleSeconds: Int = 300, largestBytes: Int = 256 << 10, shards: Int = 1,
    disk: DiskTier? = nil, disks: DiskSet? = nil, log: InvalidationLog? = nil
  ) {
    store = Store(
      configuration: Store.Configuration(
        memoryBytes: bytes, memoryIdleSeconds: idleSeconds,
        largestMemoryObjectBytes: largestBytes, shardCount: shards),
      disk: disks ?? disk.map { DiskSet($0) }, invalidations: log, logger: Logger(label: "test"),
      clock: { 1000 })
  }

  func object(
    _ url: String, bytes: Int = 100, head: String = "head", sequence: UInt64? = nil,
    usefulUntil: Int64 = .max, tags: [String] = [], status: UInt16 = 200, route: UInt16 = 0,
    responseTime: Int64 = 900
  ) -> StoredObject {
    var metadata = ObjectMetadata()
    metadata.fetchSequence = sequence ?? store.sequence
    metadata.usefulUntilSeconds = usefulUntil
    metadata.status = status
    metadata.route = route
    metadata.responseTimeSeconds = responseTime
    let body = [UInt8](repeating: UInt8(truncatingIfNeeded: bytes), count: bytes)
    return StoredObject.make(
      url, hasher: store.hasher, head: head, body: body, metadata,
      tags: tags.map { TagHash($0).value })
  }

  /// What either tier gives; disk reads are waited for.
  func find(_ url: String) -> StoredObject? {
    let key = Array(url.utf8)
    return key.withUnsafeBytes { bytes -> StoredObject? in
      let hash = store.hasher.hash(bytes)
      switch store.lookup(hash, key: bytes, nowSeconds: 1000) {
      case .memory(let object): return object
      case .absent: return nil
      case .disk(let location):
        return waitFor { completion in
          store.load(
            location, hash: hash, key: ByteBuffer(bytes: key), on: DiskTestLoop.shared,
            completion: completion)
        }
      }
    }
  }

  @discardableResult
  func insert(
    _ url: String, bytes: Int = 100, sequence: UInt64? = nil, usefulUntil: Int64 = .max
  ) -> Bool {
    store.insert(object(url, bytes: bytes, sequence: sequence, usefulUntil: usefulUntil))
  }

  func hash(_ url: String) -> KeyHash {
    Array(url.utf8).withUnsafeBytes { store.hasher.hash($0) }
  }

  /// What memory has; recorded as a hit.
  @discardableResult
  func lookup(_ url: String, at seconds: Int64 = 1000) -> StoredObject? {
    Array(url.utf8).withUnsafeBytes { key in
      let result = store.lookup(store.hasher.hash(key), key: key, nowSeconds: seconds)
      guard case .memory(let object) = result else { return nil }
      return object
    }
  }

  /// Whether memory has it, without a hit.
  func holds(_ url: String) -> Bool {
    Array(url.utf8).withUnsafeBytes { key in
      let hash = store.hasher.hash(key)
      return store.memory.shard(hash).peek(hash, key: key) != nil
    }
  }

  func invalidate(_ path: String, host: String? = nil) async throws {
    _ = await store.invalidate([try InvalidationSelector.parse(path, host: host)])
  }

  /// The charges of all objects held, found by walking.
  var sumOfCharges: Int {
    var sum = 0
    store.memory.forEach(where: { _ in true }) { _, object in
      sum += object.chargedBytes
      return true
    }
    return sum
  }
}

extension StoredObject {
  static func make(
    _ url: String, hasher: KeyHasher, head: String, body: [UInt8], _ metadata: ObjectMetadata,
    tags: [UInt64] = []
  ) -> StoredObject {
    Array(url.utf8).withUnsafeBytes { key in
      Array(head.utf8).withUnsafeBytes { head in
        body.withUnsafeBytes { body in
          make(
            hash: hasher.hash(key), key: key, head: head, body: .bytes(body), metadata: metadata,
            tags: tags)
        }
      }
    }
  }
}

func url(_ path: String) -> String { "http://a.example\(path)" }
