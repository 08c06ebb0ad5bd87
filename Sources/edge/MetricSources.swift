import CacheStore
import EdgeProxy
import HTTPServer
import Observability
import OriginClient

/// Lets the metrics read what store, front and origins count by themselves.
struct MetricSources {
  let store: Store
  let transport: CurlTransport
  let server: HTTPServer<ProxyLoop>
  let compressor: ObjectCompressor

  /// Registers every source; call once.
  func register(in metrics: Metrics) {
    registerMemory(metrics)
    registerHeap(metrics)
    registerCompression(metrics)
    DiskMetricSources(store: store).register(in: metrics)
    registerKeys(metrics)
    registerInvalidation(metrics)
    registerFront(metrics)
    registerTLS(metrics)
    registerHTTP2(metrics)
    registerOrigins(metrics)
  }

  private func registerMemory(_ metrics: Metrics) {
    gauge(metrics, "edge_store_memory_objects", "Objects in memory.") { $0.memory.objects }
    gauge(
      metrics, "edge_store_memory_bytes", unit: .bytes, "Memory used by objects and their index."
    ) {
      $0.memory.bytes
    }
    gauge(metrics, "edge_store_memory_limit_bytes", unit: .bytes, "The memory tier's budget.") {
      $0.memory.limitBytes
    }
    counter(metrics, "edge_store_memory_hits_total", "Look-ups answered from memory.") {
      $0.memory.hits
    }
    let store = store
    metrics.registerCounter(
      name: "edge_store_memory_evictions_total", help: "Objects that left memory, by cause."
    ) {
      let memory = store.statistics.memory
      return [
        ("room", memory.evictedForRoom), ("expired", memory.evictedExpired),
        ("idle", memory.evictedIdle), ("invalidated", memory.invalidated),
      ].map { Metrics.Sample(Double($0.1), labels: [MetricLabel("cause", $0.0)]) }
    }
  }

  private func registerKeys(_ metrics: Metrics) {
    gauge(metrics, "edge_store_keys", "Usable keys of the disk tier.") { $0.keys?.keys }
    gauge(metrics, "edge_store_key_age_seconds", "Age of the current key, in seconds.") {
      $0.keys.map { Int($0.currentAgeSeconds) }
    }
    counter(
      metrics, "edge_store_key_failures_total", "Failed attempts to keep up the folder of keys."
    ) {
      $0.keys?.failures
    }
  }

  private func registerInvalidation(_ metrics: Metrics) {
    gauge(
      metrics, "edge_invalidation_pending_rules",
      "Invalidation rules that the sweeper has not worked off."
    ) { $0.invalidation.pendingRules }
    counter(
      metrics, "edge_invalidation_refused_fills_total",
      "Fetched responses not stored because an invalidation overtook them."
    ) { $0.invalidation.refusedFills }
  }

  private func registerFront(_ metrics: Metrics) {
    let server = server
    metrics.registerGauge(name: "edge_connections_open", help: "Client connections open.") {
      [Metrics.Sample(server.statistics.reduce(0) { $0 + $1.open })]
    }
    metrics.registerCounter(
      name: "edge_connections_accepted_total", help: "Connections accepted from clients."
    ) { [Metrics.Sample(server.statistics.reduce(0) { $0 + $1.accepted.value })] }
    metrics.registerCounter(
      name: "edge_connections_refused_total",
      help: "Connections answered with 503 because there were too many."
    ) { [Metrics.Sample(server.statistics.reduce(0) { $0 + $1.rejected.value })] }
    metrics.registerCounter(
      name: "edge_connections_unlimited_total",
      help: "Connections no limit of their address applied to, for too many addresses were in use."
    ) { [Metrics.Sample(server.unlimitedConnections)] }
    metrics.registerCounter(
      name: "edge_clients_cut_total", help: "Connections cut because the client was too slow."
    ) {
      let loops = server.statistics
      return [
        ("idle", loops.reduce(0) { $0 + $1.idleTimeouts.value }),
        ("send_timeout", loops.reduce(0) { $0 + $1.sendTimeouts.value }),
        ("send_rate", loops.reduce(0) { $0 + $1.slowReaders.value }),
      ].map { Metrics.Sample(Double($0.1), labels: [MetricLabel("cause", $0.0)]) }
    }
    metrics.registerGauge(name: "edge_websockets_open", help: "WebSocket connections open.") {
      [
        Metrics.Sample(
          server.statistics.reduce(0) { $0 + $1.webSockets.value - $1.webSocketsClosed.value })
      ]
    }
    metrics.registerCounter(
      name: "edge_websocket_idle_timeouts_total",
      help: "WebSocket connections ended because no byte passed for too long."
    ) { [Metrics.Sample(server.statistics.reduce(0) { $0 + $1.webSocketIdleTimeouts.value })] }
    metrics.registerCounter(
      name: "edge_client_faults_total", help: "Requests refused before routing, by fault."
    ) {
      var faults: [String: Int] = [:]
      for statistics in server.statistics {
        for (fault, count) in statistics.faults { faults["\(fault)", default: 0] += count }
      }
      return faults.sorted { $0.key < $1.key }.map {
        Metrics.Sample($0.value, labels: [MetricLabel("fault", $0.key)])
      }
    }
  }

  private func registerTLS(_ metrics: Metrics) {
    let server = server
    metrics.registerCounter(
      name: "edge_tls_handshakes_total", help: "TLS handshakes by how they ended."
    ) {
      let loops = server.statistics
      return [
        ("complete", loops.reduce(0) { $0 + $1.handshakes.value }),
        ("failed", loops.reduce(0) { $0 + $1.handshakeFailures.value }),
        ("timeout", loops.reduce(0) { $0 + $1.handshakeTimeouts.value }),
      ].map { Metrics.Sample(Double($0.1), labels: [MetricLabel("result", $0.0)]) }
    }
    let listeners = server.tlsStatistics
    metrics.registerCounter(
      name: "edge_tls_reloads_total",
      help: "How often changed certificate files were read, by listener and result."
    ) {
      listeners.flatMap { listener in
        [
          ("loaded", listener.statistics.reloadCount),
          ("failed", listener.statistics.failedReloadCount),
        ].map { result, count in
          Metrics.Sample(
            Double(count),
            labels: [MetricLabel("listener", listener.address), MetricLabel("result", result)])
        }
      }
    }
    metrics.registerGauge(
      name: "edge_tls_certificate_expiry_seconds",
      help: "When the first certificate of a listener expires, as a Unix time."
    ) {
      listeners.map {
        Metrics.Sample(
          Double($0.statistics.expirySeconds), labels: [MetricLabel("listener", $0.address)])
      }
    }
  }

  private func registerHTTP2(_ metrics: Metrics) {
    let server = server
    metrics.registerCounter(
      name: "edge_http2_connections_total", help: "Connections that spoke HTTP/2."
    ) { [Metrics.Sample(server.statistics.reduce(0) { $0 + $1.http2.connections.value })] }
    metrics.registerCounter(
      name: "edge_http2_streams_total", help: "HTTP/2 streams by what became of them."
    ) {
      let loops = server.statistics.map(\.http2)
      return [
        ("request", loops.reduce(0) { $0 + $1.streams.value }),
        ("client_reset", loops.reduce(0) { $0 + $1.clientResets.value }),
        ("provoked_reset", loops.reduce(0) { $0 + $1.provokedResets.value }),
        ("refused", loops.reduce(0) { $0 + $1.refusedStreams.value }),
        ("stalled", loops.reduce(0) { $0 + $1.stalledStreams.value }),
      ].map { Metrics.Sample(Double($0.1), labels: [MetricLabel("event", $0.0)]) }
    }
    metrics.registerCounter(
      name: "edge_http2_abuses_total", help: "HTTP/2 connections ended by GOAWAY, by abuse."
    ) {
      HTTP2Abuse.allCases.map { abuse in
        Metrics.Sample(
          Double(server.statistics.reduce(0) { $0 + $1.http2.count(of: abuse) }),
          labels: [MetricLabel("abuse", "\(abuse.text)")])
      }
    }
  }

  private func registerOrigins(_ metrics: Metrics) {
    let origins = transport.statistics
    metrics.registerGauge(
      name: "edge_origin_active_fetches", help: "Fetches under way, by origin."
    ) { origins.map { Metrics.Sample($0.active, labels: [MetricLabel("origin", $0.name)]) } }
    metrics.registerGauge(
      name: "edge_origin_queued_fetches", help: "Fetches waiting for a connection, by origin."
    ) { origins.map { Metrics.Sample($0.queued, labels: [MetricLabel("origin", $0.name)]) } }
    metrics.registerCounter(
      name: "edge_origin_connections_total", help: "Connections opened, by origin."
    ) {
      origins.map {
        Metrics.Sample($0.connectionsOpened, labels: [MetricLabel("origin", $0.name)])
      }
    }
    metrics.registerCounter(
      name: "edge_origin_fetch_failures_total", help: "Failed fetches, by origin and reason."
    ) {
      origins.flatMap { origin in
        origin.failures.filter { $0.count > 0 }.map { kind, count in
          Metrics.Sample(
            count,
            labels: [MetricLabel("origin", origin.name), MetricLabel("reason", kind.rawValue)])
        }
      }
    }
  }

  // MARK: The store's numbers

  private func gauge(
    _ metrics: Metrics, _ name: String, unit: MetricUnit = .count, _ help: String,
    read: @escaping @Sendable (StoreStatistics) -> Int?
  ) {
    let store = store
    metrics.registerGauge(name: name, unit: unit, help: help) {
      read(store.statistics).map { [Metrics.Sample($0)] } ?? []
    }
  }

  private func counter(
    _ metrics: Metrics, _ name: String, unit: MetricUnit = .count, _ help: String,
    read: @escaping @Sendable (StoreStatistics) -> UInt64?
  ) {
    let store = store
    metrics.registerCounter(name: name, unit: unit, help: help) {
      read(store.statistics).map { [Metrics.Sample(Double($0))] } ?? []
    }
  }
}
