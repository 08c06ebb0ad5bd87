/// A list of rules of one kind.
///
/// Rules for one URL are found by the hash of their path, tags by their own hash, so that thousands
/// of them cost a look-up one probe each. Patterns are found by what they begin with, see
/// ``PatternIndex``. Only rules for hosts, routes, statuses and ages are compared one by one.
struct InvalidationRules: Sendable {
  private var patterns = PatternIndex()
  /// By rising sequence.
  private var others: [InvalidationRule] = []
  private var targets: [UInt64: [InvalidationRule]] = [:]
  private var paths: [UInt64: [InvalidationRule]] = [:]
  /// The newest number under which each tag was invalidated; it stands for the older ones.
  private var tags: [UInt64: UInt64] = [:]

  /// Rules that are compared one by one.
  private(set) var linearCount = 0
  /// Rules that are found by a hash.
  private(set) var hashedCount = 0
  /// The highest sequence number in the list; 0 when it is empty.
  private(set) var newestSequence: UInt64 = 0
  /// The lowest; nil when the list is empty.
  private(set) var oldestSequence: UInt64?

  var count: Int { linearCount + hashedCount }
  var isEmpty: Bool { count == 0 }

  private static let pathHasher = KeyHasher(seed: 0)

  private static func hash(_ text: UnsafeRawBufferPointer) -> UInt64 { pathHasher.hash(text).low }

  private static func hash(_ text: [UInt8]) -> UInt64 { text.withUnsafeBytes { hash($0) } }

  mutating func append(_ rule: InvalidationRule) {
    switch rule.matcher {
    case .tag(let tag):
      let before = tags.updateValue(max(rule.sequence, tags[tag] ?? 0), forKey: tag)
      if before == nil { hashedCount += 1 }
    case .target(let text):
      targets[Self.hash(text), default: []].append(rule)
      hashedCount += 1
    case .path(let text):
      paths[Self.hash(text), default: []].append(rule)
      hashedCount += 1
    case .glob(let pattern):
      patterns.append(rule, prefix: pattern.prefix)
      linearCount += 1
    case .any, .route, .status, .receivedBefore:
      others.append(rule)
      linearCount += 1
    }
    newestSequence = max(newestSequence, rule.sequence)
    oldestSequence = min(oldestSequence ?? .max, rule.sequence)
  }

  /// Takes away the rules up to a sequence number and returns them, oldest first. O(count).
  @discardableResult
  mutating func removeAll(upTo sequence: UInt64) -> [InvalidationRule] {
    guard let oldestSequence, oldestSequence <= sequence else { return [] }
    let all = self.all.sorted { $0.sequence < $1.sequence }
    self = InvalidationRules()
    for rule in all where rule.sequence > sequence { append(rule) }
    return all.filter { $0.sequence <= sequence }
  }

  /// The number of the `count`-th oldest rule among those found by a hash, or among the others; nil
  /// when there are fewer. O(rules).
  func sequence(ofOldest count: Int, hashed: Bool) -> UInt64? {
    let sequences = all.filter { $0.isHashed == hashed }.map(\.sequence).sorted()
    return count > 0 && count <= sequences.count ? sequences[count - 1] : nil
  }

  /// All rules, in no order.
  var all: [InvalidationRule] {
    var all = others + patterns.rules + targets.values.joined() + paths.values.joined()
    for (tag, sequence) in tags {
      all.append(InvalidationRule(sequence: sequence, host: nil, matcher: .tag(tag)))
    }
    return all
  }

  /// The number of a rule newer than `sequence` that matches; nil when none does.
  func match(_ subject: InvalidationSubject, newerThan sequence: UInt64) -> UInt64? {
    guard newestSequence > sequence else { return nil }
    if !tags.isEmpty, let found = tagMatch(subject.tags, newerThan: sequence) { return found }
    guard linearCount > 0 || !targets.isEmpty || !paths.isEmpty else { return nil }
    let parts = KeyParts(subject.key)
    if !targets.isEmpty,
      let rules = targets[Self.hash(parts.target)],
      let found = Self.first(of: rules, subject, parts, newerThan: sequence)
    {
      return found
    }
    if !paths.isEmpty,
      let rules = paths[Self.hash(parts.path)],
      let found = Self.first(of: rules, subject, parts, newerThan: sequence)
    {
      return found
    }
    if let found = patterns.match(subject, parts, newerThan: sequence) { return found }
    return Self.first(of: others, subject, parts, newerThan: sequence)
  }

  private func tagMatch(_ list: TagList, newerThan sequence: UInt64) -> UInt64? {
    if list.isUnknown { return tags.values.first { $0 > sequence } }
    for index in 0..<list.count {
      if let found = tags[list[index]], found > sequence { return found }
    }
    return nil
  }

  /// Newest last: walks backwards and stops at the first that is old enough.
  static func first(
    of rules: [InvalidationRule], _ subject: InvalidationSubject, _ parts: KeyParts,
    newerThan sequence: UInt64
  ) -> UInt64? {
    var index = rules.count
    while index > 0 {
      index -= 1
      if rules[index].sequence <= sequence { return nil }
      if rules[index].matches(subject, parts) { return rules[index].sequence }
    }
    return nil
  }
}

/// Pattern rules by what they begin with, so that an object meets only patterns that begin as its
/// path does. A pattern stands under the hash of its first bytes, as many of them as the longest
/// multiple of 4, at most 64, that its literal start has; an object is looked up once for each
/// length in use.
struct PatternIndex: Sendable {
  private static let hasher = KeyHasher(seed: 1)
  private static let mostLength = 64

  private struct Bucket: Sendable {
    let length: Int
    /// By the hash of the first `length` bytes; by rising sequence.
    var rules: [UInt64: [InvalidationRule]] = [:]
  }

  private var buckets: [Bucket] = []
  /// The list instead of the buckets as long as it is short: then a hash costs more than it saves.
  private var short: [InvalidationRule] = []
  private static let mostShort = 8

  /// All rules, in no order.
  var rules: [InvalidationRule] { short + buckets.flatMap { $0.rules.values.joined() } }

  mutating func append(_ rule: InvalidationRule, prefix: [UInt8]) {
    guard !buckets.isEmpty || short.count >= Self.mostShort else { return short.append(rule) }
    for earlier in short { place(earlier, prefix: Self.prefix(of: earlier)) }
    short = []
    place(rule, prefix: prefix)
  }

  private static func prefix(of rule: InvalidationRule) -> [UInt8] {
    guard case .glob(let pattern) = rule.matcher else { return [] }
    return pattern.prefix
  }

  private mutating func place(_ rule: InvalidationRule, prefix: [UInt8]) {
    let length = min(Self.mostLength, prefix.count & ~3)
    let hash = prefix[..<length].withUnsafeBytes { Self.hasher.hash($0).low }
    if let index = buckets.firstIndex(where: { $0.length == length }) {
      buckets[index].rules[hash, default: []].append(rule)
    } else {
      buckets.append(Bucket(length: length, rules: [hash: [rule]]))
    }
  }

  func match(
    _ subject: InvalidationSubject, _ parts: KeyParts, newerThan sequence: UInt64
  ) -> UInt64? {
    if let found = InvalidationRules.first(of: short, subject, parts, newerThan: sequence) {
      return found
    }
    for bucket in buckets where bucket.length <= parts.target.count {
      let start = UnsafeRawBufferPointer(rebasing: parts.target[..<bucket.length])
      if let rules = bucket.rules[Self.hasher.hash(start).low],
        let found = InvalidationRules.first(of: rules, subject, parts, newerThan: sequence)
      {
        return found
      }
    }
    return nil
  }
}

/// The rules of both kinds, as they are at one moment.
struct InvalidationRuleSet: Sendable {
  var hard = InvalidationRules()
  var soft = InvalidationRules()

  var count: Int { hard.count + soft.count }
  var linearCount: Int { hard.linearCount + soft.linearCount }
  var hashedCount: Int { hard.hashedCount + soft.hashedCount }
  var isEmpty: Bool { hard.isEmpty && soft.isEmpty }
  var newestSequence: UInt64 { max(hard.newestSequence, soft.newestSequence) }

  mutating func append(_ rule: InvalidationRule, _ kind: InvalidationKind) {
    switch kind {
    case .hard: hard.append(rule)
    case .soft: soft.append(rule)
    }
  }

  /// What a rule newer than `sequence` does to the subject; a hard one comes before a soft one.
  @inline(__always)
  func match(_ subject: InvalidationSubject, newerThan sequence: UInt64) -> InvalidationMatch? {
    if let found = hard.match(subject, newerThan: sequence) {
      return InvalidationMatch(kind: .hard, sequence: found)
    }
    if let found = soft.match(subject, newerThan: sequence) {
      return InvalidationMatch(kind: .soft, sequence: found)
    }
    return nil
  }
}

/// That an invalidation concerns an object, and which.
struct InvalidationMatch: Sendable, Equatable {
  let kind: InvalidationKind
  /// The invalidation's number.
  let sequence: UInt64
}
