import Dispatch
import Glibc
import Logging
import NIOCore
import Synchronization

/// What the access log's thread and the loops' writers share.
///
/// The file belongs to the thread alone. The thread sleeps until the first line after a pause
/// wakes it, lets lines gather, and writes them together.
final class AccessLogCore: Sendable {
  enum Command: Sendable {
    case reopen
    case flush(DispatchSemaphore)
    case close(DispatchSemaphore)
  }

  private struct State: Sendable {
    var queue: [AccessLogChunk] = []
    var commands: [Command] = []
    var spareBuffers: [ByteBuffer] = []
    var writers: [AccessLogWriter] = []
  }

  private let state = Mutex(State())
  private let wake = DispatchSemaphore(value: 0)
  private let file: Mutex<LogFile>
  private let logger: Logger
  private let queuedBytes = Atomic(0)
  private let dropped = Atomic(0)
  private let written = Atomic(0)
  private let isGathering = Atomic(false)
  private let isUrgent = Atomic(false)
  private let isClosing = Atomic(false)
  private let queueLimitBytes: Int

  init(file: consuming LogFile, queueLimitBytes: Int, logger: Logger) {
    self.queueLimitBytes = queueLimitBytes
    self.file = Mutex(file)
    self.logger = logger
  }

  var mayAccept: Bool {
    queuedBytes.load(ordering: .relaxed) < queueLimitBytes
      && !isClosing.load(ordering: .relaxed)
  }

  var droppedRecords: Int { dropped.load(ordering: .relaxed) }
  var writtenRecords: Int { written.load(ordering: .relaxed) }

  func countDropped(_ count: Int) {
    dropped.wrappingAdd(count, ordering: .relaxed)
  }

  func add(_ writer: AccessLogWriter) {
    state.withLock { $0.writers.append(writer) }
  }

  /// Whether this was the call that began it.
  func beginClosing() -> Bool {
    !isClosing.exchange(true, ordering: .acquiringAndReleasing)
  }

  func send(_ command: Command) {
    state.withLock { $0.commands.append(command) }
    isUrgent.store(true, ordering: .releasing)
    wake.signal()
  }

  /// Wakes the thread for a line that lies in a writer, unless it is about to look anyway.
  func noteFirstRecord() {
    if !isGathering.exchange(true, ordering: .acquiringAndReleasing) { wake.signal() }
  }

  /// Queues `chunk` and gives back an empty buffer.
  func exchange(_ chunk: AccessLogChunk, isUrgent urgent: Bool) -> ByteBuffer {
    queuedBytes.wrappingAdd(chunk.bytes.readableBytes, ordering: .relaxed)
    let spare = state.withLock { state in
      state.queue.append(chunk)
      return state.spareBuffers.popLast()
    }
    if urgent {
      isUrgent.store(true, ordering: .releasing)
      wake.signal()
    }
    return spare ?? ByteBufferAllocator().buffer(capacity: AccessLog.bufferBytes + 4096)
  }
}

extension AccessLogCore {
  func startThread() throws(AccessLogError) {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<AccessLogCore>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    guard code == 0 else {
      context.release()
      throw .cannotStartThread(reason: String(cString: strerror(code)))
    }
    pthread_detach(thread)
  }

  /// The thread: until a close command comes.
  private func run() {
    // Signals belong to other threads; above all, a closed pipe must be an error and no SIGPIPE.
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, nil)
    while true {
      wake.wait()
      if !isUrgent.load(ordering: .acquiring) {
        _ = wake.wait(timeout: .now() + .milliseconds(AccessLog.flushMilliseconds))
      }
      isUrgent.store(false, ordering: .releasing)
      isGathering.store(false, ordering: .sequentiallyConsistent)
      if !runOnce() { return }
    }
  }

  /// Writes everything there is, then obeys; false once closed.
  private func runOnce() -> Bool {
    let (writers, commands) = state.withLock { state in
      let commands = state.commands
      state.commands.removeAll()
      return (state.writers, commands)
    }
    for writer in writers { writer.flushToQueue() }
    let chunks = state.withLock { state in
      let chunks = state.queue
      state.queue.removeAll()
      return chunks
    }
    for chunk in chunks { write(chunk) }
    for command in commands {
      switch command {
      case .reopen: reopen()
      case .flush(let done): done.signal()
      case .close(let done):
        state.withLock { $0.writers.removeAll() }
        file.withLock { $0.close() }
        done.signal()
        return false
      }
    }
    return true
  }

  private func write(_ chunk: AccessLogChunk) {
    let result = file.withLock { file in
      chunk.bytes.withUnsafeReadableBytes { file.write($0, lineCount: chunk.recordCount) }
    }
    queuedBytes.wrappingSubtract(chunk.bytes.readableBytes, ordering: .relaxed)
    dropped.wrappingAdd(result.lostLines, ordering: .relaxed)
    written.wrappingAdd(chunk.recordCount - result.lostLines, ordering: .relaxed)
    if let failure = result.newFailure {
      logger.error(
        "The access log cannot be written; lines are dropped until it can be.",
        metadata: ["reason": "\(failure)"])
    } else if result.hasRecovered {
      logger.notice("The access log can be written again.")
    }
    var bytes = chunk.bytes
    bytes.clear()
    guard bytes.capacity <= 4 * AccessLog.bufferBytes else { return }
    state.withLock { state in
      if state.spareBuffers.count < state.writers.count { state.spareBuffers.append(bytes) }
    }
  }

  private func reopen() {
    do throws(AccessLogError) {
      try file.withLock { file throws(AccessLogError) in try file.reopen() }
      logger.info("The access log has been reopened.")
    } catch {
      logger.error("The access log stays with its old file.", metadata: ["reason": "\(error)"])
    }
  }
}
