extension ConfigurationChecks {
  /// Checks every listener's TLS, then its files if there is someone who reads them.
  mutating func checkTLS(_ file: inout ConfigurationSection, _ inspector: CertificateInspector?) {
    guard let listeners = file["listeners"]?.list else { return }
    let checked = listeners.map { listener -> ConfigurationEntry in
      guard var section = listener.section else { return listener }
      checkStrictTransport(section)
      section.update(["tls"]) { checkCertificates(&$0, inspector) }
      if let entry = section["tls"]?.section?["clients"]?.section?["authorities"],
        let path = entry.text, let inspector
      {
        reportFindings(inspector.inspectAuthorities(path)) { _ in entry.place }
      }
      return ConfigurationEntry(
        value: .section(section), place: listener.place, isWritten: listener.isWritten)
    }
    file["listeners"]?.value = .list(checked)
  }

  /// One certificate becomes a list of one, so that everything after this point knows a single
  /// option.
  private mutating func checkCertificates(
    _ tls: inout ConfigurationSection, _ inspector: CertificateInspector?
  ) {
    let single = ["certificate", "key"]
    let isSingle = single.contains { tls.written.contains($0) }
    if isSingle, tls.written.contains("certificates") {
      report("'certificate' and 'certificates' exclude each other (keep one)", at: tls.place)
      return
    }
    if !tls.written.contains("certificates") {
      for name in single where !tls.written.contains(name) {
        report(
          "missing option '\(name)' (such as \(name): certs/edge.\(suffix(name)))", at: tls.place)
      }
      guard tls["certificate"]?.text != nil, tls["key"]?.text != nil else { return }
      var pair = ConfigurationSection(place: tls.place)
      for name in single {
        pair[name] = tls[name]
        tls[name] = nil
      }
      pair.written = Set(single)
      let entry = ConfigurationEntry(value: .section(pair), place: tls.place, isWritten: true)
      tls["certificates"] = ConfigurationEntry(
        value: .list([entry]), place: tls.place, isWritten: true)
    }
    for entry in tls["certificates"]?.list ?? [] {
      guard let section = entry.section else { continue }
      checkNames(section)
      inspectPair(section, inspector)
    }
  }

  private func suffix(_ name: String) -> String { name == "key" ? "key" : "pem" }

  private mutating func checkNames(_ certificate: ConfigurationSection) {
    for entry in certificate["names"]?.list ?? [] {
      guard let name = entry.text else { continue }
      let host = name.hasPrefix("*.") ? String(name.dropFirst(2)) : name
      let isHost =
        1...253 ~= host.utf8.count
        && host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
          1...63 ~= label.utf8.count
            && label.utf8.allSatisfy { byte in
              switch byte {
              case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
              default: byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
              }
            }
        }
      if !isHost {
        report(
          "'names' has '\(name)', which is no host name (such as www.example.com or "
            + "*.example.com)", at: entry.place)
      }
    }
  }

  /// Reports what is wrong with a certificate and its key.
  mutating func inspectPair(
    _ section: ConfigurationSection, _ inspector: CertificateInspector?
  ) {
    guard let inspector, let certificate = section["certificate"]?.text,
      let key = section["key"]?.text
    else { return }
    let names = section["names"]?.list?.compactMap(\.text)
    let findings = inspector.inspectCertificate(
      EdgeConfiguration.Listener.Certificate(certificate: certificate, key: key, names: names))
    reportFindings(findings) { section[$0]?.place ?? section.place }
  }

  /// Reports faults and warnings of files.
  mutating func reportFindings(
    _ findings: [CertificateInspector.Finding], at place: (String) -> Place
  ) {
    for finding in findings {
      let file = finding.option == "names" ? "certificate" : finding.option
      let message = "'\(file)' names the file '\(finding.file)', which \(finding.reason)"
      if finding.isWarning {
        warn(message, at: place(finding.option))
      } else {
        report(message, at: place(finding.option))
      }
    }
  }

  private mutating func checkStrictTransport(_ listener: ConfigurationSection) {
    guard let entry = listener["hsts"], let section = entry.section else { return }
    if !listener.written.contains("tls") {
      report(
        "'hsts' needs 'tls' on the same listener (browsers ignore it in clear text)",
        at: entry.place)
    }
    guard let preload = section["preload"], preload.boolean == true else { return }
    guard let age = section["max_age"]?.duration, let all = section["include_subdomains"]?.boolean
    else { return }
    if !all || age < .seconds(365 * 86_400) {
      report(
        "'preload' needs 'include_subdomains: true' and a 'max_age' of at least 365 days",
        at: preload.place)
    }
  }
}
