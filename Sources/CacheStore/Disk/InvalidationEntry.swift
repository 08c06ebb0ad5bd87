/// An entry of the invalidation log: the payload of a frame of ``LogFormat``.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | 1 invalidation, 2 swept, 3 start over from floors and sequence, 4 soft invalidation, |
/// | | | 5 invalidation that is worked off, 6 soft one that is |
/// | 1 | 3 | zero |
/// | 4 | 4 | invalidation: number of selectors |
/// | 8 | 8 | sequence |
/// | 16 | 8 | start over: floor |
/// | 24 | 8 | start over: soft floor; 0 when it is not there |
/// | 32 | 8 | start over: what was worked off up to here is forgotten; when it is not there, all |
/// | 16 | | invalidation: selectors |
///
/// ``SelectorFormat`` says how a selector is written. An entry or a selector of another kind comes
/// from a later version: what it takes is not known, so the start raises the floor.
enum InvalidationEntry: Equatable {
  case invalidation(
    sequence: UInt64, selectors: [InvalidationSelector], kind: InvalidationKind = .hard)
  case swept(sequence: UInt64)
  case startOver(
    sequence: UInt64, floor: UInt64, softFloor: UInt64 = 0, historyFloor: UInt64 = 0)
  /// An invalidation that a sweep has worked off.
  case workedOff(sequence: UInt64, selectors: [InvalidationSelector], kind: InvalidationKind)

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    switch self {
    case .invalidation(let sequence, let selectors, let kind):
      Self.encode(kind == .hard ? 1 : 4, sequence, selectors, into: &bytes)
    case .workedOff(let sequence, let selectors, let kind):
      Self.encode(kind == .hard ? 5 : 6, sequence, selectors, into: &bytes)
    case .swept(let sequence):
      bytes.append(littleEndian: UInt64(2))
      bytes.append(littleEndian: sequence)
    case .startOver(let sequence, let floor, let softFloor, let historyFloor):
      bytes.append(littleEndian: UInt64(3))
      bytes.append(littleEndian: sequence)
      bytes.append(littleEndian: floor)
      bytes.append(littleEndian: softFloor)
      bytes.append(littleEndian: historyFloor)
    }
    return bytes
  }

  private static func encode(
    _ type: UInt32, _ sequence: UInt64, _ selectors: [InvalidationSelector],
    into bytes: inout [UInt8]
  ) {
    bytes.append(littleEndian: type)
    bytes.append(littleEndian: UInt32(selectors.count))
    bytes.append(littleEndian: sequence)
    for selector in selectors { SelectorFormat.encode(selector, into: &bytes) }
  }

  static func decode(_ bytes: UnsafeRawBufferPointer) -> InvalidationEntry? {
    var cursor = ByteCursor(bytes)
    guard let kind = cursor.read(UInt32.self), let count = cursor.read(UInt32.self),
      let sequence = cursor.read(UInt64.self)
    else { return nil }
    switch kind {
    case 1, 4, 5, 6:
      var selectors: [InvalidationSelector] = []
      for _ in 0..<count {
        guard let selector = SelectorFormat.decode(&cursor) else { return nil }
        selectors.append(selector)
      }
      let invalidationKind: InvalidationKind = kind == 1 || kind == 5 ? .hard : .soft
      if kind > 4 {
        return .workedOff(sequence: sequence, selectors: selectors, kind: invalidationKind)
      }
      return .invalidation(sequence: sequence, selectors: selectors, kind: invalidationKind)
    case 2: return .swept(sequence: sequence)
    case 3:
      guard let floor = cursor.read(UInt64.self) else { return nil }
      let softFloor = cursor.read(UInt64.self) ?? 0
      // Before there was a history, what was worked off was forgotten.
      return .startOver(
        sequence: sequence, floor: floor, softFloor: softFloor,
        historyFloor: cursor.read(UInt64.self) ?? sequence)
    default: return nil
    }
  }

  /// Brings `state` up to this entry.
  func apply(to state: inout InvalidationState) {
    switch self {
    case .invalidation(let sequence, let selectors, let kind):
      state.add(sequence: sequence, selectors: selectors, kind: kind)
    case .swept(let sequence): state.markSwept(through: sequence)
    case .workedOff(let sequence, let selectors, let kind):
      state.addToHistory(
        InvalidationState.Rule(sequence: sequence, selectors: selectors, kind: kind))
    case .startOver(let sequence, let floor, let softFloor, let historyFloor):
      state.startOver(
        sequence: sequence, floor: floor, softFloor: softFloor, historyFloor: historyFloor)
    }
  }
}
