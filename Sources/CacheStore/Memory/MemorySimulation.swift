import NIOCore

/// Replays requests against a memory tier of the store's own code, under a chosen eviction policy:
/// what `edge-bench simulate` measures hit ratios with.
///
/// Shards, tables, queues, charges and objects are those that serve requests; what is simulated is
/// only the origin, which answers every miss with a body of the size asked for. Not thread-safe.
public struct MemorySimulation {
  /// An eviction policy by its name.
  public enum Policy: String, CaseIterable, Sendable {
    /// The store's own.
    case sizeClassedS3FIFO = "size-classed-s3-fifo"
    /// Without size classes.
    case s3FIFO = "s3-fifo"
    /// Least recently used.
    case leastRecentlyUsed = "lru"

    /// All of them by name, for a help text.
    public static let names = allCases.map(\.rawValue).joined(separator: ", ")
  }

  private let tier: any SimulatedTier
  private let hasher = KeyHasher(seed: 0)
  /// Bytes that bodies are made of.
  private var content = ByteBuffer()

  /// A tier of the given budget.
  /// - Parameters:
  ///   - limitBytes: the budget in charged bytes, index included.
  ///   - shardCount: as `store.memory.shards`; nil: as many as the store would make.
  public init(policy: Policy, limitBytes: Int, shardCount: Int? = nil) {
    func tier<P: EvictionPolicy>(_: P.Type) -> any SimulatedTier {
      PolicyMemoryTier<P>(
        limitBytes: limitBytes, largestObjectBytes: limitBytes, shardCount: shardCount,
        cores: System.coreCount)
    }
    self.tier =
      switch policy {
      case .sizeClassedS3FIFO: tier(SizeClassedS3FIFO.self)
      case .s3FIFO: tier(S3FIFO.self)
      case .leastRecentlyUsed: tier(LeastRecentlyUsed.self)
      }
  }

  /// One request: looked up, and on a miss stored with a body of this size.
  /// - Returns: whether it was a hit.
  public mutating func request(_ key: String, bodyBytes: Int) -> Bool {
    var key = key
    return key.withUTF8 { key in
      let key = UnsafeRawBufferPointer(key)
      let hash = hasher.hash(key)
      if tier.isHit(hash, key: key) { return true }
      tier.store(object(hash, key: key, bodyBytes: bodyBytes))
      return false
    }
  }

  /// The tier's counters.
  public var statistics: StoreStatistics.Memory { tier.statistics }

  private mutating func object(
    _ hash: KeyHash, key: UnsafeRawBufferPointer, bodyBytes: Int
  ) -> StoredObject {
    if content.readableBytes < bodyBytes {
      content.writeRepeatingByte(0, count: bodyBytes - content.readableBytes)
    }
    return content.withUnsafeReadableBytes { content in
      StoredObject.make(
        hash: hash, key: key, head: UnsafeRawBufferPointer(start: nil, count: 0),
        body: .bytes(UnsafeRawBufferPointer(rebasing: content[..<bodyBytes])),
        metadata: ObjectMetadata())
    }
  }
}

/// A tier whose policy is not known at compile time.
private protocol SimulatedTier: Sendable {
  func isHit(_ hash: KeyHash, key: UnsafeRawBufferPointer) -> Bool
  func store(_ object: StoredObject)
  var statistics: StoreStatistics.Memory { get }
}

extension PolicyMemoryTier: SimulatedTier {
  fileprivate func isHit(_ hash: KeyHash, key: UnsafeRawBufferPointer) -> Bool {
    shard(hash).lookup(hash, key: key, nowSeconds: 0) != nil
  }

  fileprivate func store(_ object: StoredObject) {
    guard object.chargedBytes <= largestObjectBytes else { return }
    _ = shard(object.hash).place(
      object, nowSeconds: 0, as: .newer, while: { true })
  }
}
