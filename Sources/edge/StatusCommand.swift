import ArgumentParser
import Foundation

/// `edge status`
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Tell how a running edge is doing.",
    discussion: """
      Prints readiness, requests, hit ratio, latencies, both tiers and the alerts. With --check \
      the exit code is 1 when an alert is critical or the edge takes no requests.
      """)

  @OptionGroup var listener: AdminListenerOptions

  @Flag(help: "Print the admin API's JSON as it is.")
  var json = false

  @Flag(help: "Exit with 1 when an alert is critical, or the edge takes no requests.")
  var check = false

  func run() async throws {
    let target = try listener.target(command: "status")
    let body = try await AdminClient.ask(target, command: "status") {
      try await $0.get("/v1/status")
    }
    let status = try StatusText(body)
    print(
      json
        ? String(decoding: body, as: UTF8.self).trimmingCharacters(in: .newlines)
        : status.lines.joined(separator: "\n"))
    if check, !status.isFine { throw CommandExit.failed }
  }
}

/// A status for people: one fact a line.
struct StatusText {
  let lines: [String]
  /// Whether the edge takes requests and no alert is critical.
  let isFine: Bool

  /// Reads the admin API's answer.
  init(_ body: Data) throws {
    let fields = try JSONSerialization.jsonObject(with: body) as? [String: Any] ?? [:]
    var lines: [String] = []
    func add(_ name: String, _ value: String?) {
      guard let value else { return }
      lines.append(name.padding(toLength: 24, withPad: " ", startingAt: 0) + value)
    }
    func members(_ name: String) -> [String: Any] { fields[name] as? [String: Any] ?? [:] }
    let isReady = fields["ready"] as? Bool ?? false
    add("version", fields["version"].map { "\($0)" })
    add("ready", isReady ? "yes" : "no")
    add("uptime", fields["uptime_seconds"].map { "\($0) s" })
    add("requests", members("requests")["total"].map { "\($0)" })
    add("hit ratio", StatusText.percent(fields["hit_ratio"]))
    add("byte hit ratio", StatusText.percent(fields["byte_hit_ratio"]))
    for (kind, value) in members("latency_ms").sorted(by: { $0.key < $1.key }) {
      guard let value = value as? [String: Any], (value["count"] as? Int ?? 0) > 0 else { continue }
      let parts = ["p50", "p95", "p99"].compactMap { name in
        (value[name] as? Double).map { "\(name) \($0) ms" }
      }
      add("\(kind) latency", parts.joined(separator: ", "))
    }
    for tier in ["memory", "disk"] {
      let values = members(tier)
      guard let objects = values["objects"], let bytes = values["bytes"] as? Int,
        let limit = values["limit_bytes"] as? Int
      else { continue }
      add(tier, "\(objects) objects, \(bytes >> 20) of \(limit >> 20) MiB")
    }
    let alerts = fields["alerts"] as? [[String: Any]] ?? []
    for alert in alerts {
      let state = alert["state"] as? String ?? "?"
      let value = (alert["value"] as? Double).map { "\($0)" } ?? "no data"
      add("alert \(alert["name"] ?? "?")", "\(state) (\(value), target \(alert["target"] ?? "-"))")
    }
    self.lines = lines
    isFine = isReady && !alerts.contains { $0["state"] as? String == "critical" }
  }

  private static func percent(_ value: Any?) -> String? {
    (value as? Double).map { "\(($0 * 1000).rounded() / 10) %" }
  }
}
