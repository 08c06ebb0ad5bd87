import Foundation
import TestSupport

/// File systems that tests mount, and take down again; only as root, and where the system allows
/// it.
enum Mount {
  /// Whether this process may mount at all: containers often may not, even as root.
  static let isPossible: Bool = {
    guard getuid() == 0,
      let folder = try? Folder(options: ["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
    else { return false }
    folder.unmount()
    return true
  }()

  /// What a skipped test says.
  static let needed = "mounting file systems needs root (and CAP_SYS_ADMIN); run make test as root"

  /// A mounted folder; taken down with the last reference.
  final class Folder {
    let path: String
    private var isMounted = true

    /// A file system in memory of `megabytes`.
    convenience init(megabytes: Int) throws {
      try self.init(options: ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs"])
    }

    fileprivate init(options: [String]) throws {
      path =
        FileManager.default.temporaryDirectory.appendingPathComponent(
          "edge-mount-\(UUID().uuidString)"
        ).path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try Mount.run("mount", options + [path])
    }

    deinit {
      unmount()
      try? FileManager.default.removeItem(atPath: path)
    }

    func grow(megabytes: Int) throws {
      try Mount.run("mount", ["-o", "remount,size=\(megabytes)m", path])
    }

    func unmount() {
      guard isMounted else { return }
      isMounted = false
      // Lazily: what still holds a file there must not keep the test from ending.
      try? Mount.run("umount", ["-l", path])
    }
  }

  /// Makes a folder read-only while `body` runs: by a mount where that is possible, else by mode.
  static func whileReadOnly(_ path: String, _ body: () throws -> Void) throws {
    if isPossible {
      try run("mount", ["--bind", path, path])
      defer { try? run("umount", ["-l", path]) }
      try run("mount", ["-o", "remount,bind,ro", path])
      try body()
    } else {
      chmod(path, 0o500)
      defer { chmod(path, 0o700) }
      try body()
    }
  }

  private static func run(_ program: String, _ arguments: [String]) throws {
    let result = try ChildProcess.run("/usr/bin/env", [program] + arguments)
    guard result.status == 0 else { throw SocketFailure(what: "\(program): \(result.output)") }
  }
}
