import EdgeSecurity

extension DiskTier {
  /// A snapshot of the tier's counters.
  public typealias Statistics = DiskStatistics

  /// When what was written becomes durable. Invalidations are always durable once acknowledged.
  public enum SyncPolicy: Sendable, Equatable {
    /// Once a second: a crash of the machine loses at most what the last second stored.
    case everySecond
    /// After each write.
    case always
    /// When the system likes. A crash of the machine may lose more; what it leaves half-written is
    /// found out by its checksum.
    case never
  }

  /// Sizes and limits of a disk tier.
  public struct Configuration: Sendable {
    /// The store's folder; made if needed, used by one process at a time.
    public var path: String
    /// Budget for segments in bytes. Index snapshots and journals come on top, about 40 bytes an
    /// object.
    public var sizeBytes: Int
    /// Largest body; at most a quarter of the budget.
    public var largestObjectBytes: Int
    /// Size of a shared segment, 64 KiB to 64 MiB, at most a quarter of the budget.
    public var segmentBytes = 64 << 20
    /// Bytes that may wait for the writer; what comes beyond is shed.
    public var writeQueueBytes = 64 << 20
    /// When what was written becomes durable.
    public var sync = SyncPolicy.everySecond
    /// Time from one index snapshot to the next.
    public var snapshotInterval = Duration.seconds(60)
    /// Time from one kept snapshot to the next; nil keeps none but those asked for.
    public var keptSnapshotInterval: Duration? = .seconds(6 * 3600)
    /// How long a kept snapshot is kept.
    public var keptSnapshotLifetime = Duration.seconds(7 * 86_400)
    /// Wall clock, Unix seconds.
    public var clock: @Sendable () -> Int64 = wallClockSeconds
    /// Time without admission after the device failed.
    public var retryInterval = Duration.seconds(1)
    /// Keys for encryption at rest; nil: nothing is encrypted, and what is can't be read.
    public var keyRing: KeyRing?
    /// Whether what is written is encrypted, when there are keys.
    public var encrypts = true
    /// Threads for reads that the page cache can't answer.
    public var readerThreads = 4

    /// A disk tier in `path` of `sizeBytes`, the largest object a quarter of it.
    public init(path: String, sizeBytes: Int, largestObjectBytes: Int? = nil) {
      self.path = path
      self.sizeBytes = sizeBytes
      self.largestObjectBytes = largestObjectBytes ?? sizeBytes / 4
    }

    /// The same with every number within its limits.
    /// - Throws: when the path or the size can't be used at all.
    func checked() throws(StoreError) -> Configuration {
      guard !path.isEmpty else {
        throw .configuration(
          reason: "the disk tier has no path", remedy: "name a folder, or turn the disk tier off")
      }
      let smallest = 4 * DiskFormat.smallestSegmentBytes
      guard sizeBytes >= smallest else {
        throw .configuration(
          reason: "a disk tier of \(sizeBytes) bytes is too small",
          remedy: "give it at least \(smallest) bytes, or turn it off")
      }
      var result = self
      let most = min(DiskFormat.largestSegmentBytes, sizeBytes / 4)
      let segment = min(max(segmentBytes, DiskFormat.smallestSegmentBytes), most)
      result.segmentBytes = segment / DiskFormat.blockBytes * DiskFormat.blockBytes
      result.largestObjectBytes = min(largestObjectBytes, sizeBytes / 4)
      result.readerThreads = min(max(1, readerThreads), 64)
      return result
    }
  }
}

/// The folders and names of a store.
///
/// | name | what |
/// |---|---|
/// | `lock` | locked while a process uses the store |
/// | `superblock` | ``Superblock`` |
/// | `members` | ``DiskMembers`` |
/// | `journal-N.log` | changes of the index, ``JournalEntry`` |
/// | `invalidations-N.log` | ``InvalidationEntry`` |
/// | `index-N.snapshot` | ``IndexSnapshot``; N is the first journal to replay over it |
/// | `snapshots/TIME.snapshot` | ``KeptSnapshot`` |
/// | `segments/G.segment` | shared segment of generation G |
/// | `segments/G.object` | dedicated segment of generation G |
struct DiskDirectories: Sendable {
  static let journalPrefix = "journal-"
  static let invalidationPrefix = "invalidations-"

  let root: String

  init(root: String) { self.root = root }

  /// The same for a path as it was configured.
  init(path: String) {
    var root = path
    while root.count > 1, root.hasSuffix("/") { root.removeLast() }
    self.root = root
  }

  var segments: String { root + "/segments" }
  var snapshots: String { root + "/snapshots" }
  var lock: String { root + "/lock" }
  var superblock: String { root + "/superblock" }
  var members: String { root + "/members" }

  /// The folder that holds the store's.
  var parent: String {
    guard let slash = root.lastIndex(of: "/") else { return "." }
    return slash == root.startIndex ? "/" : String(root[..<slash])
  }
}
