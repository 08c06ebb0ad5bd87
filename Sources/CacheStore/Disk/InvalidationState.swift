/// The invalidations that objects on disk still have to be checked against, as the invalidation log
/// keeps them. It is a log of its own so that an acknowledgement waits for one small file, and so
/// that a damaged index can be thrown away without forgetting what was invalidated.
public struct InvalidationState: Sendable, Equatable {
  /// One invalidation that is not worked off yet.
  public struct Rule: Sendable, Equatable {
    /// Its number: it takes away what was fetched under a lower one.
    public var sequence: UInt64
    /// What it takes away; never `.everything`, which raises the floor.
    public var selectors: [InvalidationSelector]

    /// A rule of the given parts.
    public init(sequence: UInt64, selectors: [InvalidationSelector]) {
      self.sequence = sequence
      self.selectors = selectors
    }
  }

  /// The highest number given to an invalidation or used by a fetch.
  public var sequence: UInt64 = 0
  /// Everything fetched under a lower number is gone.
  public var floor: UInt64 = 0
  /// By rising sequence.
  public var rules: [Rule] = []

  /// No invalidations.
  public init() {}

  mutating func add(sequence: UInt64, selectors: [InvalidationSelector]) {
    self.sequence = max(self.sequence, sequence)
    if selectors.contains(.everything) { floor = max(floor, sequence) }
    let rest = selectors.filter { $0 != .everything }
    // Two invalidations may come out of order, and a log may say one twice.
    if !rest.isEmpty, !rules.contains(Rule(sequence: sequence, selectors: rest)) {
      let place = rules.lastIndex { $0.sequence <= sequence }.map { $0 + 1 } ?? 0
      rules.insert(Rule(sequence: sequence, selectors: rest), at: place)
    }
    rules.removeAll { $0.sequence <= floor }
  }

  mutating func markSwept(through sequence: UInt64) {
    rules.removeAll { $0.sequence <= sequence }
  }
}

/// An entry of the invalidation log: the payload of a frame of ``LogFormat``.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | 1 invalidation, 2 swept, 3 start over from floor and sequence |
/// | 1 | 3 | zero |
/// | 4 | 4 | invalidation: number of selectors |
/// | 8 | 8 | sequence |
/// | 16 | 8 | start over: floor |
/// | 16 | | invalidation: selectors |
///
/// A selector: 1 byte kind (0 everything, 1 path on any host, 2 path on one host), for a path 4
/// bytes count and the pattern's bytes, for a host before it likewise 4 bytes count and its bytes.
enum InvalidationEntry: Equatable {
  case invalidation(sequence: UInt64, selectors: [InvalidationSelector])
  case swept(sequence: UInt64)
  case startOver(sequence: UInt64, floor: UInt64)

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    switch self {
    case .invalidation(let sequence, let selectors):
      bytes.append(littleEndian: UInt32(1))
      bytes.append(littleEndian: UInt32(selectors.count))
      bytes.append(littleEndian: sequence)
      for selector in selectors { Self.encode(selector, into: &bytes) }
    case .swept(let sequence):
      bytes.append(littleEndian: UInt64(2))
      bytes.append(littleEndian: sequence)
    case .startOver(let sequence, let floor):
      bytes.append(littleEndian: UInt64(3))
      bytes.append(littleEndian: sequence)
      bytes.append(littleEndian: floor)
    }
    return bytes
  }

  private static func encode(_ selector: InvalidationSelector, into bytes: inout [UInt8]) {
    switch selector {
    case .everything:
      bytes.append(0)
    case .path(let host, let pattern):
      bytes.append(host == nil ? 1 : 2)
      if let host { encode(host, into: &bytes) }
      encode(pattern, into: &bytes)
    }
  }

  /// Bytes that a selector takes in an entry.
  static func byteCount(_ selector: InvalidationSelector) -> Int {
    switch selector {
    case .everything: 1
    case .path(let host, let pattern):
      5 + pattern.utf8.count + (host.map { 4 + $0.utf8.count } ?? 0)
    }
  }

  private static func encode(_ text: String, into bytes: inout [UInt8]) {
    bytes.append(littleEndian: UInt32(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  static func decode(_ bytes: UnsafeRawBufferPointer) -> InvalidationEntry? {
    var cursor = ByteCursor(bytes)
    guard let kind = cursor.read(UInt32.self), let count = cursor.read(UInt32.self),
      let sequence = cursor.read(UInt64.self)
    else { return nil }
    switch kind {
    case 1:
      var selectors: [InvalidationSelector] = []
      for _ in 0..<count {
        guard let selector = decodeSelector(&cursor) else { return nil }
        selectors.append(selector)
      }
      return .invalidation(sequence: sequence, selectors: selectors)
    case 2: return .swept(sequence: sequence)
    case 3: return cursor.read(UInt64.self).map { .startOver(sequence: sequence, floor: $0) }
    default: return nil
    }
  }

  private static func decodeSelector(_ cursor: inout ByteCursor) -> InvalidationSelector? {
    switch cursor.read(UInt8.self) {
    case 0: return .everything
    case 1: return decodeText(&cursor).map { .path(host: nil, pattern: $0) }
    case 2:
      guard let host = decodeText(&cursor) else { return nil }
      return decodeText(&cursor).map { .path(host: host, pattern: $0) }
    default: return nil
    }
  }

  private static func decodeText(_ cursor: inout ByteCursor) -> String? {
    guard let count = cursor.read(UInt32.self), let bytes = cursor.readBytes(Int(count)) else {
      return nil
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Brings `state` up to this entry.
  func apply(to state: inout InvalidationState) {
    switch self {
    case .invalidation(let sequence, let selectors):
      state.add(sequence: sequence, selectors: selectors)
    case .swept(let sequence): state.markSwept(through: sequence)
    case .startOver(let sequence, let floor):
      state.sequence = max(state.sequence, sequence)
      state.floor = floor
      state.rules = []
    }
  }
}

extension InvalidationState {
  /// Entries from which the state can be made again, with nothing before them.
  var entries: [InvalidationEntry] {
    [.startOver(sequence: sequence, floor: floor)]
      + rules.map { .invalidation(sequence: $0.sequence, selectors: $0.selectors) }
  }
}
