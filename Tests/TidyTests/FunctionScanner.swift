/// Finds functions and their lengths by counting braces in code without comments and strings.
struct FunctionScanner {
  struct Function: Equatable {
    let name: String
    /// The line of the keyword, from 1.
    let firstLine: Int
    /// From that line to the closing brace's, both included.
    let lineCount: Int
  }

  private struct Token {
    let text: Substring
    let line: Int
  }

  private static let openers: Set<Substring> = ["func", "init", "deinit", "subscript"]
  /// A declaration that begins before any `{`: what came before had no body (a protocol's).
  private static let enders: Set<Substring> = [
    "func", "init", "deinit", "subscript", "var", "let", "case", "struct", "class", "enum",
    "actor", "protocol", "extension", "associatedtype", "typealias", "}",
  ]

  private let tokens: [Token]

  init(_ code: [String]) {
    tokens = code.enumerated().flatMap { index, line in
      Self.tokens(of: line).map { Token(text: $0, line: index + 1) }
    }
  }

  func functions() -> [Function] {
    tokens.indices.compactMap { index in
      guard Self.openers.contains(tokens[index].text), index == 0 || tokens[index - 1].text != ".",
        let body = body(after: index), let end = closing(body)
      else { return nil }
      let isNamed = tokens[index].text == "func" && index + 1 < tokens.count
      return Function(
        name: String(tokens[isNamed ? index + 1 : index].text), firstLine: tokens[index].line,
        lineCount: tokens[end].line - tokens[index].line + 1)
    }
  }

  private func body(after start: Int) -> Int? {
    var depth = 0
    for index in tokens.indices[(start + 1)...] {
      let text = tokens[index].text
      switch text {
      case "(", "[": depth += 1
      case ")", "]": depth -= 1
      case "{" where depth == 0: return index
      default:
        if depth < 0 || (depth == 0 && Self.enders.contains(text)) { return nil }
      }
    }
    return nil
  }

  private func closing(_ open: Int) -> Int? {
    var depth = 0
    for index in tokens.indices[open...] {
      if tokens[index].text == "{" { depth += 1 }
      if tokens[index].text == "}" { depth -= 1 }
      if depth == 0 { return index }
    }
    return nil
  }

  /// Words and the single characters that give code its structure.
  private static func tokens(of line: String) -> [Substring] {
    var found: [Substring] = []
    var rest = line[...]
    while let first = rest.first {
      if isWord(first) {
        found.append(rest.prefix(while: isWord))
        rest = rest.drop(while: isWord)
      } else {
        if "{}()[].".contains(first) { found.append(rest.prefix(1)) }
        rest = rest.dropFirst()
      }
    }
    return found
  }

  /// Backticks count as part of the word, so that `init` in them is a name.
  private static func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_" || character == "`"
  }
}
