import ArgumentParser
import EdgeConfig
import EdgeSecurity
import Foundation

/// `edge token`
struct TokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token",
    abstract: "Make, list and revoke bearer tokens of the admin API.",
    discussion: """
      Tokens stand, as digests, in the file that admin.tokens names. A running edge reads it again \
      whenever it has changed: a new token works and a revoked one ends at once.
      """, subcommands: [Create.self, List.self, Revoke.self])

  /// Which file.
  struct FileOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationFileOption

    @Option(help: "The token file, instead of admin.tokens in the configuration file.")
    var file: String?

    /// The file, by what was typed or by the configuration.
    func tokenFile() throws -> AdminTokenFile {
      if let file { return AdminTokenFile(path: file) }
      guard let path = try loadConfiguration(configuration.path).admin?.tokens else {
        printError(
          "edge token: \(configuration.path) names no token file; add 'tokens: var/tokens' to its "
            + "admin section, or give --file")
        throw CommandExit.configuration
      }
      return AdminTokenFile(path: path)
    }
  }

  /// `edge token create`
  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a token and print it, this once.",
      discussion: "The token is all of standard output: TOKEN=$(edge token create --name ci).")

    @OptionGroup var file: FileOptions

    @Option(help: "Its name, in logs and for revoking it: letters, digits, '-', '_' and '.'.")
    var name: String

    @Option(help: "What it may do: read, purge or admin. May be repeated. Default: purge.")
    var scope: [String] = []

    @Option(help: "How long it counts, such as 12h or 30d, or never.")
    var expires = "30d"

    func run() throws {
      guard AdminToken.isName(name) else {
        throw ValidationError("--name wants 1 to 64 letters, digits, '-', '_' or '.'")
      }
      var scopes: AdminScopes = []
      for name in scope.isEmpty ? ["purge"] : scope {
        guard let scope = AdminScopes(name: name) else {
          throw ValidationError(
            "there is no scope '\(name)'; there are "
              + AdminScopes.allNames.joined(separator: ", "))
        }
        scopes.formUnion(scope)
      }
      let expiry = try expirySeconds()
      let token = BearerToken.make()
      let file = try file.tokenFile()
      try TokenCommand.change(file) { () throws(AdminTokenFileError) in
        try file.add(
          AdminToken(name: name, scopes: scopes, expirySeconds: expiry, token: token))
      }
      print(token.exposedValue)
      printError(
        "token '\(name)' may \(scopes.names.joined(separator: ", ")) "
          + (expiry.map { "until \(UTCTime.text($0))" } ?? "for ever")
          + "; it cannot be shown again")
    }

    private func expirySeconds() throws -> Int64? {
      if expires == "never" { return nil }
      guard let duration = EdgeConfiguration.duration(expires), duration >= .seconds(60),
        duration <= .seconds(3650 * 86_400)
      else {
        throw ValidationError(
          "--expires wants a time from 1 minute to 3650 days, such as 12h or 30d, or never")
      }
      return UTCTime.nowSeconds + duration.components.seconds
    }
  }

  /// `edge token list`
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the tokens.")

    @OptionGroup var file: FileOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
      let file = try file.tokenFile()
      let content: AdminTokenFile.Content
      do {
        content = try file.read()
      } catch {
        printError("edge token: \(error)")
        throw CommandExit.failed
      }
      let now = UTCTime.nowSeconds
      let rows = content.tokens.map { token in
        TokenRow(
          name: token.name, scopes: token.scopes.names,
          expires: token.expirySeconds.map(UTCTime.text),
          isExpired: token.isExpired(nowSeconds: now))
      }
      if json {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        print(String(decoding: try encoder.encode(rows), as: UTF8.self))
      } else {
        for row in rows { print(row.text) }
      }
      for fault in content.faults { printError("edge token: \(file.path):\(fault)") }
      if !content.faults.isEmpty { throw CommandExit.failed }
    }
  }

  /// `edge token revoke`
  struct Revoke: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Take a token away, at once.")

    @OptionGroup var file: FileOptions

    @Argument(help: "The token's name.")
    var name: String

    func run() throws {
      let file = try file.tokenFile()
      try TokenCommand.change(file) { () throws(AdminTokenFileError) in try file.remove(named: name)
      }
      print("revoked \(name)")
    }
  }

  private struct TokenRow: Encodable {
    let name: String
    let scopes: [String]
    let expires: String?
    let isExpired: Bool

    var text: String {
      let end = expires.map { isExpired ? "expired \($0)" : "expires \($0)" } ?? "never expires"
      return name.padding(toLength: max(24, name.count + 1), withPad: " ", startingAt: 0)
        + scopes.joined(separator: ",").padding(toLength: 18, withPad: " ", startingAt: 0) + end
    }
  }

  private static func change(
    _ file: AdminTokenFile, _ body: () throws(AdminTokenFileError) -> Void
  ) throws {
    do {
      try body()
    } catch {
      printError("edge token: \(error)")
      if case .system = error { throw CommandExit.cannotWrite }
      throw CommandExit.failed
    }
  }
}
