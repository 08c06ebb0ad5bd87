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
  }

  /// The highest number given to an invalidation or used by a fetch.
  public var sequence: UInt64 = 0
  /// Everything fetched under a lower number is gone.
  public var floor: UInt64 = 0
  /// Everything fetched under a lower number is stale.
  public var softFloor: UInt64 = 0
  /// By rising sequence.
  public var rules: [Rule] = []

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
    rules.removeAll { $0.sequence <= ($0.kind == .hard ? floor : max(floor, softFloor)) }
  }

  private func isKnown(_ rule: Rule) -> Bool {
    for other in rules.reversed() {
      if other.sequence < rule.sequence { return false }
      if other == rule { return true }
    }
    return false
  }

  mutating func markSwept(through sequence: UInt64) {
    rules.removeAll { $0.sequence <= sequence }
  }
}

/// An entry of the invalidation log: the payload of a frame of ``LogFormat``.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | 1 invalidation, 2 swept, 3 start over from floors and sequence, 4 soft invalidation |
/// | 1 | 3 | zero |
/// | 4 | 4 | invalidation: number of selectors |
/// | 8 | 8 | sequence |
/// | 16 | 8 | start over: floor |
/// | 24 | 8 | start over: soft floor; 0 when it is not there |
/// | 16 | | invalidation: selectors |
///
/// ``SelectorFormat`` says how a selector is written. An entry or a selector of another kind comes
/// from a later version: what it takes is not known, so the start raises the floor.
enum InvalidationEntry: Equatable {
  case invalidation(
    sequence: UInt64, selectors: [InvalidationSelector], kind: InvalidationKind = .hard)
  case swept(sequence: UInt64)
  case startOver(sequence: UInt64, floor: UInt64, softFloor: UInt64 = 0)

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    switch self {
    case .invalidation(let sequence, let selectors, let kind):
      bytes.append(littleEndian: UInt32(kind == .hard ? 1 : 4))
      bytes.append(littleEndian: UInt32(selectors.count))
      bytes.append(littleEndian: sequence)
      for selector in selectors { SelectorFormat.encode(selector, into: &bytes) }
    case .swept(let sequence):
      bytes.append(littleEndian: UInt64(2))
      bytes.append(littleEndian: sequence)
    case .startOver(let sequence, let floor, let softFloor):
      bytes.append(littleEndian: UInt64(3))
      bytes.append(littleEndian: sequence)
      bytes.append(littleEndian: floor)
      bytes.append(littleEndian: softFloor)
    }
    return bytes
  }

  static func decode(_ bytes: UnsafeRawBufferPointer) -> InvalidationEntry? {
    var cursor = ByteCursor(bytes)
    guard let kind = cursor.read(UInt32.self), let count = cursor.read(UInt32.self),
      let sequence = cursor.read(UInt64.self)
    else { return nil }
    switch kind {
    case 1, 4:
      var selectors: [InvalidationSelector] = []
      for _ in 0..<count {
        guard let selector = SelectorFormat.decode(&cursor) else { return nil }
        selectors.append(selector)
      }
      return .invalidation(
        sequence: sequence, selectors: selectors, kind: kind == 1 ? .hard : .soft)
    case 2: return .swept(sequence: sequence)
    case 3:
      guard let floor = cursor.read(UInt64.self) else { return nil }
      return .startOver(
        sequence: sequence, floor: floor, softFloor: cursor.read(UInt64.self) ?? 0)
    default: return nil
    }
  }

  /// Brings `state` up to this entry.
  func apply(to state: inout InvalidationState) {
    switch self {
    case .invalidation(let sequence, let selectors, let kind):
      state.add(sequence: sequence, selectors: selectors, kind: kind)
    case .swept(let sequence): state.markSwept(through: sequence)
    case .startOver(let sequence, let floor, let softFloor):
      state.sequence = max(state.sequence, sequence)
      state.floor = floor
      state.softFloor = softFloor
      state.rules = []
    }
  }
}

extension InvalidationState {
  /// Entries from which the state can be made again, with nothing before them.
  var entries: [InvalidationEntry] {
    [.startOver(sequence: sequence, floor: floor, softFloor: softFloor)]
      + rules.map {
        .invalidation(sequence: $0.sequence, selectors: $0.selectors, kind: $0.kind)
      }
  }
}
