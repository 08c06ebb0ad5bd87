import NIOCore

/// The stored parts of a representation with their bytes: what a new part is combined with.
///
/// Bounded by ``trim(toBytes:near:)``: the bytes farthest from the last request leave first, since
/// who reads a part goes on beside it.
struct PartContent {
  /// Which bytes there are.
  private(set) var table: PartTable
  /// The bytes of each part, in the order of the table.
  private var bytes: [[ByteBuffer]] = []

  /// No part yet of a representation of this length.
  init(completeLength: Int) { table = PartTable(completeLength: completeLength) }

  /// The parts of `table`, whose bytes stand in `body` one after another; nil when they are more
  /// or fewer than the table says.
  init?(table: PartTable, body: [ByteBuffer]) {
    guard body.readableCount == table.storedCount else { return nil }
    self.table = table
    var offset = 0
    for part in table.parts {
      bytes.append(body.slice(offset..<offset + part.count))
      offset += part.count
    }
  }

  /// All parts' bytes in the order of the table.
  var body: [ByteBuffer] { bytes.flatMap { $0 } }

  /// Adds a part. Where it overlaps stored ones its own bytes count. `chunks` hold exactly the
  /// bytes of `range`. O(parts + chunks).
  mutating func insert(_ chunks: [ByteBuffer], at range: Range<Int>) {
    precondition(chunks.readableCount == range.count, "\(chunks.readableCount) bytes at \(range)")
    guard !range.isEmpty else { return }
    var before: [[ByteBuffer]] = []
    var after: [[ByteBuffer]] = []
    var joined = chunks
    for (part, own) in zip(table.parts, bytes) {
      if part.upperBound < range.lowerBound {
        before.append(own)
      } else if part.lowerBound > range.upperBound {
        after.append(own)
      } else {
        if part.lowerBound < range.lowerBound {
          joined.insert(
            contentsOf: own.slice(0..<range.lowerBound - part.lowerBound), at: 0)
        }
        if part.upperBound > range.upperBound {
          joined += own.slice(range.upperBound - part.lowerBound..<part.count)
        }
      }
    }
    bytes = before + [joined] + after
    table.insert(range)
  }

  /// Lets go of bytes until at most `limit` are left, in no more parts than a table holds: at
  /// either end, wherever the end is farther from `range`, which itself stays. Returns how many
  /// went. O(parts).
  mutating func trim(toBytes limit: Int, near range: Range<Int>) -> Int {
    var dropped = 0
    while table.parts.count > 1 || table.storedCount > limit {
      let excess = table.storedCount - limit
      let hasTooManyParts = table.parts.count > PartTable.mostParts
      guard excess > 0 || hasTooManyParts, let first = table.parts.first,
        let last = table.parts.last
      else { break }
      let distanceBefore = range.lowerBound - first.lowerBound
      let distanceAfter = last.upperBound - range.upperBound
      guard max(distanceBefore, distanceAfter) > 0 else { break }
      let isFirst = distanceBefore >= distanceAfter
      // What of the part lies outside of the range; the whole part goes when there are too many.
      let outside = min(isFirst ? first.count : last.count, max(distanceBefore, distanceAfter))
      let count = hasTooManyParts ? outside : min(excess, outside)
      if isFirst { cutFirst(count) } else { cutLast(count) }
      dropped += count
    }
    return dropped
  }

  private mutating func cutFirst(_ count: Int) {
    let rest = bytes[0].slice(count..<table.parts[0].count)
    if rest.isEmpty { bytes.removeFirst() } else { bytes[0] = rest }
    table.cutFirst(count)
  }

  private mutating func cutLast(_ count: Int) {
    let index = bytes.count - 1
    let rest = bytes[index].slice(0..<table.parts[index].count - count)
    if rest.isEmpty { bytes.removeLast() } else { bytes[index] = rest }
    table.cutLast(count)
  }
}

extension [ByteBuffer] {
  /// How many bytes they hold.
  var readableCount: Int { reduce(0) { $0 + $1.readableBytes } }

  /// The bytes at `range`, counted from the first byte of the first buffer; shares their storage.
  func slice(_ range: Range<Int>) -> [ByteBuffer] {
    var result: [ByteBuffer] = []
    var offset = 0
    for buffer in self {
      let end = offset + buffer.readableBytes
      let from = Swift.max(range.lowerBound, offset)
      let to = Swift.min(range.upperBound, end)
      if from < to,
        let piece = buffer.getSlice(at: buffer.readerIndex + from - offset, length: to - from)
      {
        result.append(piece)
      }
      offset = end
    }
    return result
  }
}
