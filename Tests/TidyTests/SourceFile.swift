import Foundation

/// One Swift file as the tidy rules see it.
///
/// `code` is the text with the content of comments and string literals turned into spaces; line
/// breaks and quotation marks stay, so line numbers are those of the file. `comments` is the
/// opposite: only what stands in comments.
struct SourceFile: Sendable {
  /// From the package's root, such as `Sources/CacheStore/Memory/Shard.swift`.
  let path: String
  let lines: [String]
  let code: [String]
  let comments: [String]

  /// Whether a generator wrote it.
  var isGenerated: Bool { path.hasSuffix(".pb.swift") }

  /// `Sources` or `Tests`, and the target's folder.
  var folder: String { String(path.split(separator: "/").first ?? "") }
  var target: String { String(path.split(separator: "/").dropFirst().first ?? "") }

  init(path: String, text: String) {
    self.path = path
    var scanner = LiteralScanner(Array(text.utf8))
    scanner.scan()
    lines = Self.lines(of: Array(text.utf8))
    code = Self.lines(of: scanner.code)
    comments = Self.lines(of: scanner.comments)
  }

  private static func lines(of bytes: [UInt8]) -> [String] {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    if lines.last == "" { lines.removeLast() }
    return lines
  }
}

/// Separates code from comments and string content: line and nested block comments, strings of one
/// and of many lines, raw strings, and interpolations with strings inside.
struct LiteralScanner {
  /// The bytes that may open a comment or a literal.
  private static let openers = Array("/\"#".utf8)

  private let text: [UInt8]
  private var position = 0
  private(set) var code: [UInt8]
  private(set) var comments: [UInt8]

  init(_ text: [UInt8]) {
    self.text = text
    let blank = text.map { $0 == UInt8(ascii: "\n") ? $0 : UInt8(ascii: " ") }
    code = blank
    comments = blank
  }

  mutating func scan() {
    while position < text.count { step() }
  }

  /// One step of code: a comment, a literal, or one byte.
  private mutating func step() {
    guard Self.openers.contains(text[position]) else { return keepCode() }
    if starts(with: "//") {
      while position < text.count, text[position] != UInt8(ascii: "\n") { keepComment() }
    } else if starts(with: "/*") {
      scanBlockComment()
    } else if let literal = openingLiteral() {
      scanString(hashes: literal.hashes, isMultiline: literal.isMultiline)
    } else {
      keepCode()
    }
  }

  private mutating func scanBlockComment() {
    var depth = 0
    repeat {
      if starts(with: "/*") {
        depth += 1
        keepComment()
      } else if starts(with: "*/") {
        depth -= 1
        keepComment()
      }
      keepComment()
    } while depth > 0 && position < text.count
  }

  private func openingLiteral() -> (hashes: Int, isMultiline: Bool)? {
    var index = position
    while index < text.count, text[index] == UInt8(ascii: "#") { index += 1 }
    guard index < text.count, text[index] == UInt8(ascii: "\"") else { return nil }
    return (index - position, matches("\"\"\"", at: index))
  }

  private mutating func scanString(hashes: Int, isMultiline: Bool) {
    let quotes = String(repeating: "\"", count: isMultiline ? 3 : 1)
    let marks = String(repeating: "#", count: hashes)
    keepCode(count: hashes + quotes.utf8.count)
    while position < text.count {
      if starts(with: quotes + marks) {
        return keepCode(count: quotes.utf8.count + hashes)
      }
      if starts(with: "\\" + marks + "(") {
        position += 2 + hashes
        scanInterpolation()
      } else if starts(with: "\\" + marks) {
        position += 2 + hashes
      } else if !isMultiline, text[position] == UInt8(ascii: "\n") {
        return  // unterminated: not Swift; go on with the next line
      } else {
        position += 1
      }
    }
  }

  /// The code inside `\( )`; its content is left out, as belonging to the literal.
  private mutating func scanInterpolation() {
    var depth = 1
    while position < text.count, depth > 0 {
      if let literal = openingLiteral() {
        scanString(hashes: literal.hashes, isMultiline: literal.isMultiline)
        continue
      }
      if text[position] == UInt8(ascii: "(") { depth += 1 }
      if text[position] == UInt8(ascii: ")") { depth -= 1 }
      position += 1
    }
  }

  private mutating func keepCode(count: Int = 1) {
    for _ in 0..<count where position < text.count {
      code[position] = text[position]
      position += 1
    }
  }

  private mutating func keepComment() {
    guard position < text.count else { return }
    comments[position] = text[position]
    position += 1
  }

  private func starts(with token: String) -> Bool { matches(token, at: position) }

  private func matches(_ token: String, at index: Int) -> Bool {
    let bytes = token.utf8
    return index + bytes.count <= text.count
      && text[index..<index + bytes.count].elementsEqual(bytes)
  }
}

/// The package's Swift files.
enum SourceTree {
  /// All files under `Sources` and `Tests`, sorted by path; read once for all rules.
  static func files() throws -> [SourceFile] { try loaded.get() }

  private static let loaded = Result { try load() }

  private static func load() throws -> [SourceFile] {
    try ["Sources", "Tests"].flatMap { folder in
      let base = self.folder(folder)
      let names = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String }
      return try (names ?? []).filter { $0.hasSuffix(".swift") }.sorted().map { name in
        let text = try String(contentsOf: base.appendingPathComponent(name), encoding: .utf8)
        return SourceFile(path: "\(folder)/\(name)", text: text)
      }
    }
  }

  /// A file of the repository as text.
  static func text(_ path: String) throws -> String {
    try String(contentsOf: folder(path), encoding: .utf8)
  }

  /// The folders of `Sources`.
  static func targets() throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: folder("Sources").path))
  }

  private static func folder(_ name: String) -> URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent(name).resolvingSymlinksInPath()
  }
}
