import Glibc
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// What the TLS connections of one listener are made from, read anew when its files change.
///
/// Shared by all loops. A connection takes the context of the moment and keeps it to its end; all
/// that belongs together (certificates, keys, names, client authorities) is replaced in one step.
///
/// Sessions: BoringSSL gives every TLS 1.3 client two tickets and seals them with keys that belong
/// to the context, which it makes itself and replaces every two days. Since all loops share the
/// context, a client resumes on any of them. A new context has new keys: the first connections
/// after a reload shake hands in full, and no client gets past authorities that were taken away.
final class TLSContextSource: Sendable {
  /// What a look at the files led to.
  enum Outcome: Equatable {
    /// They are as they were, or as bad as they were.
    case unchanged
    case reloaded
    /// They cannot be used; what was read before stays.
    case kept([TLSFinding])
  }

  private struct State {
    var contexts: TLSContexts
    var expirySeconds: Int64
    var stamps: [TLSFileStamp?]
    /// When the log was last told that a certificate is about to expire.
    var warnedSeconds: Int64?
  }

  private struct Snapshot {
    let contexts: TLSContexts
    let expirySeconds: Int64
  }

  let configuration: ServerConfiguration.TLS
  /// The listener's address, for the log.
  let name: String
  let statistics = TLSStatistics()
  private let offersHTTP2: Bool
  private let shutdownTimeout: TimeAmount
  private let logger: Logger
  private let state: Mutex<State>

  /// Reads the files; blocks.
  /// - Parameter shutdownTimeout: how long a closed connection waits for the client's goodbye.
  init(
    _ configuration: ServerConfiguration.TLS, name: String, offersHTTP2: Bool,
    shutdownTimeout: TimeAmount, logger: Logger, nowSeconds: Int64
  ) throws(TLSConfigurationError) {
    self.configuration = configuration
    self.name = name
    self.offersHTTP2 = offersHTTP2
    self.shutdownTimeout = shutdownTimeout
    self.logger = logger
    let stamps = Self.stamps(configuration)
    let (snapshot, findings) = Self.read(
      configuration, offersHTTP2: offersHTTP2, shutdownTimeout: shutdownTimeout,
      nowSeconds: nowSeconds)
    guard let snapshot else {
      throw TLSConfigurationError(faults: findings.filter { !$0.isWarning })
    }
    state = Mutex(
      State(
        contexts: snapshot.contexts, expirySeconds: snapshot.expirySeconds, stamps: stamps))
    statistics.setExpiry(snapshot.expirySeconds)
  }

  /// What a new connection is made from.
  var contexts: TLSContexts { state.withLock { $0.contexts } }

  /// Looks at the files and reads them if one has changed; blocks, so not for an event loop. One
  /// call at a time.
  /// - Parameter nowSeconds: the wall clock.
  @discardableResult
  func reloadIfChanged(nowSeconds: Int64) -> Outcome {
    // Before reading: what changes meanwhile is seen the next time.
    let stamps = Self.stamps(configuration)
    guard state.withLock({ $0.stamps != stamps }) else {
      warnOfExpiry(nowSeconds)
      return .unchanged
    }
    let (snapshot, findings) = Self.read(
      configuration, offersHTTP2: offersHTTP2, shutdownTimeout: shutdownTimeout,
      nowSeconds: nowSeconds)
    state.withLock {
      $0.stamps = stamps
      guard let snapshot else { return }
      $0.contexts = snapshot.contexts
      $0.expirySeconds = snapshot.expirySeconds
      $0.warnedSeconds = nil
    }
    guard let snapshot else {
      statistics.failedReloads.add(1, ordering: .relaxed)
      let faults = findings.filter { !$0.isWarning }
      for fault in faults {
        logger.error(
          "certificate not reloaded, the former one stays",
          metadata: [
            "listener": "\(name)", "file": "\(fault.file)", "reason": "\(fault.reason)",
          ])
      }
      return .kept(faults)
    }
    statistics.reloads.add(1, ordering: .relaxed)
    statistics.setExpiry(snapshot.expirySeconds)
    logger.notice(
      "certificates reloaded",
      metadata: [
        "listener": "\(name)",
        "expiry": "\(ServerCertificate.text(snapshot.expirySeconds))",
      ])
    warnOfExpiry(nowSeconds)
    return .reloaded
  }

  /// Tells the log once a day that the first certificate to expire is about to.
  private func warnOfExpiry(_ nowSeconds: Int64) {
    let expiry: Int64? = state.withLock {
      guard $0.expirySeconds - nowSeconds < ServerCertificate.warningSeconds,
        nowSeconds - ($0.warnedSeconds ?? Int64.min / 2) >= 86_400
      else { return nil }
      $0.warnedSeconds = nowSeconds
      return $0.expirySeconds
    }
    guard let expiry else { return }
    logger.warning(
      expiry > nowSeconds ? "certificate expires soon" : "certificate has expired",
      metadata: ["listener": "\(name)", "expiry": "\(ServerCertificate.text(expiry))"])
  }

  private static func stamps(_ configuration: ServerConfiguration.TLS) -> [TLSFileStamp?] {
    var files = configuration.certificates.flatMap { [$0.certificateFile, $0.keyFile] }
    if let clients = configuration.clients { files.append(clients.authoritiesFile) }
    return files.map { TLSFileStamp($0) }
  }

  /// Reads all files. Without a snapshot there is at least one fault among the findings.
  private static func read(
    _ configuration: ServerConfiguration.TLS, offersHTTP2: Bool, shutdownTimeout: TimeAmount,
    nowSeconds: Int64
  ) -> (Snapshot?, [TLSFinding]) {
    var findings: [TLSFinding] = []
    var certificates: [ServerCertificate] = []
    for files in configuration.certificates {
      let (certificate, found) = ServerCertificate.load(files, nowSeconds: nowSeconds)
      findings += found
      if let certificate { certificates.append(certificate) }
    }
    var authorities: [NIOSSLCertificate] = []
    if let clients = configuration.clients {
      let (found, faults) = ServerCertificate.authorities(
        clients.authoritiesFile, nowSeconds: nowSeconds)
      authorities = found
      findings += faults
    }
    guard findings.allSatisfy(\.isWarning), let first = certificates.first else {
      return (nil, findings)
    }
    func context(_ certificates: [ServerCertificate]) throws -> NIOSSLContext {
      let tls = TLSConfiguration.makeServer(
        configuration, certificates: certificates, first: certificates.first ?? first,
        authorities: authorities, offersHTTP2: offersHTTP2, shutdownTimeout: shutdownTimeout)
      return try NIOSSLContext(configuration: tls)
    }
    do {
      let ecdsa = certificates.filter(\.isECDSA)
      let rsa = certificates.filter { !$0.isECDSA }
      let isMixed = !ecdsa.isEmpty && !rsa.isEmpty
      let contexts = TLSContexts(
        any: try context(certificates), ecdsa: isMixed ? try context(ecdsa + rsa) : nil,
        rsa: isMixed ? try context(rsa + ecdsa) : nil)
      let expiry = certificates.map(\.expirySeconds).min() ?? first.expirySeconds
      return (Snapshot(contexts: contexts, expirySeconds: expiry), findings)
    } catch {
      findings.append(
        TLSFinding(
          subject: .certificate, file: configuration.certificates[0].certificateFile,
          reason: "cannot be used: \(error)"))
      return (nil, findings)
    }
  }
}

/// What a TLS listener has done with its files. Readable from any thread.
public final class TLSStatistics: Sendable {
  let reloads = Atomic<Int>(0)
  let failedReloads = Atomic<Int>(0)
  private let expiry = Atomic<Int64>(0)

  init() {}

  /// How often its files were read anew.
  public var reloadCount: Int { reloads.load(ordering: .relaxed) }
  /// How often they had changed and could not be used.
  public var failedReloadCount: Int { failedReloads.load(ordering: .relaxed) }
  /// When the first of its certificates expires, in seconds since 1970.
  public var expirySeconds: Int64 { expiry.load(ordering: .relaxed) }

  func setExpiry(_ seconds: Int64) { expiry.store(seconds, ordering: .relaxed) }
}

extension TLSConfiguration {
  /// ECDHE with AEAD only: what TLS 1.2 has of forward secrecy, and what RFC 9113 allows.
  private static let suites = "ECDH+AESGCM:ECDH+CHACHA20"

  fileprivate static func makeServer(
    _ configuration: ServerConfiguration.TLS, certificates: [ServerCertificate],
    first: ServerCertificate, authorities: [NIOSSLCertificate], offersHTTP2: Bool,
    shutdownTimeout: TimeAmount
  ) -> TLSConfiguration {
    var tls = makeServerConfiguration(
      certificateChain: first.chain.map { .certificate($0) }, privateKey: .privateKey(first.key))
    tls.minimumTLSVersion = configuration.minimum == .tls12 ? .tlsv12 : .tlsv13
    tls.cipherSuites = suites
    tls.applicationProtocols = (offersHTTP2 ? ["h2"] : []) + ["http/1.1"]
    tls.shutdownTimeout = shutdownTimeout
    if let clients = configuration.clients {
      // Names of clients are not hosts: only the signature counts.
      tls.certificateVerification =
        clients.isRequired ? .noHostnameVerification : .optionalVerification
      tls.trustRoots = .certificates(authorities)
      tls.sendCANameList = true
    }
    if certificates.count > 1 { tls.sslContextCallback = chooser(certificates) }
    return tls
  }

  /// Chooses the certificate by the name the client asks for. It costs a handshake one more turn of
  /// its loop, so a single certificate goes without.
  private static func chooser(_ certificates: [ServerCertificate]) -> NIOSSLContextCallback {
    let table = ServerNameTable(certificates.map(\.names))
    let overrides = certificates.map { certificate in
      var override = NIOSSLContextConfigurationOverride()
      override.certificateChain = certificate.chain.map { .certificate($0) }
      override.privateKey = .privateKey(certificate.key)
      return override
    }
    return { values, promise in
      let place = values.serverHostname.flatMap { table.place(of: $0) } ?? 0
      promise.succeed(place == 0 ? .noChanges : overrides[place])
    }
  }
}
