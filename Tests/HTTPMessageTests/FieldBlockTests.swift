import HTTPMessage
import NIOCore
import Testing

struct KnownFieldTests {
  @Test(arguments: KnownField.allCases.filter { $0 != .other })
  func everyKnownNameIsFoundInAnyLetterCase(_ field: KnownField) {
    let name = field.name.description
    for spelling in [name, name.lowercased(), name.uppercased()] {
      #expect(Array(spelling.utf8).withUnsafeBytes { KnownField($0) } == field)
    }
  }

  @Test(arguments: [
    "", "x", "Hos", "Hostt", "Content-Lengt", "Content_Length", "Ho\u{0}t", "agE\u{0}",
  ])
  func everyOtherNameIsOther(_ name: String) {
    #expect(Array(name.utf8).withUnsafeBytes { KnownField($0) } == .other)
  }

  @Test func aSetHoldsWhatWasInserted() {
    for field in KnownField.allCases {
      let set: KnownFieldSet = [field]
      for other in KnownField.allCases { #expect(set.contains(other) == (field == other)) }
    }
  }
}

struct FieldBlockTests {
  @Test(arguments: [("Via", "1.1 edge"), ("X", ""), ("ETag", String(repeating: "a", count: 5000))])
  func aFieldLineIsWrittenWhereTheBufferEnds(_ name: String, _ value: String) {
    var buffer = ByteBuffer(string: "before\r\n")
    Array(name.utf8).withUnsafeBytes { name in
      Array(value.utf8).withUnsafeBytes { buffer.writeFieldLine(name: name, value: $0) }
    }
    #expect(String(buffer: buffer) == "before\r\n\(name): \(value)\r\n")
  }

  @Test func aBuiltBlockIsFieldLines() {
    var block = FieldBlock(capacity: 64)
    block.append(.cacheControl, "max-age=5")
    block.append("X-Thing", "a")
    block.append("x-thing", "b")
    #expect(
      String(buffer: block.bytes) == "Cache-Control: max-age=5\r\nX-Thing: a\r\nx-thing: b\r\n")
    #expect(block.text(.cacheControl) == "max-age=5")
    #expect(block.texts(named: "X-THING") == ["a", "b"])
    #expect(block.contains(.cacheControl) && !block.contains(.age) && block.contains(.other))
    #expect(block.count == 3 && block.occurrences(of: .cacheControl) == 1)
  }

  @Test func linesAreReadBackAsTheyWereWritten() {
    let text = "ETag: \"a\"\r\nX-Empty:\r\nAge:  5 \r\n"
    let block = FieldBlock(lines: ByteBuffer(string: text))
    #expect(block.text(.etag) == "\"a\"" && block.text(.age) == "5")
    #expect(block.texts(named: "x-empty") == [""])
    var copy = ByteBuffer()
    block.writeLines(into: &copy, except: [.age])
    #expect(String(buffer: copy) == "ETag: \"a\"\r\nX-Empty: \r\n")
  }

  @Test func aCopyLeavesTheOriginalAlone() {
    var block = FieldBlock()
    block.append(.age, "1")
    var other = block
    other.append(contentsOf: block, except: [])
    other.append(contentsOf: block, except: [.age])
    #expect(block.count == 1 && other.count == 2)
  }
}
