extension EdgeConfiguration {
  /// An address on which clients are served.
  public struct Listener: Sendable, Equatable {
    /// Where to listen.
    public let address: ListenAddress
    /// TLS; nil is clear text.
    public let tls: TLS?
    /// Strict-Transport-Security; only beside `tls`.
    public let strictTransportSecurity: StrictTransportSecurity?
  }
}

extension EdgeConfiguration.Listener {
  /// TLS on a listener.
  public struct TLS: Sendable, Equatable {
    /// The oldest version that is spoken.
    public enum Version: String, Sendable {
      case tls13 = "1.3"
      case tls12 = "1.2"
    }

    /// At least one. The first serves clients that name no server, or an unknown one.
    public let certificates: [Certificate]
    /// The oldest version that is spoken.
    public let minimum: Version
    /// The longest wait for the end of a handshake.
    public let handshakeTimeout: Duration
    /// Certificates of clients; nil asks for none.
    public let clients: Clients?
  }

  /// A certificate with its key.
  public struct Certificate: Sendable, Equatable {
    /// Absolute path of the chain (PEM).
    public let certificate: String
    /// Absolute path of the private key (PEM).
    public let key: String
    /// The server names it is chosen for; nil for those it holds.
    public let names: [String]?
  }

  /// Certificates of clients.
  public struct Clients: Sendable, Equatable {
    /// Absolute path of the authorities that may have signed them (PEM).
    public let authorities: String
    /// Whether a client without a certificate is refused.
    public let isRequired: Bool
  }

  /// What Strict-Transport-Security says (RFC 6797).
  public struct StrictTransportSecurity: Sendable, Equatable {
    /// How long browsers keep to TLS.
    public let maxAge: Duration
    /// Whether that goes for all hosts below.
    public let includesSubdomains: Bool
    /// Whether browsers may have it built in.
    public let mayPreload: Bool
  }
}
