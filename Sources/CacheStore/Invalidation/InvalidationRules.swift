/// One accepted pattern with its sequence number.
struct InvalidationRule: Sendable {
  let sequence: UInt64
  let host: [UInt8]?
  let pattern: GlobPattern

  init(sequence: UInt64, host: String?, pattern: String) {
    self.sequence = sequence
    self.host = host.map { Array($0.lowercased().utf8) }
    self.pattern = GlobPattern(pattern.utf8)
  }

  func matches(_ parts: KeyParts) -> Bool {
    if let host, !parts.isOn(host) { return false }
    return pattern.matches(parts.target)
  }
}

/// An immutable list of rules in the order of their sequence numbers. Rules without a star are
/// found by the hash of their path, so that thousands of exact URLs cost a lookup one probe.
struct InvalidationRules: Sendable {
  private(set) var globs: [InvalidationRule] = []
  private(set) var exact: [UInt64: [InvalidationRule]] = [:]
  private(set) var count = 0

  /// The highest sequence number in the list; 0 when it is empty.
  private(set) var newestSequence: UInt64 = 0

  var isEmpty: Bool { count == 0 }

  private static let pathHasher = KeyHasher(seed: 0)

  mutating func append(_ rule: InvalidationRule) {
    if rule.pattern.isExact {
      let hash = rule.pattern.literalBytes.withUnsafeBytes { Self.pathHasher.hash($0).low }
      exact[hash, default: []].append(rule)
    } else {
      globs.append(rule)
    }
    count += 1
    newestSequence = max(newestSequence, rule.sequence)
  }

  /// Takes away the rules up to a sequence number and returns them, oldest first.
  mutating func removeAll(upTo sequence: UInt64) -> [InvalidationRule] {
    var removed = globs.filter { $0.sequence <= sequence }
    globs.removeAll { $0.sequence <= sequence }
    for (hash, rules) in exact {
      let rest = rules.filter { $0.sequence > sequence }
      guard rest.count != rules.count else { continue }
      removed += rules.filter { $0.sequence <= sequence }
      exact[hash] = rest.isEmpty ? nil : rest
    }
    count -= removed.count
    if count == 0 { newestSequence = 0 }
    return removed.sorted { $0.sequence < $1.sequence }
  }

  /// The sequence number of the oldest rule; nil when the list is empty. O(count).
  var oldestSequence: UInt64? {
    let inExact = exact.values.compactMap { $0.first?.sequence }.min()
    return [globs.first?.sequence, inExact].compactMap { $0 }.min()
  }

  /// True when a rule newer than `sequence` matches the key.
  func invalidates(key: UnsafeRawBufferPointer, newerThan sequence: UInt64) -> Bool {
    guard newestSequence > sequence else { return false }
    let parts = KeyParts(key)
    if !exact.isEmpty {
      let hash = Self.pathHasher.hash(parts.target).low
      for rule in exact[hash] ?? [] where rule.sequence > sequence && rule.matches(parts) {
        return true
      }
    }
    // Newest last: walk backwards and stop at the first that is old enough.
    for rule in globs.reversed() {
      if rule.sequence <= sequence { break }
      if rule.matches(parts) { return true }
    }
    return false
  }
}
