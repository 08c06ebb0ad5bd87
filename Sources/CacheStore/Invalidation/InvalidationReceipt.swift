/// What came of an invalidation.
public struct InvalidationReceipt: Sendable, Equatable {
  /// Its sequence number; objects whose fetch began at a lower one are gone if they match. Also the
  /// number of the job by which the sweeper's progress can be followed.
  public var sequence: UInt64
  /// True when it survives a crash of the machine; with the disk tier off nothing needs to.
  public var isDurable: Bool
  /// Why it is not durable; nil when it is.
  public var failure: String?

  /// A receipt of the given parts.
  public init(sequence: UInt64, isDurable: Bool, failure: String? = nil) {
    self.sequence = sequence
    self.isDurable = isDurable
    self.failure = failure
  }
}

/// How far the sweeper has come with an invalidation. It is effective all the while: what has not
/// been swept is found out at look-up.
public enum InvalidationProgress: Sendable, Equatable {
  /// The sweeper has not been through both tiers yet.
  case pending
  /// Both tiers have been worked through. The counts are objects taken away, or marked by a soft
  /// invalidation; an object that several invalidations match counts for one of them, and one that
  /// was in both tiers counts in both. What a soft invalidation of everything marks on disk is not
  /// counted: no object there is touched for it.
  case completed(removedFromMemory: Int, removedFromDisk: Int)
}

/// The latest invalidations and what each has taken away. Owner: InvalidationLog, under its lock.
struct InvalidationJobs {
  /// Jobs remembered.
  static let mostJobs = 1000

  private struct Job {
    var memoryCount = 0
    var diskCount = 0
    var isCompleted = false
  }

  private var jobs: [UInt64: Job] = [:]
  /// Numbers in the order in which they were given, in a ring.
  private var order: [UInt64] = []
  private var oldest = 0
  /// Jobs up to here are completed.
  private var completedThrough: UInt64 = 0

  mutating func add(_ sequence: UInt64) {
    if order.count < Self.mostJobs {
      order.append(sequence)
    } else {
      jobs[order[oldest]] = nil
      order[oldest] = sequence
      oldest = (oldest + 1) % Self.mostJobs
    }
    jobs[sequence] = Job()
  }

  mutating func note(_ sequence: UInt64, memory: Int = 0, disk: Int = 0) {
    jobs[sequence]?.memoryCount += memory
    jobs[sequence]?.diskCount += disk
  }

  /// The sweep that covers all numbers up to this one is through.
  mutating func complete(through sequence: UInt64) {
    completedThrough = max(completedThrough, sequence)
  }

  func progress(_ sequence: UInt64) -> InvalidationProgress? {
    guard let job = jobs[sequence] else { return nil }
    guard sequence <= completedThrough else { return .pending }
    return .completed(removedFromMemory: job.memoryCount, removedFromDisk: job.diskCount)
  }
}

/// How many objects each invalidation took, in one tier. The last number is kept at hand: a sweep
/// mostly works for one.
struct InvalidationTally: Sendable {
  private var counts: [UInt64: Int] = [:]
  private var lastSequence: UInt64 = 0
  private var lastCount = 0

  init() {}

  mutating func count(_ sequence: UInt64, _ added: Int = 1) {
    if sequence == lastSequence {
      lastCount += added
      return
    }
    flush()
    lastSequence = sequence
    lastCount = added
  }

  private mutating func flush() {
    if lastCount > 0 { counts[lastSequence, default: 0] += lastCount }
    lastCount = 0
  }

  /// Counts what another one has.
  mutating func add(_ other: InvalidationTally) {
    for (sequence, count) in other.bySequence { self.count(sequence, count) }
  }

  /// The counts by number.
  var bySequence: [UInt64: Int] {
    var copy = self
    copy.flush()
    return copy.counts
  }
}
