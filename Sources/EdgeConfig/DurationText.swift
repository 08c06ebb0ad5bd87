/// Durations as people write them: `5 minutes`, `5m`, `1d 12h`, `1.5 h`, `250ms`, plain `0`.
///
/// Grammar: one or more of number, unit; larger units first, each at most once. A number without
/// a unit is refused (except 0), because seconds and milliseconds are both common elsewhere.
/// Resolution is a millisecond; the limit is `Int64` milliseconds.
enum DurationText {
  private struct Unit {
    let milliseconds: Int
    /// The name that formatting uses; plural forms add an `s` unless it is an abbreviation.
    let name: String
    let spellings: [String]
  }

  private static let units: [Unit] = [
    Unit(milliseconds: 31_536_000_000, name: "year", spellings: ["y", "year", "years"]),
    Unit(milliseconds: 604_800_000, name: "week", spellings: ["w", "week", "weeks"]),
    Unit(milliseconds: 86_400_000, name: "day", spellings: ["d", "day", "days"]),
    Unit(milliseconds: 3_600_000, name: "hour", spellings: ["h", "hr", "hrs", "hour", "hours"]),
    Unit(
      milliseconds: 60_000, name: "minute", spellings: ["m", "min", "mins", "minute", "minutes"]),
    Unit(milliseconds: 1_000, name: "s", spellings: ["s", "sec", "secs", "second", "seconds"]),
    Unit(milliseconds: 1, name: "ms", spellings: ["ms", "millisecond", "milliseconds"]),
  ]

  private static let formattingUnits = units.filter { $0.name != "year" && $0.name != "week" }

  static let form = "a duration such as 250 ms, 30 s, 5 minutes or 1 day"

  /// Reads a duration. The fault's text continues "'option' ".
  static func parse(_ text: String) throws(ValueFault) -> Duration {
    var scanner = QuantityScanner(text)
    guard !scanner.isAtEnd else { throw expected(text) }
    if scanner.beginsWithMinus {
      throw ValueFault(message: "cannot be negative, but is '\(text)'")
    }
    var total = 0
    var smallestUnit = units.count
    var previous = -1
    repeat {
      guard let number = scanner.number() else { throw expected(text) }
      guard let word = scanner.word() else {
        if number.isZero, previous == -1, scanner.isAtEnd { return .zero }
        throw ValueFault(
          message: "needs a unit after '\(number.text)' (write for example "
            + "'\(number.text) s', '\(number.text) minutes' or '\(number.text) days')")
      }
      guard let index = unitIndex(word) else { throw unknownUnit(word, in: text) }
      guard index > previous else {
        throw ValueFault(
          message: "must name larger units first and each unit once, but is '\(text)' "
            + "(such as '1d 12h')")
      }
      previous = index
      smallestUnit = index
      guard let part = number.multiplied(by: units[smallestUnit].milliseconds) else {
        throw ValueFault(
          message: "is '\(text)', which is too long or finer than a millisecond")
      }
      let (sum, overflow) = total.addingReportingOverflow(part)
      guard !overflow else {
        throw ValueFault(
          message: "is '\(text)', which is too long or finer than a millisecond")
      }
      total = sum
    } while !scanner.isAtEnd
    return .milliseconds(total)
  }

  /// Writes a duration so that `parse` reads the same value: `1 day 12 hours`, `250 ms`, `0`.
  static func format(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    var rest = Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
    guard rest > 0 else { return "0" }
    var parts: [String] = []
    for unit in formattingUnits where rest >= unit.milliseconds {
      let count = rest / unit.milliseconds
      rest %= unit.milliseconds
      let isAbbreviation = unit.name == "s" || unit.name == "ms"
      parts.append("\(count) \(unit.name)\(count == 1 || isAbbreviation ? "" : "s")")
    }
    return parts.joined(separator: " ")
  }

  /// A single capital letter is refused: nginx reads `5M` as months, others as minutes.
  private static func unitIndex(_ word: String) -> Int? {
    let spelling = word.utf8.count == 1 ? word : word.lowercased()
    return units.firstIndex { $0.spellings.contains(spelling) }
  }

  private static func unknownUnit(_ word: String, in text: String) -> ValueFault {
    let known = units.flatMap(\.spellings).filter { $0.utf8.count > 2 || $0 == "ms" }
    if word.count > 1, let near = Spelling.nearest(to: word, in: known) {
      return ValueFault(
        message: "has the unknown unit '\(word)' in '\(text)' (did you mean '\(near)'?)")
    }
    return ValueFault(
      message: "has the unknown unit '\(word)' in '\(text)' "
        + "(known: ms, s, m or minutes, h or hours, d or days, weeks, years)")
  }

  private static func expected(_ text: String) -> ValueFault {
    ValueFault(message: "must be \(form), not '\(text)'")
  }
}
