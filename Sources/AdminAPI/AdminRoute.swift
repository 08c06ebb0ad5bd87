import Hummingbird

/// The paths of the admin API. `PURGE` is not among them: it names the URL to purge.
enum AdminRoute: String, CaseIterable {
  case health = "/healthz"
  case ready = "/readyz"
  case metrics = "/metrics"
  case status = "/v1/status"
  case invalidations = "/v1/invalidations"
  case explain = "/v1/explain"
  case snapshots = "/v1/snapshots"

  /// What probes ask, which have no password.
  var isOpen: Bool { self == .health || self == .ready }

  /// The methods that the path takes.
  var methods: [HTTPRequest.Method] {
    switch self {
    case .invalidations: [.post]
    case .snapshots: [.get, .head, .post]
    default: [.get, .head]
    }
  }
}

extension HTTPRequest.Method {
  /// Removes one URL; no standard, but what caches have long understood.
  static var purge: HTTPRequest.Method { HTTPRequest.Method("PURGE") ?? .delete }
}
