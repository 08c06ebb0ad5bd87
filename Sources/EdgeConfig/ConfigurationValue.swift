/// A checked value of edge.conf, before it becomes part of `EdgeConfiguration`.
indirect enum ConfigurationValue: Sendable {
  case word(String)
  case text(String)
  case secret(Secret)
  case boolean(Bool)
  case count(Int)
  case size(Int)
  case duration(Duration)
  case listenAddress(EdgeConfiguration.ListenAddress)
  case server(EdgeConfiguration.OriginServer)
  case pattern(RoutePattern)
  case list([ConfigurationEntry])
  case map([(key: String, entry: ConfigurationEntry)])
  case section(ConfigurationSection)
}

/// A value with its place. A default stands at the place of its section.
struct ConfigurationEntry: Sendable {
  var value: ConfigurationValue
  let place: Place
  /// Whether the value stands in the file, rather than in the table.
  let isWritten: Bool
}

/// The options of one section by name. A faulty or unset option has no entry.
struct ConfigurationSection: Sendable {
  var entries: [String: ConfigurationEntry] = [:]
  /// The options that stand in the file, faulty ones included.
  var written: Set<String> = []
  let place: Place

  init(place: Place) {
    self.place = place
  }

  subscript(name: String) -> ConfigurationEntry? {
    get { entries[name] }
    set { entries[name] = newValue }
  }
}

/// Reading values for checks: nil when the option is unset, a word, or was faulty.
extension ConfigurationEntry {
  var section: ConfigurationSection? {
    if case .section(let section) = value { section } else { nil }
  }
  var list: [ConfigurationEntry]? {
    if case .list(let entries) = value { entries } else { nil }
  }
  var map: [(key: String, entry: ConfigurationEntry)]? {
    if case .map(let entries) = value { entries } else { nil }
  }
  var text: String? {
    if case .text(let text) = value { text } else { nil }
  }
  var word: String? {
    if case .word(let word) = value { word } else { nil }
  }
  var boolean: Bool? {
    if case .boolean(let boolean) = value { boolean } else { nil }
  }
  var count: Int? {
    if case .count(let count) = value { count } else { nil }
  }
  var size: Int? {
    if case .size(let bytes) = value { bytes } else { nil }
  }
  var duration: Duration? {
    if case .duration(let duration) = value { duration } else { nil }
  }
  var secret: Secret? {
    if case .secret(let secret) = value { secret } else { nil }
  }
  var listenAddress: EdgeConfiguration.ListenAddress? {
    if case .listenAddress(let address) = value { address } else { nil }
  }
  var server: EdgeConfiguration.OriginServer? {
    if case .server(let server) = value { server } else { nil }
  }
  var pattern: RoutePattern? {
    if case .pattern(let pattern) = value { pattern } else { nil }
  }
}
