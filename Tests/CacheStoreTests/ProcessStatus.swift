import Glibc

/// What the kernel says about this process.
struct ProcessStatus {
  let residentBytes: Int

  struct Unreadable: Error {}

  static func read() throws -> ProcessStatus {
    let descriptor = open("/proc/self/statm", O_RDONLY)
    guard descriptor >= 0 else { throw Unreadable() }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    let words = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
    guard words.count > 1, let pages = Int(words[1]) else { throw Unreadable() }
    return ProcessStatus(residentBytes: pages * 4096)
  }
}
