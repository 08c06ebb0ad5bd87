import CacheStore
import Observability

/// Lets the metrics read what the disk tier counts, by path.
struct DiskMetricSources {
  let store: Store

  /// Registers every source; call once.
  func register(in metrics: Metrics) {
    registerState(metrics)
    registerCounters(metrics)
    let store = store
    metrics.registerCounter(
      name: "edge_store_disk_hits_total", help: "Objects read from disk."
    ) { [Metrics.Sample(Double(store.statistics.traffic.diskHits))] }
    metrics.registerCounter(
      name: "edge_store_disk_errors_total", help: "Failed disk operations, by path and kind."
    ) {
      store.statistics.diskPaths.flatMap { path -> [Metrics.Sample] in
        guard let disk = path.statistics else { return [] }
        return [
          ("read", disk.readErrors), ("write", disk.writeErrors), ("full", disk.fullErrors),
          ("journal", disk.journalErrors), ("snapshot", disk.snapshotErrors),
        ].map { operation, count in
          Metrics.Sample(
            Double(count),
            labels: [MetricLabel("path", path.path), MetricLabel("operation", operation)])
        }
      }
    }
  }

  private func registerState(_ metrics: Metrics) {
    gauge(metrics, "edge_store_disk_objects", "Objects on disk, by path.") {
      $0.statistics?.objects
    }
    gauge(
      metrics, "edge_store_disk_bytes", unit: .bytes, "Disk space used by segments, by path."
    ) { $0.statistics?.usedBytes }
    gauge(metrics, "edge_store_disk_limit_bytes", unit: .bytes, "The disk tier's budget, by path.")
    { $0.statistics?.limitBytes }
    gauge(
      metrics, "edge_store_disk_pending_bytes", unit: .bytes,
      "Bytes that wait for the disk, by path."
    ) { $0.statistics.map { $0.queuedBytes + $0.spooledBytes } }
    gauge(
      metrics, "edge_store_disk_degraded",
      "1 while the path fails and takes no objects or logs no invalidations."
    ) { $0.isDegraded ? 1 : 0 }
    gauge(
      metrics, "edge_store_disk_absent",
      "1 when the path could not be used at the start: what belongs to it is not stored on disk."
    ) { $0.statistics == nil ? 1 : 0 }
  }

  private func registerCounters(_ metrics: Metrics) {
    counter(
      metrics, "edge_store_disk_written_bytes_total", unit: .bytes,
      "Bytes written to segments, by path."
    ) { $0.writtenBytes }
    counter(
      metrics, "edge_store_disk_corrupt_total", "Records that did not verify, by path."
    ) { $0.corruptRecords }
    counter(
      metrics, "edge_store_disk_lost_key_total",
      "Objects given up because their key is lost, by path."
    ) { $0.lostKeyRecords }
    counter(
      metrics, "edge_store_disk_journal_syncs_total", "Syncs of the journal, by path."
    ) { $0.journalSyncs }
  }

  private func gauge(
    _ metrics: Metrics, _ name: String, unit: MetricUnit = .count, _ help: String,
    read: @escaping @Sendable (DiskPathStatistics) -> Int?
  ) {
    let store = store
    metrics.registerGauge(name: name, unit: unit, help: help) {
      store.statistics.diskPaths.compactMap { path in
        read(path).map { Metrics.Sample($0, labels: [MetricLabel("path", path.path)]) }
      }
    }
  }

  private func counter(
    _ metrics: Metrics, _ name: String, unit: MetricUnit = .count, _ help: String,
    read: @escaping @Sendable (DiskStatistics) -> UInt64
  ) {
    let store = store
    metrics.registerCounter(name: name, unit: unit, help: help) {
      store.statistics.diskPaths.compactMap { path in
        path.statistics.map {
          Metrics.Sample(Double(read($0)), labels: [MetricLabel("path", path.path)])
        }
      }
    }
  }
}
