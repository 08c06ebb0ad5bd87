import Glibc

/// A pattern in which `*` stands for any bytes, matched in linear time.
///
/// The literal parts between the stars are looked for from left to right, each at its first place
/// after the one before; taking the first place is right because whatever a later place would leave
/// to the right, the first leaves too. The part before the first star is tied to the start, the one
/// after the last to the end. Inner parts are looked for by Knuth, Morris and Pratt's method, which
/// never steps back in the text; so a hostile pattern costs what a kind one does: O(text +
/// pattern).
struct GlobPattern: Sendable, Hashable {
  /// The literal bytes of all parts, one after the other.
  private let literals: [UInt8]
  /// Where each part ends in `literals`; parts are what the stars separate, so one more than stars.
  private let ends: [Int]
  /// For each literal byte: how many bytes of its part's start are known to match when the byte
  /// after this one does not.
  private let borders: [Int32]

  /// A pattern of any bytes; only `*` is special, and runs of it are as good as one.
  init(_ pattern: some Sequence<UInt8>) {
    var literals: [UInt8] = []
    var ends: [Int] = []
    for byte in pattern {
      if byte != UInt8(ascii: "*") {
        literals.append(byte)
      } else if ends.isEmpty || ends.last != literals.count {
        ends.append(literals.count)
      }
    }
    ends.append(literals.count)
    self.literals = literals
    self.ends = ends
    borders = Self.borders(of: literals, ends: ends)
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

  /// The literal bytes; the whole pattern when ``isExact``.
  var literalBytes: [UInt8] { literals }

  /// True when the whole text matches.
  func matches(_ text: UnsafeRawBufferPointer) -> Bool {
    literals.withUnsafeBytes { literals in
      guard text.count >= literals.count else { return false }
      let first = UnsafeRawBufferPointer(rebasing: literals[..<ends[0]])
      guard Self.isEqual(text, at: 0, first) else { return false }
      if isExact { return text.count == first.count }
      let last = UnsafeRawBufferPointer(rebasing: literals[ends[ends.count - 2]...])
      let end = text.count - last.count
      guard Self.isEqual(text, at: end, last) else { return false }
      var position = first.count
      for index in 1..<(ends.count - 1) {
        let part = ends[index - 1]..<ends[index]
        guard let found = endOf(part, in: text[..<end], from: position) else {
          return false
        }
        position = found
      }
      return position <= end
    }
  }

  /// Bound: the caller has seen that `part` fits behind `offset`.
  private static func isEqual(
    _ text: UnsafeRawBufferPointer, at offset: Int, _ part: UnsafeRawBufferPointer
  ) -> Bool {
    guard part.count > 0, let left = text.baseAddress, let right = part.baseAddress else {
      return true
    }
    return memcmp(left + offset, right, part.count) == 0
  }

  /// Where the first occurrence of a part from `start` on ends; nil when there is none. A part
  /// without a star on both sides does not come here, so it is never empty.
  private func endOf(
    _ part: Range<Int>, in text: Slice<UnsafeRawBufferPointer>, from start: Int
  ) -> Int? {
    var matched = 0
    var position = start
    while position < text.endIndex {
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
