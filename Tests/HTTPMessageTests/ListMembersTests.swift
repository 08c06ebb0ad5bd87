import HTTPMessage
import Testing

/// RFC 9110 sections 5.6.1 and 5.6.4.
@Suite struct ListMembersTests {
  private func members(_ text: String, separator: UInt8 = UInt8(ascii: ",")) -> [String] {
    Array(text.utf8).withUnsafeBytes { value in
      ListMembers(value, separator: separator).map(\.text)
    }
  }

  @Test(arguments: [
    ("", []), (",", []), (" , ,", []), ("a", ["a"]), ("a,b", ["a", "b"]),
    (" a , b\t,\tc ", ["a", "b", "c"]), ("a,,b,", ["a", "b"]),
    (#"a="x,y", b"#, [#"a="x,y""#, "b"]), (#"a="x\",y", b"#, [#"a="x\",y""#, "b"]),
    (#"a="x\\", b"#, [#"a="x\\""#, "b"]), (#"a="x, b"#, [#"a="x"#, "b"]), (#"a="\"#, [#"a="\"#]),
  ])
  func membersAreSplitOutsideOfQuotedStrings(text: String, expected: [String]) {
    #expect(members(text) == expected)
  }

  @Test func partsOfAMemberAreSplitAtAnotherSeparator() {
    #expect(members(#"a; b="x;y";c"#, separator: UInt8(ascii: ";")) == ["a", #"b="x;y""#, "c"])
  }

  @Test func linesOfOneFieldAreOneList() {
    var fields = FieldBlock()
    fields.append("Vary", "a, b")
    fields.append("Other", "x")
    fields.append("vary", "c")
    var result: [String] = []
    ListMembers.forEach(in: fields, .vary) { result.append($0.text) }
    #expect(result == ["a", "b", "c"])
  }

  @Test func decimalsArePinnedAndNothingElseIsANumber() {
    func decimal(_ text: String) -> Int64? {
      Array(text.utf8).withUnsafeBytes { $0.decimal(pinnedAt: 1_000) }
    }
    #expect(decimal("0") == 0)
    #expect(decimal("00999") == 999)
    #expect(decimal("1000") == 1_000)
    #expect(decimal("1001") == 1_000)
    #expect(decimal("99999999999999999999999999") == 1_000)
    for text in ["", "-1", "+1", "1.0", "1 ", " 1", "1a", "0x1"] { #expect(decimal(text) == nil) }
  }

  @Test func namesAndValuesAreSplitAtTheFirstEquals() {
    Array("a = b=c".utf8).withUnsafeBytes { bytes in
      #expect(bytes.nameAndValue.name.text == "a")
      #expect(bytes.nameAndValue.value?.text == "b=c")
    }
    Array("a".utf8).withUnsafeBytes { bytes in
      #expect(bytes.nameAndValue.value == nil)
    }
  }
}
