import ArgumentParser
import Foundation

/// `edge purge`
struct PurgeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "purge",
    abstract: "Invalidate what a running edge has stored; effective when the command returns.",
    discussion: """
      A path may hold `*` for any bytes, `/` and `?` included: '/*' is everything, \
      '/images/*.png' what it says, '/a?b=1' exactly that URL. Quote paths in the shell. What \
      several arguments and options name is added up.

      Address and login are read from the configuration file, or given by --admin and --user with \
      the password in EDGE_ADMIN_PASSWORD.

      Exit codes: 0 done, 1 refused, 64 usage, 69 the edge cannot be reached, 75 --wait ran out of \
      time, 77 not allowed, 78 configuration.
      """)

  @OptionGroup var listener: AdminListenerOptions
  @OptionGroup(title: "What to invalidate") var selection: PurgeSelection

  @Flag(help: "Mark as stale instead of removing: served while it is revalidated, if it may be.")
  var soft = false

  @Flag(help: "Mark as stale, and fetch again at once what is in use.")
  var refresh = false

  @Flag(help: "Count what would be invalidated and name some of it; nothing is invalidated.")
  var dryRun = false

  @Flag(help: "Wait until all of it has been swept out, and fetched again with --refresh.")
  var wait = false

  @Option(help: "Seconds to wait at most.")
  var timeout = 60

  @Option(help: "A text of your own for this invalidation: once more the same is the same one.")
  var callerReference: String?

  @Flag(help: "Print the answer as JSON.")
  var json = false

  func validate() throws {
    if soft && refresh { throw ValidationError("--soft and --refresh exclude each other") }
    if dryRun && wait { throw ValidationError("--dry-run and --wait exclude each other") }
    if timeout < 1 { throw ValidationError("--timeout wants a number of seconds above 0") }
    try selection.check()
  }

  func run() async throws {
    let target = try listener.target(command: "purge")
    var request = selection.members
    if soft { request["kind"] = "soft" }
    if refresh { request["kind"] = "refresh" }
    if dryRun { request["dryRun"] = true }
    if let callerReference { request["callerReference"] = callerReference }
    let client = AdminClient(target)
    let content = try JSONSerialization.data(withJSONObject: request)
    var body = try await answer(target) {
      try await client.post("/v1/invalidations", json: content)
    }
    if wait {
      body = try await completed(Self.members(body)?["id"] as? String ?? "", client, target)
    }
    report(body)
  }

  /// The content of an answer; what refuses it goes to standard error.
  private func answer(
    _ target: AdminClient.Target, _ send: () async throws -> AdminClient.Answer
  ) async throws -> Data {
    let answer: AdminClient.Answer
    do {
      answer = try await send()
    } catch {
      printError("edge purge: \(target.url): \(error)")
      throw ExitCode(69)
    }
    guard 200...299 ~= answer.status else {
      printError("edge purge: \(target.url): \(answer.refusal)")
      throw ExitCode([401, 403].contains(answer.status) ? 77 : 1)
    }
    return answer.body
  }

  private func completed(
    _ id: String, _ client: AdminClient, _ target: AdminClient.Target
  ) async throws -> Data {
    let deadline = ContinuousClock.now + .seconds(timeout)
    var pause = Duration.milliseconds(5)
    while true {
      let body = try await answer(target) { try await client.get("/v1/invalidations/\(id)") }
      if Self.members(body)?["status"] as? String == "Completed" { return body }
      guard ContinuousClock.now + pause < deadline else {
        printError(
          "edge purge: the invalidation \(id) is effective, but not swept out after \(timeout) "
            + "seconds")
        throw ExitCode(75)
      }
      try await Task.sleep(for: pause)
      pause = min(pause * 2, .seconds(1))
    }
  }

  private static func members(_ body: Data) -> [String: Any]? {
    (try? JSONSerialization.jsonObject(with: body)) as? [String: Any]
  }

  private func report(_ body: Data) {
    if json {
      print(String(decoding: body, as: UTF8.self), terminator: "")
      return
    }
    let members = Self.members(body) ?? [:]
    let counts = (members["counts"] as? [String: Any])?.compactMapValues { $0 as? Int } ?? [:]
    let tally =
      ["memory", "disk", "refreshed", "notRefreshed"].compactMap { name in
        counts[name].map { "\($0) \(Self.words[name] ?? name)" }
      }.joined(separator: ", ")
    if dryRun {
      print("would invalidate \(tally)")
      for sample in members["samples"] as? [String] ?? [] { print("  \(sample)") }
      return
    }
    let id = members["id"] as? String ?? "-"
    print(
      "invalidated \(selection.summary) (id \(id))" + (tally.isEmpty ? "" : ": \(tally)"))
    if members["durable"] as? Bool == false {
      printError(
        "edge purge: not on disk, and lost if the machine fails now: "
          + (members["failure"] as? String ?? "unknown reason"))
    }
  }

  private static let words = [
    "memory": "in memory", "disk": "on disk", "refreshed": "fetched again",
    "notRefreshed": "not fetched again",
  ]
}

/// What a purge names.
struct PurgeSelection: ParsableArguments {
  @Argument(help: "Paths, each beginning with /, with * for any bytes.")
  var paths: [String] = []

  @Option(help: "A path with *, ?, [a-z] and {a,b}. May be repeated, as the following.")
  var glob: [String] = []

  @Option(help: "What paths begin with.")
  var prefix: [String] = []

  @Option(help: "A whole URL.")
  var url: [String] = []

  @Flag(help: "Take each --url with every query.")
  var ignoreQuery = false

  @Option(help: "Only this host's paths; without a path, all that this host has.")
  var host: String?

  @Option(help: "A cache tag: what carries it.")
  var tag: [String] = []

  @Option(help: "A cache group, as \"https://www.example.com NAME\".")
  var group: [String] = []

  @Option(help: "What a route has stored: its name, or its match.")
  var route: [String] = []

  @Option(help: "What has this status code.")
  var status: [Int] = []

  @Option(help: "What was received more than so many seconds ago.")
  var olderThan: Int?

  private var hasPaths: Bool { !(paths.isEmpty && glob.isEmpty && prefix.isEmpty) }

  /// - Throws: `ValidationError` when nothing is named, or a path is none.
  func check() throws {
    if members.isEmpty {
      throw ValidationError("name at least one path, such as '/*', or a --tag")
    }
    for path in paths + glob + prefix where !path.hasPrefix("/") {
      throw ValidationError("'\(path)' does not begin with '/'")
    }
  }

  /// The members of `POST /v1/invalidations`.
  var members: [String: Any] {
    var members: [String: Any] = [:]
    for (name, list) in [
      ("paths", paths), ("globs", glob), ("prefixes", prefix), ("urls", url), ("tags", tag),
      ("groups", group), ("routes", route),
    ] where !list.isEmpty {
      members[name] = list
    }
    if !status.isEmpty { members["statuses"] = status }
    if let olderThan { members["olderThan"] = olderThan }
    if let host { if hasPaths { members["host"] = host } else { members["hosts"] = [host] } }
    if ignoreQuery, !url.isEmpty { members["ignoreQuery"] = true }
    return members
  }

  /// What was named, in words.
  var summary: String {
    var parts = paths + glob + prefix.map { $0 + "*" } + url
    parts += tag.map { "tag \($0)" } + group.map { "group \($0)" } + route.map { "route \($0)" }
    parts += status.map { "status \($0)" }
    if let olderThan { parts.append("older than \(olderThan) s") }
    if let host { parts.append(hasPaths ? "on \(host)" : "host \(host)") }
    return parts.joined(separator: " ")
  }
}
