import Logging

extension Store {
  /// Sizes and limits of a store.
  public struct Configuration: Sendable {
    /// Budget of the memory tier in real bytes, index included.
    public var memoryBytes = 2 << 30
    /// Seconds without a use after which an object leaves memory for the disk; 0 or less for never.
    /// Without a disk tier nothing leaves for idleness: it would only be lost.
    public var memoryIdleSeconds = 300
    /// Largest object, in charged bytes, that is kept whole in memory.
    public var largestMemoryObjectBytes = 8 << 20
    /// Number of shards, rounded up to a power of two; nil: by the number of cores and the budget.
    public var shardCount: Int?
    /// The disk tier, one a path; empty leaves it out. They differ in path and sizes only.
    public var disks: [DiskTier.Configuration] = []
    /// A file that is on none of the paths and says which of them take part; nil for none. With
    /// several paths, needed to get along without one that fails.
    public var witnessPath: String?
    /// Encryption of what the disk tier writes; nil for none. Only where `disk` has no keys yet.
    public var encryption: StoreEncryption?

    /// A memory-only store of 2 GiB.
    public init() {}

    /// A store of the given sizes.
    public init(
      memoryBytes: Int, memoryIdleSeconds: Int = 300, largestMemoryObjectBytes: Int = 8 << 20,
      shardCount: Int? = nil, disk: DiskTier.Configuration? = nil
    ) {
      self.memoryBytes = memoryBytes
      self.memoryIdleSeconds = memoryIdleSeconds
      self.largestMemoryObjectBytes = largestMemoryObjectBytes
      self.shardCount = shardCount
      self.disk = disk
    }

    /// The disk tier of one path; nil when there is none or there are several.
    public var disk: DiskTier.Configuration? {
      get { disks.count == 1 ? disks[0] : nil }
      set { disks = newValue.map { [$0] } ?? [] }
    }
  }

  /// What a lookup found.
  public enum LookupResult: Sendable {
    /// In memory, current with regard to invalidations.
    case memory(StoredObject)
    /// Perhaps on disk; `Store.load` says.
    case disk(DiskLocation)
    /// Nowhere.
    case absent
  }
}

extension Store.Configuration {
  /// The disk tier with its keys, for a program that opens it while no edge does; empty when there
  /// is none.
  /// - Throws: ``StoreError`` when the keys can't be used, or an edge uses them.
  public func disksWithKeys(logger: Logger) throws(StoreError) -> [DiskTier.Configuration] {
    try openKeys(logger: logger).disks
  }

  /// The disk tier's configuration with the ring, and the keys' upkeep, whose lock ends with it.
  func openKeys(
    logger: Logger
  ) throws(StoreError) -> (disks: [DiskTier.Configuration], keys: StoreKeys?) {
    guard !disks.isEmpty, let encryption else { return (disks, nil) }
    let keys = try StoreKeys.open(
      encryption, makesFolder: witnessPath != nil, nowSeconds: wallClockSeconds(),
      logger: logger)
    let opened = disks.map { disk in
      var disk = disk
      disk.keyRing = keys?.ring
      disk.encrypts = encryption.encrypts
      return disk
    }
    return (opened, keys)
  }
}
