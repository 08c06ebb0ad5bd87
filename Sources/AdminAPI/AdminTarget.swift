/// A request target in origin form (`/path?query`) or absolute form (`http://host/path?query`),
/// taken apart (RFC 9112 section 3.2).
///
/// The server framework hands most absolute targets over in origin form, without their authority;
/// then Host, which names the same for every client that follows section 3.2.2, stands in for it.
struct AdminTarget {
  /// Host and port of an absolute target; nil for one in origin form.
  let authority: Substring?
  /// Path and query; `/` for an absolute target without a path.
  let pathAndQuery: Substring
  /// The path alone.
  var path: Substring { pathAndQuery.prefix { $0 != "?" } }

  init(_ target: String) {
    for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
      let rest = target.dropFirst(scheme.count)
      let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
      authority = rest[..<end]
      let path = rest[end...]
      pathAndQuery = path.hasPrefix("/") ? path : "/" + path
      return
    }
    authority = nil
    pathAndQuery = Substring(target)
  }

  /// Host and port of an authority; the brackets of an IPv6 address stay.
  static func split(_ authority: String) -> (host: Substring, port: Substring?) {
    guard let colon = authority.lastIndex(of: ":"),
      authority[authority.index(after: colon)...].allSatisfy(\.isNumber)
    else { return (Substring(authority), nil) }
    return (authority[..<colon], authority[authority.index(after: colon)...])
  }

  /// The authority in lower case, without a port where that is 80, 443 or empty: objects of a
  /// default port are kept without it.
  static func withoutDefaultPort(_ authority: String) -> String {
    let (host, port) = split(authority.lowercased())
    guard let port, port != "80", port != "443", !port.isEmpty else { return String(host) }
    return "\(host):\(port)"
  }
}
