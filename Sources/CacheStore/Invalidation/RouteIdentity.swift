/// The number by which a route's objects are kept and invalidated: a fixed hash of the route's
/// name, the same in every process and for ever, so that it means the same route after a restart
/// and wherever the route stands in the file.
///
/// Two routes that share a number are invalidated together, which costs fetches and never serves
/// anything stale: of a hundred routes that happens to two in one file out of fourteen.
public struct RouteIdentity: Sendable, Hashable {
  /// The number itself, ``ObjectMetadata/route``: 1 to 65,534.
  public let value: UInt16

  /// Objects that no route stored have this one.
  public static let none: UInt16 = .max

  /// The identity of the route of this name.
  public init(name: String) {
    value = UInt16(truncatingIfNeeded: TagHash(name).value % UInt64(UInt16.max - 1)) + 1
  }
}
