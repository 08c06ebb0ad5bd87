import Glibc

/// How much of the memory that it may use this process uses.
enum ProcessMemory {
  /// The resident share of the limit: the container's where there is one, or the machine's. nil
  /// when the system does not tell.
  static var share: Double? {
    guard let used = residentBytes, let limit = limitBytes, limit > 0 else { return nil }
    return Double(used) / Double(limit)
  }

  /// Resident bytes, those of mapped files left out: they are the page cache's.
  static var residentBytes: Int? {
    guard let text = read("/proc/self/statm") else { return nil }
    let pages = text.split(separator: " ").compactMap { Int($0) }
    guard pages.count > 2 else { return nil }
    return (pages[1] - pages[2]) * sysconf(Int32(_SC_PAGESIZE))
  }

  /// The lower of the control group's limit and the machine's memory.
  static var limitBytes: Int? {
    let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
      .compactMap { read($0) }.compactMap { text in Int(text.prefix { $0 != "\n" }) }.first
    let machine = read("/proc/meminfo").flatMap { text -> Int? in
      guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemTotal:") })
      else { return nil }
      return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    return [group, machine].compactMap { $0 }.min()
  }

  /// The start of a file that the kernel makes.
  private static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }
}
