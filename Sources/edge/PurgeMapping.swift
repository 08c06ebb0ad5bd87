import EdgeConfig
import EdgeProxy
import EdgeSecurity

extension PurgeAccess {
  /// Who may purge by the file.
  init(_ file: EdgeConfiguration.Purge) {
    self.init(
      allowed: file.allow.isEmpty ? nil : AddressList(file.allow),
      secret: file.secret.map { Array($0.exposedValue.utf8) })
  }
}
