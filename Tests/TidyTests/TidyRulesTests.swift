import Testing

/// Each rule fails on a sample that breaks it, and only on that.
@Suite struct TidyRulesTests {
  private func file(_ text: String, path: String = "Sources/EdgeProxy/Sample.swift") -> SourceFile {
    SourceFile(path: path, text: text)
  }

  // MARK: Imports

  @Test func aNewArrowIsFound() {
    let sample = file("import HTTPMessage\nimport HTTPServer\n")
    #expect(TidyRules.imports(sample).map(\.line) == [2])
  }

  @Test(arguments: [
    "@testable import OriginClient", "public import OriginClient", "import OriginClient;",
    "@preconcurrency import struct OriginClient.Pool", "  import class OriginClient.Pool",
  ])
  func everyFormOfImportIsRead(line: String) {
    #expect(TidyRules.importedModule(line) == "OriginClient")
    #expect(TidyRules.imports(file(line)).count == 1)
  }

  @Test func anImportInACommentOrStringIsNone() {
    let sample = file("// import HTTPServer\nlet text = \"\"\"\n  import HTTPServer\n  \"\"\"\n")
    #expect(TidyRules.imports(sample).isEmpty)
  }

  @Test func foundationIsFoundInTheDataPathOnly() {
    #expect(TidyRules.imports(file("import Foundation")).count == 1)
    #expect(TidyRules.imports(file("import FoundationEssentials")).count == 1)
    let config = file("import Foundation", path: "Sources/EdgeConfig/Sample.swift")
    #expect(TidyRules.imports(config).isEmpty)
  }

  @Test func aSystemLibraryIsFoundOutsideItsOwners() {
    #expect(TidyRules.imports(file("import CCurl")).count == 1)
    #expect(TidyRules.imports(file("import CLinux")).count == 1)
    let owner = file("import CCurl\nimport CLinux", path: "Sources/OriginClient/Sample.swift")
    #expect(TidyRules.imports(owner).isEmpty)
  }

  @Test func aTargetThatIsNotInTheTableMayImportNothing() {
    let sample = file("import HTTPMessage", path: "Sources/Newcomer/Sample.swift")
    #expect(TidyRules.imports(sample).count == 1)
  }

  // MARK: Size

  @Test func aFileOfOneLineTooManyIsFound() {
    let line = "let a = 1\n"
    #expect(TidyRules.fileLength(file(String(repeating: line, count: 500))).isEmpty)
    #expect(TidyRules.fileLength(file(String(repeating: line, count: 501))).count == 1)
  }

  @Test func aGeneratedFileMayBeLong() {
    let long = String(repeating: "let a = 1\n", count: 600)
    let sample = file(long, path: "Sources/CacheStore/Metadata.pb.swift")
    #expect(TidyRules.fileLength(sample).isEmpty)
  }

  @Test(arguments: ["func long(a: Int = { 1 }()) -> Int", "init?(a: Int)", "deinit", "subscript()"])
  func aFunctionOfOneLineTooManyIsFound(signature: String) {
    func sample(_ count: Int) -> SourceFile {
      let body = String(repeating: "    call { \"}\" }  // }\n", count: count - 2)
      return file("struct A {\n  \(signature) {\n\(body)  }\n}\n")
    }
    #expect(TidyRules.functionLength(sample(70)).isEmpty)
    #expect(TidyRules.functionLength(sample(71)).map(\.line) == [2])
  }

  @Test func aProtocolRequirementHasNoBody() {
    let filler = String(repeating: "  // a\n", count: 80)
    let sample = file("protocol A {\n  func a()\n}\nstruct B {\n\(filler)}\n")
    #expect(TidyRules.functionLength(sample).isEmpty)
  }

  @Test func aCallOfInitIsNoFunction() {
    let filler = String(repeating: "  let a = 1\n", count: 80)
    let sample = file("let b = A.init(c: 1)\nextension A {\n\(filler)}\n")
    #expect(TidyRules.functionLength(sample).isEmpty)
  }

  @Test func aLineOfOneColumnTooManyIsFound() {
    let hundred = String(repeating: "é", count: 100)
    #expect(TidyRules.columns(file("// ok\n\(hundred)\n")).isEmpty)
    #expect(TidyRules.columns(file("// ok\n\(hundred)a\n")).map(\.line) == [2])
  }

  // MARK: Words

  @Test(arguments: [
    "let a = try! b()", "let a = b as! C", "fatalError()", "preconditionFailure( )",
    "fatalError(\"\")", "struct PathHelper {}", "final class StoreManager {}", "enum TextUtils {}",
    "actor ManagerOfAll {}",
  ])
  func aForbiddenWordIsFound(line: String) {
    #expect(TidyRules.forbiddenWords(file(line)).count == 1)
    #expect(TidyRules.forbiddenWords(file(line, path: "Tests/A/Sample.swift")).isEmpty)
  }

  @Test(arguments: [
    "let a = try? b()", "fatalError(\"the ring is full\")", "// try! fatalError()",
    "let manager = FileManager.default", "print(\"try! struct PathHelper\")", "/* as! */ let a = 1",
  ])
  func anAllowedLineIsNotFound(line: String) {
    #expect(TidyRules.forbiddenWords(file(line)).isEmpty)
  }

  @Test func uncheckedSendableWithoutItsConfinementIsFound() {
    let declaration = "final class A: @unchecked Sendable {}"
    #expect(TidyRules.uncheckedSendable(file(declaration)).count == 1)
    #expect(TidyRules.uncheckedSendable(file("// It is fine.\n\(declaration)")).count == 1)
    #expect(TidyRules.uncheckedSendable(file("// Its lock.\n\n\(declaration)")).count == 1)
    #expect(TidyRules.uncheckedSendable(file("// Confined to A's loop.\n\(declaration)")).isEmpty)
    #expect(TidyRules.uncheckedSendable(file("/// Its lock\n/// is held.\n\(declaration)")).isEmpty)
    #expect(TidyRules.uncheckedSendable(file("\(declaration)\n  // By its loop.")).isEmpty)
    #expect(TidyRules.uncheckedSendable(file("\(declaration)\n\n  // By its loop.")).count == 1)
    #expect(TidyRules.uncheckedSendable(file("\(declaration)  // guarded by a Mutex")).isEmpty)
  }

  // MARK: Scanner

  @Test func literalsAndCommentsAreSeparatedFromCode() {
    let text = ###"""
      a("{ \(b("}")) {", /* { /* { */ } */ c) // {
      d = ##"{ "# \##(e("}")) {"## + "\"{"
      """###
    let sample = file(text)
    #expect(!sample.code.joined().contains(where: { "{}".contains($0) }))
    #expect(sample.code[0].hasSuffix("c)     "))
    #expect(sample.code.count == 2)
    #expect(sample.comments[0].contains("/* { /* { */ } */"))
  }

  @Test func stringsOfManyLinesKeepTheLineNumbers() {
    let quotes = "\"\"\""
    let sample = file("let a = \(quotes)\n  { \" \"\" {\n  \(quotes)\nlet b = try! c()\n")
    #expect(TidyRules.forbiddenWords(sample).map(\.line) == [4])
    #expect(!sample.code.joined().contains("{"))
  }
}
