import CacheStore

/// The content of `POST /v1/invalidations`: `{"paths": ["/images/*"], "host": "example.com"}`.
struct InvalidationOrder {
  /// The paths as they were sent.
  let paths: [String]
  /// The host that they are limited to; nil for all.
  let host: String?
  /// The same for the store.
  let selectors: [InvalidationSelector]

  /// Reads and checks the whole content: nothing is invalidated when any part is wrong.
  init(json bytes: [UInt8]) throws(Problem) {
    let document = try InvalidationOrder.members(of: bytes)
    var paths: [String]?
    var host: String?
    for member in document {
      switch (member.name, member.value) {
      case ("paths", .array(let items)): paths = try InvalidationOrder.paths(items)
      case ("host", .string(let text)): host = try InvalidationOrder.host(text)
      case ("host", .null): host = nil
      case ("paths", _):
        throw .badContent("\"paths\" must be a list of strings, such as [\"/images/*\"].")
      case ("host", _):
        throw .badContent("\"host\" must be a string; leave it out for every host.")
      default:
        throw .badContent(
          "\"\(member.name.prefix(80))\" is not a member of an invalidation; it has \"paths\" and, "
            + "if it is for one host only, \"host\".")
      }
    }
    guard let paths, !paths.isEmpty else {
      throw .badContent("There are no paths. Name at least one in \"paths\"; [\"/*\"] is all.")
    }
    var selectors: [InvalidationSelector] = []
    selectors.reserveCapacity(paths.count)
    for (index, path) in paths.enumerated() {
      do {
        selectors.append(try InvalidationSelector.parse(path, host: host))
      } catch {
        throw .badContent("paths[\(index)]: \(error).")
      }
    }
    self.paths = paths
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

  private static func paths(_ items: [JSONValue]) throws(Problem) -> [String] {
    let limit = AdminConfiguration.pathLimit
    guard items.count <= limit else {
      throw .badContent(
        "There are \(items.count) paths, the limit is \(limit). Send several invalidations, or a "
          + "pattern with \"*\".")
    }
    var paths: [String] = []
    for (index, item) in items.enumerated() {
      guard case .string(let path) = item else {
        throw .badContent("paths[\(index)] is not a string.")
      }
      paths.append(path)
    }
    return paths
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
