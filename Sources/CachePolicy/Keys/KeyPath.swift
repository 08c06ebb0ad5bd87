/// Finds the parts of a key that ``CacheKeyBuilder`` wrote.
public enum KeyPath {
  /// Where a key's host, with its port, and its target, path and query, stand: offsets in bytes.
  /// Both are empty for bytes that are no key.
  public static func parts(
    of key: UnsafeRawBufferPointer
  ) -> (host: Range<Int>, target: Range<Int>) {
    // The colon of "http://" and "https://" stands within the first six bytes.
    guard let colon = key.prefix(6).firstIndex(of: UInt8(ascii: ":")), key.count >= colon + 3,
      key[colon + 1] == UInt8(ascii: "/"), key[colon + 2] == UInt8(ascii: "/")
    else { return (0..<0, 0..<0) }
    let hostStart = colon + 3
    let end = key[hostStart...].firstIndex(of: UInt8(ascii: "\n")) ?? key.count
    let targetStart = key[hostStart..<end].firstIndex(of: UInt8(ascii: "/")) ?? end
    return (hostStart..<targetStart, targetStart..<end)
  }
}
