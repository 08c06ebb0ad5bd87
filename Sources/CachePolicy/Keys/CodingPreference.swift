import HTTPMessage

/// Whether a request wants stored content gzip'd or plain (RFC 9110 section 12.5.3).
public struct CodingPreference: Sendable, Equatable {
  /// Whether gzip is acceptable.
  public let acceptsGzip: Bool
  /// Whether content without any coding is.
  public let acceptsIdentity: Bool
  /// Whether gzip is acceptable and no worse than content without coding.
  public let prefersGzip: Bool

  /// The preference of a request with these fields. One without Accept-Encoding accepts anything
  /// by the letter, but who sends none is no browser and mostly cannot undo a coding: it gets
  /// content without one.
  public init(_ fields: borrowing FieldBlock) {
    guard fields.contains(.acceptEncoding) else {
      (acceptsGzip, acceptsIdentity, prefersGzip) = (false, true, false)
      return
    }
    let codings = AcceptedCodings(copy fields)
    acceptsGzip = codings.gzipQuality > 0
    acceptsIdentity = codings.identityQuality > 0
    prefersGzip = codings.gzipQuality > 0 && codings.gzipQuality >= codings.identityQuality
  }
}
