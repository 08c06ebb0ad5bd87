/// One accepted selector with its sequence number, ready to be compared.
struct InvalidationRule: Sendable {
  enum Matcher: Sendable {
    /// The target matches a pattern.
    case glob(GlobPattern)
    /// The target is this text.
    case target([UInt8])
    /// The target without its query is this text.
    case path([UInt8])
    /// Any object, of the host if there is one.
    case any
    case tag(UInt64)
    case route(UInt16)
    case status(UInt16)
    case receivedBefore(Int64)
  }

  let sequence: UInt64
  let host: [UInt8]?
  let matcher: Matcher

  init(sequence: UInt64, host: String?, matcher: Matcher) {
    self.sequence = sequence
    self.host = host.map { Array($0.lowercased().utf8) }
    self.matcher = matcher
  }

  /// The same rule under another number.
  init(_ rule: InvalidationRule, sequence: UInt64) {
    self.sequence = sequence
    host = rule.host
    matcher = rule.matcher
  }

  /// A star pattern on one host or on all.
  init(sequence: UInt64, host: String?, pattern: String) {
    let glob = GlobPattern(pattern.utf8)
    self.init(
      sequence: sequence, host: host, matcher: glob.exactText.map { .target($0) } ?? .glob(glob))
  }

  /// The rule that a selector means; ``InvalidationSelector/everything`` is one for every object.
  init(_ selector: InvalidationSelector, sequence: UInt64) {
    switch selector {
    case .everything: self.init(sequence: sequence, host: nil, matcher: .any)
    case .path(let host, let pattern):
      self.init(sequence: sequence, host: host, pattern: pattern)
    case .glob(let host, let pattern):
      // Not a glob: nobody knows what was meant, so everything of the host goes.
      let glob = try? GlobPattern(glob: pattern.utf8)
      self.init(
        sequence: sequence, host: host,
        matcher: glob.map { glob in glob.exactText.map { .target($0) } ?? .glob(glob) } ?? .any)
    case .url(let host, let target, let ignoresQuery):
      let bytes = Array(target.utf8)
      self.init(
        sequence: sequence, host: host,
        matcher: ignoresQuery
          ? .path(Array(bytes.prefix { $0 != UInt8(ascii: "?") })) : .target(bytes))
    case .prefix(let host, let prefix):
      self.init(
        sequence: sequence, host: host, matcher: .glob(GlobPattern(prefix: Array(prefix.utf8))))
    case .host(let host): self.init(sequence: sequence, host: host, matcher: .any)
    case .tag(let tag): self.init(sequence: sequence, host: nil, matcher: .tag(tag.value))
    case .route(let route): self.init(sequence: sequence, host: nil, matcher: .route(route))
    case .status(let status): self.init(sequence: sequence, host: nil, matcher: .status(status))
    case .receivedBefore(let second):
      self.init(sequence: sequence, host: nil, matcher: .receivedBefore(second))
    }
  }

  /// True when the rule is found by a hash and never compared one by one.
  var isHashed: Bool {
    switch matcher {
    case .target, .path, .tag: true
    default: false
    }
  }

  /// True when the rule matches, tags left aside. `parts` are the key's.
  func matches(_ subject: InvalidationSubject, _ parts: KeyParts) -> Bool {
    if let host, !parts.isOn(host) { return false }
    switch matcher {
    case .glob(let pattern): return pattern.matches(parts.target)
    case .target(let text): return parts.target.elementsEqual(text)
    case .path(let text): return parts.path.elementsEqual(text)
    case .any: return true
    case .tag: return false
    case .route(let route): return subject.attributes.map { $0.route == route } ?? true
    case .status(let status): return subject.attributes.map { $0.status == status } ?? true
    case .receivedBefore(let second):
      return subject.attributes.map { $0.responseTimeSeconds < second } ?? true
    }
  }
}
