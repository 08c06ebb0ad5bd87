import CachePolicy

/// What the edge would do with a request now, and why: for `edge explain` and `GET /v1/explain`.
public struct Explanation: Sendable {
  /// What stands under the request's key.
  public struct Stored: Sendable {
    /// Its status code.
    public var status: Int
    /// Where it was found: `memory` or `disk`.
    public var tier: String
    /// Bytes of its content.
    public var contentBytes: Int
    /// Its age in seconds.
    public var ageSeconds: Int64
    /// The age in seconds at which it stops being fresh.
    public var lifetimeSeconds: Int64
    /// Seconds until then; negative when that is over.
    public var remainingSeconds: Int64
    /// Seconds past its lifetime during which it is served while being revalidated.
    public var staleWhileRevalidateSeconds: Int64
    /// Seconds past its lifetime during which it stands in for an error.
    public var staleIfErrorSeconds: Int64
    /// The row of the lifetime table that was used: nil for what an older version stored.
    public var lifetimeRow: String?
    /// What the route did to the row's lifetime.
    public var clamps: [String]
    /// What it allows and forbids.
    public var flags: [String]
  }

  /// The variants of the request's URL.
  public struct Variants: Sendable {
    /// The request fields they differ by.
    public var fields: [String]
    /// How many are stored, as far as the list knows.
    public var count: Int
  }

  /// The pattern of the route that takes the request; nil when none does.
  public var route: String?
  /// The key it is looked up under, a space for every byte that is not printable.
  public var key: String?
  /// Its hash, 32 hexadecimal digits.
  public var keyHash: String?
  /// What would be done: `hit`, `stale hit`, `revalidate`, `miss`, `pass` or `refuse`.
  public var result: String
  /// Why, as Cache-Status' `detail` names it.
  public var reason: String
  /// What is stored under the key.
  public var stored: Stored?
  /// The variants of the URL; nil when its responses do not vary, or none is stored.
  public var variants: Variants?

  /// An explanation without anything stored.
  public init(result: String, reason: String) {
    self.result = result
    self.reason = reason
  }
}

/// Why a request cannot be explained.
public enum ExplanationFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// The URL is neither `http://host/path`, `https://host/path` nor `/path`.
  case url(String)
  /// The method or a field would make no request.
  case request(String)

  /// What is wrong, and what would be right.
  public var description: String {
    switch self {
    case .url(let url):
      "'\(url)' is no URL to explain: it must begin with http://, https:// or /"
    case .request(let reason): "there is no such request: \(reason)"
    }
  }
}
