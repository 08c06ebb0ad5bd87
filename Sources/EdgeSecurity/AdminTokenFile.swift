import Glibc

/// The file of bearer tokens: one line a token, written by `edge token`, read by the edge whenever
/// it has changed, so that a revoked token stops to count at once and without a restart.
///
/// A line is `name scopes expiry sha256:digest`; lines that begin with `#` and empty ones are
/// skipped. It holds nothing a reader could log in with, and is for its owner's eyes all the same.
public struct AdminTokenFile: Sendable {
  /// What a file held.
  public struct Content: Sendable, Equatable {
    /// The tokens, in the file's order.
    public var tokens: [AdminToken] = []
    /// What is wrong with lines that are none, as `line: reason`.
    public var faults: [String] = []
  }

  /// Most tokens in a file.
  public static let tokenLimit = 1000
  private static let limitBytes = 1 << 20

  /// Where it is.
  public let path: String

  /// The file at this path, which need not exist.
  public init(path: String) { self.path = path }

  /// Reads the file; one that does not exist has no tokens.
  public func read() throws(AdminTokenFileError) -> Content {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0, errno == ENOENT { return Content() }
    guard descriptor >= 0 else { throw .system(path: path, reason: reason()) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system(path: path, reason: reason()) }
      if count == 0 { break }
      bytes += buffer[..<count]
      guard bytes.count <= AdminTokenFile.limitBytes else { throw .tooLarge(path: path) }
    }
    return AdminTokenFile.parse(String(decoding: bytes, as: UTF8.self))
  }

  /// The tokens of a text.
  static func parse(_ text: String) -> Content {
    var content = Content()
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      if line.allSatisfy({ $0 == " " }) || line.hasPrefix("#") { continue }
      guard let token = AdminToken(line: line) else {
        content.faults.append("\(index + 1): is no token (see 'edge token create')")
        continue
      }
      if content.tokens.contains(where: { $0.name == token.name }) {
        content.faults.append("\(index + 1): names the token '\(token.name)' a second time")
      } else if content.tokens.count >= tokenLimit {
        content.faults.append("\(index + 1): is beyond the limit of \(tokenLimit) tokens")
        break
      } else {
        content.tokens.append(token)
      }
    }
    return content
  }

  /// Adds a token.
  public func add(_ token: AdminToken) throws(AdminTokenFileError) {
    try change { tokens throws(AdminTokenFileError) in
      guard !tokens.contains(where: { $0.name == token.name }) else {
        throw .nameTaken(name: token.name)
      }
      guard tokens.count < AdminTokenFile.tokenLimit else { throw .full(path: path) }
      tokens.append(token)
    }
  }

  /// Takes a token away.
  public func remove(named name: String) throws(AdminTokenFileError) {
    try change { tokens throws(AdminTokenFileError) in
      guard let place = tokens.firstIndex(where: { $0.name == name }) else {
        throw .unknownName(name: name, path: path)
      }
      tokens.remove(at: place)
    }
  }

  /// Reads, changes and writes under a lock on the folder; a reader sees the old file or the new.
  private func change(
    _ body: (inout [AdminToken]) throws(AdminTokenFileError) -> Void
  ) throws(AdminTokenFileError) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    _ = mkdir(folder.isEmpty ? "/" : folder, 0o700)
    let lock = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard lock >= 0 else { throw .system(path: folder, reason: reason()) }
    defer { close(lock) }
    guard flock(lock, LOCK_EX) == 0 else { throw .system(path: folder, reason: reason()) }
    var content = try read()
    guard content.faults.isEmpty else { throw .damaged(path: path, faults: content.faults) }
    try body(&content.tokens)
    let text =
      "# Bearer tokens of the admin API; see 'edge token --help'.\n"
      + content.tokens.map { $0.line + "\n" }.joined()
    try write(Array(text.utf8), folder: lock)
  }

  private func write(_ bytes: [UInt8], folder: Int32) throws(AdminTokenFileError) {
    let temporary = "\(path).new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .system(path: temporary, reason: reason()) }
    var rest = bytes[...]
    var failure: String?
    while !rest.isEmpty, failure == nil {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        failure = reason()
      }
    }
    // Whoever takes the edge's place must be able to read it: the owner and the mode of the file
    // that is replaced stay.
    var status = stat()
    if failure == nil, stat(path, &status) == 0 {
      _ = fchmod(descriptor, status.st_mode & 0o777)
      _ = fchown(descriptor, status.st_uid, status.st_gid)
    }
    if failure == nil, fsync(descriptor) != 0 { failure = reason() }
    close(descriptor)
    if failure == nil, rename(temporary, path) != 0 { failure = reason() }
    if let failure {
      unlink(temporary)
      throw .system(path: path, reason: failure)
    }
    fsync(folder)
  }

  private func reason() -> String { String(cString: strerror(errno)) }
}

/// Why a token file cannot be read or changed.
public enum AdminTokenFileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The system's reason.
  case system(path: String, reason: String)
  /// More than a MiB.
  case tooLarge(path: String)
  /// Lines that are no tokens; writing the file anew would lose them.
  case damaged(path: String, faults: [String])
  /// There is a token of this name.
  case nameTaken(name: String)
  /// There is none.
  case unknownName(name: String, path: String)
  /// The most tokens are in it.
  case full(path: String)

  /// What happened, and what to do.
  public var description: String {
    switch self {
    case .system(let path, let reason): "\(path): \(reason)"
    case .tooLarge(let path): "\(path) is larger than 1 MiB, which no token file is"
    case .damaged(let path, let faults):
      faults.map { "\(path):\($0)" }.joined(separator: "\n") + "\nmend or remove these lines first"
    case .nameTaken(let name):
      "there is a token '\(name)' already; revoke it first, or choose another name"
    case .unknownName(let name, let path):
      "there is no token '\(name)' in \(path); 'edge token list' shows them"
    case .full(let path):
      "\(path) holds \(AdminTokenFile.tokenLimit) tokens, which is the limit; revoke some first"
    }
  }
}
