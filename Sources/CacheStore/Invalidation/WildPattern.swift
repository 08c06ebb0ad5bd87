/// One alternative of a ``GlobPattern`` with `?` or classes, matched in linear time.
///
/// As in ``StarPattern`` the parts between the stars are taken from left to right, each at its
/// first place. A part with `?` in it has no border table, so inner parts are looked for with one
/// bit for each of their places (Baeza-Yates and Gonnet's shift-and): a byte of the text costs one
/// shift and one look into a table, whatever the pattern. That limits an inner part to 64 places.
final class WildPattern: Sendable {
  /// One place of a pattern.
  enum Element: Sendable, Equatable {
    case byte(UInt8)
    case any
    case oneOf(ByteSet)

    @inline(__always)
    func matches(_ byte: UInt8) -> Bool {
      switch self {
      case .byte(let own): own == byte
      case .any: true
      case .oneOf(let set): set.contains(byte)
      }
    }
  }

  /// Places that an inner part may have.
  static let mostInnerPlaces = 64
  /// Inner parts of one alternative; each brings a table of 2 KiB.
  static let mostInnerParts = 4

  private let first: [Element]
  private let last: [Element]
  /// For each inner part: its count, and for each byte the places that it fits.
  private let inner: [(count: UInt64, table: [UInt64])]
  private let leastCount: Int
  private let hasStar: Bool

  /// A pattern of parts with a star between each two; the caller holds the two limits.
  init(parts: [[Element]]) {
    first = parts.first ?? []
    last = parts.count > 1 ? parts[parts.count - 1] : []
    hasStar = parts.count > 1
    leastCount = parts.reduce(0) { $0 + $1.count }
    inner = parts.dropFirst().dropLast().filter { !$0.isEmpty }.map { part in
      var table = [UInt64](repeating: 0, count: 256)
      for (place, element) in part.enumerated() {
        for byte in 0...255 where element.matches(UInt8(byte)) { table[byte] |= 1 << UInt64(place) }
      }
      return (UInt64(part.count), table)
    }
  }

  /// The literal bytes at the start.
  var prefix: [UInt8] {
    first.prefix { if case .byte = $0 { true } else { false } }.compactMap {
      if case .byte(let byte) = $0 { byte } else { nil }
    }
  }

  var innerCount: Int { inner.count }

  /// True when the whole text matches.
  func matches(_ text: UnsafeRawBufferPointer) -> Bool {
    guard text.count >= leastCount, hasStar || text.count == leastCount,
      isEqual(text, 0, first), isEqual(text, text.count - last.count, last)
    else { return false }
    var position = first.count
    let end = text.count - last.count
    for part in inner {
      guard let found = Self.endOf(part.count, part.table, in: text, position..<end) else {
        return false
      }
      position = found
    }
    return true
  }

  /// Bound: the caller has seen that the part fits behind `offset`.
  private func isEqual(
    _ text: UnsafeRawBufferPointer, _ offset: Int, _ part: [Element]
  ) -> Bool {
    for index in part.indices where !part[index].matches(text[offset + index]) { return false }
    return true
  }

  private static func endOf(
    _ count: UInt64, _ table: [UInt64], in text: UnsafeRawBufferPointer, _ range: Range<Int>
  ) -> Int? {
    let whole: UInt64 = 1 << (count - 1)
    var state: UInt64 = 0
    for position in range {
      state = (state << 1 | 1) & table[Int(text[position])]
      if state & whole != 0 { return position + 1 }
    }
    return nil
  }
}

/// A set of bytes.
struct ByteSet: Sendable, Equatable {
  private var words: SIMD4<UInt64> = .zero

  mutating func insert(_ range: ClosedRange<UInt8>) {
    for byte in range { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
  }

  mutating func invert() { words = ~words }

  func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] & 1 << UInt64(byte & 63) != 0 }
}
