import CNghttp2
import HTTPMessage
import Testing

@testable import HTTPServer

/// How a response's field lines become libnghttp2's fields.
@Suite struct HTTP2FieldArrayTests {
  @Test(arguments: 0...40)
  func namesOfEveryLengthBecomeLowerCaseAndValuesStay(length: Int) {
    let name = (0..<length).map { "AzBYZ-@[`{x!09"[$0 % 14] }
    let lines = "\(String(name)): Value AZ az\r\nEnd:\tE \r\n"
    let expected =
      length == 0 ? ["end: E"] : ["\(String(name).lowercased()): Value AZ az", "end: E"]
    #expect(fields(lines) == expected)
  }

  @Test func fieldsOfAConnectionAreLeftOut() {
    let lines =
      "Connection: a\r\nKeep-Alive: b\r\nTE: c\r\nUpgrade: d\r\nTransfer-Encoding: e\r\n"
      + "Content-Length: 5\r\nProxy-Connection: f\r\nX-Connection: g\r\n"
    #expect(fields(lines) == ["x-connection: g"])
  }

  @Test func whatIsNoFieldIsPassedOver() {
    #expect(fields("no colon\r\nA: 1\r\n: none\r\nB:\r\n") == ["a: 1", "b: "])
    #expect(fields("A: 1\r\nunended") == ["a: 1"])
    #expect(fields("A: no end of line") == ["a: no end of line"])
    #expect(fields("").isEmpty)
  }

  @Test func bytesBeyondASCIIStayAsTheyAre() {
    // 0xC1 is `A` with the high bit set.
    let bytes = Array("X-\u{C1}\u{DA}Q: \u{C1}A\r\n".utf8)
    #expect(fields(bytes) == ["x-\u{C1}\u{DA}q: \u{C1}A"])
  }

  private func fields(_ text: String) -> [String] { fields(Array(text.utf8)) }

  private func fields(_ lines: [UInt8]) -> [String] {
    let room = UnsafeMutablePointer<UInt8>.allocate(
      capacity: HTTP2FieldArray.digitsCount + lines.count)
    defer { room.deallocate() }
    var array = HTTP2FieldArray()
    array.begin(status: 200, in: room)
    lines.withUnsafeBytes {
      let end = array.add(lines: $0, movedTo: room + HTTP2FieldArray.digitsCount)
      #expect(end == room + HTTP2FieldArray.digitsCount + lines.count)
    }
    return (1..<array.count).map { index in
      let field = array.fields[index]
      let name = UnsafeBufferPointer(start: field.name, count: field.namelen)
      let value = UnsafeBufferPointer(start: field.value, count: field.valuelen)
      return String(decoding: name, as: UTF8.self) + ": " + String(decoding: value, as: UTF8.self)
    }
  }
}

extension String {
  fileprivate subscript(offset: Int) -> Character {
    self[index(startIndex, offsetBy: offset)]
  }
}
