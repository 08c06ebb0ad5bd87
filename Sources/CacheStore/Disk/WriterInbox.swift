import DequeModule
import Synchronization

// What the loops hand to the writer thread. One lock, held for table accesses and, at a commit, for
// the insertions of one write into the index: whether an object is still wanted and its entering
// the index must be one step, or a removal could slip between them and the object would come back.
//
// Limit: `queueLimitBytes`, for the queue and for what spools have taken and not written, each.
// What does not fit is shed.

/// One finished sweep, remembered for what was on its way to disk when it ran.
struct RememberedSweep: Sendable {
  let match: @Sendable (InvalidationSubject) -> InvalidationMatch?
  /// The newest ticket when it began.
  var ticket: UInt64 = 0

  init(match: @escaping @Sendable (InvalidationSubject) -> InvalidationMatch?) {
    self.match = match
  }
}

extension Collection<RememberedSweep> {
  /// The gravest thing that one of the sweeps does to a record.
  func kind(for subject: InvalidationSubject) -> InvalidationKind? {
    var isStale = false
    for sweep in self {
      switch sweep.match(subject)?.kind {
      case .hard: return .hard
      case .soft: isStale = true
      case nil: break
      }
    }
    return isStale ? .soft : nil
  }
}

final class WriterInbox: Sendable {
  struct Queued {
    let object: StoredObject
    let ticket: UInt64
    let bytes: Int
  }

  struct Pending {
    var ticket: UInt64
    /// The object while it waits in the queue; nil for a spool.
    var object: StoredObject?
    /// A soft invalidation matches it.
    var isMarkedStale = false
  }

  struct State {
    var queue: Deque<Queued> = []
    var queuedBytes = 0
    /// The newest version on its way to disk under each hash.
    var pending: [KeyHash: Pending] = [:]
    var lastTicket: UInt64 = 0
    /// Ticket of the last queued object that was written or given up.
    var writtenTicket: UInt64 = 0
    var spools: Deque<SpoolWriter> = []
    var orphans: [UInt64] = []
    var sweeps: Deque<RememberedSweep> = []
    /// The writer is between taking objects and committing them.
    var isWriting = false
    var degradedUntil: MonotonicTime?
    var isDegraded = false
    var isIndexLoaded = false
    var wantsSync = false
    var wantsSnapshot = false
    var wantsDeadSegments = false
    /// Who waits for a kept snapshot.
    var keepRequests: [KeepRequest] = []
    /// Rounds of sync asked for and done.
    var syncsAsked: UInt64 = 0
    var syncsDone: UInt64 = 0
    var stop: Stop?
  }

  enum Stop { case flushing, atOnce }

  /// Somebody who waits for a kept snapshot.
  struct KeepRequest: Sendable {
    /// The name that it is to bear; nil: that of the second.
    var name: String?
    let completed: @Sendable (Result<KeptSnapshot, SnapshotFailure>) -> Void
  }

  static let mostSweeps = 16
  let monitor = Monitor(State())
  private let queueLimitBytes: Int
  private let spooled = Atomic<Int>(0)

  init(queueLimitBytes: Int) { self.queueLimitBytes = queueLimitBytes }

  /// Takes an object into the queue; false when there is no room or the device is failing.
  func enqueue(_ object: StoredObject) -> Bool {
    let bytes = object.chargedBytes
    let hash = object.hash
    return monitor.update { state in
      guard state.stop == nil, !Self.isRefusing(&state),
        state.queuedBytes + bytes <= queueLimitBytes
      else { return false }
      state.lastTicket += 1
      state.queue.append(Queued(object: object, ticket: state.lastTicket, bytes: bytes))
      state.queuedBytes += bytes
      state.pending[hash] = Pending(ticket: state.lastTicket, object: object)
      return true
    }
  }

  /// Whether the device failed a moment ago. After that the next object is the attempt that shows
  /// whether it works again.
  private static func isRefusing(_ state: inout State) -> Bool {
    guard let until = state.degradedUntil else { return false }
    if until > .now { return true }
    state.degradedUntil = nil
    return false
  }

  /// What spools have taken and not written yet.
  var spooledBytes: Int { spooled.load(ordering: .relaxed) }

  /// Whether spools hold as much as they may: no further one begins, since each may leave its last
  /// bytes behind faster than the device takes them.
  var isBacklogged: Bool { spooledBytes >= queueLimitBytes }

  /// Bytes that one spool may hold before its producer is held back: fewer once all hold half of
  /// what they may, so that seldom one has to be turned away.
  var spoolAllowance: Int {
    spooledBytes < queueLimitBytes / 2 ? 4 * DiskFormat.writeBytes : DiskFormat.writeBytes
  }

  /// Notes that a spool holds more bytes, or fewer.
  func noteSpooled(_ difference: Int) { spooled.wrappingAdd(difference, ordering: .relaxed) }

  func mayBeginSpool() -> Bool {
    monitor.withLock { state in
      guard state.stop == nil else { return false }
      return !Self.isRefusing(&state)
    }
  }

  /// A ticket for a spool's object.
  func ticket(for hash: KeyHash) -> UInt64 {
    monitor.withLock { state in
      state.lastTicket += 1
      state.pending[hash] = Pending(ticket: state.lastTicket, object: nil)
      return state.lastTicket
    }
  }

  func queued(_ hash: KeyHash) -> StoredObject? {
    monitor.withLock { $0.pending[hash]?.object }
  }

  func isPending(_ hash: KeyHash) -> Bool { monitor.withLock { $0.pending[hash] != nil } }

  func cancel(_ hash: KeyHash) { monitor.withLock { $0.pending[hash] = nil } }

  func cancel(_ hash: KeyHash, ticket: UInt64) {
    monitor.withLock { state in
      if state.pending[hash]?.ticket == ticket { state.pending[hash] = nil }
    }
  }

  func requestService(_ spool: SpoolWriter) { monitor.update { $0.spools.append(spool) } }

  func noteOrphan(generation: UInt64) { monitor.update { $0.orphans.append(generation) } }

  /// Marks what is on its way under a hash, and runs `body` in the same step: a commit comes before
  /// or after both.
  func markStale(_ hash: KeyHash, _ body: () -> Void) {
    monitor.withLock { state in
      state.pending[hash]?.isMarkedStale = true
      body()
    }
  }

  /// From now on nothing that `sweep` takes enters the index, and what it marks enters marked.
  func remember(_ sweep: RememberedSweep) {
    monitor.update { state in
      var sweep = sweep
      sweep.ticket = state.lastTicket
      state.sweeps.append(sweep)
      guard state.sweeps.count > Self.mostSweeps else { return }
      let forgotten = state.sweeps.removeFirst()
      // What sweeps wait for is written by now; a spool may take longer. One that began before what
      // is forgotten would enter the index without being compared with it: it is given up.
      state.pending = state.pending.filter { _, pending in
        pending.object != nil || pending.ticket > forgotten.ticket
      }
    }
  }

  /// Takes who waits for a kept snapshot.
  func takeKeepRequests() -> [KeepRequest] {
    monitor.withLock { state in
      defer { state.keepRequests = [] }
      return state.keepRequests
    }
  }

  /// Waits until everything now in the queue is written or given up; false when the tier stops.
  func waitUntilWritten() -> Bool {
    let ticket = monitor.withLock { $0.lastTicket }
    let isWritten = monitor.wait(until: nil) { state -> Bool? in
      if state.stop != nil { return false }
      // The highest ticket may be a spool's; then a later object's, or an empty queue, says it.
      return state.writtenTicket >= ticket || state.queue.isEmpty && !state.isWriting ? true : nil
    }
    return isWritten ?? false
  }

  /// Waits until the writer has written and synced all that was handed to it before.
  func synchronize() {
    let round = monitor.update { state -> UInt64 in
      state.wantsSync = true
      state.syncsAsked += 1
      return state.syncsAsked
    }
    _ = monitor.wait(until: nil) { $0.syncsDone >= round || $0.stop != nil ? true : nil }
  }
}
