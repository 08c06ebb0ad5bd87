// The file of jobs: one JSON object a line, appended and synced before a job is acknowledged.
//
// | line | meaning |
// |---|---|
// | {"job":id,"created":ms,"callerReference":...,"durable":...,ORDER} | a job was accepted |
// | {"done":id,"completed":ms,"counts":{...}} | it is completed |
//
// A line that cannot be read is passed over: the last one may be torn. Once the file holds twice
// what is worth keeping it is written anew beside itself and put in its place.
//
// Owner: InvalidationRegistry. Appends that come while a sync is under way go together with the
// next one. Limits: those of the registry on jobs and their bytes.

import Glibc
import NIOPosix

/// What keeps jobs across restarts.
protocol JobStore: Sendable {
  /// Everything that was kept, oldest line first.
  func load() throws -> [[UInt8]]
  /// Appends lines and syncs.
  func append(_ lines: [UInt8]) throws
  /// Puts these lines in the place of all.
  func replace(with lines: [UInt8]) throws
}

/// A file of jobs. Blocks: used from a thread pool.
struct JobFile: JobStore {
  let path: String

  /// More than this is not read: the registry's limit, four times.
  static let mostBytes = 64 << 20

  func load() throws -> [[UInt8]] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return [] }
      throw JobFileError(path: path, what: "open")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count < Self.mostBytes {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw JobFileError(path: path, what: "read") }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return bytes.split(separator: UInt8(ascii: "\n")).map { Array($0) }
  }

  func append(_ lines: [UInt8]) throws {
    let isNew = access(path, F_OK) != 0
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw JobFileError(path: path, what: "open") }
    defer { close(descriptor) }
    try write(lines, to: descriptor)
    if isNew { try syncFolder() }
  }

  func replace(with lines: [UInt8]) throws {
    let temporary = path + ".new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw JobFileError(path: temporary, what: "open") }
    do {
      defer { close(descriptor) }
      try write(lines, to: descriptor)
    }
    guard rename(temporary, path) == 0 else { throw JobFileError(path: path, what: "replace") }
    try syncFolder()
  }

  private func write(_ bytes: [UInt8], to descriptor: Int32) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw JobFileError(path: path, what: "write") }
      rest = rest.dropFirst(count)
    }
    guard fdatasync(descriptor) == 0 else { throw JobFileError(path: path, what: "sync") }
  }

  private func syncFolder() throws {
    let end = path.lastIndex(of: "/")
    let folder = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw JobFileError(path: folder, what: "open") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw JobFileError(path: folder, what: "sync") }
  }
}

/// The file of jobs cannot be used.
struct JobFileError: Error, CustomStringConvertible {
  let description: String

  init(path: String, what: String) {
    description = "cannot \(what) \(path): \(String(cString: strerror(errno)))"
  }
}

/// Appends to a ``JobStore`` off the cooperative threads, several callers' lines at once.
actor JobWriter {
  private let store: any JobStore
  private var pending: [UInt8] = []
  private var waiting: [CheckedContinuation<String?, Never>] = []
  private var isWriting = false
  /// Lines ever appended.
  private(set) var appendCount = 0
  /// Bytes appended since the file was written anew.
  private(set) var appendedBytes = 0

  init(_ store: any JobStore) { self.store = store }

  func load() async throws -> [[UInt8]] {
    let store = store
    return try await NIOThreadPool.singleton.runIfActive { try store.load() }
  }

  /// Appends a line; returns once it is synced, or with the reason why it is not.
  func append(_ line: String) async -> String? {
    appendCount += 1
    pending += Array(line.utf8)
    pending.append(UInt8(ascii: "\n"))
    if !isWriting {
      isWriting = true
      Task { await self.writePending() }
    }
    return await withCheckedContinuation { waiting.append($0) }
  }

  /// Puts the lines in the place of all that was appended; what is appended meanwhile comes after
  /// them. Nothing is done when a line was appended since `count` was read, which the lines may
  /// lack, or is being written.
  func replace(with lines: [String], ifAppended count: Int) async -> String? {
    guard !isWriting, appendCount == count else { return nil }
    isWriting = true
    let failure = await run { [store] in
      try store.replace(with: Array(lines.map { $0 + "\n" }.joined().utf8))
    }
    if failure == nil { appendedBytes = 0 }
    if pending.isEmpty { isWriting = false } else { await writePending() }
    return failure
  }

  private func writePending() async {
    while !pending.isEmpty {
      let bytes = pending
      let callers = waiting
      pending = []
      waiting = []
      let failure = await run { [store] in try store.append(bytes) }
      appendedBytes += bytes.count
      for caller in callers { caller.resume(returning: failure) }
    }
    isWriting = false
  }

  private func run(_ body: @escaping @Sendable () throws -> Void) async -> String? {
    do {
      try await NIOThreadPool.singleton.runIfActive(body)
      return nil
    } catch {
      return "\(error)"
    }
  }
}
