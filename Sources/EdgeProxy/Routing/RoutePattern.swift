import HTTPMessage

/// Which requests a route takes: a host and a path with `*` for any bytes.
public struct RoutePattern: Sendable, Equatable {
  /// The host part.
  public enum Host: Sendable, Equatable {
    /// Every host.
    case any
    /// This host, lower case, without a port.
    case exact([UInt8])
    /// Every host that ends in these bytes, `.example.com` for `*.example.com`.
    case suffix([UInt8])
  }

  /// The pattern as it was written.
  public let text: String
  /// The host part.
  public var host: Host
  /// The literal stretches of the path pattern between its `*`; one element means an exact path.
  public var pathParts: [[UInt8]]

  /// Parses `[host]/path`; the host may start with `*.`, the path may hold `*`. Nil when there is
  /// no `/`.
  public init?(_ text: String) {
    self.text = text
    let bytes = Array(text.utf8)
    guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")) else { return nil }
    let host = bytes[..<slash].map(\.asciiLowercased)
    if host.isEmpty || host == [UInt8(ascii: "*")] {
      self.host = .any
    } else if host.starts(with: Array("*.".utf8)) {
      self.host = .suffix(Array(host.dropFirst()))
    } else {
      self.host = .exact(host)
    }
    let parts = bytes[slash...].split(
      separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
    pathParts = parts.map(Array.init)
  }

  /// Whether every request matches, so that nothing needs comparing.
  var matchesEverything: Bool {
    host == .any && pathParts.count == 2 && pathParts[0] == [UInt8(ascii: "/")]
      && pathParts[1].isEmpty
  }

  /// Ranks patterns: the greater one wins. An exact host beats a wildcard host (longer suffix
  /// first) beats any host; then an exact path beats one with `*`; then more literal bytes win.
  var specificity: (Int, Int, Int, Int) {
    let hostRank: (Int, Int) =
      switch host {
      case .any: (0, 0)
      case .suffix(let suffix): (1, suffix.count)
      case .exact: (2, 0)
      }
    let literalCount = pathParts.reduce(0) { $0 + $1.count }
    return (hostRank.0, hostRank.1, pathParts.count == 1 ? 1 : 0, literalCount)
  }

  /// Whether a request for `path` at `authority` (host and optional port) is this pattern's.
  /// Linear in the path: literal parts are searched left to right.
  func matches(authority: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer) -> Bool {
    matchesHost(authority) && matchesPath(path)
  }

  private func matchesHost(_ authority: UnsafeRawBufferPointer) -> Bool {
    if host == .any { return true }
    let name = Self.hostName(of: authority)
    switch host {
    case .any: return true
    case .exact(let exact): return exact.withUnsafeBytes { name.equalsIgnoringCase($0) }
    case .suffix(let suffix):
      guard name.count > suffix.count else { return false }
      let end = UnsafeRawBufferPointer(rebasing: name[(name.count - suffix.count)...])
      return suffix.withUnsafeBytes { end.equalsIgnoringCase($0) }
    }
  }

  /// The host without its port; an IPv6 literal keeps its brackets.
  private static func hostName(of authority: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let start = authority.lastIndex(of: UInt8(ascii: "]")) ?? 0
    guard let colon = authority[start...].firstIndex(of: UInt8(ascii: ":")) else {
      return authority
    }
    return UnsafeRawBufferPointer(rebasing: authority[..<colon])
  }

  private func matchesPath(_ path: UnsafeRawBufferPointer) -> Bool {
    guard pathParts.count > 1 else { return path.elementsEqual(pathParts[0]) }
    let first = pathParts[0]
    let last = pathParts[pathParts.count - 1]
    guard path.count >= first.count + last.count,
      path.prefix(first.count).elementsEqual(first), path.suffix(last.count).elementsEqual(last)
    else { return false }
    var rest = path[first.count..<(path.count - last.count)]
    for part in pathParts.dropFirst().dropLast() where !part.isEmpty {
      guard let end = Self.end(of: part, in: rest) else { return false }
      rest = rest[end...]
    }
    return true
  }

  private static func end(of part: [UInt8], in bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
    var start = bytes.startIndex
    while bytes.endIndex - start >= part.count {
      if bytes[start..<(start + part.count)].elementsEqual(part) { return start + part.count }
      start += 1
    }
    return nil
  }
}

/// The routes, most specific first.
struct RouteTable: Sendable {
  /// The routes by falling specificity; equal ones keep the configuration's order.
  let routes: [Route]

  init(_ routes: [Route]) {
    self.routes = routes.enumerated().sorted { left, right in
      let leftRank = left.element.pattern.specificity
      let rightRank = right.element.pattern.specificity
      return leftRank == rightRank ? left.offset < right.offset : leftRank > rightRank
    }.map(\.element)
  }

  /// The route that takes the request; nil when none does. O(routes).
  func route(for head: RequestHead) -> Route? {
    for index in routes.indices where matches(index, head) { return routes[index] }
    return nil
  }

  private func matches(_ index: Int, _ head: RequestHead) -> Bool {
    if routes[index].pattern.matchesEverything { return true }
    return head.fields.bytes.withUnsafeReadableBytes { bytes in
      routes[index].pattern.matches(
        authority: head.authority.slice(of: bytes), path: head.path.slice(of: bytes))
    }
  }
}
