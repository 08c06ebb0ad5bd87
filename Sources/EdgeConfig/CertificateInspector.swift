/// Finds faults in the files of TLS listeners, and in password hashes. The loader knows neither
/// certificates nor hashes: who loads a configuration in order to serve it, or to check it, brings
/// an inspector along.
public struct CertificateInspector: Sendable {
  /// What is wrong, or soon will be.
  public struct Finding: Sendable, Equatable {
    /// The option it is about: `certificate`, `key`, `names` or `authorities`.
    public var option: String
    /// The file it is found in.
    public var file: String
    /// What is wrong; continues a sentence about the file, such as "expired at ...".
    public var reason: String
    /// Whether the file can be used all the same.
    public var isWarning: Bool

    /// A fault, or a warning.
    public init(option: String, file: String, reason: String, isWarning: Bool = false) {
      self.option = option
      self.file = file
      self.reason = reason
      self.isWarning = isWarning
    }
  }

  /// Inspects a certificate with its key.
  public var inspectCertificate: @Sendable (EdgeConfiguration.Listener.Certificate) -> [Finding]
  /// Inspects a file of authorities.
  public var inspectAuthorities: @Sendable (String) -> [Finding]
  /// Inspects a password hash: what is wrong, to continue "'password_hash' "; nil for nothing.
  public var inspectPasswordHash: @Sendable (String) -> String?

  /// An inspector that asks these functions.
  public init(
    certificate: @escaping @Sendable (EdgeConfiguration.Listener.Certificate) -> [Finding],
    authorities: @escaping @Sendable (String) -> [Finding],
    passwordHash: @escaping @Sendable (String) -> String? = { _ in nil }
  ) {
    inspectPasswordHash = passwordHash
    inspectCertificate = certificate
    inspectAuthorities = authorities
  }
}
