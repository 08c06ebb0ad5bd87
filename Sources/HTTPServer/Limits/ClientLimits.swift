import EdgeSecurity

/// What one client address may use, on all loops and listeners together. An IPv6 client counts as
/// its /64: that is what one party can be assumed to hold.
public struct ClientLimits: Sendable {
  /// Open connections; nil for no limit. The next one is answered 429 and closed.
  public var connections: Int?
  /// Requests a second, counted over HTTP/1.1 and HTTP/2; nil for no limit. Those beyond are
  /// answered 429.
  public var requestsPerSecond: Int?
  /// Requests that may come at once after a pause.
  public var burst: Int
  /// Addresses that no limit here applies to.
  public var exempt: AddressList
  /// Addresses that are kept count of at a time. While so many are in use, further ones are not
  /// limited, and a counter says so: to turn strangers away would hand the limit to whoever has
  /// many addresses.
  public var addresses = 65_536

  /// Limits of these numbers; the burst is that of two seconds unless it is given.
  public init(
    connections: Int? = nil, requestsPerSecond: Int? = nil, burst: Int? = nil,
    exempt: AddressList = AddressList([])
  ) {
    self.connections = connections
    self.requestsPerSecond = requestsPerSecond
    self.burst = burst ?? 2 * (requestsPerSecond ?? 1)
    self.exempt = exempt
  }
}
