import ArgumentParser

/// How commands end, after sysexits.h: documented in `docs/CLI.md`.
enum CommandExit {
  /// The edge refused, or could not do it.
  static let failed = ExitCode(1)
  /// The command line was wrong.
  static let usage = ExitCode(64)
  /// Nobody answers at the admin listener.
  static let unreachable = ExitCode(69)
  /// A file could not be written.
  static let cannotWrite = ExitCode(73)
  /// The login was refused, or may not do this.
  static let notAllowed = ExitCode(77)
  /// The configuration has a fault, or lacks what the command needs.
  static let configuration = ExitCode(78)
}
