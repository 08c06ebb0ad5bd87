import Testing

@testable import EdgeSecurity

private func hex(_ bytes: [UInt8]) -> String {
  bytes.map { byte in
    let text = String(byte, radix: 16)
    return byte < 16 ? "0" + text : text
  }.joined()
}

struct DigestTests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func sha256GivesThePublishedDigests(message: String, digest: String) {
    #expect(hex(SHA256.digest(message.utf8)) == digest)
  }

  @Test func sha256OfAMillionLettersIsThePublishedDigest() {
    #expect(
      hex(SHA256.digest(repeatElement(UInt8(ascii: "a"), count: 1_000_000)))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func hmacGivesThePublishedCodes() {
    // RFC 4231, test cases 1, 2 and 6 (a key longer than a block).
    #expect(
      hex(SecretDigester(key: [UInt8](repeating: 0x0B, count: 20)).digest("Hi There".utf8))
        == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    #expect(
      hex(SecretDigester(key: Array("Jefe".utf8)).digest("what do ya want for nothing?".utf8))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      hex(
        SecretDigester(key: [UInt8](repeating: 0xAA, count: 131))
          .digest("Test Using Larger Than Block-Size Key - Hash Key First".utf8))
        == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
  }

  @Test func digestsOfTwoProcessesDiffer() {
    #expect(SecretDigester().digest("secret".utf8) != SecretDigester().digest("secret".utf8))
  }

  @Test func constantTimeComparisonIsEquality() {
    #expect(ConstantTime.areEqual([], []))
    #expect(ConstantTime.areEqual([1, 2, 3], [1, 2, 3]))
    #expect(!ConstantTime.areEqual([1, 2, 3], [1, 2, 4]))
    #expect(!ConstantTime.areEqual([0, 2, 3], [1, 2, 3]))
    #expect(!ConstantTime.areEqual([1, 2], [1, 2, 0]))
    #expect(!ConstantTime.areEqual([], [0]))
  }

  @Test func sha256InPiecesIsSha256OfTheWhole() {
    let message = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var hash = SHA256()
    for start in stride(from: 0, to: 1000, by: 37) {
      message[start..<min(start + 37, 1000)].withUnsafeBytes { hash.update($0) }
    }
    #expect(hash.finish() == SHA256.digest(message))
  }

  @Test func hmacTakesAnEmptyKeyAndAnEmptyMessage() {
    // The values of `openssl mac` for both empty.
    #expect(
      hex(HMACSHA256.code([], key: []))
        == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
  }

  @Test func hmacTellsAChangedMessageAndAChangedKey() {
    let code = HMACSHA256.code("message".utf8, key: [1, 2, 3])
    #expect(HMACSHA256.isValid(code, of: "message".utf8, key: [1, 2, 3]))
    #expect(!HMACSHA256.isValid(code, of: "messagf".utf8, key: [1, 2, 3]))
    #expect(!HMACSHA256.isValid(code, of: "message".utf8, key: [1, 2, 4]))
    #expect(!HMACSHA256.isValid(Array(code.dropLast()), of: "message".utf8, key: [1, 2, 3]))
  }
}
