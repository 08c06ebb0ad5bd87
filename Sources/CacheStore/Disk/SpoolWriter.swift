import DequeModule
import NIOCore
import Synchronization

// A large body on its way into a segment of its own, readable while it is written.
//
// Appended on the fill's loop, written by the writer thread, read from any loop. The state's lock
// guards everything; it is never held over I/O or a callback. What is appended stays in `pending`
// until it is in the file, so a reader finds every byte in one place or the other. The producer
// looks at `isBehind`: it waits with `whenCaughtUp` before it asks its origin for more.

/// Writes one large object to disk while it is being fetched.
public final class SpoolWriter: Sendable {
  struct Finish: Sendable {
    let hash: KeyHash
    let key: [UInt8]
    let head: [UInt8]
    let metadata: ObjectMetadata
    let tags: [UInt64]
    let ticket: UInt64

    /// The key and the tags as they are written.
    func withTagBytes(
      _ body: (UnsafeRawBufferPointer, UInt8, UnsafeRawBufferPointer) -> Void
    ) {
      let tagCount = TagList.countByte(tags.count)
      let hashes = tagCount == TagList.tooManyMark ? [] : tags.map(\.littleEndian)
      key.withUnsafeBytes { key in
        hashes.withUnsafeBytes { hashes in body(key, tagCount, hashes) }
      }
    }

    /// The object as invalidations see it.
    func withSubject<Result>(_ body: (InvalidationSubject) -> Result) -> Result {
      key.withUnsafeBytes { key in
        tags.withUnsafeBufferPointer { tags in
          body(
            InvalidationSubject(
              key: key, fetchSequence: metadata.fetchSequence,
              tags: tags.count > TagHash.mostTags ? .unknown : TagList(tags),
              attributes: InvalidationSubject.Attributes(
                status: metadata.status, route: metadata.route,
                responseTimeSeconds: metadata.responseTimeSeconds)))
        }
      }
    }
  }

  private struct Waiter {
    let below: Int
    let loop: any EventLoop
    let completion: LoopCompletion<Void>
  }

  private struct State {
    var appended = 0
    /// Bytes in the file, readable by their tags; whole chunks until the end.
    var written = 0
    /// The bytes `written ..< appended`.
    var pending: Deque<ByteBuffer> = []
    var tags: [ChunkTag] = []
    var file: SegmentFile?
    var generation: UInt64 = 0
    var finish: Finish?
    var isOver = false
    var isAborted = false
    var hasFailed = false
    var isInService = false
    var waiters: [Waiter] = []
    /// What the inbox has been told that it holds.
    var notedBytes = 0

    /// What it holds in memory for the writer.
    var heldBytes: Int { hasFailed || isAborted || isOver ? 0 : appended - written }
  }

  private let state = Mutex(State())
  private let largestBytes: Int
  private let reader: DiskReader
  private let inbox: WriterInbox

  /// Whether this inbox's writer writes it.
  func isServed(by inbox: WriterInbox) -> Bool { self.inbox === inbox }

  init(largestBytes: Int, reader: DiskReader, inbox: WriterInbox) {
    self.largestBytes = largestBytes
    self.reader = reader
    self.inbox = inbox
  }

  deinit {
    inbox.noteSpooled(-state.withLock { $0.notedBytes })
    // Dropped without an end: what was written is of no use.
    if let orphan = state.withLock({ $0.isOver || $0.generation == 0 ? nil : $0.generation }) {
      inbox.noteOrphan(generation: orphan)
    }
  }

  /// Adds a chunk of the body; the bytes are readable at once. Ignored once the spool has failed,
  /// been aborted or finished.
  public func append(_ chunk: ByteBuffer) {
    let needsService = update { state -> Bool in
      guard !state.hasFailed, !state.isAborted, state.finish == nil, chunk.readableBytes > 0 else {
        return false
      }
      guard state.appended + chunk.readableBytes <= largestBytes else {
        state.hasFailed = true
        defer { state.isInService = true }
        return !state.isInService
      }
      state.appended += chunk.readableBytes
      state.pending.append(chunk)
      guard state.appended - state.written >= DiskFormat.chunkBytes, !state.isInService else {
        return false
      }
      state.isInService = true
      return true
    }
    if needsService { inbox.requestService(self) }
    if hasFailed { fireWaiters() }
  }

  /// Changes the state, and tells the inbox what that changes of the bytes held.
  private func update<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
    let (result, difference) = state.withLock { state in
      let result = body(&state)
      let difference = state.heldBytes - state.notedBytes
      state.notedBytes += difference
      return (result, difference)
    }
    if difference != 0 { inbox.noteSpooled(difference) }
    return result
  }

  /// True once the device failed or the body grew too large: the object will not be on disk.
  public var hasFailed: Bool { state.withLock { $0.hasFailed } }

  /// Bytes appended but not in the file yet.
  var pendingBytes: Int {
    state.withLock { $0.hasFailed ? 0 : $0.appended - $0.written }
  }

  /// Whether it holds so much for the device that its producer should wait.
  public var isBehind: Bool { pendingBytes > inbox.spoolAllowance }

  /// Calls `callback` on `loop` once it holds less than half of what it may; see
  /// ``whenBelow(_:on:_:)``.
  public func whenCaughtUp(on loop: any EventLoop, _ callback: @escaping () -> Void) {
    whenBelow(inbox.spoolAllowance / 2, on: loop, callback)
  }

  /// Bytes appended.
  public var count: Int { state.withLock { $0.appended } }

  /// Calls `callback` on `loop` once fewer than `bytes` are pending, or the spool failed or was
  /// aborted; at once, when that is so already. Less than one chunk of 64 KiB may stay pending
  /// until the end, so `bytes` counts as at least that.
  func whenBelow(
    _ bytes: Int, on loop: any EventLoop, _ callback: @escaping () -> Void
  ) {
    let limit = max(bytes, DiskFormat.chunkBytes)
    let completion = LoopCompletion<Void> { _ in callback() }
    let isBelow = state.withLock { state in
      if Self.isBelow(limit, state) { return true }
      state.waiters.append(Waiter(below: limit, loop: loop, completion: completion))
      return false
    }
    if isBelow { complete((), on: loop) { _ in callback() } }
  }

  /// Gives the spool up; its file is removed. Readers keep what they have begun.
  public func abort() {
    let needsService = update { state -> Bool in
      guard !state.isOver, state.finish == nil else { return false }
      state.isAborted = true
      defer { state.isInService = true }
      return !state.isInService
    }
    if needsService { inbox.requestService(self) }
    fireWaiters()
  }

  /// Reads bytes that were appended.
  /// - Parameters:
  ///   - offset: first byte wanted; must have been appended.
  ///   - count: bytes wanted; fewer are given only where no more are appended.
  ///   - loop: where `completion` runs.
  ///   - completion: called on `loop`, perhaps from within this call; nil past what is appended,
  ///     and when the file can't be read.
  public func read(
    offset: Int, count: Int, on loop: any EventLoop, completion: @escaping (ByteBuffer?) -> Void
  ) {
    let plan = state.withLock { state -> ReadPlan? in
      self.plan(offset: offset, count: count, state)
    }
    guard let plan else { return complete(nil, on: loop, completion) }
    if let file = plan.file {
      file.read(plan.range, appending: plan.memory, on: loop, completion: completion)
    } else {
      complete(plan.memory, on: loop, completion)
    }
  }

  private struct ReadPlan {
    var file: BodyFile?
    var range: Range<Int>
    var memory: ByteBuffer?
  }

  private func plan(offset: Int, count: Int, _ state: State) -> ReadPlan? {
    guard offset >= 0, count > 0, offset < state.appended else { return nil }
    let end = offset + min(count, state.appended - offset)
    var plan = ReadPlan(range: offset..<min(end, max(offset, state.written)))
    if end > state.written {
      plan.memory = Self.slice(state, from: max(offset, state.written), to: end)
    }
    if !plan.range.isEmpty {
      guard let file = state.file else { return nil }
      plan.file = BodyFile(
        file: file,
        hash: KeyHash(high: 0, low: 0), generation: state.generation,
        position: DiskFormat.dedicatedBodyPosition, count: state.written, tags: state.tags,
        reader: reader)
    }
    return plan
  }

  private static func slice(_ state: State, from: Int, to: Int) -> ByteBuffer {
    var result = ByteBufferAllocator().buffer(capacity: to - from)
    var start = state.written
    for buffer in state.pending {
      let low = max(from, start)
      let high = min(to, start + buffer.readableBytes)
      if low < high,
        let part = buffer.getSlice(at: buffer.readerIndex + low - start, length: high - low)
      {
        result.writeImmutableBuffer(part)
      }
      start += buffer.readableBytes
      if start >= to { break }
    }
    return result
  }

  private static func isBelow(_ limit: Int, _ state: State) -> Bool {
    state.hasFailed || state.isAborted || state.appended - state.written < limit
  }

  private func fireWaiters() {
    let ready = state.withLock { state -> [Waiter] in
      var waiting: [Waiter] = []
      var ready: [Waiter] = []
      for waiter in state.waiters {
        if Self.isBelow(waiter.below, state) {
          ready.append(waiter)
        } else {
          waiting.append(waiter)
        }
      }
      state.waiters = waiting
      return ready
    }
    for waiter in ready { waiter.loop.execute { waiter.completion.call(()) } }
  }

  // MARK: - The tier's side

  /// Notes the end; false when the spool can't become an object any more.
  func end(_ finish: Finish) -> Bool {
    let (isAccepted, needsService) = state.withLock { state -> (Bool, Bool) in
      guard !state.hasFailed, !state.isAborted, !state.isOver, state.finish == nil else {
        return (false, false)
      }
      state.finish = finish
      defer { state.isInService = true }
      return (true, !state.isInService)
    }
    if needsService { inbox.requestService(self) }
    return isAccepted
  }

  // MARK: - The writer thread's side

  /// What the writer thread has to do for this spool.
  enum Work {
    /// Write these bytes, whole chunks unless the body ends with them, at this place of the body.
    case write([ByteBuffer], count: Int, bodyOffset: Int)
    /// The body is in the file: write the record.
    case finish(Finish, bodyCount: Int, tags: [ChunkTag])
    case abort
    case nothing
  }

  func nextWork() -> Work {
    state.withLock { state in
      if state.isOver { return .nothing }
      if state.isAborted || state.hasFailed { return .abort }
      let pending = state.appended - state.written
      let whole = pending / DiskFormat.chunkBytes * DiskFormat.chunkBytes
      let limit = min(DiskFormat.writeBytes, state.finish == nil ? whole : pending)
      guard limit > 0 else {
        if let finish = state.finish {
          return .finish(finish, bodyCount: state.written, tags: state.tags)
        }
        state.isInService = false
        return .nothing
      }
      var parts: [ByteBuffer] = []
      var count = 0
      for buffer in state.pending {
        guard count < limit else { break }
        let taken = min(limit - count, buffer.readableBytes)
        if let part = buffer.getSlice(at: buffer.readerIndex, length: taken) { parts.append(part) }
        count += taken
      }
      return .write(parts, count: count, bodyOffset: state.written)
    }
  }

  /// The end that was noted; nil while the body grows.
  var finishing: Finish? { state.withLock { $0.finish } }

  func noteOpened(_ file: SegmentFile, generation: UInt64) {
    state.withLock { state in
      state.file = file
      state.generation = generation
    }
  }

  func noteWritten(_ count: Int, tags: [ChunkTag]) {
    update { state in
      state.written += count
      state.tags += tags
      var rest = count
      while rest > 0, var first = state.pending.popFirst() {
        let taken = min(rest, first.readableBytes)
        first.moveReaderIndex(forwardBy: taken)
        rest -= taken
        if first.readableBytes > 0 { state.pending.prepend(first) }
      }
    }
    fireWaiters()
  }

  /// The device failed. What is in memory stays readable; the spool takes nothing more.
  func noteFailed() {
    update { $0.hasFailed = true }
    fireWaiters()
  }

  func noteOver() {
    update { state in
      state.isOver = true
      state.isInService = false
    }
    fireWaiters()
  }
}
