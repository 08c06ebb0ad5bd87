import Yams

/// The characters of a YAML document, counted as libyaml counts them.
struct YAMLText {
  private var scalars: [Unicode.Scalar]
  private var nextReplacement: UInt32 = 0xF0000

  /// A byte order mark is left out: libyaml skips it only when it detects the encoding itself.
  init(_ text: String) {
    scalars = Array(text.unicodeScalars)
    if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
  }

  /// The document as a text.
  var string: String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  /// Exchanges the first character of the key at a place for one that occurs nowhere (private use
  /// plane 15, which YAML allows). Nil when there is nothing to exchange. O(length of the text).
  mutating func replaceKeyStart(
    at place: Place
  ) -> (original: Unicode.Scalar, replacement: Unicode.Scalar)? {
    guard var index = index(of: place) else { return nil }
    if scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
    guard index < scalars.count, let replacement = unusedScalar() else { return nil }
    let original = scalars[index]
    scalars[index] = replacement
    return (original, replacement)
  }

  /// The character at a place, nil beyond the end.
  func scalar(at place: Place) -> Unicode.Scalar? {
    index(of: place).map { scalars[$0] }
  }

  /// The place of the first character with this code, nil when there is none.
  func place(ofFirst code: Int32) -> Place? {
    var place = Place(line: 1, column: 1)
    for index in scalars.indices {
      if scalars[index].value == UInt32(bitPattern: code) { return place }
      place = advanced(place, past: index)
    }
    return nil
  }

  private func index(of wanted: Place) -> Int? {
    var place = Place(line: 1, column: 1)
    for index in scalars.indices {
      if place == wanted { return index }
      place = advanced(place, past: index)
    }
    return nil
  }

  private func advanced(_ place: Place, past index: Int) -> Place {
    switch scalars[index] {
    case "\r" where index + 1 < scalars.count && scalars[index + 1] == "\n":
      place
    case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}":
      Place(line: place.line + 1, column: 1)
    default:
      Place(line: place.line, column: place.column + 1)
    }
  }

  private mutating func unusedScalar() -> Unicode.Scalar? {
    while nextReplacement < 0xFFFFE {
      guard let candidate = Unicode.Scalar(nextReplacement) else { return nil }
      nextReplacement += 1
      if !scalars.contains(candidate) { return candidate }
    }
    return nil
  }
}

/// A syntax error of libyaml in words that tell how to mend it.
struct YAMLSyntaxFault {
  let message: String
  let place: Place

  init(_ error: YamlError, text: YAMLText) {
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      place = Place(line: mark.line, column: mark.column)
      let remedy = YAMLSyntaxFault.remedy(problem, context?.text ?? "", text.scalar(at: place))
      let origin = context.map { " \($0.text) that begins at line \($0.mark.line)" } ?? ""
      message = "not valid YAML: \(problem)\(remedy.isEmpty ? origin : " (\(remedy))")"
    case .reader(let problem, _, let code, _):
      // The offset counts grapheme clusters; the character itself leads to its place.
      place = text.place(ofFirst: code) ?? .wholeFile
      let digits = String(UInt32(bitPattern: code), radix: 16, uppercase: true)
      message = "not valid YAML: \(problem) (remove the character U+\(digits))"
    default:
      place = .wholeFile
      message = "not valid YAML: \(error)"
    }
  }

  /// The usual reasons for the errors that libyaml words by its own state.
  private static func remedy(
    _ problem: String, _ context: String, _ scalar: Unicode.Scalar?
  ) -> String {
    if problem.contains("cannot start any token") {
      return scalar == "\t" ? "indent with blanks, not tabs" : "put the value in quotes"
    }
    if problem.contains("alias") || context.contains("alias") {
      return "put a value that begins with '*' in quotes"
    }
    if problem.contains("mapping values are not allowed") {
      return "check the indentation, and put a value that holds ': ' in quotes"
    }
    if problem.contains("another document") { return "remove the '---' and what follows" }
    return ""
  }
}
