import Glibc

/// The parts of a normalized key that invalidations look at.
///
/// A key is `scheme://host[:port]/path[?query]`, optionally followed by a line feed and further key
/// parts. A key of another shape has no host and its whole first line is the path.
struct KeyParts {
  /// Host and port as the key has them.
  let authority: UnsafeRawBufferPointer
  /// Path and query, from the slash to the first line feed.
  let target: UnsafeRawBufferPointer

  /// Views into `key`; valid as long as it is.
  init(_ key: UnsafeRawBufferPointer) {
    let line = key.prefix(while: { $0 != UInt8(ascii: "\n") })
    let scheme = line.prefix(16).firstIndex(of: UInt8(ascii: ":"))
    guard line.first != UInt8(ascii: "/"), let colon = scheme,
      line[colon...].starts(with: "://".utf8)
    else {
      authority = UnsafeRawBufferPointer(rebasing: key[..<0])
      target = UnsafeRawBufferPointer(rebasing: line)
      return
    }
    let rest = line[(colon + 3)...]
    let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
    authority = UnsafeRawBufferPointer(rebasing: rest[..<slash])
    target = UnsafeRawBufferPointer(rebasing: rest[slash...])
  }

  /// True when the authority is `host`, or is `host` with any port.
  func isOn(_ host: [UInt8]) -> Bool {
    guard authority.count >= host.count, authority.prefix(host.count).elementsEqual(host) else {
      return false
    }
    if authority.count == host.count { return true }
    let port = authority.dropFirst(host.count)
    return port.first == UInt8(ascii: ":") && port.dropFirst().allSatisfy { (0x30...0x39) ~= $0 }
  }
}
