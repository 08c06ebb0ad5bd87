/// The file system as the disk tier sees it: the seam by which tests fail the Nth call, fill the
/// disk or drop what was not synced. Every call may block except
/// ``BlockFile/readWithoutWaiting(into:at:)``; all of them may be made from any thread.
public protocol BlockDevice: Sendable {
  /// Makes a folder and those above it; an existing one is no error.
  func createDirectory(_ path: String) throws(DeviceError)
  /// Opens a file.
  func open(_ path: String, _ access: FileAccess) throws(DeviceError) -> any BlockFile
  /// Replaces `to` by `from` in one step.
  func rename(_ from: String, to: String) throws(DeviceError)
  /// Removes a file's name; open files stay readable.
  func unlink(_ path: String) throws(DeviceError)
  /// The names in a folder, in no order.
  func list(_ directory: String) throws(DeviceError) -> [String]
  /// Makes created, renamed and removed names in a folder durable.
  func syncDirectory(_ path: String) throws(DeviceError)
  /// Takes the exclusive lock on a file, made if needed, and holds it while the result lives.
  /// Throws `EWOULDBLOCK` when another holder has it.
  func lock(_ path: String) throws(DeviceError) -> any BlockFile
}

/// An open file. Closed when the last reference goes.
public protocol BlockFile: AnyObject, Sendable {
  /// Bytes in the file.
  func byteCount() throws(DeviceError) -> Int
  /// Reads at `offset` until the buffer is full or the file ends; returns the bytes read.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DeviceError) -> Int
  /// Reads only what the page cache holds: true when the whole buffer was filled.
  func readWithoutWaiting(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool
  /// Writes all bytes at `offset`; after an error any part of them may be in the file.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DeviceError)
  /// Makes all writes of this file durable.
  func sync() throws(DeviceError)
}

/// How a file is opened.
public enum FileAccess: Sendable {
  /// Reading and writing, made empty.
  case create
  /// Reading only; it must exist.
  case read
}

/// A failed call of a ``BlockDevice``.
public struct DeviceError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was tried, as in `open`.
  public let operation: String
  /// The file or folder.
  public let path: String
  /// The system's error number.
  public let code: Int32

  /// An error of `operation` on `path` with the system's number `code`.
  public init(operation: String, path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  /// One line for a log.
  public var description: String { "\(operation) \(path): \(errorText(code))" }
}
