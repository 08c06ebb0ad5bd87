/// The counters that event loops keep. A new one needs a case here and a row in ``declaration``.
public enum MetricCounter: Int, Sendable, CaseIterable {
  // How requests ended: exactly one of these for every request.
  case hit, miss, stale, refreshHit, pass, error, refused
  // What happened on the way.
  case partsStored, partBytesDropped
  case coalesced, storeRefused, staleServed, staleOnError, notModified, rangeServed
  case variantsEvicted
  // Bytes at the client's side.
  case requestBytes, responseBytes, cachedResponseBytes
  // The origin's side.
  case originFetches, originFailures, originBytes, originRevalidations
  // Invalidations, by what asked for them.
  case invalidationsByAPI, invalidationsByPurge, invalidationsByMethod
  // Clients that left.
  case clientAborts
  // Connections that were switched over.
  case webSockets

  /// The results, of which every request has one.
  public static let requestResults: [MetricCounter] = [
    .hit, .miss, .stale, .refreshHit, .pass, .error, .refused,
  ]

  /// The series this counter is exposed as.
  public var declaration: MetricDeclaration { MetricCounter.table[rawValue] }

  /// All declarations, by raw value. Made once, so that a scrape does not build them again.
  static let table: [MetricDeclaration] = allCases.map { $0.row }
}

extension MetricCounter {
  private var row: MetricDeclaration {
    switch self {
    case .hit: request("hit")
    case .miss: request("miss")
    case .stale: request("stale")
    case .refreshHit: request("refresh_hit")
    case .pass: request("pass")
    case .error: request("error")
    case .refused: request("refused")
    case .partsStored:
      plain("edge_parts_stored_total", "Parts of responses that were stored.")
    case .partBytesDropped:
      bytes(
        "edge_part_bytes_dropped_total",
        "Bytes of stored parts that were let go because one object's parts had reached their limit."
      )
    case .coalesced:
      plain(
        "edge_requests_coalesced_total", "Requests that waited for a fetch another request began.")
    case .storeRefused:
      plain("edge_store_refused_total", "Responses from an origin that were not stored.")
    case .staleServed:
      plain("edge_stale_served_total", "Responses served from an object past its lifetime.")
    case .staleOnError:
      plain(
        "edge_stale_on_error_total", "Stale responses served because the origin failed.")
    case .variantsEvicted:
      plain(
        "edge_variants_evicted_total",
        "Stored variants that gave way to another of the same URL, at its route's limit.")
    case .notModified:
      plain("edge_not_modified_total", "Conditional requests that the store answered with 304.")
    case .rangeServed:
      plain("edge_range_served_total", "Range requests that were answered with 206.")
    case .requestBytes:
      bytes("edge_request_bytes_total", "Bytes of request content received from clients.")
    case .responseBytes:
      bytes("edge_response_bytes_total", "Bytes of response content handed to clients.")
    case .cachedResponseBytes:
      bytes(
        "edge_cached_response_bytes_total", "Bytes of response content that came from the store.")
    case .originFetches:
      plain("edge_origin_fetches_total", "Requests sent to origins.")
    case .originFailures:
      plain("edge_origin_failures_total", "Requests to origins that got no complete response.")
    case .originBytes:
      bytes("edge_origin_bytes_total", "Bytes of response content received from origins.")
    case .originRevalidations:
      plain("edge_origin_revalidations_total", "Conditional requests sent to origins.")
    case .invalidationsByAPI: invalidation("api")
    case .invalidationsByPurge: invalidation("purge")
    case .invalidationsByMethod: invalidation("unsafe_method")
    case .clientAborts:
      plain("edge_client_aborts_total", "Requests whose client left before the response ended.")
    case .webSockets:
      plain("edge_websockets_total", "WebSocket connections that have ended.")
    }
  }

  private func request(_ result: String) -> MetricDeclaration {
    MetricDeclaration(
      name: "edge_requests_total", kind: .counter, unit: .count,
      labels: [MetricLabel("result", result)], help: "Requests, by how the cache answered them.")
  }

  private func invalidation(_ cause: String) -> MetricDeclaration {
    MetricDeclaration(
      name: "edge_invalidations_total", kind: .counter, unit: .count,
      labels: [MetricLabel("cause", cause)], help: "Invalidations, by what asked for them.")
  }

  private func plain(_ name: String, _ help: String) -> MetricDeclaration {
    MetricDeclaration(name: name, kind: .counter, unit: .count, help: help)
  }

  private func bytes(_ name: String, _ help: String) -> MetricDeclaration {
    MetricDeclaration(name: name, kind: .counter, unit: .bytes, help: help)
  }
}
