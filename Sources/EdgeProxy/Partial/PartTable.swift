import HTTPMessage
import NIOCore

/// Which bytes of a representation are stored: sorted, disjoint parts with a gap between any two.
///
/// Pure: it knows places, not bytes. The parts' bytes lie one after another in the order of the
/// table, so that a place in the content becomes a place in the stored body by adding up the parts
/// before it. Limit: ``mostParts``.
///
/// Stands at the front of a partial object's head, big-endian:
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 2 | layout version, 1 |
/// | 2 | 2 | how many parts follow, n |
/// | 4 | 4 | zero |
/// | 8 | 8 | complete length of the representation |
/// | 16 | 16 n | for each part 8 bytes offset in the content and 8 bytes count |
struct PartTable: Equatable, Sendable {
  /// More parts than this are not kept: whoever asks for slivers gets no table of slivers.
  static let mostParts = 64
  private static let version: UInt16 = 1
  private static let fixedBytes = 16
  private static let partBytes = 16

  /// The representation's length in bytes.
  let completeLength: Int
  /// The parts, by rising offset.
  private(set) var parts: [Range<Int>] = []

  /// An empty table of a representation of this length.
  init(completeLength: Int) { self.completeLength = completeLength }

  /// Bytes of all parts.
  var storedCount: Int { parts.reduce(0) { $0 + $1.count } }

  /// Whether nothing is missing.
  var isComplete: Bool { storedCount == completeLength }

  // MARK: Questions

  /// Whether every byte of `range` is stored. O(parts).
  func covers(_ range: Range<Int>) -> Bool { bodyRange(of: range) != nil }

  /// Where the bytes of `range` lie in the stored body; nil when they are not all stored. A range
  /// never spans parts: between two of them something is missing. O(parts).
  func bodyRange(of range: Range<Int>) -> Range<Int>? {
    var offset = 0
    for part in parts {
      if part.lowerBound <= range.lowerBound, range.upperBound <= part.upperBound {
        let start = offset + range.lowerBound - part.lowerBound
        return start..<start + range.count
      }
      offset += part.count
    }
    return nil
  }

  /// The stretches of `range` that are not stored, by rising offset. O(parts).
  func missing(in range: Range<Int>) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var start = range.lowerBound
    for part in parts where part.overlaps(range) {
      if start < part.lowerBound { result.append(start..<part.lowerBound) }
      start = part.upperBound
    }
    if start < range.upperBound { result.append(start..<range.upperBound) }
    return result
  }

  /// The shortest stretch that holds all that is missing in `range`; nil when nothing is. It is
  /// what one request has to ask for: two stretches of it cost less than a second round trip.
  func missingHull(in range: Range<Int>) -> Range<Int>? {
    let missing = missing(in: range)
    guard let first = missing.first, let last = missing.last else { return nil }
    return first.lowerBound..<last.upperBound
  }

  // MARK: Changes

  /// Adds a part, joined with those that it overlaps or touches. O(parts).
  mutating func insert(_ range: Range<Int>) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= completeLength,
      "part \(range) of \(completeLength) bytes")
    guard !range.isEmpty else { return }
    var grown = range
    var result: [Range<Int>] = []
    var place = 0
    for part in parts {
      if part.upperBound < range.lowerBound {
        result.append(part)
        place = result.count
      } else if part.lowerBound > range.upperBound {
        result.append(part)
      } else {
        grown =
          min(grown.lowerBound, part.lowerBound)..<max(grown.upperBound, part.upperBound)
      }
    }
    result.insert(grown, at: place)
    parts = result
  }

  /// Takes bytes away from a part's start. At least one byte of it is left, or the part goes.
  mutating func cutFirst(_ count: Int) { cut(at: 0, first: count, last: 0) }

  /// Takes bytes away from the last part's end, likewise.
  mutating func cutLast(_ count: Int) { cut(at: parts.count - 1, first: 0, last: count) }

  private mutating func cut(at index: Int, first: Int, last: Int) {
    let part = parts[index]
    if first + last >= part.count {
      parts.remove(at: index)
    } else {
      parts[index] = part.lowerBound + first..<part.upperBound - last
    }
  }

  // MARK: Encoding

  /// Bytes of the encoded table.
  var encodedCount: Int { Self.fixedBytes + parts.count * Self.partBytes }

  /// Appends the encoded table.
  func encode(into buffer: inout ByteBuffer) {
    buffer.writeInteger(Self.version)
    buffer.writeInteger(UInt16(clamping: parts.count))
    buffer.writeInteger(0, as: UInt32.self)
    buffer.writeInteger(UInt64(completeLength))
    for part in parts {
      buffer.writeInteger(UInt64(part.lowerBound))
      buffer.writeInteger(UInt64(part.count))
    }
  }

  /// Reads the table at the start of `bytes`; nil when it is of another layout, cut short or
  /// contradicts itself.
  init?(encoded bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.fixedBytes, bytes.bigEndian(at: 0, as: UInt16.self) == Self.version,
      bytes.bigEndian(at: 4, as: UInt32.self) == 0,
      let completeLength = Int(exactly: bytes.bigEndian(at: 8, as: UInt64.self))
    else { return nil }
    let count = Int(bytes.bigEndian(at: 2, as: UInt16.self))
    guard count <= Self.mostParts, bytes.count >= Self.fixedBytes + count * Self.partBytes else {
      return nil
    }
    self.init(completeLength: completeLength)
    var end = -1
    for index in 0..<count {
      let place = Self.fixedBytes + index * Self.partBytes
      guard let offset = Int(exactly: bytes.bigEndian(at: place, as: UInt64.self)),
        let length = Int(exactly: bytes.bigEndian(at: place + 8, as: UInt64.self)),
        offset > end, length > 0, offset <= completeLength, length <= completeLength - offset
      else { return nil }
      end = offset + length
      parts.append(offset..<end)
    }
  }
}

extension UnsafeRawBufferPointer {
  /// The big-endian integer at `offset`, which must lie within the bytes.
  fileprivate func bigEndian<Value: FixedWidthInteger>(at offset: Int, as: Value.Type) -> Value {
    Value(bigEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
  }
}
