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

  @OptionGroup var listener: AdminListenerOptions

  @Option(help: "Only this host's URLs.")
  var host: String?

  @Option(help: "A cache tag: what carries it is invalidated. May be repeated.")
  var tag: [String] = []

  @Flag(help: "Mark as stale instead of removing: served while it is revalidated, if it may be.")
  var soft = false

  @Argument(help: "Paths, each beginning with /.")
  var paths: [String] = []

  func validate() throws {
    if paths.isEmpty && tag.isEmpty {
      throw ValidationError("name at least one path, such as '/*', or a --tag")
    }
    for path in paths where !path.hasPrefix("/") {
      throw ValidationError("'\(path)' does not begin with '/'")
    }
  }

  func run() async throws {
    let target = try listener.target(command: "purge")
    var request: [String: Any] = ["paths": paths]
    if !tag.isEmpty { request["tags"] = tag }
    if soft { request["soft"] = true }
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
      printError("edge purge: \(target.url): \(answer.refusal)")
      throw ExitCode(answer.status == 401 ? 77 : 1)
    }
    let fields = (try? JSONSerialization.jsonObject(with: answer.body)) as? [String: Any]
    let identifier = fields?["id"] as? String ?? "-"
    let names = paths + tag.map { "tag \($0)" }
    print("invalidated \(names.joined(separator: " ")) (id \(identifier))")
  }
}
