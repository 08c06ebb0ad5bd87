import Glibc

/// Blocks of IP addresses as people write them: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`.
enum AddressBlockText {
  /// Checks a block and gives it back as it was written. The fault's text continues "'option' ".
  ///
  /// A block whose address has bits behind the prefix is refused: its writer may have meant
  /// another one.
  static func parse(_ text: String) throws(ValueFault) -> String {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let octets = octets(String(first)) else {
      throw ValueFault(
        message: "must be an IP address or a block such as 10.0.0.0/8 or 2001:db8::/32, "
          + "not '\(text)'")
    }
    guard parts.count == 2 else { return text }
    let most = octets.count * 8
    guard (1...3).contains(parts[1].utf8.count), let length = Int(parts[1]), 0...most ~= length,
      parts[1] == "\(length)"
    else {
      throw ValueFault(
        message: "has the length '/\(parts[1])' in '\(text)' (allowed: 0 to \(most))")
    }
    let hasHostBits = octets.enumerated().contains { index, octet in
      let fixed = min(max(length - 8 * index, 0), 8)
      return octet & (fixed == 8 ? 0 : UInt8.max >> UInt8(fixed)) != 0
    }
    guard !hasHostBits else {
      throw ValueFault(
        message: "is '\(text)', which has bits set behind its prefix (write the block's first "
          + "address, or the address without a length)")
    }
    return text
  }

  /// The 4 or 16 bytes of an address; nil when it is none.
  private static func octets(_ text: String) -> [UInt8]? {
    guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
    let isIPv6 = text.utf8.contains(UInt8(ascii: ":"))
    var octets = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
    guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &octets) == 1 else { return nil }
    return octets
  }
}

extension EdgeConfiguration.ListenAddress {
  /// Whether only this machine can reach it: 127.0.0.0/8, ::1 in both of its spellings, and the
  /// name localhost.
  var isLoopback: Bool {
    if host == "localhost" || host == "::1" || host.hasPrefix("::ffff:127.") { return true }
    let parts = host.split(separator: ".")
    return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil } && parts[0] == "127"
  }
}
