import Glibc
import NIOSSL

/// A certificate chain with its key, read from files and found to be usable.
struct ServerCertificate: Sendable {
  /// Warnings begin this long before the end.
  static let warningSeconds: Int64 = 14 * 86_400

  /// The server's own first.
  let chain: [NIOSSLCertificate]
  let key: NIOSSLPrivateKey
  /// The server names it is chosen for, in lower case.
  let names: [String]
  /// Whether its key is for ECDSA; otherwise it is for RSA.
  let isECDSA: Bool
  /// When the first certificate of the chain expires.
  let expirySeconds: Int64

  /// Reads a certificate and its key and checks that they are valid and belong together.
  /// - Parameter nowSeconds: the wall clock.
  /// - Returns: nil when there are faults, and all that was found.
  static func load(
    _ files: ServerConfiguration.TLS.Certificate, nowSeconds: Int64
  ) -> (certificate: ServerCertificate?, findings: [TLSFinding]) {
    var findings: [TLSFinding] = []
    let chain = chain(files.certificateFile, nowSeconds: nowSeconds, &findings)
    let key = key(files.keyFile, &findings)
    guard let chain, let leaf = chain.first, let key else { return (nil, findings) }
    guard doMatch(leaf, key) else {
      findings.append(
        TLSFinding(
          subject: .key, file: files.keyFile,
          reason: "is not the key of the first certificate in '\(files.certificateFile)'"))
      return (nil, findings)
    }
    let held = dnsNames(leaf)
    let names = files.names.isEmpty ? held : files.names.map { $0.lowercased() }
    let table = ServerNameTable([held])
    for name in names where !files.names.isEmpty && table.place(of: name) == nil {
      findings.append(
        TLSFinding(
          subject: .names, file: files.certificateFile, reason: "does not hold the name '\(name)'",
          isWarning: true))
    }
    guard findings.allSatisfy(\.isWarning) else { return (nil, findings) }
    let certificate = ServerCertificate(
      chain: chain, key: key, names: names, isECDSA: isECDSA(leaf),
      expirySeconds: Int64(leaf.notValidAfter))
    return (certificate, findings)
  }

  /// Reads the authorities that client certificates may be signed by.
  static func authorities(
    _ file: String, nowSeconds: Int64
  ) -> (certificates: [NIOSSLCertificate], findings: [TLSFinding]) {
    var findings: [TLSFinding] = []
    let all = certificates(file, .authorities, &findings) ?? []
    let valid = all.filter { Int64($0.notValidAfter) > nowSeconds }
    if !all.isEmpty, valid.count < all.count {
      findings.append(
        TLSFinding(
          subject: .authorities, file: file,
          reason: valid.isEmpty
            ? "holds expired certificates only"
            : "holds \(all.count - valid.count) expired of \(all.count) certificates",
          isWarning: !valid.isEmpty))
    }
    return (valid, findings)
  }

  // MARK: Inside

  /// Whether the key's algorithm is id-ecPublicKey (RFC 5480 section 2.1.1).
  private static func isECDSA(_ certificate: NIOSSLCertificate) -> Bool {
    guard let key = try? certificate.extractPublicKey().toSPKIBytes() else { return false }
    let identifier: [UInt8] = [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
    return key.prefix(32).firstRange(of: identifier) != nil
  }

  private static func chain(
    _ file: String, nowSeconds: Int64, _ findings: inout [TLSFinding]
  ) -> [NIOSSLCertificate]? {
    guard let chain = certificates(file, .certificate, &findings), let leaf = chain.first else {
      return nil
    }
    func report(_ reason: String, isWarning: Bool = false) {
      findings.append(
        TLSFinding(subject: .certificate, file: file, reason: reason, isWarning: isWarning))
    }
    let end = Int64(leaf.notValidAfter)
    if end <= nowSeconds {
      report("expired at \(text(end))")
    } else if Int64(leaf.notValidBefore) > nowSeconds {
      report("is not valid before \(text(Int64(leaf.notValidBefore)))")
    } else if end - nowSeconds < warningSeconds {
      report("expires at \(text(end))", isWarning: true)
    }
    // Chains with an expired root on top are sent on purpose, for clients that never look at it.
    for (index, certificate) in chain.enumerated().dropFirst()
    where Int64(certificate.notValidAfter) <= nowSeconds {
      let end = text(Int64(certificate.notValidAfter))
      report("holds a certificate (number \(index + 1)) that expired at \(end)", isWarning: true)
    }
    return chain
  }

  private static func certificates(
    _ file: String, _ subject: TLSFinding.Subject, _ findings: inout [TLSFinding]
  ) -> [NIOSSLCertificate]? {
    do throws(TLSFileError) {
      let bytes = try TLSFile.read(file)
      let text = String(decoding: bytes, as: UTF8.self)
      guard text.contains("-----BEGIN CERTIFICATE-----") else {
        let holds = text.contains("PRIVATE KEY-----") ? "holds a key, and " : "holds "
        throw TLSFileError(reason: holds + "no certificate (PEM)")
      }
      guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes) else {
        throw TLSFileError(reason: "holds a damaged certificate")
      }
      return certificates
    } catch {
      findings.append(TLSFinding(subject: subject, file: file, reason: error.reason))
    }
    return nil
  }

  private static func key(_ file: String, _ findings: inout [TLSFinding]) -> NIOSSLPrivateKey? {
    let reason: String
    do throws(TLSFileError) {
      let bytes = try TLSFile.read(file)
      let text = String(decoding: bytes, as: UTF8.self)
      if !text.contains("PRIVATE KEY-----") {
        let holds = text.contains("BEGIN CERTIFICATE-----") ? "holds a certificate, and " : "holds "
        reason = holds + "no private key (PEM)"
      } else if text.contains("ENCRYPTED") {
        reason = "is encrypted (store the key without a passphrase)"
      } else if let key = try? NIOSSLPrivateKey(
        bytes: bytes, format: .pem, passphraseCallback: { setter in setter([UInt8]()) })
      {
        return key
      } else {
        reason = "holds a damaged private key, or one of an unknown kind"
      }
    } catch {
      reason = error.reason
    }
    findings.append(TLSFinding(subject: .key, file: file, reason: reason))
    return nil
  }

  /// A context takes only a key that fits its certificate.
  private static func doMatch(_ certificate: NIOSSLCertificate, _ key: NIOSSLPrivateKey) -> Bool {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: [.certificate(certificate)], privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv13
    return (try? NIOSSLContext(configuration: configuration)) != nil
  }

  /// The DNS names among the subject's alternative names: the only ones that clients look at
  /// (RFC 9525 section 6.3).
  private static func dnsNames(_ certificate: NIOSSLCertificate) -> [String] {
    certificate._subjectAlternativeNames().compactMap { name in
      guard name.nameType == .dnsName else { return nil }
      return name.contents.withUnsafeBufferPointer {
        String(decoding: $0, as: UTF8.self).lowercased()
      }
    }
  }

  /// A time as RFC 3339 writes it.
  static func text(_ seconds: Int64) -> String {
    var time = time_t(seconds)
    var parts = tm()
    guard gmtime_r(&time, &parts) != nil else { return "\(seconds)" }
    var buffer = [CChar](repeating: 0, count: 32)
    let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
