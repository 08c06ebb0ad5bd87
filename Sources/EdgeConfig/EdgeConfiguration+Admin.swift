extension EdgeConfiguration {
  /// The admin API.
  public struct Admin: Sendable, Equatable {
    /// Where to listen.
    public let address: ListenAddress
    /// At least one; names are unique.
    public let users: [User]
    /// Absolute path of the file of bearer tokens; nil when there are none.
    public let tokens: String?
    /// TLS; nil is clear text, on a loopback address only.
    public let tls: TLS?
    /// The only blocks of addresses that may come; nil for all.
    public let allow: [String]?
    /// Blocks that may not come.
    public let deny: [String]
    /// Blocks of proxies whose X-Forwarded-For is believed.
    public let trustedProxies: [String]
    /// Where changes are recorded.
    public let audit: Audit

    /// Who may use the admin API.
    public struct User: Sendable, Equatable {
      /// How the password is known.
      public enum Password: Sendable, Equatable {
        /// In clear text; not empty.
        case text(Secret)
        /// As a hash of the form that `edge hash-password` prints.
        case hash(Secret)
      }

      /// Without a colon.
      public let name: String
      /// How the password is known.
      public let password: Password
      /// At least one of `read`, `purge` and `admin`.
      public let scopes: [String]
    }

    /// TLS on the admin listener.
    public struct TLS: Sendable, Equatable {
      /// The certificate with its key.
      public let certificate: Listener.Certificate
      /// Certificates of clients; nil asks for none.
      public let clients: Listener.Clients?
    }

    /// Where changes are recorded.
    public enum Audit: Sendable, Equatable {
      case standardError
      /// An absolute path.
      case file(String)
      case off
    }
  }
}
