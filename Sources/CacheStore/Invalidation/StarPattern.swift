import Glibc

/// One alternative of a ``GlobPattern`` without `?` and classes: literal parts between stars,
/// matched in linear time.
///
/// The literal parts between the stars are looked for from left to right, each at its first place
/// after the one before; taking the first place is right because whatever a later place would leave
/// to the right, the first leaves too. The part before the first star is tied to the start, the one
/// after the last to the end. Inner parts are looked for by Knuth, Morris and Pratt's method, which
/// never steps back in the text; so a hostile pattern costs what a kind one does: O(text +
/// pattern).
final class StarPattern: Sendable {
  /// The literal bytes of all parts, one after the other.
  let literals: [UInt8]
  /// Where each part ends in `literals`; parts are what the stars separate, so one more than stars.
  private let ends: [Int]
  /// For each literal byte: how many bytes of its part's start are known to match when the byte
  /// after this one does not.
  private let borders: [Int32]
  private let prefixCount: Int
  private let suffixCount: Int

  /// A pattern of parts with a star between each two; empty inner parts are as good as none.
  init(parts: [[UInt8]]) {
    var literals: [UInt8] = []
    var ends: [Int] = []
    for (index, part) in parts.enumerated() {
      let isInner = index > 0 && index < parts.count - 1
      if isInner, part.isEmpty { continue }
      literals += part
      ends.append(literals.count)
    }
    self.literals = literals
    self.ends = ends
    borders = Self.borders(of: literals, ends: ends)
    prefixCount = ends.first ?? 0
    suffixCount = ends.count < 2 ? 0 : literals.count - ends[ends.count - 2]
  }

  private static func borders(of literals: [UInt8], ends: [Int]) -> [Int32] {
    var borders = [Int32](repeating: 0, count: literals.count)
    var start = 0
    for end in ends {
      var border = 0
      for index in (start + 1)..<max(start + 1, end) {
        while border > 0, literals[index] != literals[start + border] {
          border = Int(borders[start + border - 1])
        }
        if literals[index] == literals[start + border] { border += 1 }
        borders[index] = Int32(border)
      }
      start = end
    }
    return borders
  }

  /// True when there is no star: the text must equal the pattern.
  var isExact: Bool { ends.count == 1 }

  /// True when there is one star, at the end.
  var isPrefix: Bool { ends.count == 2 && suffixCount == 0 }

  /// Inner parts, each of which may have to be looked for through the whole text.
  var innerCount: Int { max(0, ends.count - 2) }

  /// The literal bytes before the first star.
  var prefix: ArraySlice<UInt8> { literals[..<prefixCount] }

  /// True when the whole text matches.
  func matches(_ text: UnsafeRawBufferPointer) -> Bool {
    guard text.count >= literals.count else { return false }
    return literals.withUnsafeBytes { literals in
      guard Self.isEqual(text, 0, literals, 0, prefixCount) else { return false }
      if isExact { return text.count == prefixCount }
      let end = text.count - suffixCount
      let suffix = literals.count - suffixCount
      guard Self.isEqual(text, end, literals, suffix, suffixCount) else { return false }
      if ends.count == 2 { return true }
      return matchesInner(UnsafeRawBufferPointer(rebasing: text[..<end]))
    }
  }

  private func matchesInner(_ text: UnsafeRawBufferPointer) -> Bool {
    var position = prefixCount
    for index in 1..<(ends.count - 1) {
      guard let found = endOf(ends[index - 1]..<ends[index], in: text, from: position) else {
        return false
      }
      position = found
    }
    return true
  }

  /// Bound: the caller has seen that `count` bytes fit behind both offsets.
  private static func isEqual(
    _ text: UnsafeRawBufferPointer, _ offset: Int, _ part: UnsafeRawBufferPointer, _ start: Int,
    _ count: Int
  ) -> Bool {
    guard count > 0, let left = text.baseAddress, let right = part.baseAddress else { return true }
    return memcmp(left + offset, right + start, count) == 0
  }

  /// Where the first occurrence of a part from `start` on ends; nil when there is none. An inner
  /// part is never empty.
  private func endOf(
    _ part: Range<Int>, in text: UnsafeRawBufferPointer, from start: Int
  ) -> Int? {
    var matched = 0
    var position = start
    let first = literals[part.lowerBound]
    while position < text.count {
      if matched == 0 {
        // Nothing is matched yet: jump to the next place where something can be.
        guard let base = text.baseAddress,
          let found = memchr(base + position, Int32(first), text.count - position)
        else { return nil }
        position = UnsafeRawPointer(found) - base
      }
      while matched > 0, text[position] != literals[part.lowerBound + matched] {
        matched = Int(borders[part.lowerBound + matched - 1])
      }
      if text[position] == literals[part.lowerBound + matched] { matched += 1 }
      position += 1
      if matched == part.count { return position }
    }
    return nil
  }
}
