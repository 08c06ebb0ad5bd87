import CachePolicy
import CacheStore

/// The content of `POST /v1/invalidations`: `{"paths": ["/images/*"], "host": "example.com"}`, with
/// `"tags"` beside `"paths"` or in their place, and `"soft": true` to mark stale what would be
/// removed.
struct InvalidationOrder {
  /// The paths as they were sent.
  let paths: [String]
  /// The cache tags as they were sent.
  let tags: [String]
  /// Whether objects are removed or marked stale.
  let kind: InvalidationKind
  /// The host that they are limited to; nil for all.
  let host: String?
  /// The same for the store.
  let selectors: [InvalidationSelector]

  /// What the OpenAPI document says of it.
  static let schema = JSONSchema.members(
    [
      .init(
        "paths", .array(.string, minimum: nil, maximum: AdminConfiguration.pathLimit),
        isRequired: false),
      .init(
        "tags",
        .array(
          .text(pattern: nil, minimum: 1, maximum: CacheTags.lengthLimitBytes), minimum: nil,
          maximum: AdminConfiguration.pathLimit), isRequired: false),
      .init("host", .optional(.string), isRequired: false),
      .init("soft", .boolean, isRequired: false),
    ], isClosed: true)

  /// Reads and checks the whole content: nothing is invalidated when any part is wrong.
  init(json bytes: [UInt8]) throws(Problem) {
    let document = try InvalidationOrder.members(of: bytes)
    var paths: [String]?
    var tags: [String] = []
    var isSoft = false
    var host: String?
    for member in document {
      switch (member.name, member.value) {
      case ("paths", .array(let items)): paths = try InvalidationOrder.texts(items, of: "paths")
      case ("tags", .array(let items)): tags = try InvalidationOrder.tags(items)
      case ("soft", .bool(let value)): isSoft = value
      case ("host", .string(let text)): host = try InvalidationOrder.host(text)
      case ("host", .null): host = nil
      case ("paths", _):
        throw .badContent("\"paths\" must be a list of strings, such as [\"/images/*\"].")
      case ("tags", _):
        throw .badContent("\"tags\" must be a list of strings, such as [\"product-1\"].")
      case ("soft", _):
        throw .badContent("\"soft\" must be true or false.")
      case ("host", _):
        throw .badContent("\"host\" must be a string; leave it out for every host.")
      default:
        throw .badContent(
          "\"\(member.name.prefix(80))\" is not a member of an invalidation; it has \"paths\" or "
            + "\"tags\" and, if need be, \"host\" (for the paths of one host) and \"soft\".")
      }
    }
    let named = paths ?? []
    guard !named.isEmpty || !tags.isEmpty else {
      throw .badContent("There are no paths. Name at least one in \"paths\"; [\"/*\"] is all.")
    }
    var selectors: [InvalidationSelector] = tags.map { .tag(TagHash($0)) }
    selectors.reserveCapacity(tags.count + named.count)
    for (index, path) in named.enumerated() {
      do {
        selectors.append(try InvalidationSelector.parse(path, host: host))
      } catch {
        throw .badContent("paths[\(index)]: \(error).")
      }
    }
    self.paths = named
    self.tags = tags
    kind = isSoft ? .soft : .hard
    self.host = host
    self.selectors = selectors
  }

  private static func members(of bytes: [UInt8]) throws(Problem) -> [JSONMember] {
    do throws(JSONError) {
      guard case .object(let members) = try JSONReader.read(bytes) else {
        throw JSONError(line: 1, column: 1, message: "the content must be an object")
      }
      return members
    } catch {
      throw .badContent(
        "Malformed JSON at line \(error.line), column \(error.column): \(error.message). Send an "
          + "object such as {\"paths\": [\"/images/*\"]}.")
    }
  }

  private static func texts(_ items: [JSONValue], of name: String) throws(Problem) -> [String] {
    let limit = AdminConfiguration.pathLimit
    guard items.count <= limit else {
      throw .badContent(
        "There are \(items.count) \(name), the limit is \(limit). Send several invalidations, or a "
          + "pattern with \"*\".")
    }
    var texts: [String] = []
    for (index, item) in items.enumerated() {
      guard case .string(let text) = item else {
        throw .badContent("\(name)[\(index)] is not a string.")
      }
      texts.append(text)
    }
    return texts
  }

  /// Tags as responses can carry them: longer ones, or with blanks, name nothing.
  private static func tags(_ items: [JSONValue]) throws(Problem) -> [String] {
    let tags = try texts(items, of: "tags")
    for (index, tag) in tags.enumerated() {
      let isUsable = tag.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
      guard isUsable, (1...CacheTags.lengthLimitBytes).contains(tag.utf8.count) else {
        throw .badContent(
          "tags[\(index)] is no cache tag: 1 to \(CacheTags.lengthLimitBytes) bytes without blanks."
        )
      }
    }
    return tags
  }

  private static func host(_ text: String) throws(Problem) -> String {
    let isUsable = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: ":"):
        true
      default: "-._[]".utf8.contains(byte)
      }
    }
    guard isUsable, !text.isEmpty, text.utf8.count <= 255 else {
      throw .badContent(
        "\"host\" must be a host name, with a port if it has one, such as www.example.com; leave "
          + "it out for every host.")
    }
    return AdminTarget.withoutDefaultPort(text)
  }
}

extension Problem {
  /// A request whose content is wrong.
  fileprivate static func badContent(_ detail: String) -> Problem {
    Problem(status: .badRequest, detail: detail)
  }
}
