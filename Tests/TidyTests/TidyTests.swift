import Testing

/// The rules hold in the project's own files.
@Suite struct TidyTests {
  private func expectNone(_ rule: (SourceFile) -> [Violation]) throws {
    let files = try SourceTree.files()
    try #require(files.count > 20, "the source tree was not found")
    let violations = files.flatMap(rule)
    if violations.isEmpty { return }
    Issue.record("\(violations.map(\.description).joined(separator: "\n"))")
  }

  @Test func importsFollowTheTable() throws { try expectNone(TidyRules.imports) }

  @Test func everyTargetStandsInTheTable() throws {
    let known = Set(ImportTable.allowed.keys).union(ImportTable.owners.keys)
    #expect(try SourceTree.targets().subtracting(known).isEmpty)
  }

  @Test func theTableHasNoCycle() {
    var open = ImportTable.allowed
    while let leaf = open.first(where: { $0.value.isEmpty })?.key {
      open[leaf] = nil
      open = open.mapValues { $0.subtracting([leaf]) }
    }
    #expect(open.isEmpty, "these import one another: \(open.keys.sorted())")
  }

  @Test func filesAreShort() throws { try expectNone(TidyRules.fileLength) }

  @Test func functionsAreShort() throws { try expectNone(TidyRules.functionLength) }

  @Test func linesFitTheColumns() throws { try expectNone(TidyRules.columns) }

  @Test func sourcesAvoidForbiddenWords() throws { try expectNone(TidyRules.forbiddenWords) }

  @Test func uncheckedSendableNamesItsConfinement() throws {
    try expectNone(TidyRules.uncheckedSendable)
  }

  @Test func everyTestThatTheSemanticsPageNamesExists() throws {
    let page = try SourceTree.text("docs/SEMANTICS.md")
    let sources = try SourceTree.files().filter { $0.path.hasPrefix("Tests/") }
    let names = Set(sources.flatMap { $0.lines.flatMap { Self.functionNames(String($0)) } })
    var count = 0
    for row in page.split(separator: "\n") where row.hasPrefix("| ") && row.hasSuffix("` |") {
      let cells = row.split(separator: "|")
      for name in (cells.last ?? "").split(separator: "`").filter({ !$0.contains(" ") }) {
        guard !name.contains(","), !name.isEmpty else { continue }
        count += 1
        #expect(names.contains(String(name)), "docs/SEMANTICS.md names no test: \(name)")
      }
    }
    #expect(count > 150, "the page was not read")
  }

  /// The names of the functions that a line declares.
  private static func functionNames(_ line: String) -> [String] {
    line.split(separator: "func ").dropFirst().map {
      String($0.prefix { $0.isLetter || $0.isNumber })
    }
  }

  @Test func everyLengthExceptionIsNeeded() throws {
    let files = try SourceTree.files()
    for exception in TidyRules.lengthExceptions {
      let file = files.first { $0.path == exception.path }
      #expect(
        (file?.lines.count ?? 0) > TidyRules.fileLimitLines,
        "\(exception.path) no longer needs its exception: \(exception.reason)")
    }
  }
}
