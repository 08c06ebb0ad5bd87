import AdminAPI
import EdgeConfig
import EdgeSecurity
import HTTPServer
import Logging

// The admin API between edge.conf and its parts.

extension AddressList {
  /// The blocks of a file. The loader has checked each; one that is no block all the same would be
  /// a broken invariant.
  init(_ blocks: [String]) {
    do {
      try self.init(parsing: blocks)
    } catch {
      preconditionFailure("the configuration let a block through: \(error)")
    }
  }
}

extension AdminAddressPolicy {
  /// From where the file lets clients come.
  init(_ file: EdgeConfiguration.Admin) {
    self.init(
      allowed: file.allow.map { AddressList($0) }, denied: AddressList(file.deny),
      trustedProxies: AddressList(file.trustedProxies))
  }
}

extension AdminAuthenticator.User {
  /// A user of the file.
  /// - Throws: `AdminSetupError` for a password hash that is none.
  init(_ file: EdgeConfiguration.Admin.User) throws(AdminSetupError) {
    let scopes = file.scopes.reduce(into: AdminScopes()) { scopes, name in
      scopes.formUnion(AdminScopes(name: name) ?? [])
    }
    switch file.password {
    case .text(let password):
      self.init(name: file.name, secret: .password(password.exposedValue), scopes: scopes)
    case .hash(let text):
      do {
        self.init(
          name: file.name, secret: .hash(try PasswordHash(text.exposedValue)), scopes: scopes)
      } catch {
        throw AdminSetupError(
          reason: "the password_hash of the admin user '\(file.name)' \(error)")
      }
    }
  }
}

extension AuditLog {
  /// The file's audit log.
  convenience init(_ file: EdgeConfiguration.Admin, logger: Logger) {
    let destination: Destination =
      switch file.audit {
      case .standardError: .standardError
      case .file(let path): .file(path)
      case .off: .off
      }
    self.init(destination, logger: logger)
  }
}

extension ServerConfiguration.TLS {
  /// TLS of the admin listener.
  init(_ file: EdgeConfiguration.Admin.TLS) {
    self.init(certificates: [
      Certificate(
        certificateFile: file.certificate.certificate, keyFile: file.certificate.key)
    ])
    clients = file.clients.map {
      Clients(authoritiesFile: $0.authorities, isRequired: $0.isRequired)
    }
  }
}

/// Why the admin API cannot be set up as the file has it.
struct AdminSetupError: Error, CustomStringConvertible {
  let reason: String
  var description: String { "admin: \(reason)" }
}
