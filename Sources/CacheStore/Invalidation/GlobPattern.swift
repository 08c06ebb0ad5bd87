import Glibc

/// A pattern in which `*` stands for any bytes, matched in linear time.
///
/// The literal parts between the stars are looked for from left to right, each at its first place
/// after the one before; taking the first place is right because whatever a later place would leave
/// to the right, the first leaves too. The part before the first star is tied to the start, the one
/// after the last to the end. Nothing is ever tried twice, so a hostile pattern costs what a kind
/// one does: O(text + pattern).
struct GlobPattern: Sendable, Hashable {
  /// The literal bytes of all parts, one after the other.
  private let literals: [UInt8]
  /// Where each part ends in `literals`; parts are what the stars separate, so one more than stars.
  private let ends: [Int]

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
        let part = UnsafeRawBufferPointer(rebasing: literals[ends[index - 1]..<ends[index]])
        guard let found = Self.find(part, in: text, from: position, to: end) else { return false }
        position = found + part.count
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

  /// First place of `part` within `from..<to`; libc's search is linear in the text.
  private static func find(
    _ part: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer, from: Int, to: Int
  ) -> Int? {
    guard from + part.count <= to, let base = text.baseAddress, let needle = part.baseAddress
    else { return nil }
    guard let found = memmem(base + from, to - from, needle, part.count) else { return nil }
    return UnsafeRawPointer(found) - base
  }
}
