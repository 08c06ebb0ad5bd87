import CacheStore
import EdgeProxy
import Observability

/// The allocator under the memory tier, and the compression of what is in it.
extension MetricSources {
  func registerHeap(_ metrics: Metrics) {
    let store = store
    metrics.registerGauge(
      name: "edge_heap_bytes", unit: .bytes,
      help: "The C library's heap: used is allocated, mapped the part of it in mappings of its "
        + "own, free is in arenas and not allocated; resident is the process's anonymous memory."
    ) {
      let heap = store.heap
      return [
        ("arena", heap.arenaBytes), ("used", heap.usedBytes), ("free", heap.freeBytes),
        ("mapped", heap.mappedBytes), ("resident", heap.residentBytes),
      ].map { Metrics.Sample($0.1, labels: [MetricLabel("state", $0.0)]) }
    }
    metrics.registerGauge(
      name: "edge_heap_fragmentation_ratio",
      help: "The share of the resident heap that no allocation uses."
    ) { [Metrics.Sample(store.heap.fragmentation)] }
    metrics.registerCounter(
      name: "edge_heap_trims_total", help: "How often free pages were given back to the system."
    ) { [Metrics.Sample(Double(store.heapTrims))] }
  }

  func registerCompression(_ metrics: Metrics) {
    let compressor = compressor
    metrics.registerCounter(
      name: "edge_compression_objects_total",
      help: "Stored responses by what came of gzip: compressed, incompressible (too little "
        + "gained), postponed (too many waited), damaged (did not inflate to what was stored); "
        + "inflatable (came gzip'd, served plain, too), refused (came gzip'd, too large plain)."
    ) {
      let statistics = compressor.statistics
      return [
        ("compressed", statistics.compressed), ("incompressible", statistics.incompressible),
        ("postponed", statistics.postponed), ("damaged", statistics.damaged),
        ("inflatable", statistics.inflatable), ("refused", statistics.refused),
      ].map { Metrics.Sample(Double($0.1), labels: [MetricLabel("result", $0.0)]) }
    }
    metrics.registerCounter(
      name: "edge_compression_bytes_total", unit: .bytes,
      help: "Bytes of the bodies that were gzip'd, before and after."
    ) {
      let statistics = compressor.statistics
      return [("plain", statistics.plainBytes), ("gzip", statistics.gzipBytes)].map {
        Metrics.Sample(Double($0.1), labels: [MetricLabel("form", $0.0)])
      }
    }
  }
}
