/// What a user or a token of the admin API may do.
public struct AdminScopes: OptionSet, Sendable, Hashable {
  /// One bit a scope.
  public let rawValue: UInt8

  /// Scopes of these bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// May look: status, metrics, objects, explanations, invalidations.
  public static let read = AdminScopes(rawValue: 1)
  /// May invalidate, and follow its invalidations.
  public static let purge = AdminScopes(rawValue: 2)
  /// May do everything.
  public static let admin = AdminScopes(rawValue: 4)

  private static let named: [(name: String, scope: AdminScopes)] = [
    ("read", .read), ("purge", .purge), ("admin", .admin),
  ]

  /// Every scope by its name.
  public static var allNames: [String] { named.map(\.name) }

  /// The scope of this name; nil when there is none.
  public init?(name: String) {
    guard let scope = AdminScopes.named.first(where: { $0.name == name })?.scope else { return nil }
    self = scope
  }

  /// The names of its scopes.
  public var names: [String] { AdminScopes.named.filter { contains($0.scope) }.map(\.name) }

  /// Whether they allow what asks for one of `scopes`; ``admin`` allows everything.
  public func allow(anyOf scopes: AdminScopes) -> Bool {
    contains(.admin) || !isDisjoint(with: scopes)
  }
}

/// Somebody whom the admin API let in.
public struct AdminIdentity: Sendable, Equatable {
  /// How they showed who they are.
  public enum Credential: String, Sendable {
    /// A name and a password.
    case password
    /// A bearer token.
    case token
    /// A signature over the request, which the operation itself checked.
    case signature
    /// Nothing: the operation is open to all.
    case none
  }

  /// The user's, token's or key's name.
  public var name: String
  /// How they showed who they are.
  public var credential: Credential
  /// What they may do.
  public var scopes: AdminScopes
  /// When the token expires, in seconds since 1970; nil for never.
  public var expirySeconds: Int64?

  /// Somebody.
  public init(
    name: String, credential: Credential, scopes: AdminScopes, expirySeconds: Int64? = nil
  ) {
    self.name = name
    self.credential = credential
    self.scopes = scopes
    self.expirySeconds = expirySeconds
  }
}
