import ArgumentParser
import EdgeConfig
import Logging
import ServiceLifecycle

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
          .init(service: ReloadSignalService(reloader: service.reloader)),
        ],
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    try await group.run()
  }
}
