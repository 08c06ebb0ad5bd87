import CLinux
import Glibc

/// The real file system.
public struct PosixBlockDevice: BlockDevice {
  /// The file system of this process.
  public init() {}

  /// Makes a folder and those above it, for this user only.
  public func createDirectory(_ path: String) throws(DeviceError) {
    var prefix = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      prefix += part
      if mkdir(prefix, 0o700) != 0, errno != EEXIST {
        throw DeviceError(operation: "mkdir", path: prefix, code: errno)
      }
      prefix += "/"
    }
  }

  /// Opens a file; a new one is this user's only.
  public func open(_ path: String, _ access: FileAccess) throws(DeviceError) -> any BlockFile {
    let flags: Int32 =
      switch access {
      case .create: O_RDWR | O_CREAT | O_TRUNC
      case .read: O_RDONLY
      }
    return try openFile(path, flags)
  }

  /// Replaces `to` by `from` in one step.
  public func rename(_ from: String, to: String) throws(DeviceError) {
    guard Glibc.rename(from, to) == 0 else {
      throw DeviceError(operation: "rename", path: to, code: errno)
    }
  }

  /// Removes a file's name; a missing one is no error.
  public func unlink(_ path: String) throws(DeviceError) {
    guard Glibc.unlink(path) == 0 || errno == ENOENT else {
      throw DeviceError(operation: "unlink", path: path, code: errno)
    }
  }

  /// The names in a folder, in no order.
  public func list(_ directory: String) throws(DeviceError) -> [String] {
    guard let stream = opendir(directory) else {
      throw DeviceError(operation: "opendir", path: directory, code: errno)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        // d_name is NUL-terminated within its 256 bytes.
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Makes the names in a folder durable.
  public func syncDirectory(_ path: String) throws(DeviceError) {
    let directory = try openFile(path, O_RDONLY | O_DIRECTORY)
    try directory.sync()
  }

  /// Takes the exclusive `flock` on a file for as long as the result lives.
  public func lock(_ path: String) throws(DeviceError) -> any BlockFile {
    let file = try openFile(path, O_RDWR | O_CREAT)
    guard edge_lock(file.descriptor) == 0 else {
      throw DeviceError(operation: "flock", path: path, code: errno)
    }
    return file
  }

  private func openFile(_ path: String, _ flags: Int32) throws(DeviceError) -> PosixBlockFile {
    let descriptor = edge_open(path, flags)
    guard descriptor >= 0 else { throw DeviceError(operation: "open", path: path, code: errno) }
    return PosixBlockFile(descriptor: descriptor, path: path)
  }
}

/// A file descriptor, closed with its last reference.
final class PosixBlockFile: BlockFile {
  let descriptor: Int32
  private let path: String

  init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit { close(descriptor) }

  func byteCount() throws(DeviceError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("fstat") }
    return Int(status.st_size)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DeviceError) -> Int {
    var done = 0
    while done < buffer.count {
      // In bounds: done < count, so base + done is inside the buffer.
      let count = pread(
        descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(offset + done))
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure("pread")
      }
      done += count
    }
    return done
  }

  func readWithoutWaiting(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
    guard let base = buffer.baseAddress else { return true }
    return edge_preadv2_nowait(descriptor, base, buffer.count, off_t(offset)) == buffer.count
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DeviceError) {
    var done = 0
    while done < bytes.count {
      // In bounds: done < count, so base + done is inside the buffer.
      let count = pwrite(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
      if count < 0 {
        if errno == EINTR { continue }
        throw failure("pwrite")
      }
      done += count
    }
  }

  func sync() throws(DeviceError) {
    guard fdatasync(descriptor) == 0 else { throw failure("fdatasync") }
  }

  private func failure(_ operation: String) -> DeviceError {
    DeviceError(operation: operation, path: path, code: errno)
  }
}

/// The system's words for an error number.
func errorText(_ code: Int32) -> String {
  String(cString: strerror(code))
}
