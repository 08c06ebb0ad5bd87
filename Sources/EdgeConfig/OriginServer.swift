extension EdgeConfiguration {
  /// One server of an origin: scheme, host and port.
  public struct OriginServer: Sendable, Hashable, CustomStringConvertible {
    /// How the server is spoken to.
    public enum Scheme: String, Sendable {
      case http
      case https
    }

    /// `http` or `https`.
    public let scheme: Scheme
    /// An IPv4 address, an IPv6 address without brackets, or a lower-case host name.
    public let host: String
    /// The port, 80 or 443 when the URL names none.
    public let port: Int

    /// Creates a server from its parts; an IPv6 host is given without brackets.
    public init(scheme: Scheme, host: String, port: Int) {
      self.scheme = scheme
      self.host = host
      self.port = port
    }

    /// The URL without a path: `http://127.0.0.1:9000`; the scheme's own port is left out.
    public var description: String { "\(scheme.rawValue)://\(authority)" }

    /// `host` or `host:port`, as in a Host field; the scheme's own port is left out.
    public var authority: String {
      let name = host.contains(":") ? "[\(host)]" : host
      return port == Self.defaultPort(scheme) ? name : "\(name):\(port)"
    }

    private static func defaultPort(_ scheme: Scheme) -> Int { scheme == .http ? 80 : 443 }
  }
}

extension EdgeConfiguration.OriginServer {
  private static let form = "http://host[:port] or https://host[:port]"

  /// Reads an origin URL. The fault's text continues "an entry of 'servers' ".
  static func parse(_ text: String) throws(ValueFault) -> Self {
    guard let separator = text.firstRange(of: "://") else {
      throw ValueFault(message: "must be a URL of the form \(form), not '\(text)'")
    }
    guard let scheme = Scheme(rawValue: text[..<separator.lowerBound].lowercased()) else {
      throw ValueFault(
        message: "has the scheme '\(text[..<separator.lowerBound])' in '\(text)' "
          + "(allowed: http, https)")
    }
    var authority = String(text[separator.upperBound...])
    // A URL with user information is not quoted, since it probably shows a password.
    if authority.prefix(while: { $0 != "/" && $0 != "?" && $0 != "#" }).contains("@") {
      throw ValueFault(message: "must not hold a user name or password (use \(form))")
    }
    if authority.hasSuffix("/") { authority.removeLast() }
    if let index = authority.firstIndex(where: { $0 == "/" || $0 == "?" || $0 == "#" }) {
      let part = authority[index] == "/" ? "path" : authority[index] == "?" ? "query" : "fragment"
      throw ValueFault(
        message: "must not have a \(part), but is '\(text)' (use "
          + "\(scheme.rawValue)://\(authority[..<index]))")
    }
    guard let (host, port) = HostAndPort.split(authority),
      let canonical = HostAndPort.canonical(host)
    else {
      throw ValueFault(message: "must be a URL of the form \(form), not '\(text)'")
    }
    guard let port else {
      return Self(scheme: scheme, host: canonical, port: defaultPort(scheme))
    }
    guard let number = HostAndPort.portNumber(port), number > 0 else {
      throw ValueFault(message: "has the port '\(port)' in '\(text)' (allowed: 1 to 65535)")
    }
    return Self(scheme: scheme, host: canonical, port: number)
  }
}
