import NIOCore
import Synchronization

/// One event loop's end of the access log: formats lines into its own buffer and hands full ones
/// to the log's thread.
///
/// Used by its loop only; the lock is there because the log's thread takes what has lain for a
/// while, which it does by swapping the buffer, so the loop never waits for a write.
public final class AccessLogWriter: Sendable {
  private let core: AccessLogCore
  private let state: Mutex<AccessLogBuffer>

  init(core: AccessLogCore, format: AccessLogFormat, edgeName: String) {
    self.core = core
    state = Mutex(
      AccessLogBuffer(formatter: AccessLineFormatter(format: format, edgeName: edgeName)))
  }

  /// Appends one line. Never waits for the disk: when the log's thread has fallen behind by more
  /// than the log's limit, the line is dropped and counted.
  public func write(_ record: AccessRecord) {
    guard core.mayAccept else { return core.countDropped(1) }
    let isFirst = state.withLock { buffer in
      buffer.append(record)
      // Queued under this lock, so that the lines of one loop stay in order.
      if buffer.bytes.readableBytes >= AccessLog.bufferBytes {
        buffer.start(with: core.exchange(buffer.chunk, isUrgent: true))
        return false
      }
      return buffer.recordCount == 1
    }
    if isFirst { core.noteFirstRecord() }
  }

  /// Moves what has gathered to the log's queue. Called by the log's thread.
  func flushToQueue() {
    state.withLock { buffer in
      guard buffer.recordCount > 0 else { return }
      buffer.start(with: core.exchange(buffer.chunk, isUrgent: false))
    }
  }
}

/// Lines on their way to the file.
struct AccessLogChunk: Sendable {
  var bytes: ByteBuffer
  var recordCount: Int
}

/// What one loop has gathered.
struct AccessLogBuffer: Sendable {
  private(set) var bytes = ByteBuffer()
  private(set) var recordCount = 0
  private var formatter: AccessLineFormatter

  init(formatter: AccessLineFormatter) {
    self.formatter = formatter
  }

  mutating func append(_ record: AccessRecord) {
    formatter.write(record, to: &bytes)
    recordCount += 1
  }

  /// What has gathered; the buffer must be started anew afterwards.
  var chunk: AccessLogChunk { AccessLogChunk(bytes: bytes, recordCount: recordCount) }

  /// Goes on with an empty buffer.
  mutating func start(with empty: ByteBuffer) {
    bytes = empty
    recordCount = 0
  }
}
