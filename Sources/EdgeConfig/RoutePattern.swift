/// What a route matches: `[host]/path`.
///
/// The host is left out (any host), exact, or `*.example.com`, which matches every host that ends
/// in `.example.com` but not `example.com` itself. It never holds a port. In the path `*` stands
/// for any run of characters, also for `/` and for none; all other characters stand for themselves
/// and case matters. The query is no part of a match.
///
/// Of all patterns that match a request the most specific one wins, decided by the first
/// difference: 1. an exact host, then a wildcard host, the longer suffix first, then any host;
/// 2. a path without `*`, then the longer text before the first `*`;
/// 3. the more characters in the path besides `*`;
/// 4. the fewer `*`;
/// 5. the order in the file.
public struct RoutePattern: Sendable, Hashable, CustomStringConvertible {
  /// The hosts a pattern matches; names are in lower case.
  public enum Host: Sendable, Hashable {
    /// Every host.
    case any
    /// This host.
    case exact(String)
    /// Every host that ends in this text, which begins with a dot: `.example.com`.
    case suffix(String)
  }

  /// The hosts.
  public let host: Host
  /// The path, which begins with `/` and may hold `*`; adjoining stars are one.
  public let path: String

  /// Whether the path stands for itself alone.
  public var isExactPath: Bool { !path.utf8.contains(UInt8(ascii: "*")) }

  /// The path up to its first `*`: every matching path begins with it.
  public var literalPrefix: String { String(path.prefix { $0 != "*" }) }

  /// The pattern as it would be written.
  public var description: String {
    switch host {
    case .any: path
    case .exact(let name): name + path
    case .suffix(let suffix): "*" + suffix + path
    }
  }

  /// Reads a pattern. The fault's text continues "'match' ".
  static func parse(_ text: String) throws(ValueFault) -> RoutePattern {
    guard let slash = text.firstIndex(of: "/") else {
      throw ValueFault(
        message: "must have a path that begins with '/', but is '\(text)' "
          + "(such as /images/* or www.example.com/*)")
    }
    if text.firstRange(of: "://") != nil {
      throw ValueFault(message: "must not have a scheme, but is '\(text)' (write host/path)")
    }
    let host = try parseHost(String(text[..<slash]), in: text)
    let path = text[slash...]
    for character in path {
      if character == "?" || character == "#" {
        throw ValueFault(
          message: "must not have a '\(character)', but is '\(text)' (routes match host and path)")
      }
      if character.isWhitespace || character.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
        throw ValueFault(message: "must not have blanks, but is '\(text)' (write %20)")
      }
    }
    var collapsed = ""
    for character in path where !(character == "*" && collapsed.hasSuffix("*")) {
      collapsed.append(character)
    }
    return RoutePattern(host: host, path: collapsed)
  }

  /// Whether this pattern wins over the other where both match. Equal rank: the file decides.
  public func isMoreSpecific(than other: RoutePattern) -> Bool {
    let left = rank
    let right = other.rank
    return right.lexicographicallyPrecedes(left)
  }

  /// The steps 1 to 4 as numbers, of which the larger wins.
  private var rank: [Int] {
    let hostRank =
      switch host {
      case .any: 0
      case .suffix(let suffix): suffix.utf8.count
      case .exact: Int.max
      }
    let stars = path.utf8.count { $0 == UInt8(ascii: "*") }
    let prefix = isExactPath ? Int.max : literalPrefix.utf8.count
    return [hostRank, prefix, path.utf8.count - stars, -stars]
  }

  private static func parseHost(_ host: String, in text: String) throws(ValueFault) -> Host {
    if host.isEmpty || host == "*" { return .any }
    let isWildcard = host.hasPrefix("*.")
    let name = isWildcard ? String(host.dropFirst(2)) : host
    if name.contains("*") {
      throw ValueFault(
        message: "has the host '\(host)' in '\(text)' ('*' may only stand for whole labels in "
          + "front: *.example.com)")
    }
    guard let (bare, port) = HostAndPort.split(name), let canonical = HostAndPort.canonical(bare)
    else {
      throw ValueFault(message: "has the host '\(host)' in '\(text)', which is no host name")
    }
    if port != nil {
      throw ValueFault(
        message: "must not have a port, but is '\(text)' (a route matches every port)")
    }
    let written = bare.hasPrefix("[") ? "[\(canonical)]" : canonical
    return isWildcard ? .suffix("." + written) : .exact(written)
  }
}

extension EdgeConfiguration {
  /// The routes with the most specific first: the first that matches a request is the one to use.
  public var routesBySpecificity: [Route] {
    routes.enumerated().sorted { left, right in
      if left.element.match.isMoreSpecific(than: right.element.match) { return true }
      if right.element.match.isMoreSpecific(than: left.element.match) { return false }
      return left.offset < right.offset
    }.map(\.element)
  }
}
