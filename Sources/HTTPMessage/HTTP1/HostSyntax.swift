/// The `host [":" port]` of Host and of a target's authority (RFC 9112 section 3.2, RFC 3986
/// section 3.2). User information is not part of it and is refused.
public enum HostSyntax {
  /// Whether `bytes` are a host and an optional port of 0 to 65535. O(bytes).
  public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count > 0 else { return false }
    var index = 0
    if bytes[0] == 0x5B {
      guard let close = bytes.firstIndex(of: 0x5D) else { return false }
      guard isIPv6(UnsafeRawBufferPointer(rebasing: bytes[1..<close])) else { return false }
      index = close + 1
    } else {
      index = endOfRegisteredName(bytes)
      guard index > 0 else { return false }
    }
    if index == bytes.count { return true }
    guard bytes[index] == 0x3A else { return false }
    return isPort(UnsafeRawBufferPointer(rebasing: bytes[(index + 1)...]))
  }

  /// Where the reg-name (an IPv4 address is one too) ends that starts the bytes.
  private static func endOfRegisteredName(_ bytes: UnsafeRawBufferPointer) -> Int {
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if isNameByte(byte) {
        index += 1
      } else if byte == 0x25, index + 2 < bytes.count, bytes[index + 1].isHexDigit,
        bytes[index + 2].isHexDigit
      {
        index += 3
      } else {
        break
      }
    }
    return index
  }

  /// Unreserved characters and sub-delims: bit n of the two words stands for byte n.
  @inline(__always)
  private static func isNameByte(_ byte: UInt8) -> Bool {
    if byte < 64 { return (0x2BFF_7FD2_0000_0000 as UInt64) >> UInt64(byte) & 1 == 1 }
    if byte < 128 { return (0x47FF_FFFE_87FF_FFFE as UInt64) >> UInt64(byte & 63) & 1 == 1 }
    return false
  }

  /// Decimal, 0 to 65535; empty stands for the scheme's own port (RFC 3986 section 3.2.3).
  private static func isPort(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count <= 5 else { return false }
    var port = 0
    for byte in bytes {
      guard byte.isASCIIDigit else { return false }
      port = port * 10 + Int(byte &- 0x30)
    }
    return port <= 65535
  }

  /// An IPv6 address without its brackets (RFC 3986 section 3.2.2): eight groups, one `::` in
  /// place of at least one, an IPv4 address in place of the last two.
  private static func isIPv6(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var groups = 0
    var isCompressed = false
    var index = 0
    if bytes.count >= 2, bytes[0] == 0x3A, bytes[1] == 0x3A {
      isCompressed = true
      index = 2
    }
    while index < bytes.count {
      let start = index
      while index < bytes.count, bytes[index].isHexDigit { index += 1 }
      if index < bytes.count, bytes[index] == 0x2E {
        guard isIPv4(UnsafeRawBufferPointer(rebasing: bytes[start...])) else { return false }
        groups += 2
        index = bytes.count
        break
      }
      guard (1...4).contains(index - start) else { return false }
      groups += 1
      guard index < bytes.count else { break }
      guard bytes[index] == 0x3A else { return false }
      index += 1
      guard index < bytes.count else { return false }
      if bytes[index] == 0x3A {
        guard !isCompressed else { return false }
        isCompressed = true
        index += 1
      }
    }
    return isCompressed ? groups < 8 : groups == 8
  }

  /// Four decimal octets without leading zeros.
  private static func isIPv4(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let octets = bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
    guard octets.count == 4 else { return false }
    for octet in octets {
      guard (1...3).contains(octet.count), octet.allSatisfy(\.isASCIIDigit) else { return false }
      guard octet.count == 1 || octet.first != 0x30 else { return false }
      guard octet.reduce(0, { $0 * 10 + Int($1 &- 0x30) }) <= 255 else { return false }
    }
    return true
  }
}

extension UInt8 {
  /// Whether this is `0` to `9`, `a` to `f` or `A` to `F`.
  @inline(__always)
  var isHexDigit: Bool { isASCIIDigit || (self | 0x20) &- 0x61 < 6 }

  /// The value of a hexadecimal digit; meaningless for other bytes.
  @inline(__always)
  var hexValue: Int { isASCIIDigit ? Int(self &- 0x30) : Int((self | 0x20) &- 0x57) }
}
