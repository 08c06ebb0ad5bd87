import EdgeConfig
import EdgeSecurity
import Glibc
import HTTPServer
import NIOCore

// TLS between edge.conf and the front: the options, and the faults of the files they name.

extension ServerConfiguration.Listener {
  /// A listener of the file.
  init(_ file: EdgeConfiguration.Listener) {
    self.init(host: file.address.host, port: file.address.port)
    tls = file.tls.map { ServerConfiguration.TLS($0) }
    strictTransportSecurity = file.strictTransportSecurity.map { hsts in
      ServerConfiguration.StrictTransportSecurity(
        maxAgeSeconds: hsts.maxAge.components.seconds,
        includesSubdomains: hsts.includesSubdomains, mayPreload: hsts.mayPreload)
    }
  }
}

extension ServerConfiguration.TLS {
  fileprivate init(_ file: EdgeConfiguration.Listener.TLS) {
    self.init(certificates: file.certificates.map { Certificate($0) })
    minimum = file.minimum == .tls12 ? .tls12 : .tls13
    handshakeTimeout = TimeAmount(file.handshakeTimeout)
    clients = file.clients.map {
      Clients(authoritiesFile: $0.authorities, isRequired: $0.isRequired)
    }
  }
}

extension ServerConfiguration.TLS.Certificate {
  fileprivate init(_ file: EdgeConfiguration.Listener.Certificate) {
    self.init(certificateFile: file.certificate, keyFile: file.key, names: file.names ?? [])
  }
}

extension CertificateInspector {
  /// Reads certificates as the front will.
  static let front = CertificateInspector(
    certificate: { file in
      ServerConfiguration.TLS.Certificate(file).findings(nowSeconds: Int64(time(nil)))
        .map(Finding.init)
    },
    authorities: { path in
      ServerConfiguration.TLS.Clients(authoritiesFile: path)
        .findings(nowSeconds: Int64(time(nil))).map(Finding.init)
    },
    passwordHash: { text in
      do {
        _ = try PasswordHash(text)
        return nil
      } catch {
        return "\(error)"
      }
    })
}

extension CertificateInspector.Finding {
  fileprivate init(_ finding: TLSFinding) {
    let option =
      switch finding.subject {
      case .certificate: "certificate"
      case .key: "key"
      case .authorities: "authorities"
      case .names: "names"
      }
    self.init(
      option: option, file: finding.file, reason: finding.reason, isWarning: finding.isWarning)
  }
}
