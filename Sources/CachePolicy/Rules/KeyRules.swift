import HTTPMessage

/// Which parameters of the query are part of the cache key.
public enum QueryRule: Sendable, Equatable {
  /// The query, byte for byte.
  case all
  /// None of it.
  case none
  /// Only parameters with these names. Names compare after percent-decoding.
  case allow([[UInt8]])
  /// All parameters but those with these names. Names compare after percent-decoding.
  case deny([[UInt8]])
}

/// What tells one cached resource of a route from another.
public struct KeyRules: Sendable {
  /// Which part of the query counts.
  public var query: QueryRule
  /// Whether parameters are put in the order of their names first; those of one name keep theirs.
  public var sortsQuery: Bool
  /// Whether `http` and `https` are kept apart.
  public var includesScheme: Bool
  /// Whether hosts are kept apart.
  public var includesHost: Bool
  /// Names of request fields whose values count, in lower case.
  public var headers: [[UInt8]]
  /// Names of cookies whose values count.
  public var cookies: [[UInt8]]

  /// Scheme, host, path and whole query unless said otherwise. Field names are lower-cased.
  public init(
    query: QueryRule = .all, sortsQuery: Bool = false, includesScheme: Bool = true,
    includesHost: Bool = true, headers: [[UInt8]] = [], cookies: [[UInt8]] = []
  ) {
    self.query = query
    self.sortsQuery = sortsQuery
    self.includesScheme = includesScheme
    self.includesHost = includesHost
    self.headers = headers.map { $0.map(\.asciiLowercased) }
    self.cookies = cookies
  }
}
