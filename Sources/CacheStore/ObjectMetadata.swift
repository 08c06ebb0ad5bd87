/// What the store keeps of a response beside its bytes. The store itself reads only the sizes, the
/// sequence and ``usefulUntilSeconds``; the rest is the policy's, as plain integers.
public struct ObjectMetadata: Sendable, Equatable {
  /// Status code of the stored response.
  public var status: UInt16 = 200
  /// The policy's flags, opaque here.
  public var flags: UInt16 = 0
  /// What kind of record this is.
  public var kind: Kind = .response
  /// Place of the entity tag's value in the head's bytes; count 0 when there is none.
  public var etagOffset: UInt32 = 0
  /// Length of the entity tag's value.
  public var etagCount: UInt16 = 0
  /// The ``RouteIdentity`` of the route that stored it.
  public var route: UInt16 = 0
  /// Wall clock, Unix seconds, when the response head was received.
  public var responseTimeSeconds: Int64 = 0
  /// Age at that time, in seconds.
  public var initialAgeSeconds: Int32 = 0
  /// Freshness lifetime in seconds.
  public var lifetimeSeconds: Int32 = 0
  /// Seconds it may be served stale while it is revalidated.
  public var staleWhileRevalidateSeconds: Int32 = 0
  /// Seconds it may be served stale when the origin fails.
  public var staleIfErrorSeconds: Int32 = 0
  /// Last-Modified as Unix seconds; `Int64.min` when there is none.
  public var lastModifiedSeconds: Int64 = .min
  /// Date as Unix seconds.
  public var dateSeconds: Int64 = 0
  /// The invalidation sequence number at which the fetch began (DESIGN: invalidation).
  public var fetchSequence: UInt64 = 0
  /// Wall clock after which the object is useless even as a stale answer: a tail that passed it
  /// leaves first, and the disk does not admit it.
  public var usefulUntilSeconds: Int64 = .max

  /// What a record is.
  public enum Kind: UInt8, Sendable {
    /// A response.
    case response
    /// The list of fields by which a primary key's variants differ; its head holds the encoded
    /// list, its body is empty.
    case variantList
    /// Parts of a response: its head begins with a table of them, its body holds one after another.
    case partial
    /// A response whose body is worth compressing and is not compressed yet.
    case compressible
    /// A response whose body is compressed; its head begins with what tells the plain one.
    case compressed
    /// A response that came compressed and may be served plain, once its body has been looked at.
    case inflatable

    /// Whether it is a response with the whole of its body, in whatever form.
    public var isWholeResponse: Bool {
      switch self {
      case .response, .compressible, .compressed, .inflatable: true
      case .variantList, .partial: false
      }
    }
  }

  /// Metadata with neutral values.
  public init() {}
}
