/// The admin API's checks.
extension ConfigurationChecks {
  /// Checks users, and that no password travels in clear text.
  mutating func checkAdmin(
    _ file: inout ConfigurationSection, _ inspector: CertificateInspector?
  ) {
    checkUsers(&file, inspector)
    guard let admin = file["admin"]?.section else { return }
    checkAdminTLS(admin, inspector)
  }

  private mutating func checkAdminTLS(
    _ admin: ConfigurationSection, _ inspector: CertificateInspector?
  ) {
    if let entry = admin["address"], let address = entry.listenAddress, !address.isLoopback,
      !admin.written.contains("tls")
    {
      report(
        "'address' is \(address), which others can reach, and passwords would travel there in "
          + "clear text (add tls: { certificate: certs/edge.pem, key: certs/edge.key }, or listen "
          + "on 127.0.0.1:\(address.port))", at: entry.place)
    }
    guard let tls = admin["tls"]?.section, let inspector else { return }
    inspectPair(tls, inspector)
    if let entry = tls["clients"]?.section?["authorities"], let path = entry.text {
      reportFindings(inspector.inspectAuthorities(path)) { _ in entry.place }
    }
  }

  private mutating func checkUsers(
    _ file: inout ConfigurationSection, _ inspector: CertificateInspector?
  ) {
    file.update(["admin"]) { admin in
      guard let entry = admin["users"], let users = entry.list else { return }
      var lines: [String: Int] = [:]
      let checked = users.map { user -> ConfigurationEntry in
        guard var section = user.section else { return user }
        checkName(section["name"], &lines)
        checkPassword(&section)
        checkHash(section["password_hash"], inspector)
        return ConfigurationEntry(
          value: .section(section), place: user.place, isWritten: user.isWritten)
      }
      admin["users"]?.value = .list(checked)
    }
  }

  private mutating func checkName(_ entry: ConfigurationEntry?, _ lines: inout [String: Int]) {
    guard let entry, let name = entry.text else { return }
    if name.contains(":") {
      report("'name' is '\(name)', but a user name has no ':' (RFC 7617)", at: entry.place)
    }
    if let line = lines[name] {
      report("the user '\(name)' is already defined at line \(line)", at: entry.place)
    } else {
      lines[name] = entry.place.line
    }
  }

  /// A user has one password. One from a file takes the place of a written one, so that
  /// everything after this point knows two options, `password` and `password_hash`.
  private mutating func checkPassword(_ section: inout ConfigurationSection) {
    let names = ["password", "password_file", "password_hash"]
    let written = names.filter { section.written.contains($0) }
    if written.count > 1 {
      report(
        "'\(written[0])' and '\(written[1])' exclude each other (keep one)", at: section.place)
    } else if written.isEmpty {
      report(
        "missing option 'password' (such as password: \"${EDGE_ADMIN_PASSWORD}\", or "
          + "password_file: path)", at: section.place)
    } else if let fromFile = section["password_file"] {
      section["password"] = fromFile
      section["password_file"] = nil
    }
  }

  /// Messages never quote a hash: it is a secret.
  private mutating func checkHash(
    _ entry: ConfigurationEntry?, _ inspector: CertificateInspector?
  ) {
    guard let entry, let hash = entry.secret?.exposedValue, hash != Secret.placeholder else {
      return
    }
    if !hash.hasPrefix("scrypt$") {
      report(
        "'password_hash' is no password hash (make one with 'edge hash-password'; "
          + "scrypt$ln=15,r=8,p=3$SALT$HASH)", at: entry.place)
    } else if let fault = inspector?.inspectPasswordHash(hash) {
      report("'password_hash' \(fault)", at: entry.place)
    }
  }
}
