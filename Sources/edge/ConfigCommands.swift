import ArgumentParser
import EdgeConfig
import Foundation

/// `edge check`
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check a configuration and print it with every default filled in.",
    discussion: "Exits with 78 when the file has faults; all of them are listed.")

  @OptionGroup var file: ConfigurationFileOption

  func run() throws {
    let configuration = try loadConfiguration(file.path, certificates: .front)
    print(configuration.effectiveConfiguration, terminator: "")
  }
}

/// `edge config`
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Print what edge.conf may hold.",
    subcommands: [Reference.self, Schema.self])

  /// `edge config reference`
  struct Reference: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the table of all options as Markdown.")

    func run() { print(OptionTable.referenceMarkdown(), terminator: "") }
  }

  /// `edge config schema`
  struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print a JSON Schema of edge.conf, for editors.")

    func run() { print(OptionTable.jsonSchema(), terminator: "") }
  }
}

/// Loads a configuration; on faults prints every one of them to standard error and exits with 78
/// (EX_CONFIG).
/// - Parameter certificates: finds faults in TLS files; nil where they do not matter, so that a
///   purge works beside a certificate that has expired.
func loadConfiguration(
  _ path: String, certificates: CertificateInspector? = nil
) throws -> EdgeConfiguration {
  do {
    let configuration = try EdgeConfiguration.load(
      path: path, environment: ProcessInfo.processInfo.environment, certificates: certificates)
    for warning in configuration.warnings { printError(warning.description) }
    return configuration
  } catch {
    printError(error.description)
    throw ExitCode(ConfigurationError.exitCode)
  }
}

/// Prints a line to standard error.
func printError(_ message: String) {
  FileHandle.standardError.write(Data((message + "\n").utf8))
}
