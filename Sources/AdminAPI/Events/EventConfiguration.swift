/// An event that somebody reports, such as "a product was changed", and what it invalidates.
public struct EventConfiguration: Sendable {
  /// How a report proves where it comes from.
  public enum Signature: Sendable, Equatable {
    /// The field holds `sha256=` and the HMAC of the content in hexadecimal, as GitHub's webhooks
    /// have it. A recorded report can be repeated for as long as the secret stands.
    case content
    /// The field holds `t=`, Unix seconds, `,v1=` and the HMAC of the seconds, a dot and the
    /// content, as Stripe's webhooks have it. Good for five minutes, and once.
    case timed
  }

  /// The name in `POST /v1/events/{name}`.
  public var name: String
  /// What reports are signed with.
  public var secret: String
  /// How they are signed.
  public var signature = Signature.content
  /// The field that holds the signature, in lower case.
  public var signatureField: String
  /// Templates: text with `{member.member}` for values of the content.
  public var tags: [String] = []
  /// Paths with `*`, likewise.
  public var paths: [String] = []
  /// Whole URLs, likewise.
  public var urls: [String] = []
  /// Limits the paths; nil for every host.
  public var host: String?
  /// `hard`, `soft` or `refresh`.
  public var kind = "soft"

  /// An event without templates, which invalidates nothing yet.
  public init(name: String, secret: String, signatureField: String = "x-hub-signature-256") {
    self.name = name
    self.secret = secret
    self.signatureField = signatureField
  }
}
