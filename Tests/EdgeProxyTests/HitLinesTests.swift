import NIOCore
import Testing

@testable import EdgeProxy

@Suite struct HitLinesTests {
  @Test(arguments: [
    (0, 0), (1, 86_400), (9, 10), (99, 100), (86_399, 1), (Int64.max, Int64.max), (5, -3),
  ])
  func theNumbersStandInTheirPlaces(age: Int64, remaining: Int64) {
    var lines = ByteBuffer(string: "X: y\r\n")
    HitLines(name: "a.example").write(
      ageSeconds: age, remainingSeconds: remaining, into: &lines)
    #expect(
      String(buffer: lines)
        == "X: y\r\nAge: \(age)\r\nCache-Status: a.example; hit; ttl=\(remaining); detail=fresh\r\n"
        + "X-Cache: Hit from a.example\r\n")
  }

  @Test func onlyAFreshHitWithNothingElseToSayIsPlain() {
    var plain = RequestOutcome()
    plain.result = .hit
    plain.reason = .fresh
    #expect(plain.isPlainHit)
    var other = plain
    other.reason = .freshOnDisk
    #expect(!other.isPlainHit)
    other = plain
    other.isCollapsed = true
    #expect(!other.isPlainHit)
    other = plain
    other.isStored = true
    #expect(!other.isPlainHit)
    other = plain
    other.forward = .stale
    #expect(!other.isPlainHit)
    other = plain
    other.result = .staleHit
    #expect(!other.isPlainHit)
  }
}
