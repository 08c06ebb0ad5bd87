import Glibc

/// An IP address as a 128-bit number. IPv4 addresses stand at `::ffff:0:0/96` (RFC 4291 section
/// 2.5.5.2), so an IPv4 client is the same address through an IPv4 and through an IPv6 socket.
public struct NetworkAddress: Sendable, Hashable, Comparable {
  /// The address's bits, most significant first.
  public let bits: UInt128

  /// The addresses that stand for IPv4.
  static let mappedRange: ClosedRange<UInt128> = 0xFFFF_0000_0000...0xFFFF_FFFF_FFFF

  init(bits: UInt128) {
    self.bits = bits
  }

  /// The address with these 4 or 16 bytes, in network order; nil for another number of bytes.
  public init?(octets: some Collection<UInt8>) {
    let number = octets.reduce(0 as UInt128) { $0 << 8 | UInt128($1) }
    switch octets.count {
    case 4: bits = NetworkAddress.mappedRange.lowerBound | number
    case 16: bits = number
    default: return nil
    }
  }

  /// Reads `192.0.2.1`, `2001:db8::1` or `::ffff:192.0.2.1`; nil for anything else, such as a
  /// name, a port, a zone, or an octet with a leading zero (which some readers take as octal).
  public init?(_ text: String) {
    // inet_pton stops at a zero byte, so one must not be inside.
    guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
    let isIPv6 = text.utf8.contains(UInt8(ascii: ":"))
    var octets = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
    guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &octets) == 1 else { return nil }
    self.init(octets: octets)
  }

  /// Whether this is an IPv4 address.
  public var isIPv4: Bool { NetworkAddress.mappedRange.contains(bits) }

  /// What one party can be assumed to hold whole: the address itself for IPv4, its /64 for IPv6.
  public var site: NetworkAddress {
    isIPv4 ? self : NetworkAddress(bits: bits & ~UInt128(UInt64.max))
  }

  /// By number.
  public static func < (left: NetworkAddress, right: NetworkAddress) -> Bool {
    left.bits < right.bits
  }
}

extension NetworkAddress: CustomStringConvertible {
  /// The address as people write it; IPv4 in dotted form.
  public var description: String {
    if isIPv4 {
      return [24, 16, 8, 0].map { "\(bits >> UInt128($0) & 0xFF)" }.joined(separator: ".")
    }
    var octets = (0..<16).map { UInt8(truncatingIfNeeded: bits >> UInt128(120 - 8 * $0)) }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(AF_INET6, &octets, &text, UInt32(text.count)) != nil else { return "?" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// A block of addresses in CIDR notation, or a single address.
public struct NetworkPrefix: Sendable, Hashable {
  /// The first address of the block.
  public let base: NetworkAddress
  /// Length in bits, of 32 for an IPv4 block and of 128 for an IPv6 one.
  public let length: Int

  /// Reads `10.0.0.0/8`, `2001:db8::/32` or a single address.
  public init(_ text: String) throws(NetworkPrefixError) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = NetworkAddress(String(first)) else {
      throw .notAnAddress(text: text)
    }
    // A mapped block may be written in the IPv6 form; counted as IPv6 it has 96 bits more.
    let isWrittenAsIPv6 = first.utf8.contains(UInt8(ascii: ":"))
    let written = isWrittenAsIPv6 ? 128 : 32
    var length = written
    if parts.count == 2 {
      let digits = parts[1]
      guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
        let number = Int(digits), number <= written, digits == "\(number)"
      else { throw .badLength(text: text, limit: written) }
      length = number
    }
    let total = isWrittenAsIPv6 ? length : length + 96
    let hostBits = total == 128 ? 0 : UInt128.max >> UInt128(total)
    guard address.bits & hostBits == 0 else {
      let base = NetworkAddress(bits: address.bits & ~hostBits)
      throw .hostBitsSet(text: text, suggestion: "\(base)/\(length)")
    }
    base = address
    self.length = address.isIPv4 && total >= 96 ? total - 96 : total
  }

  /// Whether the block is of IPv4 addresses.
  public var isIPv4: Bool { base.isIPv4 && upperBits <= NetworkAddress.mappedRange.upperBound }

  /// Whether the block holds `address`. An IPv6 block holds no IPv4 address: `::/0` is every IPv6
  /// address and `0.0.0.0/0` every IPv4 one.
  public func contains(_ address: NetworkAddress) -> Bool {
    isIPv4 == address.isIPv4 && base.bits <= address.bits && address.bits <= upperBits
  }

  /// The last address's bits. A base at the mapped range with at least 96 bits was made IPv4.
  var upperBits: UInt128 {
    let isMapped = base.isIPv4 && length <= 32
    let hostCount = isMapped ? 32 - length : 128 - length
    return hostCount == 128 ? .max : base.bits | (1 << UInt128(hostCount) - 1)
  }
}

/// Why a text is not a block of addresses.
public enum NetworkPrefixError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The part before the slash is no address.
  case notAnAddress(text: String)
  /// The part after the slash is no length.
  case badLength(text: String, limit: Int)
  /// Bits behind the prefix are set: the writer may have meant another block.
  case hostBitsSet(text: String, suggestion: String)

  /// What is wrong and what to write.
  public var description: String {
    switch self {
    case .notAnAddress(let text):
      "\"\(text)\" is no IP address; write one such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32"
    case .badLength(let text, let limit):
      "the prefix length of \"\(text)\" is not a number from 0 to \(limit)"
    case .hostBitsSet(let text, let suggestion):
      "\"\(text)\" has bits set behind its prefix; write \(suggestion) for the whole block, "
        + "or the address without a length"
    }
  }
}
