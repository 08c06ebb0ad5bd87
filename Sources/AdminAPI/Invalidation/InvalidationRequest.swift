import CacheStore

/// The content of `POST /v1/invalidations`: an order, and how it is to be carried out.
///
/// | member | content |
/// |---|---|
/// | `paths`, `globs`, `prefixes` | what is matched against path and query |
/// | `urls` | whole URLs; with `"ignoreQuery": true` with every query |
/// | `tags`, `groups`, `hosts`, `routes`, `statuses` | likewise |
/// | `receivedBefore`, `olderThan` | Unix seconds; seconds before now |
/// | `host` | limits paths, globs and prefixes |
/// | `kind` | `hard`, `soft`, `refresh`; `"soft": true` says soft too |
/// | `callerReference` | the same one again is the same job |
/// | `dryRun` | counts, and invalidates nothing |
struct InvalidationRequest {
  /// Longest caller reference in bytes; CloudFront's is 128.
  static let mostReferenceBytes = 128

  private(set) var order = InvalidationOrder()
  private(set) var callerReference: String?
  private(set) var isDryRun = false

  /// Reads the whole content; what the entries of the lists hold is checked by
  /// ``InvalidationOrder/selectors(routeNames:)``.
  /// - Parameter nowSeconds: wall clock, Unix seconds.
  init(json bytes: [UInt8], nowSeconds: Int64) throws(Problem) {
    for member in try Self.members(of: bytes) {
      if let list = InvalidationOrder.List(rawValue: member.name), list != .cloudFrontPaths {
        order[list] = try Self.texts(member.value, of: list)
      } else {
        try take(member, nowSeconds: nowSeconds)
      }
    }
  }

  private mutating func take(_ member: JSONMember, nowSeconds: Int64) throws(Problem) {
    switch (member.name, member.value) {
    case ("host", .string(let text)):
      guard let host = HostName(text) else {
        throw .badContent(
          "\"host\" must be a host name, with a port if it has one, such as www.example.com; leave "
            + "it out for every host.")
      }
      order.host = host.text
    case ("host", .null): order.host = nil
    case ("soft", .bool(let isSoft)): if isSoft { order.kind = .soft }
    case ("kind", .string(let text)):
      guard let kind = InvalidationOrder.Kind(rawValue: text) else {
        throw .badContent("\"kind\" must be hard, soft or refresh.")
      }
      order.kind = kind
    case ("ignoreQuery", .bool(let ignoresQuery)): order.ignoresQuery = ignoresQuery
    case ("dryRun", .bool(let isDryRun)): self.isDryRun = isDryRun
    case ("receivedBefore", .integer(let second)) where second >= 0:
      order.receivedBefore = Int64(second)
    case ("olderThan", .integer(let seconds)) where seconds >= 0:
      order.receivedBefore = nowSeconds - Int64(seconds)
    case ("callerReference", .string(let text)):
      guard Self.isReference(text) else {
        throw .badContent(
          "\"callerReference\" must have 1 to \(Self.mostReferenceBytes) bytes.")
      }
      callerReference = text
    case ("host", _):
      throw .badContent("\"host\" must be a string; leave it out for every host.")
    case ("soft", _), ("ignoreQuery", _), ("dryRun", _):
      throw .badContent("\"\(member.name)\" must be true or false.")
    case ("kind", _), ("callerReference", _):
      throw .badContent("\"\(member.name)\" must be a string.")
    case ("receivedBefore", _), ("olderThan", _):
      throw .badContent("\"\(member.name)\" must be a whole number of seconds.")
    default:
      throw .badContent(
        "\"\(member.name.prefix(80))\" is not a member of an invalidation; it has "
          + Self.memberNames + ".")
    }
  }

  private static var memberNames: String {
    (InvalidationOrder.List.allCases.filter { $0 != .cloudFrontPaths }.map(\.rawValue) + [
      "host", "ignoreQuery", "receivedBefore", "olderThan", "kind", "soft", "callerReference",
      "dryRun",
    ]).map { "\"\($0)\"" }.joined(separator: ", ")
  }

  /// True for a text that can be a caller reference.
  static func isReference(_ text: String) -> Bool {
    (1...mostReferenceBytes).contains(text.utf8.count)
      && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
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

  private static func texts(
    _ value: JSONValue, of list: InvalidationOrder.List
  ) throws(Problem) -> [String] {
    guard case .array(let items) = value else {
      throw .badContent("\"\(list.rawValue)\" must be a list, such as \(list.example).")
    }
    let limit = AdminConfiguration.pathLimit
    guard items.count <= limit else {
      throw .badContent(
        "There are \(items.count) \(list.rawValue), the limit is \(limit). Send several "
          + "invalidations, or a pattern with \"*\".")
    }
    var texts: [String] = []
    for (index, item) in items.enumerated() {
      switch (item, list) {
      case (.string(let text), _): texts.append(text)
      case (.integer(let number), .statuses): texts.append("\(number)")
      default: throw .badContent("\(list.rawValue)[\(index)] is not a string.")
      }
    }
    return texts
  }
}
