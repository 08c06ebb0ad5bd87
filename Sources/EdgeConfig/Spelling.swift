/// Finds the name a person probably meant.
///
/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours
/// cost one each. A candidate counts when at most a third of the longer word has to change.
enum Spelling {
  /// The closest candidate, or nil when none is near. O(candidates x length²).
  static func nearest(to word: String, in candidates: [String]) -> String? {
    let wanted = folded(word)
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let known = folded(candidate)
      let allowed = max(1, max(wanted.count, known.count) / 3)
      let distance = distance(from: wanted, to: known)
      guard distance <= allowed, distance < max(wanted.count, known.count) else { continue }
      if distance < best?.distance ?? Int.max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// `(did you mean 'x'?)` when a name is near, otherwise the list of known names.
  static func hint(for word: String, known: [String], label: String) -> String {
    if let name = nearest(to: word, in: known) { return "(did you mean '\(name)'?)" }
    return known.isEmpty ? "(none is \(label))" : "(\(label): \(known.joined(separator: ", ")))"
  }

  /// Case, hyphens and underscores are no differences a person sees. Long words are cut at 64.
  private static func folded(_ word: String) -> [Character] {
    word.lowercased().prefix(64).map { $0 == "-" ? "_" : $0 }
  }

  private static func distance(from left: [Character], to right: [Character]) -> Int {
    guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for row in 1...left.count {
      var current = [row] + [Int](repeating: 0, count: right.count)
      for column in 1...right.count {
        let substitution = left[row - 1] == right[column - 1] ? 0 : 1
        var cost = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + substitution)
        if row > 1, column > 1, left[row - 1] == right[column - 2],
          left[row - 2] == right[column - 1]
        {
          cost = min(cost, beforeLast[column - 2] + 1)
        }
        current[column] = cost
      }
      (beforeLast, last) = (last, current)
    }
    return last[right.count]
  }
}
