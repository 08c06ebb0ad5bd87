import CacheStore
import HTTPMessage
import NIOCore

extension ProxyExchange {
  /// Joins the fill that brings what the request needs, or makes one: of the whole, or of the part
  /// that `part` fetches.
  func join(
    _ hash: KeyHash, part: RangeFetch?, make: () -> Fill
  ) -> (fill: Fill, isLeader: Bool) {
    guard route.coalesces else { return (make(), true) }
    let store = loop.shared.store
    // Nor is one joined that a soft invalidation has overtaken: what it brings is stale already.
    let isUsable = { (fill: Fill) in
      fill.key.withUnsafeReadableBytes {
        store.invalidationKind(
          key: $0, tags: fill.tags, metadata: fill.metadata, fetchSequence: fill.fetchSequence)
      } == nil
    }
    let registry = loop.shared.registry
    guard let part, !part.completesWhole else {
      return registry.join(hash, isUsable: isUsable, make: make)
    }
    if let whole = registry.wholeFill(of: hash), isUsable(whole), isNear(part, in: whole) {
      return (whole, false)
    }
    return registry.joinPart(make(), isUsable: isUsable)
  }

  /// Whether a fill of the whole is about to reach the part: then nothing is fetched twice. A part
  /// that lies far ahead is worth a fetch of its own.
  private func isNear(_ part: RangeFetch, in whole: Fill) -> Bool {
    guard let start = part.base?.stretch.lowerBound ?? part.asked?.start else { return false }
    return start <= whole.receivedBytes + loop.shared.configuration.fillWindowBytes
  }
}
