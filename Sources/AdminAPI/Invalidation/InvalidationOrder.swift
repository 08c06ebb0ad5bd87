import CachePolicy
import CacheStore

/// What somebody wants invalidated, checked: the content of `POST /v1/invalidations`, of a batch of
/// CloudFront's, of an event's mapping.
///
/// Whatever one of the lists names is taken: the lists are added up, never intersected.
struct InvalidationOrder: Sendable, Equatable {
  /// What becomes of what is matched.
  enum Kind: String, Sendable, CaseIterable {
    /// It is gone.
    case hard
    /// It is stale: revalidated before, or while, it is served.
    case soft
    /// It is stale, and what was in use is fetched again at once.
    case refresh

    /// The same for the store.
    var storeKind: InvalidationKind { self == .hard ? .hard : .soft }
  }

  /// How a list is read; the raw value is its member in JSON.
  enum List: String, Sendable, CaseIterable {
    /// `*` stands for any bytes.
    case paths
    /// `*`, `?`, classes and braces.
    case globs
    /// What paths begin with.
    case prefixes
    /// CloudFront's paths: `*` at the end alone.
    case cloudFrontPaths
    /// Whole URLs, or path and query.
    case urls
    case hosts
    case tags
    /// `https://example.com name`: an origin and one of its cache groups (RFC 9875).
    case groups
    /// Names of routes.
    case routes
    case statuses

    /// One entry, to stand in a sentence.
    var example: String {
      switch self {
      case .paths: "[\"/images/*\"]"
      case .globs: "[\"/images/{a,b}/?.png\"]"
      case .prefixes: "[\"/images/\"]"
      case .cloudFrontPaths: "[\"/images/*\"]"
      case .urls: "[\"https://www.example.com/a?b=1\"]"
      case .hosts: "[\"www.example.com\"]"
      case .tags: "[\"product-1\"]"
      case .groups: "[\"https://www.example.com scripts\"]"
      case .routes: "[\"/images/*\"]"
      case .statuses: "[404]"
      }
    }
  }

  /// The lists as they were sent; one that is not there is empty.
  private(set) var lists: [List: [String]] = [:]
  /// Limits paths, globs and prefixes to a host; nil for all.
  var host: String?
  /// Whether URLs are taken with every query.
  var ignoresQuery = false
  /// What was received before this second of Unix time is taken.
  var receivedBefore: Int64?
  var kind = Kind.hard

  /// An order that takes nothing yet.
  init() {}

  /// The entries of one list.
  subscript(list: List) -> [String] {
    get { lists[list] ?? [] }
    set { lists[list] = newValue.isEmpty ? nil : newValue }
  }

  /// Entries of all lists together.
  var count: Int {
    lists.values.reduce(0) { $0 + $1.count } + (receivedBefore == nil ? 0 : 1)
  }

  /// Bytes of all entries, for limits on what is remembered.
  var byteCount: Int {
    lists.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.utf8.count + 16 } }
  }
}

extension InvalidationOrder {
  /// Most patterns, hosts, routes, statuses and ages in one order: the sweep compares each object
  /// with each of them, unlike URLs and tags, which it finds by a hash.
  static let mostComparedSelectors = 100

  /// The same for the store.
  /// - Parameter routeNames: the names of the routes there are.
  /// - Throws: a ``Problem`` with the entry that is wrong and what to write instead.
  func selectors(routeNames: [String]) throws(Problem) -> [InvalidationSelector] {
    guard count > 0 else {
      throw .badContent(
        "There are no paths. Name at least one in \"paths\", [\"/*\"] is all, or fill one of "
          + List.allCases.filter { $0 != .cloudFrontPaths }.map { "\"\($0.rawValue)\"" }
          .joined(separator: ", ") + ".")
    }
    let limit = AdminConfiguration.pathLimit
    guard count <= limit else {
      throw .badContent(
        "There are \(count) paths, the limit is \(limit). Send several invalidations, or a "
          + "pattern with \"*\".")
    }
    var selectors: [InvalidationSelector] = []
    selectors.reserveCapacity(count)
    for list in List.allCases {
      for (index, text) in self[list].enumerated() {
        do throws(EntryFault) {
          selectors.append(try selector(text, of: list, routeNames: routeNames))
        } catch {
          throw .badContent("\(list.rawValue)[\(index)]\(error.message).")
        }
      }
    }
    if let receivedBefore { selectors.append(.receivedBefore(second: receivedBefore)) }
    let compared = selectors.count { $0.isComparedWithEveryObject }
    guard compared <= Self.mostComparedSelectors else {
      throw .badContent(
        "There are \(compared) patterns, hosts, routes, statuses and ages, which are compared with "
          + "every object; the limit is \(Self.mostComparedSelectors). Write fewer and wider ones, "
          + "exact paths, or tags.")
    }
    return selectors
  }

  private struct EntryFault: Error {
    /// To stand behind the entry's name.
    let message: String
  }

  private func selector(
    _ text: String, of list: List, routeNames: [String]
  ) throws(EntryFault) -> InvalidationSelector {
    switch list {
    case .paths: return try path(text, .stars)
    case .globs: return try path(text, .glob)
    case .prefixes: return try prefix(text)
    case .cloudFrontPaths: return try cloudFrontPath(text)
    case .urls: return try url(text)
    case .hosts:
      guard let host = HostName(text) else { throw EntryFault(message: " is no host name") }
      return .host(host.text)
    case .tags: return .tag(TagHash(try tag(text)))
    case .groups: return .tag(TagHash(try group(text)))
    case .routes:
      guard routeNames.contains(text) else {
        throw EntryFault(
          message: " names no route; there are "
            + routeNames.prefix(10).map { "\"\($0)\"" }.joined(separator: ", ")
            + (routeNames.count > 10 ? " and \(routeNames.count - 10) more" : ""))
      }
      return .route(RouteIdentity(name: text).value)
    case .statuses:
      guard let status = UInt16(text), 100...999 ~= status else {
        throw EntryFault(message: " is no status code")
      }
      return .status(status)
    }
  }

  private func path(
    _ text: String, _ syntax: InvalidationSelector.Syntax
  ) throws(EntryFault) -> InvalidationSelector {
    do throws(InvalidationSelectorError) {
      return try .parse(text, host: host, syntax: syntax)
    } catch {
      throw EntryFault(message: ": \(error)")
    }
  }

  private func prefix(_ text: String) throws(EntryFault) -> InvalidationSelector {
    try path(text + "*", .trailingStar)
  }

  /// A `*` that is not the last byte is refused, as CloudFront refuses it: taken literally it would
  /// match nothing, and nobody would notice.
  private func cloudFrontPath(_ text: String) throws(EntryFault) -> InvalidationSelector {
    if text.hasPrefix("#") { return .tag(TagHash(try tag(String(text.dropFirst())))) }
    let path = text.hasPrefix("/") ? text : "/" + text
    guard !path.dropLast().contains("*") else {
      throw EntryFault(message: " has a * that is not the last character")
    }
    return try self.path(path, .trailingStar)
  }

  private func url(_ text: String) throws(EntryFault) -> InvalidationSelector {
    let target = AdminTarget(text)
    var host = host
    if let authority = target.authority {
      guard let name = HostName(String(authority)) else {
        throw EntryFault(message: " has no host name")
      }
      host = name.text
    }
    // The fragment never reaches a server.
    let path = String(target.pathAndQuery.prefix { $0 != "#" })
    guard case .url(_, let exact, _) = try self.path(path, .trailingStar) else {
      throw EntryFault(message: " ends with *; write it in \"paths\"")
    }
    return .url(host: host, target: exact, ignoresQuery: ignoresQuery)
  }

  /// A tag as responses can carry it: longer ones, or with blanks, name nothing.
  private func tag(_ text: String) throws(EntryFault) -> String {
    let isUsable = text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    guard isUsable, (1...CacheTags.lengthLimitBytes).contains(text.utf8.count) else {
      throw EntryFault(
        message: " is no cache tag: 1 to \(CacheTags.lengthLimitBytes) bytes without blanks")
    }
    return text
  }

  private func group(_ text: String) throws(EntryFault) -> String {
    guard let blank = text.firstIndex(of: " "),
      let tag = CacheGroups.tagText(
        origin: String(text[..<blank]), group: String(text[text.index(after: blank)...]))
    else {
      throw EntryFault(
        message: " must be an origin, a blank and the group's name, such as "
          + "\"https://www.example.com scripts\"")
    }
    return tag
  }
}

extension Problem {
  /// A request whose content is wrong.
  static func badContent(_ detail: String) -> Problem {
    Problem(status: .badRequest, detail: detail)
  }
}
