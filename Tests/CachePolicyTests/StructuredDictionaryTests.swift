import HTTPMessage
import RawStructuredFieldValues
import Testing

@testable import CachePolicy

/// RFC 9651 section 4.2.2, against an implementation that was written by others.
@Suite struct StructuredDictionaryTests {
  /// What the other parser makes of the text: the members by key, the last of each; nil when it is
  /// no Dictionary.
  private func members(byOther text: [UInt8]) -> [String: String]? {
    var parser = StructuredFieldValueParser(text)
    guard let map = try? parser.parseDictionaryFieldValue() else { return nil }
    var result: [String: String] = [:]
    for (key, value) in map {
      guard case .item(let item) = value else {
        result[key] = "other"
        continue
      }
      switch item.rfc9651BareItem {
      case .bool(let flag): result[key] = "\(flag)"
      case .integer(let number): result[key] = "\(number)"
      case .token(let token): result[key] = "token \(token)"
      case .string(let string): result[key] = "string \(string)"
      default: result[key] = "other"
      }
    }
    return result
  }

  private func members(_ text: [UInt8]) -> [String: String]? {
    var result: [String: String] = [:]
    let isDictionary = text.withUnsafeBytes { bytes in
      StructuredDictionary.read(bytes) { key, value in
        result[key.text] =
          switch value {
          case .boolean(let flag): "\(flag)"
          case .integer(let number): "\(number)"
          case .token(let token): "token \(token.text)"
          case .string(let string): "string \(unescaped(string.text))"
          case .other: "other"
          }
      }
    }
    return isDictionary ? result : nil
  }

  private func unescaped(_ text: String) -> String {
    var result = ""
    var isQuoted = false
    for character in text {
      if character == "\\", !isQuoted {
        isQuoted = true
      } else {
        result.append(character)
        isQuoted = false
      }
    }
    return result
  }

  /// The first seed is new in every run; those that ever failed join the list.
  @Test(arguments: [UInt64.random(in: 0 ... .max), 1, 2])
  func randomTextsAreReadAsByTheOther(seed: UInt64) {
    let pieces = [
      "a", "max-age", "b*", "*", "A", "_", "=", "=", "=", ",", ", ", " , ", ";", "; ", " ", "\t",
      "1", "12", "-3", "1.5", "1.", ".5", "123456789012345", "1234567890123456", "-", "tok/en:x",
      "\"s\"", "\"", "\\\"", "\"a\\\\\"", "?1", "?0", "?", ":YQ==:", ":", "@5", "@", "%\"a\"",
      "%\"%c3%a9\"", "%\"%ff\"", "%\"%C3\"", "(", ")", "(1 2)", "(a;b \"c\")", "( )", "(1  2)",
      "\u{7f}", "é", "123456789012.5", "1234567890123.5", "1.5678", "!", "'",
    ]
    var random = SeededGenerator(seed: seed)
    var validCount = 0
    for index in 0..<30_000 {
      var text = ""
      for member in 0..<Int.random(in: 1...3, using: &random) {
        if member > 0 { text += [", ", ",", " ,\t", ""].randomElement(using: &random) ?? "" }
        // Half of the members begin well, so that not everything fails at once.
        if Bool.random(using: &random) { text += ["a=", "b=", "c", "a;d="][index % 4] }
        for _ in 0..<Int.random(in: 0...3, using: &random) {
          text += pieces.randomElement(using: &random) ?? ""
        }
      }
      let found = members(Array(text.utf8))
      if found != nil { validCount += 1 }
      guard found != members(byOther: Array(text.utf8)) else { continue }
      Issue.record("seed \(seed), case \(index): \(text.debugDescription) gives \(found as Any)")
      return
    }
    #expect(validCount > 1_000)
  }

  @Test func manyMembersAreReadInOnePass() {
    let text = (0..<20_000).map { "k\($0)=\($0)" }.joined(separator: ",") + ", max-age=7"
    #expect(withBytes(text) { CacheControl(targeted: $0)?.maxAge } == 7)
  }
}
