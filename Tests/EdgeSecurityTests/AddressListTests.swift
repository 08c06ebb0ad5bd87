import Testing

@testable import EdgeSecurity

private func address(_ text: String) throws -> NetworkAddress {
  try #require(NetworkAddress(text), "\(text)")
}

struct AddressListTests {
  @Test func addressesReadInBothFamilies() throws {
    #expect(try address("192.0.2.1") == address("::ffff:192.0.2.1"))
    #expect(try address("192.0.2.1").isIPv4)
    #expect(try !address("::1").isIPv4)
    #expect(try !address("::192.0.2.1").isIPv4)
    #expect(NetworkAddress(octets: [192, 0, 2, 1] as [UInt8]) == NetworkAddress("192.0.2.1"))
    #expect(NetworkAddress(octets: [1, 2, 3] as [UInt8]) == nil)
    #expect(try address("2001:DB8::0:1").description == "2001:db8::1")
    #expect(try address("::ffff:10.0.0.1").description == "10.0.0.1")
  }

  @Test(arguments: [
    "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4:80", "[::1]", "fe80::1%eth0",
    "localhost", " 1.2.3.4", "1.2.3.4 ", ":::", "1::2::3", "1.2.3.4\u{0}x", "0x7f.0.0.1",
  ])
  func whatIsNoAddressIsRefused(text: String) {
    #expect(NetworkAddress(text) == nil)
  }

  @Test func blocksEndAtTheirBounds() throws {
    let list = try AddressList(parsing: ["10.0.0.0/8", "192.0.2.128/25", "2001:db8::/32"])
    for inside in [
      "10.0.0.0", "10.255.255.255", "192.0.2.128", "192.0.2.255", "2001:db8::",
      "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:10.1.2.3",
    ] { #expect(list.contains(try address(inside)), "\(inside)") }
    for outside in [
      "9.255.255.255", "11.0.0.0", "192.0.2.127", "192.0.3.0", "2001:db7:ffff::", "2001:db9::",
      "::",
    ] { #expect(!list.contains(try address(outside)), "\(outside)") }
  }

  @Test func singleAddressesAndWholeFamiliesWork() throws {
    let one = try AddressList(parsing: ["127.0.0.1", "::1"])
    #expect(one.contains(try address("127.0.0.1")))
    #expect(one.contains(try address("::1")))
    #expect(!one.contains(try address("127.0.0.2")))
    let all4 = try AddressList(parsing: ["0.0.0.0/0"])
    #expect(all4.contains(try address("255.255.255.255")))
    #expect(!all4.contains(try address("::1")))
    let all6 = try AddressList(parsing: ["::/0"])
    #expect(all6.contains(try address("::")))
    #expect(all6.contains(try address("ffff::ffff")))
    #expect(!all6.contains(try address("10.0.0.1")))
    #expect(!all6.contains(try address("::ffff:10.0.0.1")))
    #expect(try !AddressList(parsing: []).contains(address("10.0.0.1")))
  }

  @Test func mappedBlocksAreIPv4Blocks() throws {
    let mapped = try NetworkPrefix("::ffff:10.0.0.0/104")
    #expect(try mapped == NetworkPrefix("10.0.0.0/8"))
    #expect(try NetworkPrefix("::ffff:0:0/96") == NetworkPrefix("0.0.0.0/0"))
    #expect(mapped.contains(try address("10.200.0.1")))
  }

  @Test func wrongBlocksSayWhatToWrite() {
    for (text, part) in [
      ("10.1.2.3/8", "10.0.0.0/8"), ("2001:db8::1/32", "2001:db8::/32"), ("10.0.0.0/33", "0 to 32"),
      ("::/129", "0 to 128"), ("10.0.0.0/", "0 to 32"), ("10.0.0.0/08", "0 to 32"),
      ("10.0.0.0/+8", "0 to 32"), ("10.0.0.0/8/8", "0 to 32"), ("example.com", "192.0.2.7"),
      ("", "no IP address"),
    ] {
      let error = #expect(throws: NetworkPrefixError.self) { try NetworkPrefix(text) }
      #expect(error?.description.contains(part) == true, "\(text)")
    }
  }

  @Test func listsAgreeWithTheirBlocksOnRandomAddresses() throws {
    let seed = UInt64.random(in: .min ... .max)
    var random = SeededGenerator(state: seed)
    for _ in 0..<200 {
      let prefixes = try (0..<8).map { _ in try randomPrefix(&random) }
      let list = AddressList(prefixes)
      for prefix in prefixes {
        for bits in [
          prefix.base.bits, prefix.base.bits &- 1, prefix.upperBits, prefix.upperBits &+ 1,
          prefix.base.bits | UInt128(random.next()),
        ] {
          let address = NetworkAddress(bits: bits)
          let expected = prefixes.contains { $0.contains(address) }
          #expect(list.contains(address) == expected, "seed \(seed): \(address) in \(prefixes)")
        }
      }
    }
  }

  private func randomPrefix(_ random: inout SeededGenerator) throws -> NetworkPrefix {
    if Bool.random(using: &random) {
      let length = Int.random(in: 0...32, using: &random)
      let mask: UInt32 = length == 0 ? 0 : UInt32.max << UInt32(32 - length)
      let bits = UInt32(truncatingIfNeeded: random.next()) & mask
      let base = NetworkAddress(bits: NetworkAddress.mappedRange.lowerBound | UInt128(bits))
      return try NetworkPrefix("\(base)/\(length)")
    }
    let length = Int.random(in: 0...128, using: &random)
    // Half of them near the mapped range, where the two families meet.
    let top = Bool.random(using: &random) ? UInt128(random.next()) << 64 : 0
    let bits = top | UInt128(random.next() >> 16)
    let base = NetworkAddress(bits: length == 0 ? 0 : bits & (UInt128.max << UInt128(128 - length)))
    return try NetworkPrefix(base.isIPv4 ? "\(base)" : "\(base)/\(length)")
  }
}

/// SplitMix64: small, and good enough to pick test cases.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
