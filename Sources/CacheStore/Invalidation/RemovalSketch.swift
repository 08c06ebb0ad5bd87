import Atomics

/// Remembers at which sequence number a hash was last removed, in fixed memory: 65,536 numbers
/// placed by hash. Two hashes that share a place share the later number, so a question may be
/// answered with a number that is too high (a fill is not stored, a load is a miss) and never with
/// one too low. Owner: none, lock-free.
final class RemovalSketch: Sendable {
  private static let placeCount = 65_536
  // The pointer is set once and freed with the object; the places are atomics.
  nonisolated(unsafe) private let places: UnsafeMutablePointer<UnsafeAtomic<UInt64>.Storage>

  /// Real bytes held.
  static let bytes = placeCount * MemoryLayout<UInt64>.stride

  init() {
    places = .allocate(capacity: Self.placeCount)
    places.initialize(repeating: .init(0), count: Self.placeCount)
  }

  deinit {
    places.deinitialize(count: Self.placeCount)
    places.deallocate()
  }

  /// Notes a removal; numbers only grow.
  func record(_ hash: KeyHash, sequence: UInt64) {
    let place = place(of: hash)
    var seen = place.load(ordering: .relaxed)
    while seen < sequence {
      let result = place.weakCompareExchange(
        expected: seen, desired: sequence, ordering: .sequentiallyConsistent)
      if result.exchanged { return }
      seen = result.original
    }
  }

  /// The number of the last removal of this hash, or of one that shares its place; 0 when none.
  func lastRemoval(of hash: KeyHash) -> UInt64 {
    place(of: hash).load(ordering: .sequentiallyConsistent)
  }

  private func place(of hash: KeyHash) -> UnsafeAtomic<UInt64> {
    // Bound: 16 bits index 65,536 places.
    UnsafeAtomic(at: places + Int(hash.low >> 48))
  }
}
