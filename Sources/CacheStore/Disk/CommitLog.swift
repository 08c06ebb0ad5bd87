import Logging
import NIOCore

// A log file that many threads append to and one thread of its own writes and syncs.
//
// Group commit: whatever was appended while the last sync was under way goes into the next one, so
// the number of syncs does not grow with the number of those who wait. After a failed write or sync
// nobody knows what is on disk (the kernel drops the error and the dirty pages with it), so the
// file is given up: the next number's file begins with all that was not yet synced. Replaying
// something twice is harmless, since every entry says what is, not what changes.
//
// Owner: its thread holds the file; `Monitor` holds what is to be written.
// Limit: `mostPendingBytes` while the device fails; beyond it entries are dropped, and only a
// snapshot (which says everything anew) makes the log whole again.

final class CommitLog: Sendable {
  /// What became of entries that were to be durable.
  enum Outcome: Sendable {
    case durable
    case failed(String)
  }

  private struct Waiter {
    let position: UInt64
    let resume: @Sendable (Outcome) -> Void
  }

  private struct State {
    /// Payloads, each behind its 32-bit count.
    var pending: [UInt8] = []
    /// Entries appended so far; a waiter waits for a position.
    var appended: UInt64 = 0
    /// Payload bytes appended since the last rotation.
    var appendedBytes = 0
    var number: UInt64
    var mustSync = false
    var waiters: [Waiter] = []
    var failedUntil: MonotonicTime?
    var lastFailure = ""
    var hasLostEntries = false
    var stop: Stop?
  }

  private enum Stop { case flushing, atOnce }

  private struct Batch {
    var payloads: [UInt8]
    var number: UInt64
    var position: UInt64
    var mustSync: Bool
    var isLast: Bool
  }

  static let mostPendingBytes = 32 << 20
  /// Entries kept for a second try at most; a sync comes before there are more.
  static let mostUnsyncedBytes = 4 << 20

  private let monitor: Monitor<State>
  private let device: any BlockDevice
  private let directory: String
  private let prefix: String
  private let retryInterval: Duration
  private let counters: DiskCounters
  private let logger: Logger
  private let thread = Monitor<DiskThread?>(nil)

  init(
    device: any BlockDevice, directory: String, prefix: String, firstNumber: UInt64,
    retryInterval: Duration, counters: DiskCounters, logger: Logger
  ) {
    monitor = Monitor(State(number: firstNumber))
    self.device = device
    self.directory = directory
    self.prefix = prefix
    self.retryInterval = retryInterval
    self.counters = counters
    self.logger = logger
  }

  static func path(_ directory: String, _ prefix: String, _ number: UInt64) -> String {
    directory + "/" + prefix + hexadecimal(number) + ".log"
  }

  static func number(fileName: String, prefix: String) -> UInt64? {
    guard fileName.hasPrefix(prefix), fileName.hasSuffix(".log"),
      fileName.utf8.count == prefix.utf8.count + 20
    else { return nil }
    return UInt64(fileName.dropFirst(prefix.count).prefix(16), radix: 16)
  }

  func start() -> Bool {
    let started = DiskThread.start("edge-" + prefix) { [self] in run() }
    thread.withLock { $0 = started }
    return started != nil
  }

  /// Adds an entry; it is written soon and durable after the next sync.
  func append(_ payload: [UInt8]) {
    monitor.update { Self.append(payload, &$0) }
  }

  private static func append(_ payload: [UInt8], _ state: inout State) {
    precondition(payload.count > 0 && payload.count <= LogFormat.mostPayloadBytes)
    // What follows a lost entry is lost, too: a log with a gap would pass for a whole one.
    guard !state.hasLostEntries, state.pending.count + payload.count <= mostPendingBytes else {
      state.hasLostEntries = true
      return
    }
    state.pending.append(littleEndian: UInt32(payload.count))
    state.pending.append(contentsOf: payload)
    state.appended += 1
    state.appendedBytes += payload.count
  }

  /// Adds entries, and tells `resume` once they and all before them are durable, or why not.
  func append(_ payloads: [[UInt8]], resume: @escaping @Sendable (Outcome) -> Void) {
    let failure = monitor.update { state -> String? in
      for payload in payloads { Self.append(payload, &state) }
      if state.hasLostEntries { return "journal is full: " + state.lastFailure }
      if state.stop != nil { return "store is shut down" }
      state.mustSync = true
      // The entries stay and are written when the device works again; nobody waits that long.
      if let until = state.failedUntil, until > .now { return state.lastFailure }
      state.waiters.append(Waiter(position: state.appended, resume: resume))
      return nil
    }
    if let failure { resume(.failed(failure)) }
  }

  /// Asks for a sync of what was appended so far.
  func requestSync() { monitor.update { $0.mustSync = true } }

  /// Begins a new file: all that is appended from now on goes into the file of the returned number
  /// or a later one. With `first`, that file begins with these entries, which say all that was
  /// appended so far: the log is whole again if it was not.
  func rotate(first: [[UInt8]] = []) -> UInt64 {
    monitor.update { state in
      state.number += 1
      state.appendedBytes = 0
      if !first.isEmpty {
        let rest = state.hasLostEntries ? [] : state.pending
        state.hasLostEntries = false
        state.pending = []
        for payload in first { Self.append(payload, &state) }
        state.pending += rest
        state.mustSync = true
        // What the file begins with is not what makes it long.
        state.appendedBytes = 0
      }
      return state.number
    }
  }

  /// Whether entries were dropped since the last call: then a snapshot has to follow.
  func takeLostEntries() -> Bool {
    monitor.withLock { state in
      defer { state.hasLostEntries = false }
      return state.hasLostEntries
    }
  }

  /// Whether entries were dropped, and nothing has made up for it yet.
  var hasLostEntries: Bool { monitor.withLock { $0.hasLostEntries } }

  /// The snapshot that should have followed failed.
  func noteLostEntries() { monitor.withLock { $0.hasLostEntries = true } }

  /// Payload bytes appended since the last rotation.
  var appendedBytes: Int { monitor.withLock { $0.appendedBytes } }

  /// Bytes waiting for the thread.
  var pendingBytes: Int { monitor.withLock { $0.pending.count } }

  /// Waits until everything appended so far is durable. Not for loops.
  func synchronize() -> Outcome {
    let result = Monitor<Outcome?>(nil)
    append([]) { outcome in result.update { $0 = outcome } }
    return result.wait(until: nil) { $0 } ?? .failed("")
  }

  /// Stops the thread; with `flushing` it first writes and syncs what is left.
  func stop(flushing: Bool) {
    monitor.update { $0.stop = flushing ? .flushing : .atOnce }
    thread.withLock { $0 }?.join()
    let waiters = monitor.withLock { state in
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume(.failed("store is shut down")) }
  }

  // MARK: - The log's thread

  private struct OpenFile {
    var file: any BlockFile
    var number: UInt64
    var position: Int
    var syncedBytes: Int
    var isNew = true
  }

  private func run() {
    var open: OpenFile?
    /// Payloads in the open file since its last sync, to be written again if that one fails.
    var unsynced: [UInt8] = []
    var report = FailureReport(logger: logger, path: directory + "/" + prefix)
    while var batch = nextBatch() {
      unsynced += batch.payloads
      if unsynced.count > Self.mostUnsyncedBytes { batch.mustSync = true }
      do throws(DeviceError) {
        try write(batch, &open, &unsynced)
        if batch.mustSync { report.noteSuccess() }
        succeed(batch)
      } catch {
        report.note(error, at: .now)
        fail(batch, unsynced, error)
        open = nil
        unsynced = []
      }
      if batch.isLast { return }
    }
  }

  private func nextBatch() -> Batch? {
    while true {
      let retryAt = monitor.withLock { $0.failedUntil }
      let next = monitor.wait(until: retryAt) { state -> Batch?? in
        if case .atOnce = state.stop { return .some(nil) }
        let isStopping = state.stop != nil
        if !isStopping {
          if let until = state.failedUntil, until > .now { return nil }
          guard !state.pending.isEmpty || state.mustSync else { return nil }
        }
        let batch = Batch(
          payloads: state.pending, number: state.number, position: state.appended,
          mustSync: state.mustSync || isStopping, isLast: isStopping)
        state.pending = []
        state.mustSync = false
        state.failedUntil = nil
        return batch
      }
      if let next { return next }
      // The time to retry has come, or the wait was woken before it: look again.
    }
  }

  private func write(
    _ batch: Batch, _ open: inout OpenFile?, _ unsynced: inout [UInt8]
  ) throws(DeviceError) {
    if let current = open, current.number != batch.number {
      // The earlier file's entries must be durable before a later file's are.
      if unsynced.count > batch.payloads.count {
        try current.file.sync()
        if current.isNew { try device.syncDirectory(directory) }
      }
      unsynced = batch.payloads
      open = nil
    }
    if batch.payloads.isEmpty, open == nil { return }
    var current: OpenFile
    if let open { current = open } else { current = try create(batch.number) }
    open = current
    if !batch.payloads.isEmpty {
      let frames = frames(batch.payloads, current)
      try current.file.write(frames, at: current.position)
      current.position += frames.count
      open = current
    }
    if batch.mustSync {
      try current.file.sync()
      if current.isNew { try device.syncDirectory(directory) }
      current.isNew = false
      current.syncedBytes = current.position
      unsynced = []
      open = current
    }
  }

  private func create(_ number: UInt64) throws(DeviceError) -> OpenFile {
    let file = try device.open(Self.path(directory, prefix, number), .create)
    let header = LogFormat.header(number: number)
    try file.write(header, at: 0)
    return OpenFile(file: file, number: number, position: header.count, syncedBytes: 0)
  }

  private func frames(_ payloads: [UInt8], _ open: OpenFile) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(payloads.count + payloads.count / 2)
    var offset = 0
    while offset < payloads.count {
      let count = payloads.withUnsafeBytes { Int($0.load(offset, as: UInt32.self)) }
      LogFormat.appendFrame(
        payloads[(offset + 4)..<(offset + 4 + count)], number: open.number, base: open.position,
        syncedBytes: open.syncedBytes, to: &result)
      offset += 4 + count
    }
    return result
  }

  private func succeed(_ batch: Batch) {
    guard batch.mustSync else { return }
    counters.journalSyncs.add(1)
    let done = monitor.withLock { state -> [Waiter] in
      let done = state.waiters.filter { $0.position <= batch.position }
      state.waiters.removeAll { $0.position <= batch.position }
      return done
    }
    for waiter in done { waiter.resume(.durable) }
  }

  private func fail(_ batch: Batch, _ unsynced: [UInt8], _ error: DeviceError) {
    counters.journalErrors.add(1)
    let failed = monitor.update { state -> [Waiter] in
      state.pending = unsynced + state.pending
      if state.number == batch.number { state.number += 1 }
      state.mustSync = true
      state.failedUntil = MonotonicTime.now.advanced(by: retryInterval)
      state.lastFailure = error.description
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in failed { waiter.resume(.failed(error.description)) }
  }
}
