import ArgumentParser
import Foundation

/// Which admin listener a command asks, and as whom.
struct AdminListenerOptions: ParsableArguments {
  @OptionGroup var file: ConfigurationFileOption

  @Option(help: "The admin listener's URL, instead of the one in the configuration file.")
  var admin: String?

  @Option(help: "The admin user; with --config by default the first one there.")
  var user: String?

  /// The listener and the credentials; `command` stands in messages.
  /// - Throws: `ValidationError` for what was typed, exit code 78 for what the file lacks.
  func target(command: String) throws -> AdminClient.Target {
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
      printError(
        "edge \(command): \(file.path) has no admin section; name the listener with --admin")
      throw ExitCode(78)
    }
    guard let account = section.users.first(where: { user == nil || $0.name == user }) else {
      printError("edge \(command): \(file.path) has no admin user '\(user ?? "")'")
      throw ExitCode(78)
    }
    // An address that listens everywhere is reached over loopback.
    let isWildcard = section.address.host == "0.0.0.0" || section.address.host == "::"
    return AdminClient.Target(
      isSecure: false, host: isWildcard ? "127.0.0.1" : section.address.host,
      port: section.address.port, user: account.name, password: account.password.exposedValue)
  }
}

extension AdminClient.Answer {
  /// Why the listener refused, in words for the command's user.
  var refusal: String {
    if status == 401 { return "user or password refused (401); see EDGE_ADMIN_PASSWORD" }
    let fields = (try? JSONSerialization.jsonObject(with: body)) as? [String: Any]
    return "\(status) \(fields?["detail"] as? String ?? fields?["title"] as? String ?? "")"
  }
}
