import ArgumentParser
import EdgeConfig
import Logging
import ServiceLifecycle
import UnixSignals

/// `edge serve`
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Run the edge until SIGTERM or SIGINT.",
    discussion: """
      On the first signal the edge stops accepting, lets running responses end within \
      limits.drain, and exits. Faults of the configuration: exit code 78. An address or a store \
      directory that cannot be had: exit code 69.

      SIGHUP reads the file again: its routes are taken up while requests go on, and what a \
      changed route has stored is invalidated. A file with faults changes nothing.
      """)

  @OptionGroup var file: ConfigurationFileOption

  func run() async throws {
    let configuration = try loadConfiguration(file.path, certificates: .front)
    LoggingSystem.bootstrap(StreamLogHandler.standardError)
    var logger = Logger(label: "edge")
    logger.logLevel = Logger.Level(rawValue: configuration.log.level.rawValue) ?? .info
    // Before the listeners open: who sees them may send a signal, which must not end the process
    // before it is listened to.
    let shutdownSignals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    let reloadSignals = await UnixSignalsSequence(trapping: .sighup)
    let service: EdgeService
    do {
      service = try await EdgeService.start(
        configuration, path: file.path, logger: logger)
    } catch {
      printError("edge: \(error)")
      throw ExitCode(69)
    }
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          .init(service: service, successTerminationBehavior: .gracefullyShutdownGroup),
          .init(service: ReloadSignalService(reloader: service.reloader, signals: reloadSignals)),
          .init(
            service: ShutdownSignalService(signals: shutdownSignals),
            successTerminationBehavior: .gracefullyShutdownGroup),
        ],
        logger: logger))
    try await group.run()
  }
}

/// Ends, and the edge with it, at the first signal to do so.
private struct ShutdownSignalService: Service {
  let signals: UnixSignalsSequence

  func run() async {
    for await _ in signals.cancelOnGracefulShutdown() { return }
  }
}
