import Foundation
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import HTTPServer

/// Keeps what is logged.
private final class LogRecord: LogHandler, Sendable {
  private let lines = Mutex<[String]>([])
  let metadataProvider: Logger.MetadataProvider? = nil
  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }
  var logLevel: Logger.Level {
    get { .trace }
    set {}
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }

  func log(event: LogEvent) {
    let values = event.metadata ?? [:]
    let text = values.keys.sorted().map { "\($0)=\(values[$0].map { "\($0)" } ?? "")" }
    lines.withLock { $0.append(([event.message.description] + text).joined(separator: " ")) }
  }

  func taken() -> [String] {
    lines.withLock { lines in
      defer { lines = [] }
      return lines
    }
  }
}

/// A listener's certificates in a folder where a test replaces them.
private struct Renewal {
  let files: TLSFiles
  let source: TLSContextSource
  /// A minute from the certificates' making: what is made later is valid by then, too.
  let now: Int64
  let log = LogRecord()

  init() throws {
    files = try TLSFiles()
    now = Int64(Date().timeIntervalSince1970) + 60
    try files.replace("live.pem", by: "chain.pem")
    try files.replace("live.key", by: "edge.key")
    let log = log
    var configuration = ServerConfiguration.TLS(certificates: [files.pair("live", key: "live")])
    configuration.clients = .init(authoritiesFile: files.path("root.pem"), isRequired: false)
    source = try TLSContextSource(
      configuration, name: "127.0.0.1:443", offersHTTP2: false, shutdownTimeout: .seconds(1),
      logger: Logger(label: "test") { _ in log }, nowSeconds: now)
  }

  func reload(after seconds: Int64 = 0) -> TLSContextSource.Outcome {
    source.reloadIfChanged(nowSeconds: now + seconds)
  }
}

@Suite(.timeLimit(.minutes(5)))
struct TLSReloadTests {
  @Test func unchangedFilesAreNotReadAgain() throws {
    let renewal = try Renewal()
    let context = renewal.source.contexts.any
    #expect(renewal.reload() == .unchanged)
    #expect(renewal.source.contexts.any === context)
    #expect(renewal.log.taken() == [])
  }

  @Test func aNewCertificateIsForNewConnections() throws {
    let renewal = try Renewal()
    let context = renewal.source.contexts.any
    try renewal.files.replace("live.pem", by: "other.pem")
    try renewal.files.replace("live.key", by: "other.key")
    #expect(renewal.reload() == .reloaded)
    #expect(renewal.source.contexts.any !== context)
    #expect(renewal.source.statistics.reloadCount == 1)
    #expect(renewal.reload() == .unchanged)
    let lines = renewal.log.taken()
    #expect(lines.count == 1)
    #expect(lines[0].hasPrefix("certificates reloaded expiry=20"))
  }

  @Test func theSameBytesInANewFileAreReadAgain() throws {
    let renewal = try Renewal()
    try renewal.files.replace("live.pem", by: "chain.pem")
    #expect(renewal.reload() == .reloaded)
  }

  @Test func aHalfDoneRenewalWaitsForItsOtherHalf() throws {
    let renewal = try Renewal()
    let context = renewal.source.contexts.any
    try renewal.files.replace("live.pem", by: "other.pem")
    guard case .kept(let faults) = renewal.reload() else {
      Issue.record("a certificate without its key was taken")
      return
    }
    #expect(faults.map(\.subject) == [.key])
    #expect(renewal.source.contexts.any === context)
    #expect(renewal.source.statistics.failedReloadCount == 1)
    // The same fault is not reported again.
    #expect(renewal.reload() == .unchanged)
    #expect(
      renewal.log.taken() == [
        "certificate not reloaded, the former one stays "
          + "file=\(renewal.files.path("live.key")) listener=127.0.0.1:443 "
          + "reason=is not the key of the first certificate in "
          + "'\(renewal.files.path("live.pem"))'"
      ])
    try renewal.files.replace("live.key", by: "other.key")
    #expect(renewal.reload() == .reloaded)
    #expect(renewal.source.contexts.any !== context)
  }

  @Test(arguments: ["text.pem", "torn.pem", "none.pem"])
  func aBrokenFileLeavesTheFormerCertificate(_ name: String) throws {
    let renewal = try Renewal()
    let context = renewal.source.contexts.any
    if name == "none.pem" {
      try FileManager.default.removeItem(at: renewal.files.url("live.pem"))
    } else {
      try renewal.files.replace("live.pem", by: name)
    }
    guard case .kept(let faults) = renewal.reload() else {
      Issue.record("\(name) was taken")
      return
    }
    #expect(faults.map(\.file) == [renewal.files.path("live.pem")])
    #expect(renewal.source.contexts.any === context)
    try renewal.files.replace("live.pem", by: "edge.pem")
    #expect(renewal.reload() == .reloaded)
  }

  @Test func newAuthoritiesAreTakenToo() throws {
    let renewal = try Renewal()
    try renewal.files.replace("root.pem", by: "unknown.pem")
    #expect(renewal.reload() == .reloaded)
  }

  @Test func anExpiringCertificateIsMentionedOnceADay() throws {
    let renewal = try Renewal()
    let warning = renewal.source.statistics.expirySeconds - renewal.now - 14 * 86_400
    #expect(renewal.reload(after: warning) == .unchanged)
    #expect(renewal.log.taken() == [])
    #expect(renewal.reload(after: warning + 1) == .unchanged)
    #expect(renewal.log.taken().map { $0.prefix(24) } == ["certificate expires soon"])
    #expect(renewal.reload(after: warning + 86_400) == .unchanged)
    #expect(renewal.log.taken() == [])
    #expect(renewal.reload(after: warning + 86_401) == .unchanged)
    #expect(renewal.log.taken().count == 1)
    #expect(renewal.reload(after: warning + 14 * 86_400) == .unchanged)
    #expect(renewal.log.taken().map { $0.prefix(23) } == ["certificate has expired"])
  }

  @Test func aRunningServerTakesANewCertificate() async throws {
    let files = try TLSFiles()
    try files.replace("live.pem", by: "chain.pem")
    try files.replace("live.key", by: "edge.key")
    try await TLSServer.run(
      files: files,
      { configuration, files in
        configuration.listeners[0].tls?.certificates = [files.pair("live", key: "live")]
        configuration.listeners[0].tls?.reloadInterval = .milliseconds(20)
      }
    ) { tls in
      let session = files.path("session.pem")
      let before = try await tls.openssl("-sess_out", session)
      #expect(before.contains("subject=CN = edge"))
      try files.replace("live.key", by: "other.key")
      try files.replace("live.pem", by: "other.pem")
      let statistics = try #require(tls.server.tlsStatistics.first?.statistics)
      let limit = ContinuousClock.now + .seconds(120)
      while statistics.reloadCount == 0, .now < limit { await Task.yield() }
      // The ticket was of the former context: the handshake is a full one and succeeds.
      let after = try await tls.openssl("-sess_in", session)
      #expect(after.contains("subject=CN = other"))
      #expect(after.contains("New, TLSv1.3"))
    }
  }
}
