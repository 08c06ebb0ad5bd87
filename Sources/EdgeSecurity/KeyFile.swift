import Glibc

/// One key of a ring.
public struct StoreKey: Sendable {
  /// Names the key; random, so that no two keys ever share one.
  public let identifier: UInt64
  /// Wall clock, Unix seconds, when it was made.
  public let createdSeconds: Int64
  /// The key itself: 32 bytes, from which keys are derived; it seals nothing.
  public let secret: SecretBytes

  /// Sixteen lowercase hexadecimal digits.
  public static func text(_ identifier: UInt64) -> String {
    let digits = String(identifier, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}

/// A key's file, `<identifier>.key`. All little-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | `SEKEY 1` and a line feed |
/// | 8 | 8 | identifier |
/// | 16 | 8 | creation, Unix seconds |
/// | 24 | 32 | key |
/// | 56 | 8 | first bytes of the SHA-256 of bytes 0 ..< 56 |
enum KeyFile {
  static let byteCount = 64
  static let secretBytes = 32
  private static let magic = Array("SEKEY 1\n".utf8)

  static func name(_ identifier: UInt64) -> String { StoreKey.text(identifier) + ".key" }

  static func identifier(fileName: String) -> UInt64? {
    guard fileName.utf8.count == 20, fileName.hasSuffix(".key") else { return nil }
    return UInt64(fileName.prefix(16), radix: 16)
  }

  /// The file's bytes; the caller wipes them.
  static func encode(_ key: StoreKey) -> [UInt8] {
    // Room for all from the start: growing would leave copies of the key behind.
    var bytes = [UInt8](repeating: 0, count: byteCount)
    bytes.withUnsafeMutableBytes { bytes in
      bytes.copyBytes(from: magic)
      bytes.storeBytes(of: key.identifier.littleEndian, toByteOffset: 8, as: UInt64.self)
      bytes.storeBytes(of: key.createdSeconds.littleEndian, toByteOffset: 16, as: Int64.self)
      key.secret.withUnsafeBytes { secret in
        UnsafeMutableRawBufferPointer(rebasing: bytes[24..<56]).copyMemory(from: secret)
      }
      let digest = SHA256.digest(UnsafeRawBufferPointer(rebasing: bytes[..<56]))
      UnsafeMutableRawBufferPointer(rebasing: bytes[56...]).copyBytes(from: digest.prefix(8))
    }
    return bytes
  }

  /// The key in a file's bytes; nil when they are damaged or another key's.
  static func decode(_ bytes: UnsafeRawBufferPointer, identifier: UInt64) -> StoreKey? {
    guard bytes.count == byteCount, bytes.starts(with: magic),
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) == identifier,
      SHA256.digest(UnsafeRawBufferPointer(rebasing: bytes[..<56])).prefix(8)
        .elementsEqual(bytes[56...])
    else { return nil }
    return StoreKey(
      identifier: identifier,
      createdSeconds: Int64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: Int64.self)),
      secret: SecretBytes(copying: UnsafeRawBufferPointer(rebasing: bytes[24..<56])))
  }
}

/// Why a directory can't serve as a key ring. Never holds anything of a key.
public struct KeyRingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The directory or file.
  public let path: String
  /// What is wrong with it.
  public let reason: String
  /// What to do about it.
  public let remedy: String

  /// One line for the operator.
  public var description: String { "keys at \(path): \(reason); \(remedy)" }
}

/// The files of a key directory, with their owners and modes checked.
struct KeyDirectory: Sendable {
  let path: String

  /// What changes when a name in the directory does.
  struct Stamp: Equatable, Sendable {
    var seconds: Int
    var nanoseconds: Int
    var inode: UInt64

    /// Whether the change is so young that another one may follow under the same stamp.
    var isRecent: Bool {
      var now = timespec()
      clock_gettime(CLOCK_REALTIME, &now)
      return seconds >= now.tv_sec - 1
    }
  }

  enum Found {
    case key(StoreKey)
    case damaged
  }

  /// Makes the directory if it is not there, for this user only, and checks it.
  func prepare(mayCreate: Bool) throws(KeyRingError) {
    if mayCreate, !make() {
      throw failure("it can't be made: \(errorText())", "name another folder in store.keys")
    }
    try check()
  }

  /// Makes it with the folders above it, all for this user only; false with errno set.
  private func make() -> Bool {
    var prefix = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      prefix += part
      if !prefix.isEmpty, mkdir(prefix, 0o700) != 0, errno != EEXIST { return false }
      prefix += "/"
    }
    return true
  }

  func check() throws(KeyRingError) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      throw failure("it can't be read: \(errorText())", "check store.keys")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw failure("it is no folder", "name a folder in store.keys")
    }
    try check(status, path, mode: "700")
  }

  private func check(_ status: stat, _ path: String, mode: String) throws(KeyRingError) {
    guard status.st_uid == geteuid() else {
      throw KeyRingError(
        path: path,
        reason: "it belongs to user \(status.st_uid), this program runs as \(geteuid())",
        remedy: "give it to the user that runs the edge (chown)")
    }
    guard status.st_mode & 0o077 == 0 else {
      throw KeyRingError(
        path: path, reason: "others may use it (mode \(String(status.st_mode & 0o777, radix: 8)))",
        remedy: "take their rights away: chmod \(mode) \(path)")
    }
  }

  var stamp: Stamp? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Stamp(
      seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec,
      inode: UInt64(status.st_ino))
  }

  func identifiers() throws(KeyRingError) -> [UInt64] {
    guard let stream = opendir(path) else {
      throw failure("it can't be listed: \(errorText())", "check store.keys")
    }
    defer { closedir(stream) }
    var found: [UInt64] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        // d_name is NUL-terminated within its 256 bytes.
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if let identifier = KeyFile.identifier(fileName: name) { found.append(identifier) }
    }
    return found
  }

  func read(_ identifier: UInt64) throws(KeyRingError) -> Found {
    let path = path + "/" + KeyFile.name(identifier)
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { return .damaged }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return .damaged }
    try check(status, path, mode: "600")
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size == KeyFile.byteCount else {
      return .damaged
    }
    var bytes = [UInt8](repeating: 0, count: KeyFile.byteCount)
    defer { SecretBytes.wipe(&bytes) }
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    guard count == bytes.count,
      let key = bytes.withUnsafeBytes({ KeyFile.decode($0, identifier: identifier) })
    else { return .damaged }
    return .key(key)
  }

  /// Writes a new key durably: under another name first, so that no reader meets half a key.
  func write(_ key: StoreKey) throws(KeyRingError) {
    let path = path + "/" + KeyFile.name(key.identifier)
    let temporary = path + ".new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw failure("no key can be made: \(errorText())", "let this user write there")
    }
    var bytes = KeyFile.encode(key)
    defer { SecretBytes.wipe(&bytes) }
    let isWritten =
      Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
    let cause = errorText()
    close(descriptor)
    guard isWritten, rename(temporary, path) == 0 else {
      unlink(temporary)
      throw failure("a key can't be written: \(cause)", "make room on its disk")
    }
    sync()
  }

  func remove(_ identifier: UInt64) {
    unlink(path + "/" + KeyFile.name(identifier))
    sync()
  }

  private func sync() {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  private func failure(_ reason: String, _ remedy: String) -> KeyRingError {
    KeyRingError(path: path, reason: reason, remedy: remedy)
  }

  private func errorText() -> String { String(cString: strerror(errno)) }
}
