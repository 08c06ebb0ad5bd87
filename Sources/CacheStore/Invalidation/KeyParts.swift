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

  /// Views into `key`; valid as long as it is. A sweep does this for every object: three searches
  /// by the C library instead of loops over collections, which cost ten times as much.
  init(_ key: UnsafeRawBufferPointer) {
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    guard let start = key.baseAddress, key.count > 0 else {
      authority = none
      target = none
      return
    }
    let lineEnd = memchr(start, 0x0A, key.count).map { UnsafeRawPointer($0) - start } ?? key.count
    let line = UnsafeRawBufferPointer(start: start, count: lineEnd)
    guard let authorityStart = Self.authorityStart(line) else {
      authority = none
      target = line
      return
    }
    let rest = UnsafeRawBufferPointer(
      start: start + authorityStart, count: lineEnd - authorityStart)
    let slash = Self.offset(of: UInt8(ascii: "/"), in: rest) ?? rest.count
    authority = UnsafeRawBufferPointer(rebasing: rest[..<slash])
    target = UnsafeRawBufferPointer(rebasing: rest[slash...])
  }

  /// Where ``target`` begins, without looking for its end.
  @inline(__always)
  static func targetOffset(in key: UnsafeRawBufferPointer) -> Int {
    guard let start = authorityStart(key) else { return 0 }
    // Bound: `index` stays below the count. A loop: the bytes are few.
    var index = 0
    while index < start {
      if key[index] == 0x0A { return 0 }
      index += 1
    }
    // An authority that the line ends with has no target behind it.
    while index < key.count, key[index] != UInt8(ascii: "/"), key[index] != 0x0A { index += 1 }
    return index
  }

  /// Where the host begins: behind `://` within the first bytes, unless the line is a path.
  private static func authorityStart(_ line: UnsafeRawBufferPointer) -> Int? {
    guard line.count > 0, line[0] != UInt8(ascii: "/") else { return nil }
    let most = min(line.count, 16)
    // Bound: `index` stays below `most`, which is at most the count.
    var index = 0
    while index < most, line[index] != UInt8(ascii: ":") { index += 1 }
    guard index < most, line.count - index >= 3, line[index + 1] == UInt8(ascii: "/"),
      line[index + 2] == UInt8(ascii: "/")
    else { return nil }
    return index + 3
  }

  private static func offset(of byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return nil }
    return memchr(start, Int32(byte), bytes.count).map { UnsafeRawPointer($0) - start }
  }

  /// The path without the query and its question mark.
  var path: UnsafeRawBufferPointer {
    guard let end = Self.offset(of: UInt8(ascii: "?"), in: target) else { return target }
    return UnsafeRawBufferPointer(rebasing: target[..<end])
  }

  /// True when the authority is `host`, or is `host` with any port.
  func isOn(_ host: [UInt8]) -> Bool {
    guard authority.count >= host.count else { return false }
    if let own = authority.baseAddress, memcmp(own, host, host.count) != 0 { return false }
    if authority.count == host.count { return true }
    let port = authority.dropFirst(host.count)
    return port.first == UInt8(ascii: ":") && port.dropFirst().allSatisfy { (0x30...0x39) ~= $0 }
  }
}
