import Testing

@testable import AdminAPI

struct JSONTests {
  @Test func valuesSurviveWritingAndReading() throws {
    let value = JSONValue.object([
      JSONMember("a", .array([.null, .bool(true), .bool(false), .integer(-7), .number(1.5)])),
      JSONMember("q\"\\\n\u{0}\u{7F}/é世🌍", .string("\r\t\u{1F}")), JSONMember("", .object([])),
    ])
    #expect(try JSONReader.read(Array(value.text.utf8)) == value)
  }

  @Test(arguments: [
    ("1e3", JSONValue.number(1_000)), ("-0.5", .number(-0.5)), (" [ ] ", .array([])),
    (#""\u00e9\ud83c\udf0d\/""#, .string("é🌍/")), ("0", .integer(0)), ("-0", .integer(0)),
  ])
  func wellFormedTextsAreRead(text: String, value: JSONValue) throws {
    #expect(try JSONReader.read(Array(text.utf8)) == value)
  }

  @Test(arguments: [
    "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "-", "1.", "1e", "+1", ".5", "nul", "'a'",
    "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u+123\"", "\"\\ud800\"", "\"\\udc00\"", "\"\t\"", "1 2",
    "[1}", "{\"a\" 1}", "1e999", "//", "\"\\",
  ])
  func malformedTextsAreRefused(text: String) {
    #expect(throws: JSONError.self) { try JSONReader.read(Array(text.utf8)) }
  }

  @Test func invalidUTF8AndDepthAreRefused() {
    #expect(throws: JSONError.self) { try JSONReader.read([0x22, 0xFF, 0x22]) }
    let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
    #expect(throws: JSONError(line: 1, column: 33, message: "it is nested too deeply")) {
      try JSONReader.read(deep)
    }
  }

  @Test func errorsNameLineAndColumn() {
    #expect(throws: JSONError(line: 3, column: 3, message: "a value should begin here")) {
      try JSONReader.read(Array("{\n\"a\":\n  x}".utf8))
    }
  }
}

struct AdminTargetTests {
  @Test func absoluteTargetsNameTheirAuthority() {
    #expect(AdminTarget("HTTP://Example.com:8080?q").authority == "Example.com:8080")
    #expect(AdminTarget("HTTP://Example.com:8080?q").pathAndQuery == "/?q")
    #expect(AdminTarget("https://[::1]/a?b=/c").path == "/a")
    #expect(AdminTarget("/http://x").authority == nil)
  }

  @Test func defaultPortsAreLeftOut() {
    #expect(AdminTarget.withoutDefaultPort("A.com:80") == "a.com")
    #expect(AdminTarget.withoutDefaultPort("a.com:") == "a.com")
    #expect(AdminTarget.withoutDefaultPort("[::1]:443") == "[::1]")
    #expect(AdminTarget.withoutDefaultPort("[::1]") == "[::1]")
    #expect(AdminTarget.withoutDefaultPort("a.com:8080") == "a.com:8080")
  }
}
