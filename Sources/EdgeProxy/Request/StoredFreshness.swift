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
