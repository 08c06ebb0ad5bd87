/// A place that breaks a rule.
struct Violation: Equatable, CustomStringConvertible {
  let path: String
  let line: Int
  let reason: String

  var description: String { "\(path):\(line): \(reason)" }
}

/// A file or function that may be longer than the rule, and why.
struct LengthException {
  let path: String
  let limit: Int
  let reason: String
}

/// The rules that neither the compiler nor the formatter holds.
enum TidyRules {
  static let fileLimitLines = 500
  static let functionLimitLines = 70
  static let columnLimit = 100

  /// Tables and generated files only; each with its reason.
  static let lengthExceptions: [LengthException] = []

  // MARK: Imports

  static func imports(_ file: SourceFile) -> [Violation] {
    guard file.folder == "Sources" else { return [] }
    return file.code.enumerated().compactMap { index, line in
      guard let module = importedModule(line), let reason = objection(module, in: file.target)
      else { return nil }
      return Violation(path: file.path, line: index + 1, reason: reason)
    }
  }

  /// The module that a line imports: `import struct A.B` names A.
  static func importedModule(_ line: String) -> String? {
    let words = line.split(whereSeparator: { $0 == " " || $0 == ";" })
    guard let keyword = words.firstIndex(of: "import"),
      words[..<keyword].allSatisfy({ $0.hasPrefix("@") || accessLevels.contains(String($0)) })
    else { return nil }
    let rest = words[(keyword + 1)...].drop(while: { importKinds.contains(String($0)) })
    return rest.first.flatMap { $0.split(separator: ".").first }.map(String.init)
  }

  private static let accessLevels: Set<String> = [
    "public", "package", "internal", "fileprivate", "private",
  ]
  private static let importKinds: Set<String> = [
    "struct", "class", "enum", "protocol", "typealias", "func", "let", "var", "actor",
  ]

  private static func objection(_ module: String, in target: String) -> String? {
    if ImportTable.foundationModules.contains(module) {
      return ImportTable.withoutFoundation.contains(target)
        ? "\(target) is in the data path and does without \(module)" : nil
    }
    if let owners = ImportTable.owners[module] {
      return owners.contains(target) ? nil : "\(module) belongs to \(owners.sorted())"
    }
    guard ImportTable.allowed[module] != nil, module != target else { return nil }
    guard let allowed = ImportTable.allowed[target] else {
      return "\(target) is not in the import table"
    }
    return allowed.contains(module) ? nil : "\(target) may not import \(module)"
  }

  // MARK: Size

  static func fileLength(_ file: SourceFile) -> [Violation] {
    let limit = exception(for: file)?.limit ?? fileLimitLines
    guard !file.isGenerated, file.lines.count > limit else { return [] }
    let reason = "\(file.lines.count) lines, at most \(limit)"
    return [Violation(path: file.path, line: limit + 1, reason: reason)]
  }

  static func functionLength(_ file: SourceFile) -> [Violation] {
    guard !file.isGenerated else { return [] }
    return FunctionScanner(file.code).functions().compactMap { function in
      guard function.lineCount > functionLimitLines else { return nil }
      let reason = "\(function.name) has \(function.lineCount) lines, at most \(functionLimitLines)"
      return Violation(path: file.path, line: function.firstLine, reason: reason)
    }
  }

  static func columns(_ file: SourceFile) -> [Violation] {
    guard !file.isGenerated else { return [] }
    return file.lines.enumerated().compactMap { index, line in
      guard line.count > columnLimit else { return nil }
      let reason = "\(line.count) columns, at most \(columnLimit)"
      return Violation(path: file.path, line: index + 1, reason: reason)
    }
  }

  private static func exception(for file: SourceFile) -> LengthException? {
    lengthExceptions.first { $0.path == file.path }
  }

  // MARK: Words

  static func forbiddenWords(_ file: SourceFile) -> [Violation] {
    guard file.folder == "Sources", !file.isGenerated else { return [] }
    return file.code.enumerated().flatMap { index, line in
      guard words.contains(where: { line.utf8.contains($0) }) else { return [Violation]() }
      return wordObjections(line, source: file.lines[index]).map {
        Violation(path: file.path, line: index + 1, reason: $0)
      }
    }
  }

  /// What a line must hold for a closer look; regular expressions are slow in debug builds.
  private static let words = [
    "try!", "as!", "fatalError", "preconditionFailure", "Utils", "Helper", "Manager",
  ].map { Array($0.utf8) }

  private static func wordObjections(_ line: String, source: String) -> [String] {
    var reasons: [String] = []
    if line.contains(/\btry!/) { reasons.append("try! stops the process on an error") }
    if line.contains(/\bas!/) { reasons.append("as! stops the process on another type") }
    if line.contains(/\b(fatalError|preconditionFailure)\(\s*\)/)
      || source.contains(/\b(fatalError|preconditionFailure)\(""\)/)
    {
      reasons.append("a stop without a message")
    }
    let declaration =
      /\b(struct|class|enum|actor|protocol|typealias)\s+(\w*(Utils|Helper|Manager)\w*)/
    if let match = line.firstMatch(of: declaration) {
      reasons.append("\(match.output.2) does not say what it is")
    }
    return reasons
  }

  static func uncheckedSendable(_ file: SourceFile) -> [Violation] {
    guard file.folder == "Sources", !file.isGenerated else { return [] }
    return file.code.indices.compactMap { index in
      guard file.code[index].contains("@unchecked Sendable") else { return nil }
      let comment = commentBeside(index, in: file)
      if comment.lowercased().contains(confinement) { return nil }
      let reason = "@unchecked Sendable needs a comment beside it that names its confinement"
      return Violation(path: file.path, line: index + 1, reason: reason)
    }
  }

  /// The comments directly above a line, on it, and on the line after it.
  private static func commentBeside(_ index: Int, in file: SourceFile) -> String {
    var first = index
    while first > 0, isOnlyComment(first - 1, in: file) { first -= 1 }
    return file.comments[first...min(index + 1, file.comments.count - 1)].joined(separator: " ")
  }

  private static func isOnlyComment(_ index: Int, in file: SourceFile) -> Bool {
    let isBlank = { (line: String) in line.utf8.allSatisfy { $0 == UInt8(ascii: " ") } }
    return isBlank(file.code[index]) && !isBlank(file.comments[index])
  }

  /// The words that name what keeps a type's state from data races.
  nonisolated(unsafe) private static let confinement =
    /confin|lock|mutex|event ?loop|\bloop|thread|immutable|atomic/
}
