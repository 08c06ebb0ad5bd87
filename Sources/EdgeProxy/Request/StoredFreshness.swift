import CachePolicy
import CacheStore

extension ObjectMetadata {
  /// The policy's view of the stored integers.
  var freshness: Freshness {
    get {
      Freshness(
        responseTimeSeconds: responseTimeSeconds, initialAgeSeconds: Int64(initialAgeSeconds),
        lifetimeSeconds: Int64(lifetimeSeconds),
        staleWhileRevalidateSeconds: Int64(staleWhileRevalidateSeconds),
        staleIfErrorSeconds: Int64(staleIfErrorSeconds), flags: FreshnessFlags(rawValue: flags))
    }
    set {
      responseTimeSeconds = newValue.responseTimeSeconds
      initialAgeSeconds = Int32(clamping: newValue.initialAgeSeconds)
      lifetimeSeconds = Int32(clamping: newValue.lifetimeSeconds)
      staleWhileRevalidateSeconds = Int32(clamping: newValue.staleWhileRevalidateSeconds)
      staleIfErrorSeconds = Int32(clamping: newValue.staleIfErrorSeconds)
      flags = newValue.flags.rawValue
    }
  }
}

extension StoredObject {
  /// Its freshness at `now`, wall-clock Unix seconds: what a soft invalidation marked is stale from
  /// the moment it is looked at, with its windows for stale use still before it.
  func freshness(now: Int64) -> Freshness {
    var freshness = metadata.freshness
    if isMarkedStale {
      freshness.lifetimeSeconds = min(freshness.lifetimeSeconds, freshness.age(now: now))
    }
    return freshness
  }
}
