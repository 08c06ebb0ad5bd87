import Glibc

/// An append-only text file, or standard output. Owned by one thread.
struct LogFile: ~Copyable, Sendable {
  /// What became of one write.
  struct Result {
    /// Lines that did not reach the file.
    var lostLines = 0
    /// The system's reason, for the first failure after a success.
    var newFailure: String?
    /// Whether this was the first success after a failure.
    var hasRecovered = false
  }

  private let path: String
  private var descriptor: Int32
  private var isFailing = false
  /// A failed write left part of a line behind: the next one begins a line of its own.
  private var endsMidLine = false

  /// Opens `path` for appending; `-` is standard output.
  init(path: String) throws(AccessLogError) {
    self.path = path
    descriptor = try LogFile.open(path)
  }

  deinit {
    if descriptor > STDERR_FILENO { Glibc.close(descriptor) }
  }

  /// Opens the path anew; on failure the old file stays.
  mutating func reopen() throws(AccessLogError) {
    let new = try LogFile.open(path)
    close()
    descriptor = new
    endsMidLine = false
  }

  /// Closes the file; standard output stays open.
  mutating func close() {
    if descriptor > STDERR_FILENO { Glibc.close(descriptor) }
    descriptor = -1
  }

  /// Writes `lineCount` whole lines, waiting as long as the file takes.
  mutating func write(_ lines: UnsafeRawBufferPointer, lineCount: Int) -> Result {
    var result = Result()
    if endsMidLine {
      endsMidLine = withUnsafeBytes(of: UInt8(ascii: "\n")) { writeAll($0) } != nil
    }
    if let (reason, done) = writeAll(lines) {
      result.lostLines = lineCount - lines[..<done].count { $0 == UInt8(ascii: "\n") }
      if done > 0 { endsMidLine = lines[done - 1] != UInt8(ascii: "\n") }
      if !isFailing { result.newFailure = reason }
      isFailing = true
    } else {
      result.hasRecovered = isFailing
      isFailing = false
    }
    return result
  }

  /// nil when all of it was written, else the reason and how much was.
  private func writeAll(_ bytes: UnsafeRawBufferPointer) -> (String, Int)? {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if count > 0 {
        done += count
        continue
      }
      let code = errno
      if count < 0, code == EINTR { continue }
      if count < 0, code == EAGAIN {
        // Standard output may have been made non-blocking by whoever shares it.
        var waited = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&waited, 1, 1000)
        continue
      }
      return (String(cString: strerror(code)), done)
    }
    return nil
  }

  private static func open(_ path: String) throws(AccessLogError) -> Int32 {
    if path == "-" { return STDOUT_FILENO }
    let descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0o640)
    guard descriptor >= 0 else {
      throw .cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
    return descriptor
  }
}
