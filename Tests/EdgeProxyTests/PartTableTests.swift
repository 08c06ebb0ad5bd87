import NIOCore
import Testing

@testable import EdgeProxy

@Suite struct PartTableTests {
  private func table(_ length: Int, _ parts: Range<Int>...) -> PartTable {
    var table = PartTable(completeLength: length)
    for part in parts { table.insert(part) }
    return table
  }

  @Test func partsThatOverlapOrTouchAreJoined() {
    #expect(table(100, 0..<10, 10..<20).parts == [0..<20])
    #expect(table(100, 0..<10, 11..<20).parts == [0..<10, 11..<20])
    #expect(table(100, 0..<10, 20..<30, 5..<25).parts == [0..<30])
    #expect(table(100, 50..<60, 0..<10, 20..<30).parts == [0..<10, 20..<30, 50..<60])
    #expect(table(100, 5..<5).parts.isEmpty)
  }

  @Test func missingStretchesAreTheGapsWithinTheRange() {
    let table = table(100, 10..<20, 40..<50)
    #expect(table.missing(in: 0..<100) == [0..<10, 20..<40, 50..<100])
    #expect(table.missing(in: 15..<45) == [20..<40])
    #expect(table.missing(in: 10..<20).isEmpty)
    #expect(table.missingHull(in: 0..<100) == 0..<100)
    #expect(table.missingHull(in: 10..<45) == 20..<40)
    #expect(table.missingHull(in: 12..<13) == nil)
  }

  @Test func aRangeThatSpansAGapIsNotCovered() {
    let table = table(100, 10..<20, 21..<30)
    #expect(table.covers(10..<20) && table.covers(21..<30))
    #expect(!table.covers(10..<30) && !table.covers(9..<12) && !table.covers(29..<31))
    #expect(table.bodyRange(of: 22..<25) == 11..<14)
  }

  @Test func aTableComesBackAsItWasWritten() throws {
    for original in [table(1000), table(1000, 0..<1000), table(1 << 40, 0..<1, 5..<(1 << 39))] {
      var buffer = ByteBuffer()
      original.encode(into: &buffer)
      #expect(buffer.readableBytes == original.encodedCount)
      buffer.writeString("Content-Type: text/plain\r\n")
      #expect(buffer.withUnsafeReadableBytes { PartTable(encoded: $0) } == original)
    }
  }

  @Test func aTableThatContradictsItselfIsNone() {
    var good = ByteBuffer()
    table(100, 10..<20, 40..<50).encode(into: &good)
    func reads(_ change: (inout [UInt8]) -> Void) -> Bool {
      var bytes = Array(good.readableBytesView)
      change(&bytes)
      return bytes.withUnsafeBytes { PartTable(encoded: $0) } != nil
    }
    #expect(reads { _ in })
    #expect(!reads { $0[1] = 2 }, "another layout")
    #expect(!reads { $0[3] = 3 }, "a part too many")
    #expect(!reads { $0.removeLast() }, "cut short")
    #expect(!reads { $0.removeAll() }, "empty")
    #expect(!reads { $0[15] = 49 }, "a part past the end")
    #expect(!reads { $0[31] = 0 }, "an empty part")
    #expect(!reads { $0[39] = 19 }, "parts that overlap")
    #expect(!reads { $0[39] = 20 }, "parts that touch")
    #expect(!reads { $0[8] = 0xFF }, "a length beyond 63 bits")
    #expect(!reads { $0[16] = 0xFF }, "an offset beyond 63 bits")
    #expect(!reads { $0[4] = 1 }, "a reserved byte")
  }

  @Test func newBytesTakeThePlaceOfOldOnes() throws {
    var content = PartContent(completeLength: 20)
    content.insert([ByteBuffer(string: "aaaa")], at: 2..<6)
    content.insert([ByteBuffer(string: "bbbb")], at: 10..<14)
    content.insert([ByteBuffer(string: "cc"), ByteBuffer(string: "dddd")], at: 5..<11)
    #expect(content.table.parts == [2..<14])
    #expect(text(content.body) == "aaaccddddbbb")
    let again = try #require(PartContent(table: content.table, body: content.body))
    #expect(text(again.body) == "aaaccddddbbb")
    #expect(PartContent(table: content.table, body: [ByteBuffer(string: "a")]) == nil)
  }

  @Test func theBytesFarthestFromTheLastRequestLeaveFirst() {
    var content = PartContent(completeLength: 1000)
    for start in [0, 100, 200, 900] {
      content.insert([ByteBuffer(repeating: 1, count: 50)], at: start..<start + 50)
    }
    #expect(content.trim(toBytes: 200, near: 100..<150) == 0)
    #expect(content.trim(toBytes: 180, near: 100..<150) == 20)
    #expect(content.table.parts == [0..<50, 100..<150, 200..<250, 900..<930])
    #expect(content.trim(toBytes: 60, near: 100..<150) == 120)
    #expect(content.table.parts == [100..<150, 200..<210])
    #expect(content.trim(toBytes: 50, near: 100..<150) == 10)
    #expect(content.table.parts == [100..<150])
  }

  @Test func onePartIsCutAtItsFarEnd() {
    var content = PartContent(completeLength: 1000)
    content.insert([ByteBuffer(string: "0123456789")], at: 100..<110)
    #expect(content.trim(toBytes: 4, near: 106..<110) == 6)
    #expect(content.table.parts == [106..<110] && text(content.body) == "6789")
  }

  @Test func noMorePartsAreKeptThanATableHolds() {
    var content = PartContent(completeLength: 100_000)
    for index in 0...PartTable.mostParts {
      content.insert([ByteBuffer(string: "x")], at: index * 10..<index * 10 + 1)
    }
    #expect(content.trim(toBytes: 1000, near: 0..<1) == 1)
    #expect(content.table.parts.count == PartTable.mostParts)
    #expect(content.table.parts.last == 630..<631)
  }

  private func text(_ buffers: [ByteBuffer]) -> String {
    buffers.map { String(buffer: $0) }.joined()
  }

  /// Random inserts and cuts against a map of single bytes.
  @Test(arguments: [1, 2, 3, 2_026, UInt64.random(in: 0 ... .max)])
  func itAgreesWithABitmap(_ seed: UInt64) throws {
    var random = SeededGenerator(state: seed)
    for _ in 0..<200 {
      let length = Int.random(in: 1...120, using: &random)
      var model = [UInt8?](repeating: nil, count: length)
      var content = PartContent(completeLength: length)
      for step in 0..<Int.random(in: 1...12, using: &random) {
        let range = anyRange(length, &random)
        let chunks = chunks(range.map { UInt8(truncatingIfNeeded: $0 &* 7 &+ step) }, &random)
        for (place, byte) in zip(range, chunks.flatMap { Array($0.readableBytesView) }) {
          model[place] = byte
        }
        content.insert(chunks, at: range)
        if Bool.random(using: &random) {
          let limit = Int.random(in: range.count...length, using: &random)
          let before = content.table.storedCount
          let dropped = content.trim(toBytes: limit, near: range)
          #expect(content.table.storedCount <= limit, "seed \(seed)")
          #expect(content.table.storedCount == before - dropped, "seed \(seed)")
          #expect(content.table.covers(range), "seed \(seed)")
          for place in 0..<length where !content.table.covers(place..<place + 1) {
            model[place] = nil
          }
        }
        #expect(isSame(content, model, &random), "seed \(seed), step \(step)")
      }
    }
  }

  private func anyRange(_ length: Int, _ random: inout SeededGenerator) -> Range<Int> {
    let start = Int.random(in: 0..<length, using: &random)
    return start..<Int.random(in: start + 1...length, using: &random)
  }

  private func chunks(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [ByteBuffer] {
    let cut = Int.random(in: 0...bytes.count, using: &random)
    return [ByteBuffer(bytes: bytes[..<cut]), ByteBuffer(bytes: bytes[cut...])]
  }

  private func isSame(
    _ content: PartContent, _ model: [UInt8?], _ random: inout SeededGenerator
  ) -> Bool {
    let table = content.table
    guard content.body.flatMap({ Array($0.readableBytesView) }) == model.compactMap({ $0 }),
      table.storedCount == model.count(where: { $0 != nil }),
      table.isComplete == !model.contains(nil)
    else { return false }
    let asked = anyRange(model.count, &random)
    let absent = asked.filter { model[$0] == nil }
    guard table.covers(asked) == absent.isEmpty,
      table.missing(in: asked).flatMap(Array.init) == absent,
      table.missingHull(in: asked) == absent.first.map({ $0..<absent[absent.count - 1] + 1 })
    else { return false }
    guard let place = table.bodyRange(of: asked) else { return true }
    let bytes = content.body.slice(place).flatMap { Array($0.readableBytesView) }
    return bytes == asked.map { model[$0] }
  }
}
