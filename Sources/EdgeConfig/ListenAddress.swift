import Glibc

extension EdgeConfiguration {
  /// A host and a port to listen on.
  public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// An IPv4 address, an IPv6 address without brackets, or a lower-case host name.
    public let host: String
    /// The port; zero takes any free one.
    public let port: Int

    /// Creates an address from its parts; an IPv6 host is given without brackets.
    public init(host: String, port: Int) {
      self.host = host
      self.port = port
    }

    /// `host:port`, with brackets around an IPv6 address.
    public var description: String {
      host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
  }
}

extension EdgeConfiguration.ListenAddress {
  /// Reads `host:port`. The fault's text continues "'address' ".
  static func parse(_ text: String) throws(ValueFault) -> Self {
    if text.hasPrefix("*:") || (text.hasPrefix(":") && !text.hasPrefix("::")) {
      throw ValueFault(
        message: "must name a host, but is '\(text)' (0.0.0.0:8080 serves every IPv4 address, "
          + "[::]:8080 every address)")
    }
    guard let (host, port) = HostAndPort.split(text), let port else {
      throw ValueFault(
        message: "must be host:port such as 127.0.0.1:8080 or [::1]:8080, not '\(text)'")
    }
    guard let number = HostAndPort.portNumber(port), let canonical = HostAndPort.canonical(host)
    else {
      throw ValueFault(
        message: HostAndPort.portNumber(port) == nil
          ? "has the port '\(port)' in '\(text)' (allowed: 0 to 65535)"
          : "has the host '\(host)' in '\(text)', which is no address and no host name")
    }
    return Self(host: canonical, port: number)
  }

  /// Whether both name the same socket; port zero never clashes.
  func isSameSocket(as other: Self) -> Bool {
    port != 0 && port == other.port && loopbackName == other.loopbackName
  }

  private var loopbackName: String { host == "localhost" ? "127.0.0.1" : host }
}

/// The parts of `host[:port]` as RFC 3986, section 3.2 has them.
enum HostAndPort {
  /// Splits at the last colon outside brackets; nil when brackets or colons do not fit. The host
  /// keeps its brackets. The port is nil when there is no colon.
  static func split(_ text: String) -> (host: String, port: String?)? {
    if text.hasPrefix("[") {
      guard let close = text.firstIndex(of: "]") else { return nil }
      let host = String(text[...close])
      let rest = text[text.index(after: close)...]
      if rest.isEmpty { return (host, nil) }
      return rest.hasPrefix(":") ? (host, String(rest.dropFirst())) : nil
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, let host = parts.first, !host.isEmpty else { return nil }
    return (String(host), parts.count == 2 ? String(parts[1]) : nil)
  }

  /// The port's number, or nil unless it is 0 to 65535 in plain digits.
  static func portNumber(_ text: String) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
    return UInt16(text).map(Int.init)
  }

  /// The host in its one spelling: IPv6 without brackets as `inet_ntop` writes it, IPv4, or a
  /// lower-case name; nil when it is none of these.
  static func canonical(_ host: String) -> String? {
    if host.hasPrefix("[") {
      guard host.hasSuffix("]") else { return nil }
      return canonicalIPv6(String(host.dropFirst().dropLast()))
    }
    let lowercased = host.lowercased()
    let looksNumeric = lowercased.utf8.allSatisfy { 0x30...0x39 ~= $0 || $0 == UInt8(ascii: ".") }
    if looksNumeric {
      var address = in_addr()
      return inet_pton(AF_INET, lowercased, &address) == 1 ? lowercased : nil
    }
    return isName(lowercased) ? lowercased : nil
  }

  /// Letters, digits, hyphens and (as container names have them) underscores between dots.
  static func isName(_ host: String) -> Bool {
    guard host.utf8.count <= 253 else { return false }
    var labels = host.split(separator: ".", omittingEmptySubsequences: false)
    if labels.count > 1, labels.last == "" { labels.removeLast() }
    return labels.allSatisfy { label in
      1...63 ~= label.utf8.count && !label.hasPrefix("-") && !label.hasSuffix("-")
        && label.utf8.allSatisfy(isNameByte)
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private static func canonicalIPv6(_ text: String) -> String? {
    var address = in6_addr()
    guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(AF_INET6, &address, &buffer, socklen_t(buffer.count)) != nil else {
      return nil
    }
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
