/// One row of the option table: all that is known about one option of edge.conf.
///
/// Decoding, the reference page, the JSON Schema and the effective configuration come from it.
public struct ConfigurationOption: Sendable {
  /// What stands in the file when the option is left out.
  public enum Default: Sendable, Equatable {
    /// Leaving the option out is a fault.
    case required
    /// Left out means not set.
    case absent
    /// This text, as it would be written. `{}` is a section of defaults, `[]` an empty list.
    case text(String)
  }

  /// Where the option stands: `routes[].ttl.default`. `[]` is a list's element; a component in
  /// capitals, as in `origins.NAME.pool`, is a name the file chooses.
  public let path: String
  /// What a value looks like.
  public let type: OptionType
  /// Words that are accepted beside the type, such as `off` or `unlimited`.
  public let words: [String]
  /// What stands when the option is left out.
  public let defaultValue: Default
  /// The smallest value as it would be written; for lists and maps the fewest entries.
  public let minimum: String?
  /// The largest value as it would be written; for lists and maps the most entries.
  public let maximum: String?
  /// What a number counts.
  public let unit: String?
  /// Whether a change takes effect on reload, without a restart.
  public let isReloadable: Bool
  /// A value to copy, shown when the option is missing or has a wrong type.
  public let example: String?
  /// What the option does, in one or two sentences.
  public let description: String

  init(
    _ path: String, _ type: OptionType, words: [String] = [], default defaultValue: Default,
    min minimum: String? = nil, max maximum: String? = nil, unit: String? = nil,
    reload isReloadable: Bool, example: String? = nil, _ description: String
  ) {
    self.path = path
    self.type = type
    self.words = words
    self.defaultValue = defaultValue
    self.minimum = minimum
    self.maximum = maximum
    self.unit = unit
    self.isReloadable = isReloadable
    self.example = example
    self.description = description
  }

  /// The path of the section, list or map that holds this option; empty at the top.
  var parentPath: String {
    if path.hasSuffix("[]") { return String(path.dropLast(2)) }
    guard let dot = path.lastIndex(of: ".") else { return "" }
    return String(path[..<dot])
  }

  /// The last component of the path: the key a person writes.
  var name: String {
    guard let dot = path.lastIndex(of: ".") else { return path }
    return String(path[path.index(after: dot)...])
  }
}

/// The kinds of values in edge.conf.
public enum OptionType: String, Sendable, CaseIterable {
  case section
  case list
  case map
  case word
  case boolean
  case count
  case size
  case duration
  case listenAddress = "listen address"
  case addressBlock = "address block"
  case serverURL = "server URL"
  case authority = "host"
  case routePattern = "route pattern"
  case originName = "origin name"
  case token
  case fieldName = "field name"
  case text
  case path
  case secret
  case secretFile = "secret file"

  /// Whether values of this type have a smallest and a largest one.
  var isOrdered: Bool { self == .count || self == .size || self == .duration }

  /// Whether values of this type hold further options.
  var isContainer: Bool { self == .section || self == .list || self == .map }

  /// What a value should look like, to continue "must be ".
  var form: String {
    switch self {
    case .section: "a section of options (name: value)"
    case .list: "a list ([a, b] or one '- entry' a line)"
    case .map: "a set of entries (name: value)"
    case .word: "a word"
    case .boolean: "true or false"
    case .count: "a whole number"
    case .size: SizeText.form
    case .duration: DurationText.form
    case .listenAddress: "an address such as 127.0.0.1:8080 or [::1]:8080"
    case .addressBlock: "an IP address or a block such as 10.0.0.0/8 or 2001:db8::/32"
    case .serverURL: "a URL such as http://127.0.0.1:9000 or https://api.example.com"
    case .authority: "a host name, with a port if need be"
    case .routePattern: "a pattern such as /*, /images/* or www.example.com/*"
    case .originName: "the name of an origin"
    case .token: "a name of letters, digits and -_.!#$%&'*+^`|~"
    case .fieldName: "the name of a header field"
    case .text: "a text"
    case .path, .secretFile: "a path"
    case .secret: "a text, best from the environment (\"${NAME}\")"
    }
  }
}
