import Atomics

/// Remembers at which sequence number a hash was last removed, in fixed memory: 65,536 numbers
/// placed by hash. Two hashes that share a place share the later number, so a question may be
/// answered with a number that is too high (a fill is not stored, a load is a miss) and never with
/// one too low. Owner: none, lock-free.
final class RemovalSketch: Sendable {
  private static let placeCount = 65_536
  // The pointer is set once and freed with the object; the places are atomics.
  nonisolated(unsafe) private let storage: UnsafeMutablePointer<UnsafeAtomic<UInt64>.Storage>

  /// Real bytes held.
  static let bytes = placeCount * MemoryLayout<UInt64>.stride

  init() {
    storage = .allocate(capacity: Self.placeCount)
    storage.initialize(repeating: .init(0), count: Self.placeCount)
  }

  deinit {
    storage.deinitialize(count: Self.placeCount)
    storage.deallocate()
  }

  /// Notes a removal; numbers only grow.
  func record(_ hash: KeyHash, sequence: UInt64) {
    raise(place(of: hash), to: sequence)
  }

  /// The number of the last removal of this hash, or of one that shares its place; 0 when none.
  func lastRemoval(of hash: KeyHash) -> UInt64 {
    place(of: hash).load(ordering: .sequentiallyConsistent)
  }

  /// All places with a number, for a snapshot; O(places).
  var places: [(place: Int, sequence: UInt64)] {
    (0..<Self.placeCount).compactMap { number -> (place: Int, sequence: UInt64)? in
      // Bound: number < placeCount.
      let sequence = UnsafeAtomic<UInt64>(at: storage + number).load(ordering: .relaxed)
      return sequence == 0 ? nil : (number, sequence)
    }
  }

  /// Brings a place of a snapshot up to its number; a place that there is none of is ignored.
  func raise(place number: Int, to sequence: UInt64) {
    guard (0..<Self.placeCount).contains(number) else { return }
    // Bound: just checked.
    raise(UnsafeAtomic<UInt64>(at: storage + number), to: sequence)
  }

  /// Notes that anything may have been removed.
  func recordAll(sequence: UInt64) {
    for number in 0..<Self.placeCount { raise(place: number, to: sequence) }
  }

  private func raise(_ place: UnsafeAtomic<UInt64>, to sequence: UInt64) {
    var seen = place.load(ordering: .relaxed)
    while seen < sequence {
      let result = place.weakCompareExchange(
        expected: seen, desired: sequence, ordering: .sequentiallyConsistent)
      if result.exchanged { return }
      seen = result.original
    }
  }

  private func place(of hash: KeyHash) -> UnsafeAtomic<UInt64> {
    // Bound: 16 bits index 65,536 places.
    UnsafeAtomic(at: storage + Int(hash.low >> 48))
  }
}
