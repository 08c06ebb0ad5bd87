/// The 128-bit identity of a stored object: the hash of its normalized key, or of one variant of
/// it.
///
/// Two keys that share a hash are told apart by the full key, which every tier keeps and compares.
public struct KeyHash: Hashable, Sendable {
  /// Upper half; the memory tier picks a shard by it.
  public let high: UInt64
  /// Lower half; the indexes place and tag their entries by it.
  public let low: UInt64

  /// A hash of two given halves.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}
