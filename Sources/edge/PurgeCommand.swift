import ArgumentParser
import Foundation

/// `edge purge`
struct PurgeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "purge",
    abstract: "Invalidate paths of a running edge; effective when the command returns.",
    discussion: """
      A path may hold `*` for any bytes, `/` and `?` included: '/*' is everything, \
      '/images/*.png' what it says, '/a?b=1' exactly that URL. Quote paths in the shell.

      Address, user and password are read from the configuration file, or given by --admin and \
      --user with the password in EDGE_ADMIN_PASSWORD.
      """)

  @OptionGroup var file: ConfigurationFileOption

  @Option(help: "The admin listener's URL, instead of the one in the configuration file.")
  var admin: String?

  @Option(help: "The admin user; with --config by default the first one there.")
  var user: String?

  @Option(help: "Only this host's URLs.")
  var host: String?

  @Argument(help: "Paths, each beginning with /.")
  var paths: [String]

  func validate() throws {
    if paths.isEmpty { throw ValidationError("name at least one path, such as '/*'") }
    for path in paths where !path.hasPrefix("/") {
      throw ValidationError("'\(path)' does not begin with '/'")
    }
  }

  func run() async throws {
    let target = try adminTarget()
    var request: [String: Any] = ["paths": paths]
    if let host { request["host"] = host }
    let answer: AdminClient.Answer
    do {
      answer = try await AdminClient(target).post(
        "/v1/invalidations", json: try JSONSerialization.data(withJSONObject: request))
    } catch {
      printError("edge purge: \(target.url): \(error)")
      throw ExitCode(69)
    }
    guard answer.status == 201 else {
      printError("edge purge: \(target.url): \(explain(answer))")
      throw ExitCode(answer.status == 401 ? 77 : 1)
    }
    let fields = (try? JSONSerialization.jsonObject(with: answer.body)) as? [String: Any]
    let identifier = fields?["id"] as? String ?? "-"
    print("invalidated \(paths.joined(separator: " ")) (id \(identifier))")
  }

  private func explain(_ answer: AdminClient.Answer) -> String {
    if answer.status == 401 { return "user or password refused (401); see EDGE_ADMIN_PASSWORD" }
    let fields = (try? JSONSerialization.jsonObject(with: answer.body)) as? [String: Any]
    return "\(answer.status) \(fields?["detail"] as? String ?? fields?["title"] as? String ?? "")"
  }

  private func adminTarget() throws -> AdminClient.Target {
    let environment = ProcessInfo.processInfo.environment
    if let admin {
      guard let url = URL(string: admin), let scheme = url.scheme, let host = url.host,
        scheme == "http" || scheme == "https"
      else { throw ValidationError("--admin wants a URL such as http://127.0.0.1:8081") }
      guard let password = environment["EDGE_ADMIN_PASSWORD"] else {
        throw ValidationError("set EDGE_ADMIN_PASSWORD to the admin password")
      }
      return AdminClient.Target(
        isSecure: scheme == "https", host: host, port: url.port ?? (scheme == "https" ? 443 : 80),
        user: user ?? "admin", password: password)
    }
    let configuration = try loadConfiguration(file.path)
    guard let section = configuration.admin else {
      printError("edge purge: \(file.path) has no admin section; name the listener with --admin")
      throw ExitCode(78)
    }
    guard let account = section.users.first(where: { user == nil || $0.name == user }) else {
      printError("edge purge: \(file.path) has no admin user '\(user ?? "")'")
      throw ExitCode(78)
    }
    // An address that listens everywhere is reached over loopback.
    let isWildcard = section.address.host == "0.0.0.0" || section.address.host == "::"
    return AdminClient.Target(
      isSecure: false, host: isWildcard ? "127.0.0.1" : section.address.host,
      port: section.address.port, user: account.name, password: account.password.exposedValue)
  }
}
