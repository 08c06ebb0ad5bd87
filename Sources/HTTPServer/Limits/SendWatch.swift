import NIOCore

/// Watches whether a client takes what it is sent: something within the send time-out, and no less
/// than the minimum rate. Owned by one connection and judged at every sweep of its loop.
struct SendWatch {
  private var handedOverBytes = 0
  /// Bytes that had left the transport when the client last took any.
  private var sentBytes = 0
  private var deadline: NIODeadline?
  private var meter = RateMeter()

  /// Counts bytes that were given to the transport.
  @inline(__always)
  mutating func handOver(_ count: Int) { handedOverBytes += count }

  /// Whether the client has taken nothing, or too little, for too long; counts it then.
  /// - Parameter unsentBytes: how many of the bytes handed over the transport still holds.
  mutating func isGivenUp(
    unsentBytes: Int, limits: ConnectionLimits, statistics: ServerStatistics, now: NIODeadline
  ) -> Bool {
    let sent = handedOverBytes - unsentBytes
    guard unsentBytes > 0 else {
      deadline = nil
      sentBytes = sent
      meter.reset()
      return false
    }
    meter.add(sent - sentBytes)
    if meter.isTooSlow(
      isWaiting: true, bytesPerSecond: limits.sendBytesPerSecond, window: limits.rateWindow,
      now: now)
    {
      statistics.slowReaders.add()
      return true
    }
    guard let limit = deadline, sent == sentBytes else {
      deadline = now + limits.sendTimeout
      sentBytes = sent
      return false
    }
    guard now >= limit else { return false }
    statistics.sendTimeouts.add()
    return true
  }
}
