import ArgumentParser
import Foundation

/// `edge objects`
struct ObjectsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "objects",
    abstract: "List what a running edge has stored, or show one object.",
    discussion: """
      With a hash of 32 hexadecimal digits, as the list and 'edge explain' print it: all that is \
      known of that object but its body. Otherwise a list: hash, status, bytes, tier, age and URL.
      """)

  @OptionGroup var listener: AdminListenerOptions

  @Option(help: "Only URLs that begin so: http://host/path.")
  var prefix: String?

  @Option(help: "Only this host's objects.")
  var host: String?

  @Option(help: "Only objects with this cache tag.")
  var tag: String?

  @Option(help: "Objects to list, at most.")
  var limit = 100

  @Option(help: "bytes, hits, newest or oldest: the first of that order.")
  var sort: String?

  @Flag(help: "Print the admin API's JSON, one line a page.")
  var json = false

  @Argument(help: "An object's hash.")
  var hash: String?

  func validate() throws {
    guard limit >= 1 else { throw ValidationError("--limit wants at least 1") }
    if let hash, hash.utf8.count != 32 || !hash.allSatisfy(\.isHexDigit) {
      throw ValidationError("'\(hash)' is no hash of 32 hexadecimal digits")
    }
  }

  func run() async throws {
    let target = try listener.target(command: "objects")
    if let hash {
      let body = try await AdminClient.ask(target, command: "objects") {
        try await $0.get("/v1/objects/\(hash)")
      }
      print(
        json
          ? String(decoding: body, as: UTF8.self).trimmingCharacters(in: .newlines)
          : try ObjectText(body).lines.joined(separator: "\n"))
      return
    }
    var rest = limit
    var cursor: String?
    repeat {
      let path = path(limit: min(rest, 1000), cursor: cursor)
      let body = try await AdminClient.ask(target, command: "objects") { try await $0.get(path) }
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let page = try decoder.decode(Page.self, from: body)
      if json { print(String(decoding: body, as: UTF8.self).trimmingCharacters(in: .newlines)) }
      if !json { for object in page.objects { print(object.line) } }
      if !page.complete, page.next == nil {
        printError("edge objects: there is more stored than was looked at")
      }
      rest -= page.objects.count
      cursor = page.next
    } while cursor != nil && rest > 0
  }

  private func path(limit: Int, cursor: String?) -> String {
    var query = URLComponents()
    query.queryItems =
      [
        ("prefix", prefix), ("host", host), ("tag", tag), ("sort", sort), ("cursor", cursor),
        ("limit", "\(limit)"),
      ]
      .compactMap { name, value in value.map { URLQueryItem(name: name, value: $0) } }
    return "/v1/objects?"
      + (query.percentEncodedQuery ?? "").replacing("+", with: "%2B")
  }

  private struct Page: Decodable {
    struct Object: Decodable {
      let hash: String
      let url: String
      let tier: String
      let bytes: Int
      let status: Int?
      let ageSeconds: Int?
      let stale: Bool

      var line: String {
        let age = ageSeconds.map { "\($0) s" } ?? "-"
        return [
          hash, status.map { "\($0)" } ?? "-", "\(bytes)", stale ? "\(tier),stale" : tier, age, url,
        ].joined(separator: "  ")
      }
    }

    let objects: [Object]
    let next: String?
    let complete: Bool
  }
}

/// An object for people: one fact a line, then its fields.
private struct ObjectText {
  let lines: [String]

  init(_ body: Data) throws {
    let fields = try JSONSerialization.jsonObject(with: body) as? [String: Any] ?? [:]
    var lines: [String] = []
    func add(_ name: String, _ value: Any?) {
      guard let value, !(value is NSNull) else { return }
      let text = (value as? [Any])?.map { "\($0)" }.joined(separator: ", ") ?? "\(value)"
      lines.append(name.padding(toLength: 24, withPad: " ", startingAt: 0) + text)
    }
    for name in ["url", "hash", "kind", "hits", "stale"] { add(name, fields[name]) }
    let stored = fields["stored"] as? [String: Any] ?? [:]
    for name in stored.keys.sorted() {
      add(name.replacing("_", with: " "), stored[name])
    }
    add("tag hashes", fields["tag_hashes"])
    for field in fields["headers"] as? [[String: String]] ?? [] {
      lines.append("  \(field["name"] ?? ""): \(field["value"] ?? "")")
    }
    self.lines = lines
  }
}
