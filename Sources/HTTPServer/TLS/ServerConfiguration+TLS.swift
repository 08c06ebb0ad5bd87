import NIOCore

extension ServerConfiguration {
  /// How a listener speaks TLS.
  public struct TLS: Sendable, Equatable {
    /// A certificate with its key, as PEM files.
    public struct Certificate: Sendable, Equatable {
      /// The server's own certificate first, then the intermediate ones, in order.
      public var certificateFile: String
      /// The private key of the first certificate, ECDSA or RSA, without a passphrase.
      public var keyFile: String
      /// The server names it is chosen for, such as `www.example.com` or `*.example.com`; empty for
      /// those the certificate holds itself.
      public var names: [String]

      /// A certificate in these files.
      public init(certificateFile: String, keyFile: String, names: [String] = []) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.names = names
      }

      /// Reads the files and says what is wrong with them; blocks.
      /// - Parameter nowSeconds: the wall clock, in seconds since 1970.
      public func findings(nowSeconds: Int64) -> [TLSFinding] {
        ServerCertificate.load(self, nowSeconds: nowSeconds).findings
      }
    }

    /// The oldest version that is spoken.
    public enum Version: Sendable, Equatable {
      /// TLS 1.2 (RFC 5246), with ECDHE and AEAD suites only, which are those RFC 9113 allows.
      case tls12
      /// TLS 1.3 (RFC 8446).
      case tls13
    }

    /// Which certificates clients show.
    public struct Clients: Sendable, Equatable {
      /// A PEM file of the authorities that may have signed them.
      public var authoritiesFile: String
      /// Whether a client without one is refused. One that is shown is always verified.
      public var isRequired: Bool

      /// Certificates signed by these authorities.
      public init(authoritiesFile: String, isRequired: Bool = true) {
        self.authoritiesFile = authoritiesFile
        self.isRequired = isRequired
      }

      /// Reads the file and says what is wrong with it; blocks.
      /// - Parameter nowSeconds: the wall clock, in seconds since 1970.
      public func findings(nowSeconds: Int64) -> [TLSFinding] {
        ServerCertificate.authorities(authoritiesFile, nowSeconds: nowSeconds).findings
      }
    }

    /// At least one. The first serves clients that name no server, or one that none has.
    public var certificates: [Certificate]
    /// The oldest version that is spoken.
    public var minimum = Version.tls13
    /// Mutual TLS; nil asks clients for no certificate.
    public var clients: Clients?
    /// From the connection's start to the handshake's end. Then the connection closes.
    public var handshakeTimeout = TimeAmount.seconds(10)
    /// How often the files are looked at; nil never reads them again.
    public var reloadInterval: TimeAmount? = .seconds(5)

    /// TLS 1.3 with these certificates.
    public init(certificates: [Certificate]) {
      self.certificates = certificates
    }
  }

  /// What Strict-Transport-Security says in responses over TLS (RFC 6797).
  public struct StrictTransportSecurity: Sendable, Equatable {
    /// How long a browser keeps to TLS.
    public var maxAgeSeconds: Int64
    /// Whether that goes for all hosts below this one.
    public var includesSubdomains: Bool
    /// Whether browsers may carry the host in their built-in lists.
    public var mayPreload: Bool

    /// A policy of these parts.
    public init(maxAgeSeconds: Int64, includesSubdomains: Bool = false, mayPreload: Bool = false) {
      self.maxAgeSeconds = maxAgeSeconds
      self.includesSubdomains = includesSubdomains
      self.mayPreload = mayPreload
    }

    /// The field's value.
    public var value: String {
      "max-age=\(maxAgeSeconds)" + (includesSubdomains ? "; includeSubDomains" : "")
        + (mayPreload ? "; preload" : "")
    }
  }
}
