/// What differs between the configuration that runs and one that is to take its place.
public struct ConfigurationChanges: Sendable, Equatable {
  /// What became of a route.
  public enum RouteChange: Sendable, Equatable {
    /// It is new: it takes requests that others took.
    case added
    /// It is gone: others take its requests.
    case removed
    /// It judges responses by other lifetimes; what is stored is right but for its time.
    case lifetimes
    /// It stores other things or under other keys.
    case contents
  }

  /// The changed options that take effect at once, by their place: `routes[/*].ttl.default`.
  public let applied: [String]
  /// The changed options that wait for a restart.
  public let needRestart: [String]
  /// The routes for which what is stored is no longer right, by their pattern, in the order of the
  /// old file and then of the new one.
  public let routes: [(match: String, change: RouteChange)]

  /// Whether nothing differs.
  public var isEmpty: Bool { applied.isEmpty && needRestart.isEmpty }

  /// What differs in `new`. O(options).
  public init(from old: EdgeConfiguration, to new: EdgeConfiguration) {
    let before = Dictionary(old.settings.map { ($0.path, $0) }) { first, _ in first }
    let after = Dictionary(new.settings.map { ($0.path, $0) }) { first, _ in first }
    let changed =
      old.settings.filter { after[$0.path] != $0 }
      + new.settings.filter { before[$0.path] == nil }
    applied = changed.filter(\.option.isReloadable).map(\.path)
    needRestart = changed.filter { !$0.option.isReloadable }.map(\.path)
    var changes: [(match: String, change: RouteChange)] = []
    for setting in changed {
      guard let match = setting.route else { continue }
      let whole = "routes[\(match)]"
      let change: RouteChange?
      if before[whole] == nil {
        change = .added
      } else if after[whole] == nil {
        change = .removed
      } else {
        change = Self.effect(of: setting.option)
      }
      guard let change else { continue }
      if let index = changes.firstIndex(where: { $0.match == match }) {
        if changes[index].change == .lifetimes { changes[index].change = change }
      } else {
        changes.append((match, change))
      }
    }
    routes = changes
  }

  /// Options of a route that say nothing about what is stored.
  private static let withoutEffect: Set<String> = [
    "routes[].request_directives", "routes[].coalesce", "routes[].coalesce_timeout",
    "routes[].unsafe_invalidates", "routes[].debug_headers", "routes[].ranges",
    "routes[].variants", "routes[].query_body_size", "routes[].websocket",
  ]

  /// Options of a route that bound lifetimes, with all below them.
  private static let ofLifetimes = [
    "routes[].ttl", "routes[].status_ttl", "routes[].stale", "routes[].targeted",
  ]

  /// What a change of the option does to a route's objects; one that nobody has thought of here
  /// makes them wrong.
  private static func effect(of option: ConfigurationOption) -> RouteChange? {
    if withoutEffect.contains(option.path) { return nil }
    let isLifetime = ofLifetimes.contains {
      option.path == $0 || option.path.hasPrefix($0 + ".") || option.path.hasPrefix($0 + "[")
    }
    return isLifetime ? .lifetimes : .contents
  }

  /// Whether both name the same changes.
  public static func == (left: ConfigurationChanges, right: ConfigurationChanges) -> Bool {
    left.applied == right.applied && left.needRestart == right.needRestart
      && left.routes.elementsEqual(right.routes) { $0 == $1 }
  }
}
