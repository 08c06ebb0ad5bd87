import Glibc

/// The files of a TLS listener: reading them, and noticing that they were replaced.
enum TLSFile {
  /// A chain is a few KiB, a bundle of all public authorities a quarter of a MiB.
  static let limitBytes = 4 << 20

  /// All bytes of a file. The error's text continues a sentence about the file.
  static func read(_ path: String) throws(TLSFileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system(errno) }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
      guard bytes.count <= limitBytes else { throw TLSFileError(reason: "is larger than 4 MiB") }
    }
  }
}

/// Why a file cannot be read.
struct TLSFileError: Error {
  let reason: String

  static func system(_ code: CInt) -> TLSFileError {
    TLSFileError(reason: "cannot be read: \(String(cString: strerror(code)))")
  }
}

/// What tells one state of a file from another without reading it. Links are followed, for the
/// tools that renew certificates often switch a link. The change time is in it because it also
/// tells of new permissions.
struct TLSFileStamp: Equatable, Sendable {
  private let device: UInt64
  private let inode: UInt64
  private let sizeBytes: Int64
  private let modified: [Int]
  private let changed: [Int]

  /// Nil when there is no such file.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    sizeBytes = Int64(status.st_size)
    modified = [Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec)]
    changed = [Int(status.st_ctim.tv_sec), Int(status.st_ctim.tv_nsec)]
  }
}
