/// ``ObjectMetadata`` in 52 bytes, as it lies in a stored object's allocation.
///
/// Wall-clock seconds are kept in 32 bits: 0 to 2106 exactly, `Int64.min` and `Int64.max` as marks,
/// anything else clamped to the nearest of these.
struct PackedMetadata: Sendable {
  private let fetchSequence: UInt64
  private let responseTime: UInt32
  private let lastModified: UInt32
  private let date: UInt32
  private let usefulUntil: UInt32
  private let initialAge: Int32
  private let lifetime: Int32
  private let staleWhileRevalidate: Int32
  private let staleIfError: Int32
  private let etagOffset: UInt32
  private let etagCount: UInt16
  private let status: UInt16
  private let flags: UInt16
  private let route: UInt16

  init(_ metadata: ObjectMetadata) {
    fetchSequence = metadata.fetchSequence
    responseTime = Self.pack(metadata.responseTimeSeconds)
    lastModified = Self.pack(metadata.lastModifiedSeconds)
    date = Self.pack(metadata.dateSeconds)
    usefulUntil = Self.pack(metadata.usefulUntilSeconds)
    initialAge = metadata.initialAgeSeconds
    lifetime = metadata.lifetimeSeconds
    staleWhileRevalidate = metadata.staleWhileRevalidateSeconds
    staleIfError = metadata.staleIfErrorSeconds
    etagOffset = metadata.etagOffset
    etagCount = metadata.etagCount
    status = metadata.status
    flags = metadata.flags
    route = metadata.route
  }

  /// The metadata again; its kind is kept beside the packed form.
  @inline(__always)
  func unpacked(kind: ObjectMetadata.Kind) -> ObjectMetadata {
    var metadata = ObjectMetadata()
    metadata.status = status
    metadata.flags = flags
    metadata.kind = kind
    metadata.etagOffset = etagOffset
    metadata.etagCount = etagCount
    metadata.route = route
    metadata.responseTimeSeconds = Self.unpack(responseTime)
    metadata.initialAgeSeconds = initialAge
    metadata.lifetimeSeconds = lifetime
    metadata.staleWhileRevalidateSeconds = staleWhileRevalidate
    metadata.staleIfErrorSeconds = staleIfError
    metadata.lastModifiedSeconds = Self.unpack(lastModified)
    metadata.dateSeconds = Self.unpack(date)
    metadata.fetchSequence = fetchSequence
    metadata.usefulUntilSeconds = Self.unpack(usefulUntil)
    return metadata
  }

  @inline(__always) var sequence: UInt64 { fetchSequence }
  @inline(__always)
  var attributes: InvalidationSubject.Attributes {
    InvalidationSubject.Attributes(
      status: status, route: route, responseTimeSeconds: Self.unpack(responseTime))
  }
  @inline(__always) var usefulUntilSeconds: Int64 { Self.unpack(usefulUntil) }

  private static let latestSecond: Int64 = Int64(UInt32.max) - 2

  private static func pack(_ seconds: Int64) -> UInt32 {
    switch seconds {
    case .max: return .max
    case .min: return .max - 1
    default: return UInt32(truncatingIfNeeded: min(max(seconds, 0), latestSecond))
    }
  }

  @inline(__always)
  private static func unpack(_ packed: UInt32) -> Int64 {
    if packed < .max - 1 { return Int64(packed) }
    return packed == .max ? .max : .min
  }
}
