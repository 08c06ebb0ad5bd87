/// What a route did to a lifetime.
public struct LifetimeClamps: OptionSet, Sendable, Equatable, Hashable {
  /// The bits.
  public let rawValue: UInt8

  /// Clamps from their bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Cut at the route's maximum.
  public static let cutAtMaximum = LifetimeClamps(rawValue: 1 << 0)
  /// Raised to the route's minimum.
  public static let raisedToMinimum = LifetimeClamps(rawValue: 1 << 1)
  /// Given to a response whose use the origin forbids, since the route has a minimum.
  public static let forced = LifetimeClamps(rawValue: 1 << 2)
  /// Raised to the least lifetime of errors.
  public static let raisedToErrorMinimum = LifetimeClamps(rawValue: 1 << 3)
}

/// How a lifetime came about: which row of the table gave it, and what the route did to it.
public struct LifetimeTrace: Sendable, Equatable {
  /// The row: where the lifetime came from before anything was done to it.
  public var row: LifetimeSource
  /// What the row gave, in seconds; nil when it is no longer known, as for what is stored.
  public var rowSeconds: Int64?
  /// What was done to it.
  public var clamps: LifetimeClamps

  /// A trace with these parts.
  public init(row: LifetimeSource, rowSeconds: Int64?, clamps: LifetimeClamps = []) {
    self.row = row
    self.rowSeconds = rowSeconds
    self.clamps = clamps
  }

  /// What had the last word on the lifetime.
  public var source: LifetimeSource {
    if !clamps.isDisjoint(with: [.forced, .raisedToMinimum]) { return .routeMinimum }
    if clamps.contains(.raisedToErrorMinimum) { return .errorLifetime }
    return clamps.contains(.cutAtMaximum) ? .routeMaximum : row
  }
}

/// A decision to store or not, with what led to it: for `edge explain`.
public struct StoreExplanation: Sendable, Equatable {
  /// The decision.
  public var decision: StoreDecision
  /// How the lifetime came about; nil when the response was refused before it got one.
  public var lifetime: LifetimeTrace?
  /// The targeted field that stood in for Cache-Control and Expires, as an index of the rules'
  /// list; nil: none.
  public var targetIndex: Int?
}

/// The trace lies in the upper eight bits of the flags, which the store keeps anyway: bits 8 to 11
/// are the clamps, bits 12 to 15 the row's code. So what is stored explains itself.
extension FreshnessFlags {
  private static let traceShift: UInt16 = 8
  private static let rowShift: UInt16 = 12

  /// The flags alone, without the trace of the lifetime.
  public var withoutTrace: FreshnessFlags { FreshnessFlags(rawValue: rawValue & 0xFF) }

  /// These flags with a trace.
  func tracing(_ trace: LifetimeTrace) -> FreshnessFlags {
    let clamps = UInt16(trace.clamps.rawValue & 0xF) << Self.traceShift
    return FreshnessFlags(rawValue: rawValue & 0xFF | clamps | trace.row.code << Self.rowShift)
  }

  fileprivate var trace: LifetimeTrace? {
    guard let row = LifetimeSource(code: rawValue >> Self.rowShift) else { return nil }
    let clamps = UInt8(truncatingIfNeeded: rawValue >> Self.traceShift & 0xF)
    return LifetimeTrace(row: row, rowSeconds: nil, clamps: LifetimeClamps(rawValue: clamps))
  }
}

extension Freshness {
  /// How the lifetime came about; nil for what was stored without saying so.
  public var trace: LifetimeTrace? { flags.trace }
}

extension LifetimeSource {
  /// The source as four bits of a stored object: these numbers stay. 0 is no source.
  fileprivate var code: UInt16 {
    switch self {
    case .sMaxAge: 1
    case .maxAge: 2
    case .expires: 3
    case .routeDefault: 4
    case .statusLifetime: 5
    case .routeMinimum: 6
    case .routeMaximum: 7
    case .errorLifetime: 8
    case .heuristic: 9
    case .adaptive: 10
    }
  }

  fileprivate init?(code: UInt16) {
    switch code {
    case 1: self = .sMaxAge
    case 2: self = .maxAge
    case 3: self = .expires
    case 4: self = .routeDefault
    case 5: self = .statusLifetime
    case 6: self = .routeMinimum
    case 7: self = .routeMaximum
    case 8: self = .errorLifetime
    case 9: self = .heuristic
    case 10: self = .adaptive
    default: return nil
    }
  }
}
