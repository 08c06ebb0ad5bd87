import ArgumentParser
import EdgeConfig
import Foundation

/// Which admin listener a command asks, and as whom.
struct AdminListenerOptions: ParsableArguments {
  @OptionGroup var file: ConfigurationFileOption

  @Option(help: "The admin listener's URL, instead of the one in the configuration file.")
  var admin: String?

  @Option(
    help: """
      The admin user. Without it EDGE_ADMIN_TOKEN is used where it is set, and else the first user \
      of --config, or 'admin' with --admin; the password is that of the file or in \
      EDGE_ADMIN_PASSWORD.
      """)
  var user: String?

  @Option(help: "Certificates (PEM) to trust for https, instead of the system's.")
  var caFile: String?

  @Flag(help: "Believe any certificate. Whoever is in between reads the password.")
  var insecure = false

  /// The listener and the credentials; `command` stands in messages.
  /// - Throws: `ValidationError` for what was typed, exit code 78 for what the file lacks.
  func target(command: String) throws -> AdminClient.Target {
    let environment = ProcessInfo.processInfo.environment
    let named = environment["EDGE_ADMIN_TOKEN"] ?? ""
    let token = user == nil && !named.isEmpty ? named : nil
    if let admin {
      return try target(url: admin, token: token, password: environment["EDGE_ADMIN_PASSWORD"])
    }
    let configuration = try loadConfiguration(file.path)
    guard let section = configuration.admin else {
      printError(
        "edge \(command): \(file.path) has no admin section; name the listener with --admin")
      throw CommandExit.configuration
    }
    // An address that listens everywhere is reached over loopback.
    let isWildcard = section.address.host == "0.0.0.0" || section.address.host == "::"
    return AdminClient.Target(
      isSecure: section.tls != nil, host: isWildcard ? "127.0.0.1" : section.address.host,
      port: section.address.port,
      credential: try token.map { .token($0) }
        ?? credential(
          section, password: environment["EDGE_ADMIN_PASSWORD"], command: command),
      // The listener's own certificate is there to be trusted, whoever signed it.
      authoritiesFile: caFile ?? section.tls?.certificate.certificate, isInsecure: insecure)
  }

  private func target(
    url: String, token: String?, password: String?
  ) throws -> AdminClient.Target {
    guard let parts = URL(string: url), let scheme = parts.scheme, let host = parts.host,
      scheme == "http" || scheme == "https"
    else { throw ValidationError("--admin wants a URL such as http://127.0.0.1:8081") }
    let credential: AdminClient.Credential
    if let token {
      credential = .token(token)
    } else if let password {
      credential = .password(user: user ?? "admin", password: password)
    } else {
      throw ValidationError(
        "set EDGE_ADMIN_PASSWORD to the admin password, or EDGE_ADMIN_TOKEN to a token")
    }
    return AdminClient.Target(
      isSecure: scheme == "https", host: host.trimmingCharacters(in: ["[", "]"]),
      port: parts.port ?? (scheme == "https" ? 443 : 80), credential: credential,
      authoritiesFile: caFile, isInsecure: insecure)
  }

  private func credential(
    _ section: EdgeConfiguration.Admin, password: String?, command: String
  ) throws -> AdminClient.Credential {
    guard let account = section.users.first(where: { user == nil || $0.name == user }) else {
      printError("edge \(command): \(file.path) has no admin user '\(user ?? "")'")
      throw CommandExit.configuration
    }
    if case .text(let secret) = account.password {
      return .password(user: account.name, password: secret.exposedValue)
    }
    guard let password else {
      printError(
        "edge \(command): \(file.path) has only the hash of the password of '\(account.name)'; set "
          + "EDGE_ADMIN_PASSWORD, or EDGE_ADMIN_TOKEN to a token")
      throw CommandExit.configuration
    }
    return .password(user: account.name, password: password)
  }
}

extension AdminClient {
  /// Asks, and ends the command with a message where the answer is not the wanted one.
  /// - Returns: the answer's content.
  static func ask(
    _ target: Target, command: String, expecting status: Int = 200,
    _ request: (AdminClient) async throws -> Answer
  ) async throws -> Data {
    let answer: Answer
    do {
      answer = try await request(AdminClient(target))
    } catch {
      printError("edge \(command): \(target.url): \(error)")
      throw CommandExit.unreachable
    }
    if let expiry = answer.tokenExpiry {
      printError("edge \(command): the token expires at \(expiry); make another")
    }
    guard answer.status == status else {
      printError("edge \(command): \(target.url): \(answer.refusal)")
      throw answer.refusalExit
    }
    return answer.body
  }
}

extension AdminClient.Answer {
  /// Why the listener refused, in words for the command's user.
  var refusal: String {
    let fields = (try? JSONSerialization.jsonObject(with: body)) as? [String: Any]
    let detail = fields?["detail"] as? String ?? fields?["title"] as? String ?? ""
    if status == 401 {
      return "user, password or token refused (401): \(detail) See EDGE_ADMIN_PASSWORD and "
        + "EDGE_ADMIN_TOKEN."
    }
    return "\(status) \(detail)"
  }

  /// The exit code that goes with it.
  var refusalExit: ExitCode {
    status == 401 || status == 403 || status == 429 ? CommandExit.notAllowed : CommandExit.failed
  }
}
