import ArgumentParser

/// The command line of Synapse Edge.
@main
struct Edge: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edge",
    abstract: "An HTTP caching reverse proxy: a CDN edge you run yourself.",
    version: EdgeVersion.text,
    subcommands: [
      ServeCommand.self, CheckCommand.self, ConfigCommand.self, PurgeCommand.self,
      ExplainCommand.self, ObjectsCommand.self, StatusCommand.self, SnapshotCommand.self,
      KeysCommand.self, HashPasswordCommand.self, TokenCommand.self,
      VersionCommand.self,
    ])

  static func main() async {
    if CommandLine.arguments.dropFirst().first == "serve" { AllocatorTuning.restartWithSetting() }
    await main(nil)
  }
}

/// The version, as `edge version`, the log and the metrics name it.
enum EdgeVersion {
  static let text = "0.1.0"
}

/// `edge version`
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Print the version.")

  func run() { print("edge \(EdgeVersion.text)") }
}

/// Where the configuration file is: shared by the commands that read it.
struct ConfigurationFileOption: ParsableArguments {
  @Option(name: [.short, .customLong("config")], help: "The configuration file.")
  var path = "edge.conf"
}
