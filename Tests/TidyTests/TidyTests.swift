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
