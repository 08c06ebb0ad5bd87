import CacheStore
import EdgeProxy
import Observability

/// What the admin API needs of the edge it administers. Implemented where the parts are wired.
public protocol AdminBackend: Sendable {
  /// Removes what the selectors match, or marks it stale: effective before the call first
  /// suspends, and durable when it returns, unless the receipt says otherwise.
  /// - Parameter isFollowed: whether somebody will ask for its progress.
  func invalidate(
    _ selectors: [InvalidationSelector], kind: InvalidationKind, isFollowed: Bool
  ) async -> InvalidationReceipt

  /// Removes one URL in all its variants. `target` is path and query as received, without a `*`;
  /// `host` is lower case, with a port only where one other than 80 and 443 was named; nil is
  /// every host.
  func purge(
    target: String, host: String?, kind: InvalidationKind
  ) async -> InvalidationReceipt

  /// How far the sweep of a followed invalidation is; nil when that is not known any more.
  func progress(of sequence: UInt64) -> InvalidationProgress?

  /// Counts what the selectors match, and names some of it; takes nothing.
  func countMatches(
    _ selectors: [InvalidationSelector], sampleLimit: Int
  ) async -> InvalidationCount

  /// Fetches again what the selectors match and what is in use; returns when that is done.
  func refresh(_ selectors: [InvalidationSelector]) async -> RefreshResult

  /// The names of all routes.
  var routeNames: [String] { get }

  /// All metrics in the Prometheus text format.
  func metricsText() async -> String

  /// Whether the edge takes requests: false while it starts or drains.
  var isReady: Bool { get }

  /// The program's version.
  var version: String { get }

  /// How the edge is doing.
  func status() async -> AdminStatus

  /// What is stored, as the query asks for it.
  func objects(_ query: ObjectQuery) async -> ObjectListing

  /// All that is known of the object under a hash of 32 hexadecimal digits; nil without one.
  func object(hash: String) async -> ObjectDetail?

  /// Stores a response as if the origin had just sent it.
  func place(_ response: PlacedResponse) async throws(PlacementFault) -> ObjectDetail

  /// Takes the object under a hash out of the store; false without one.
  func removeObject(hash: String) async -> Bool

  /// What the edge would do with a request now, and why.
  func explain(
    method: String, url: String, fields: [(name: String, value: String)]
  ) async throws(ExplanationFault) -> Explanation
}

extension AdminBackend {
  /// Removes one URL by a selector without wildcards.
  public func purge(
    target: String, host: String?, kind: InvalidationKind
  ) async -> InvalidationReceipt {
    await invalidate(
      [.url(host: host, target: target, ignoresQuery: false)], kind: kind, isFollowed: false)
  }
}

/// What came of fetching again.
public typealias RefreshResult = Refresher.Result

/// How an edge is doing, as `GET /v1/status` tells it.
public struct AdminStatus: Sendable {
  /// The program's version.
  public var version: String
  /// Seconds since the start.
  public var uptimeSeconds: Int
  /// Event loops.
  public var threads: Int
  /// Requests, latencies and ratios since the start.
  public var metrics: MetricsSnapshot?
  /// Further members of the answer, such as the store's numbers, in their order.
  public var sections: [(name: String, value: JSONValue)]

  /// A status of these parts.
  public init(
    version: String, uptimeSeconds: Int, threads: Int, metrics: MetricsSnapshot? = nil,
    sections: [(name: String, value: JSONValue)] = []
  ) {
    self.version = version
    self.uptimeSeconds = uptimeSeconds
    self.threads = threads
    self.metrics = metrics
    self.sections = sections
  }
}
