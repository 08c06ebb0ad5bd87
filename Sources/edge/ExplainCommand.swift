import ArgumentParser
import Foundation

/// `edge explain`
struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Tell what a running edge would do with a request, and why.",
    discussion: """
      Prints the route, the cache key, what is stored under it and its variants, its freshness, \
      the row of the lifetime table that was used, and what the route's bounds did to it. \
      Nothing is fetched.
      """)

  @OptionGroup var listener: AdminListenerOptions

  @Option(name: [.customShort("X"), .long], help: "The request's method.")
  var method = "GET"

  @Option(
    name: [.customShort("H"), .long], parsing: .singleValue,
    help: "A header field, \"Name: value\". May be repeated.")
  var header: [String] = []

  @Flag(help: "Print the admin API's JSON as it is.")
  var json = false

  @Argument(help: "The URL as clients ask for it, or its path.")
  var url: String

  func run() async throws {
    let target = try listener.target(command: "explain")
    var query = URLComponents()
    query.queryItems =
      [URLQueryItem(name: "url", value: url), URLQueryItem(name: "method", value: method)]
      + header.map { URLQueryItem(name: "header", value: $0) }
    // A plus sign stays a plus sign: the other side reads a query as forms are written.
    let encoded = (query.percentEncodedQuery ?? "").replacing("+", with: "%2B")
    let body = try await AdminClient.ask(target, command: "explain") {
      try await $0.get("/v1/explain?\(encoded)")
    }
    if json {
      print(String(decoding: body, as: UTF8.self))
    } else {
      print(try ExplanationText(body).lines.joined(separator: "\n"))
    }
  }
}

/// An explanation for people: one fact a line.
struct ExplanationText {
  let lines: [String]

  /// Reads the admin API's answer.
  init(_ body: Data) throws {
    let fields = try JSONSerialization.jsonObject(with: body) as? [String: Any] ?? [:]
    var lines: [String] = []
    func add(_ name: String, _ value: Any?) {
      guard let value, !(value is NSNull) else { return }
      let text = (value as? [Any])?.map { "\($0)" }.joined(separator: ", ") ?? "\(value)"
      guard !text.isEmpty else { return }
      lines.append(name.padding(toLength: 24, withPad: " ", startingAt: 0) + text)
    }
    add("result", "\(fields["result"] ?? "-") (\(fields["reason"] ?? "-"))")
    add("route", fields["route"])
    add("key", fields["key"])
    add("key hash", fields["key_hash"])
    if let stored = fields["stored"] as? [String: Any] {
      add("stored", "status \(stored["status"] ?? "-") in \(stored["tier"] ?? "-")")
      add("content bytes", stored["content_bytes"])
      add("age", stored["age_seconds"])
      add("lifetime", stored["lifetime_seconds"])
      add("fresh for", stored["remaining_seconds"])
      add("lifetime from", stored["lifetime_row"])
      add("clamps", stored["clamps"])
      add("stale-while-revalidate", stored["stale_while_revalidate_seconds"])
      add("stale-if-error", stored["stale_if_error_seconds"])
      add("flags", stored["flags"])
    } else {
      add("stored", "nothing under this key")
    }
    if let variants = fields["variants"] as? [String: Any] {
      add("varies by", variants["fields"])
      add("variants", variants["count"])
    }
    self.lines = lines
  }
}
