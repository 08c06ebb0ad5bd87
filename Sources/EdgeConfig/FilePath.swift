import Glibc

/// Paths in edge.conf and the files they name.
enum FilePath {
  /// `path` seen from an absolute folder; `.` components are dropped, `..` is left to the system.
  static func resolve(_ path: String, in folder: String) -> String {
    let whole = path.hasPrefix("/") ? path : folder + "/" + path
    let components = whole.split(separator: "/").filter { $0 != "." }
    return "/" + components.joined(separator: "/")
  }

  /// The absolute folder that holds a file.
  static func folder(of file: String) -> String {
    let parent = file.lastIndex(of: "/").map { String(file[..<$0]) + "/" } ?? "."
    return resolve(parent, in: currentFolder)
  }

  /// The folder the process runs in.
  static var currentFolder: String {
    guard let pointer = getcwd(nil, 0) else { return "/" }
    defer { free(pointer) }
    return String(cString: pointer)
  }

  /// All bytes of a file. The fault's text continues "the file ".
  static func read(_ path: String, limitBytes: Int) throws(ValueFault) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable() }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable() }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
      guard bytes.count <= limitBytes else {
        throw ValueFault(message: "is larger than \(SizeText.format(limitBytes))")
      }
    }
  }

  private static func unreadable() -> ValueFault {
    ValueFault(message: "cannot be read: \(String(cString: strerror(errno)))")
  }
}
