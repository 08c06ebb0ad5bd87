import Atomics

/// The facade's counters; relaxed, from any thread.
final class StoreCounters: Sendable {
  let refusedFills = ManagedAtomic<UInt64>(0)
  let diskHits = ManagedAtomic<UInt64>(0)
  let diskMisses = ManagedAtomic<UInt64>(0)
  let promotions = ManagedAtomic<UInt64>(0)
  let spills = ManagedAtomic<UInt64>(0)
  let shedSpills = ManagedAtomic<UInt64>(0)

  func report(into statistics: inout StoreStatistics) {
    statistics.invalidation.refusedFills = refusedFills.load(ordering: .relaxed)
    statistics.traffic.diskHits = diskHits.load(ordering: .relaxed)
    statistics.traffic.diskMisses = diskMisses.load(ordering: .relaxed)
    statistics.traffic.promotions = promotions.load(ordering: .relaxed)
    statistics.traffic.spills = spills.load(ordering: .relaxed)
    statistics.traffic.shedSpills = shedSpills.load(ordering: .relaxed)
  }
}

extension ManagedAtomic<UInt64> {
  /// Adds one, relaxed.
  func count() { wrappingIncrement(ordering: .relaxed) }
}
