import CCrypto
import Testing

@testable import EdgeSecurity

private func bytes(_ hexadecimal: String) -> [UInt8] {
  let digits = Array(hexadecimal.utf8)
  return stride(from: 0, to: digits.count, by: 2).map { index in
    UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) ?? 0
  }
}

private func secret(_ bytes: [UInt8]) -> SecretBytes {
  bytes.withUnsafeBytes { SecretBytes(copying: $0) }
}

private func tag(_ bytes: [UInt8]) -> AESGCM.Tag {
  bytes.withUnsafeBytes {
    AESGCM.Tag(
      low: UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)),
      high: UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
  }
}

private func nonce(_ bytes: [UInt8]) -> AESGCM.Nonce {
  bytes.withUnsafeBytes {
    AESGCM.Nonce(
      prefix: UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self)),
      number: UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 4, as: UInt64.self)))
  }
}

private func seal(
  _ cipher: AESGCM, _ message: inout [UInt8], _ nonce: AESGCM.Nonce, _ associated: [UInt8]
) -> AESGCM.Tag {
  message.withUnsafeMutableBytes { message in
    associated.withUnsafeBytes { cipher.seal(message, nonce: nonce, associated: $0) }
  }
}

private func open(
  _ cipher: AESGCM, _ message: inout [UInt8], _ tag: AESGCM.Tag, _ nonce: AESGCM.Nonce,
  _ associated: [UInt8]
) -> Bool {
  message.withUnsafeMutableBytes { message in
    associated.withUnsafeBytes { cipher.open(message, tag: tag, nonce: nonce, associated: $0) }
  }
}

/// AES-256-GCM by libcrypto's EVP; nil when a call fails.
private func sealWithLibcrypto(
  _ plain: [UInt8], _ key: [UInt8], _ nonce: [UInt8], _ associated: [UInt8]
) -> (message: [UInt8], tag: [UInt8])? {
  guard let context = EVP_CIPHER_CTX_new() else { return nil }
  defer { EVP_CIPHER_CTX_free(context) }
  var message = plain
  var tag = [UInt8](repeating: 0, count: 16)
  var count: Int32 = 0
  guard EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
    EVP_EncryptUpdate(context, nil, &count, associated, Int32(associated.count)) == 1,
    plain.isEmpty || EVP_EncryptUpdate(context, &message, &count, plain, Int32(plain.count)) == 1,
    EVP_EncryptFinal_ex(context, nil, &count) == 1,
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, &tag) == 1
  else { return nil }
  return (message, tag)
}

struct AESGCMTests {
  @Test(arguments: [0, 1, 400, 65_536])
  func opensIntoOtherMemoryAndLeavesTheSealedBytesAsTheyAre(count: Int) {
    let cipher = AESGCM(key: .random(count: AESGCM.keyBytes))
    let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var sealed = plain
    let place = AESGCM.Nonce(prefix: 1, number: 2)
    let tag = seal(cipher, &sealed, place, [7])
    var target = [UInt8](repeating: 0xEE, count: count)
    func opens(_ tag: AESGCM.Tag) -> Bool {
      sealed.withUnsafeBytes { sealed in
        target.withUnsafeMutableBytes { target in
          [7 as UInt8].withUnsafeBytes {
            cipher.open(sealed, into: target, tag: tag, nonce: place, associated: $0)
          }
        }
      }
    }
    let before = sealed
    #expect(opens(tag))
    #expect(target == plain)
    #expect(sealed == before)
    #expect(!opens(AESGCM.Tag(low: tag.low ^ 1, high: tag.high)))
  }

  /// Test case 16 of the GCM specification (McGrew and Viega): a 256-bit key, associated data, and
  /// a message that does not end at a block.
  @Test func sealsAsTheSpecificationDoes() {
    let cipher = AESGCM(
      key: secret(bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")))
    let plain = bytes(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
        + "49a6b525b16aedf5aa0de657ba637b39")
    var message = plain
    let associated = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    let place = nonce(bytes("cafebabefacedbaddecaf888"))
    let proof = seal(cipher, &message, place, associated)
    #expect(
      message
        == bytes(
          "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10"
            + "56828838c5f61e6393ba7a0abcc9f662"))
    #expect(proof == tag(bytes("76fc6ece0f4e1768cddf8853bb2d551b")))
    #expect(open(cipher, &message, proof, place, associated))
    #expect(message == plain)
  }

  /// What was sealed by one library must open with the other: stores were sealed by libcrypto.
  @Test(arguments: [0, 1, 15, 16, 400, 16_384, 65_536])
  func sealsAndOpensAsLibcryptoDoes(count: Int) throws {
    let key = (0..<32).map { UInt8($0 &* 7) }
    let place: [UInt8] = Array(1...12)
    let associated: [UInt8] = [9, 8, 7]
    let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 2) }
    let cipher = AESGCM(key: secret(key))
    var message = plain
    let proof = seal(cipher, &message, nonce(place), associated)
    let other = try #require(sealWithLibcrypto(plain, key, place, associated))
    #expect(message == other.message)
    #expect(proof == tag(other.tag))
    var sealed = other.message
    #expect(open(cipher, &sealed, tag(other.tag), nonce(place), associated))
    #expect(sealed == plain)
  }

  @Test func opensNothingThatWasChanged() {
    let cipher = AESGCM(key: SecretBytes.random(count: 32))
    let place = AESGCM.Nonce(prefix: 1, number: 2)
    var message = Array("a body that is longer than one block of sixteen".utf8)
    let proof = seal(cipher, &message, place, [1, 2, 3])
    for position in message.indices {
      var damaged = message
      damaged[position] ^= 1
      #expect(!open(cipher, &damaged, proof, place, [1, 2, 3]))
    }
    var copy = message
    let otherTag = AESGCM.Tag(low: proof.low, high: proof.high ^ 1 << 63)
    #expect(!open(cipher, &copy, otherTag, place, [1, 2, 3]))
    copy = message
    #expect(!open(cipher, &copy, proof, AESGCM.Nonce(prefix: 1, number: 3), [1, 2, 3]))
    copy = message
    #expect(!open(cipher, &copy, proof, AESGCM.Nonce(prefix: 0, number: 2), [1, 2, 3]))
    copy = message
    #expect(!open(cipher, &copy, proof, place, [1, 2]))
    copy = message
    #expect(!open(AESGCM(key: SecretBytes.random(count: 32)), &copy, proof, place, [1, 2, 3]))
    copy = message
    #expect(open(cipher, &copy, proof, place, [1, 2, 3]))
  }

  @Test func anEmptyMessageProvesItsAssociatedData() {
    let cipher = AESGCM(key: SecretBytes.random(count: 32))
    let place = AESGCM.Nonce(prefix: 0, number: 0)
    var nothing: [UInt8] = []
    let proof = seal(cipher, &nothing, place, [7])
    #expect(open(cipher, &nothing, proof, place, [7]))
    #expect(!open(cipher, &nothing, proof, place, [8]))
  }

  @Test func threadsShareACipher() async {
    let cipher = AESGCM(key: SecretBytes.random(count: 32))
    let failures = await withTaskGroup(of: Int.self) { group in
      for thread in 0..<8 {
        group.addTask {
          (0..<200).count { round in
            let place = AESGCM.Nonce(prefix: UInt32(thread), number: UInt64(round))
            let plain = [UInt8](repeating: UInt8(round), count: 100 + round)
            var message = plain
            let proof = seal(cipher, &message, place, [])
            return message == plain || !open(cipher, &message, proof, place, []) || message != plain
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(failures == 0)
  }
}

struct KeyDerivationTests {
  private func derived(_ key: [UInt8], _ salt: [UInt8], _ info: [UInt8], _ count: Int) -> [UInt8] {
    HKDF.derive(from: secret(key), salt: salt, info: info, count: count)
      .withUnsafeBytes { [UInt8]($0) }
  }

  @Test func derivesThePublishedKeys() {
    // RFC 5869, test cases 1 and 3.
    let key = [UInt8](repeating: 0x0B, count: 22)
    #expect(
      derived(key, Array(0...12), Array(0xF0...0xF9), 42)
        == bytes(
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"))
    #expect(
      derived(key, [], [], 42)
        == bytes(
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"))
  }

  @Test func saltAndPurposeGiveUnrelatedKeys() {
    let key = SecureRandom.bytes(32)
    let one = derived(key, [1], [1], 32)
    #expect(one != derived(key, [2], [1], 32))
    #expect(one != derived(key, [1], [2], 32))
    #expect(one == derived(key, [1], [1], 32))
  }
}

struct SecretBytesTests {
  @Test func descriptionsDoNotShowTheSecret() {
    let bytes = secret([0x41, 0x42])
    var text = ""
    dump(bytes, to: &text)
    #expect("\(bytes)" == "SecretBytes(2 bytes)")
    #expect("\(String(reflecting: bytes))" == "SecretBytes(2 bytes)")
    #expect(!text.contains("41") && !text.contains("65"))
  }

  @Test func wipingLeavesZeros() {
    var bytes: [UInt8] = [1, 2, 3]
    SecretBytes.wipe(&bytes)
    #expect(bytes == [0, 0, 0])
  }

  @Test func randomBytesDiffer() {
    #expect(SecureRandom.bytes(16) != SecureRandom.bytes(16))
    #expect(SecureRandom.bytes(0).isEmpty)
  }
}
