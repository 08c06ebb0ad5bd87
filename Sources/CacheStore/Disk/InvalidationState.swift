/// The invalidations that objects on disk still have to be checked against, as the invalidation log
/// keeps them. It is a log of its own so that an acknowledgement waits for one small file, and so
/// that a damaged index can be thrown away without forgetting what was invalidated.
public struct InvalidationState: Sendable, Equatable {
  /// One invalidation that is not worked off yet.
  public struct Rule: Sendable, Equatable {
    /// Its number: it takes away what was fetched under a lower one.
    public var sequence: UInt64
    /// What it takes away; never `.everything`, which raises a floor.
    public var selectors: [InvalidationSelector]
    /// Whether it takes away or marks stale.
    public var kind: InvalidationKind

    /// A rule of the given parts.
    public init(
      sequence: UInt64, selectors: [InvalidationSelector], kind: InvalidationKind = .hard
    ) {
      self.sequence = sequence
      self.selectors = selectors
      self.kind = kind
    }

    /// Bytes that it takes in the log.
    var logBytes: Int {
      LogFormat.frameHeaderBytes + 16
        + selectors.reduce(0) { $0 + SelectorFormat.byteCount($1) }
    }
  }

  /// The highest number given to an invalidation or used by a fetch.
  public var sequence: UInt64 = 0
  /// Everything fetched under a lower number is gone.
  public var floor: UInt64 = 0
  /// Everything fetched under a lower number is stale.
  public var softFloor: UInt64 = 0
  /// By rising sequence.
  public var rules: [Rule] = []
  /// What was worked off, by rising sequence: kept so that nothing that it took comes back with a
  /// restored snapshot or an import. Bounded by ``mostHistoryBytes``.
  var history: [Rule] = []
  /// Of what was worked off up to this number nothing is known any more.
  var historyFloor: UInt64 = 0
  /// Bytes that ``history`` takes in the log.
  private(set) var historyBytes = 0
  /// The oldest leaves when it grows beyond this.
  static let mostHistoryBytes = 4 << 20

  /// No invalidations.
  public init() {}

  mutating func add(
    sequence: UInt64, selectors: [InvalidationSelector], kind: InvalidationKind = .hard
  ) {
    self.sequence = max(self.sequence, sequence)
    if selectors.contains(.everything) {
      switch kind {
      case .hard: floor = max(floor, sequence)
      case .soft: softFloor = max(softFloor, sequence)
      }
    }
    let rest = selectors.filter { $0 != .everything }
    let rule = Rule(sequence: sequence, selectors: rest, kind: kind)
    // Two invalidations may come out of order, and a log may say one twice. By rising sequence, so
    // a search from the end is short.
    if !rest.isEmpty, !isKnown(rule) {
      let place = rules.lastIndex { $0.sequence <= sequence }.map { $0 + 1 } ?? 0
      rules.insert(rule, at: place)
    }
    guard selectors.count > rest.count else { return }
    rules = rules.filter { !isCovered($0) }
    history = history.filter { !isCovered($0) }
    historyBytes = history.reduce(0) { $0 + $1.logBytes }
  }

  /// True when a floor says all that a rule says.
  private func isCovered(_ rule: Rule) -> Bool {
    rule.sequence <= (rule.kind == .hard ? floor : max(floor, softFloor))
  }

  private func isKnown(_ rule: Rule) -> Bool {
    for other in rules.reversed() {
      if other.sequence < rule.sequence { return false }
      if other == rule { return true }
    }
    return false
  }

  /// Takes floors as they are and forgets the rules.
  mutating func startOver(
    sequence: UInt64, floor: UInt64, softFloor: UInt64, historyFloor: UInt64
  ) {
    self.sequence = max(self.sequence, sequence)
    self.floor = floor
    self.softFloor = softFloor
    self.historyFloor = historyFloor
    rules = []
    history = []
    historyBytes = 0
  }

  mutating func markSwept(through sequence: UInt64) {
    guard let first = rules.first, first.sequence <= sequence else { return }
    for rule in rules where rule.sequence <= sequence { addToHistory(rule) }
    rules.removeAll { $0.sequence <= sequence }
  }

  /// Notes an invalidation that is worked off.
  mutating func addToHistory(_ rule: Rule) {
    if isCovered(rule) || rule.sequence <= historyFloor { return }
    let place = history.lastIndex { $0.sequence <= rule.sequence }.map { $0 + 1 } ?? 0
    history.insert(rule, at: place)
    historyBytes += rule.logBytes
    guard historyBytes > Self.mostHistoryBytes else { return }
    // A quarter at once: finding out which costs a pass.
    var kept = historyBytes
    let newest = history.first { rule in
      kept -= rule.logBytes
      return kept <= Self.mostHistoryBytes * 3 / 4
    }
    forgetHistory(through: newest?.sequence ?? sequence)
  }

  /// Lets go of what was worked off up to a number.
  mutating func forgetHistory(through sequence: UInt64) {
    guard sequence > historyFloor else { return }
    historyFloor = sequence
    history.removeAll { $0.sequence <= sequence }
    historyBytes = history.reduce(0) { $0 + $1.logBytes }
  }
}

extension InvalidationState {
  /// Entries from which the state can be made again, with nothing before them.
  var entries: [InvalidationEntry] {
    [
      .startOver(
        sequence: sequence, floor: floor, softFloor: softFloor, historyFloor: historyFloor)
    ]
      + history.map {
        .workedOff(sequence: $0.sequence, selectors: $0.selectors, kind: $0.kind)
      }
      + rules.map {
        .invalidation(sequence: $0.sequence, selectors: $0.selectors, kind: $0.kind)
      }
  }
}

/// What was invalidated before a start and has to be checked on load.
public typealias RecoveredInvalidations = (
  sequence: UInt64, floor: UInt64, softFloor: UInt64,
  rules: [(sequence: UInt64, selector: InvalidationSelector, kind: InvalidationKind)]
)

extension InvalidationState {
  /// The state as a start hands it on.
  var recovered: RecoveredInvalidations {
    let rules = rules.flatMap { rule in
      rule.selectors.map { (sequence: rule.sequence, selector: $0, kind: rule.kind) }
    }
    return (sequence, floor, softFloor, rules)
  }
}
