import HTTPMessage
import NIOCore
import Testing

/// RFC 9110 sections 14.1 to 14.4.
@Suite struct ByteRangeSetTests {
  private func parse(_ text: String, _ length: Int) -> RangeOutcome {
    Array(text.utf8).withUnsafeBytes { ByteRangeSet.parse($0, length: length) }
  }

  @Test(arguments: [
    ("bytes=0-99", [0..<100]), ("bytes=0-0", [0..<1]), ("bytes=999-", [999..<1_000]),
    ("bytes=0-", [0..<1_000]), ("bytes=-1", [999..<1_000]), ("bytes=-1000", [0..<1_000]),
    ("bytes=-5000", [0..<1_000]), ("bytes=900-5000", [900..<1_000]), ("BYTES=1-2", [1..<3]),
    ("bytes= 1-2", [1..<3]), ("bytes=,1-2,", [1..<3]),
    ("bytes=0-99999999999999999999999", [0..<1_000]),
    ("bytes=-99999999999999999999999", [0..<1_000]),
    ("bytes=0-0, 10-10", [0..<1, 10..<11]), ("bytes=10-10,0-0", [10..<11, 0..<1]),
    ("bytes=0-1,5000-6000", [0..<2]), ("bytes=0-1,-0", [0..<2]),
  ])
  func satisfiableRangesAreClampedToTheLength(text: String, ranges: [Range<Int>]) {
    #expect(parse(text, 1_000) == .satisfiable(ranges))
  }

  @Test(arguments: ["bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=1000-,-0,5000-6000"])
  func rangesBeyondTheEndAreUnsatisfiable(text: String) {
    #expect(parse(text, 1_000) == .unsatisfiable)
  }

  @Test(arguments: [
    "", "bytes", "bytes=", "bytes=,", "bytes 0-1", "items=0-1", "bytes=a-b", "bytes=1", "bytes=-",
    "bytes=--1", "bytes=5-4", "bytes=0-1,5-4", "bytes=0-1,x", "bytes=0 - 1", "bytes=+0-1",
    "bytes=0x0-1", "bytes=0-1.5", "bytes=0-1;", "bytes=99999999999999999999-1", "bytes =0-1",
    "bytes:0-1", " bytes=0-1", "bytes=0-1 2-3", "bytes=\"0-1\"", "bytes=0-1,,x", "byte=0-1",
    "bytess=0-1", "bytes=0-\u{00B9}", "bytes=-1-",
  ])
  func malformedSetsAndOtherUnitsAreIgnored(text: String) {
    #expect(parse(text, 1_000) == .ignore)
  }

  @Test func overlappingAndAdjacentRangesAreJoinedAtThePlaceOfTheFirst() {
    #expect(parse("bytes=0-9,5-19", 100) == .satisfiable([0..<20]))
    #expect(parse("bytes=0-9,10-19", 100) == .satisfiable([0..<20]))
    #expect(parse("bytes=0-9,11-19", 100) == .satisfiable([0..<10, 11..<20]))
    #expect(parse("bytes=50-59,0-9,55-69", 100) == .satisfiable([50..<70, 0..<10]))
    #expect(parse("bytes=0-1,10-11,20-21,0-30", 100) == .satisfiable([0..<31]))
    #expect(parse("bytes=0-0,80-80,40-40,30-45", 100) == .satisfiable([0..<1, 80..<81, 30..<46]))
  }

  @Test func rangesUpToTheLimitAreTakenAndMoreIgnored() {
    func set(_ count: Int) -> String {
      "bytes=" + (0..<count).map { "\($0 * 2)-\($0 * 2)" }.joined(separator: ",")
    }
    guard case .satisfiable(let ranges) = parse(set(ByteRangeSet.rangeLimit), 1_000) else {
      Issue.record("not satisfiable")
      return
    }
    #expect(ranges.count == ByteRangeSet.rangeLimit)
    #expect(parse(set(ByteRangeSet.rangeLimit + 1), 1_000) == .ignore)
  }

  @Test func repeatedWholeRangesCostTheObjectOnce() {
    let set = "bytes=" + (0..<60).map { "\($0)-" }.joined(separator: ",")
    #expect(parse(set, 1_000_000) == .satisfiable([0..<1_000_000]))
  }

  @Test func emptyRepresentationsHaveNoRange() {
    #expect(parse("bytes=0-", 0) == .unsatisfiable)
    #expect(parse("bytes=-5", 0) == .ignore)
  }

  @Test func randomSetsNeverExceedTheObject() {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<2_000 {
      let length = Int.random(in: 1...200, using: &random)
      let members = (0..<Int.random(in: 1...20, using: &random)).map { _ -> String in
        let start = Int.random(in: 0...220, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: return "-\(start)"
        case 1: return "\(start)-"
        default: return "\(start)-\(start + Int.random(in: 0...50, using: &random))"
        }
      }
      let text = "bytes=" + members.joined(separator: ",")
      guard case .satisfiable(let ranges) = parse(text, length) else { continue }
      var covered = Set<Int>()
      for range in ranges {
        #expect(!range.isEmpty && range.upperBound <= length, "seed \(seed): \(text)")
        #expect(covered.isDisjoint(with: range), "seed \(seed): \(text)")
        covered.formUnion(range)
      }
      var wanted = Set<Int>()
      for member in members {
        if case .satisfiable(let single) = parse("bytes=" + member, length) {
          for range in single { wanted.formUnion(range) }
        }
      }
      #expect(covered == wanted, "seed \(seed): \(text) of \(length)")
    }
  }
}

/// RFC 9110 section 14.4.
@Suite struct ContentRangeTests {
  private func parse(_ text: String) -> ContentRange? {
    Array(text.utf8).withUnsafeBytes { ContentRange.parse($0) }
  }

  @Test(arguments: [
    ("bytes 0-99/1000", ContentRange(range: 0..<100, completeLength: 1_000)),
    ("bytes 999-999/1000", ContentRange(range: 999..<1_000, completeLength: 1_000)),
    ("bytes 0-99/*", ContentRange(range: 0..<100, completeLength: nil)),
    ("bytes */1000", ContentRange(range: nil, completeLength: 1_000)),
    ("bytes */0", ContentRange(range: nil, completeLength: 0)),
    ("bytes 9-9/10", ContentRange(range: 9..<10, completeLength: 10)),
    (
      "bytes 0-9223372036854775805/9223372036854775806",
      ContentRange(range: 0..<9_223_372_036_854_775_806, completeLength: 9_223_372_036_854_775_806)
    ),
  ])
  func wellFormedValuesReadBackAsWritten(text: String, value: ContentRange) {
    #expect(parse(text) == value)
    var buffer = ByteBuffer()
    value.write(into: &buffer)
    #expect(String(buffer: buffer) == text)
  }

  @Test(arguments: [
    "", "bytes", "bytes 0-99", "bytes 0-1000/1000", "bytes 5-4/10", "bytes */*", "bytes x-1/10",
    "bytes 0-1/x", "items 0-1/10", "bytes=0-1/10", "bytes -1/10",
    "bytes 0-9223372036854775807/*", "bytes 0-9223372036854775806/9223372036854775807",
    "bytes 0-1/99999999999999999999", "bytes  0-1/10", "bytes 0 -1/10", "bytes 0-1 /10",
    "bytes 0-1/ 10", "bytes 0-1/10 ", "bytes 10-10/10", "bytes 0-0/0", "bytes */-1", "bytes /10",
    "bytes 0-1/10/10", "bytes 0-1-2/10", "bytes\t0-1/10", "bytes */", "bytes +0-1/10",
  ])
  func malformedOrContradictoryValuesAreRefused(text: String) {
    #expect(parse(text) == nil)
  }
}

/// Numbers that a printed seed brings back.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64 (Steele, Lea and Flood 2014).
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
