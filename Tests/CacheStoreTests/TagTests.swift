import NIOCore
import Testing

@testable import CacheStore

@Suite struct TagTests {
  @Test func tagsLieBehindTheBodyAndCostEightBytesEach() {
    let memory = MemoryStore()
    let plain = memory.object(url("/a"), bytes: 100)
    #expect(plain.tags.isEmpty)
    #expect(plain.tagCount == 0)
    for count in [1, 2, 63, 64] {
      let names = (0..<count).map { "tag\($0)" }
      let object = memory.object(url("/a"), bytes: 100, tags: names)
      #expect(object.tags == names.map { TagHash($0).value })
      #expect(object.tagCount == count)
      #expect(object.withInlineBody { Array($0) } == plain.withInlineBody { Array($0) })
      #expect(object.chargedBytes - plain.chargedBytes <= 8 * count + 16)
      #expect(object.chargedBytes - plain.chargedBytes >= 8 * count - 15)
    }
  }

  @Test func tooManyTagsMeanEveryTag() async {
    let memory = MemoryStore()
    let object = memory.object(url("/a"), tags: (0..<65).map { "tag\($0)" })
    #expect(object.tagCount == nil)
    #expect(object.tags.isEmpty)
    memory.store.insert(object)
    _ = await memory.store.invalidate([.tag(TagHash("other"))])
    #expect(memory.lookup(url("/a")) == nil)
  }

  @Test func tagHashesAreFixedForEver() {
    // They lie on disk: another hash would forget what was invalidated.
    #expect(TagHash("news") != TagHash("News"))
    #expect(TagHash("news").value == 16_553_199_791_397_157_470)
  }

  @Test func aTagTakesWhatCarriesItAtOnceAndNothingElse() async {
    let memory = MemoryStore()
    memory.store.insert(memory.object(url("/a"), tags: ["x", "y"]))
    memory.store.insert(memory.object(url("/b"), tags: ["y"]))
    memory.store.insert(memory.object(url("/c")))
    _ = await memory.store.invalidate([.tag(TagHash("x"))])
    #expect(memory.lookup(url("/a")) == nil)
    #expect(memory.lookup(url("/b")) != nil)
    #expect(memory.lookup(url("/c")) != nil)
    memory.store.runMaintenance(nowSeconds: 1001)
    _ = await memory.store.invalidate([.tag(TagHash("y"))])
    memory.store.runMaintenance(nowSeconds: 1002)
    #expect(!memory.holds(url("/b")))
    #expect(memory.holds(url("/c")))
    memory.store.insert(memory.object(url("/b"), tags: ["y"]))
    #expect(memory.lookup(url("/b")) != nil)
  }

  @Test func aFillUnderWayMeetsTagsAsSoonAsItKnowsThem() async {
    let memory = MemoryStore()
    let before = memory.store.sequence
    _ = await memory.store.invalidate([.tag(TagHash("x"))])
    for round in 0..<2 {
      let key = Array(url("/a").utf8)
      func isInvalidated(_ tags: [String]?) -> Bool {
        key.withUnsafeBytes { key in
          memory.store.isInvalidated(
            key: key, tags: tags?.map { TagHash($0).value }, fetchSequence: before)
        }
      }
      #expect(isInvalidated(["y", "x"]))
      #expect(!isInvalidated(["y"]))
      #expect(!isInvalidated([]))
      // The head has not come: it may bring any tag.
      #expect(isInvalidated(nil))
      #expect(isInvalidated((0..<65).map { "\($0)" }))
      let object = memory.object(url("/a"), sequence: before, tags: ["x"])
      #expect(!memory.store.insert(object))
      #expect(
        memory.store.insert(memory.object(url("/b"), sequence: before, tags: ["y"])))
      // Pending in the first round, swept in the second.
      if round == 0 { memory.store.runMaintenance(nowSeconds: 1001) }
    }
  }

  @Test func thousandsOfTagRulesArePendingWithoutRaisingTheFloor() async {
    let memory = MemoryStore()
    memory.store.insert(memory.object(url("/kept"), tags: ["kept"]))
    memory.store.insert(memory.object(url("/old"), tags: ["tag4999"]))
    for start in stride(from: 0, to: 10_000, by: 1000) {
      _ = await memory.store.invalidate(
        (start..<(start + 1000)).map { .tag(TagHash("tag\($0)")) })
    }
    #expect(memory.store.statistics.invalidation.pendingRules == 10_000)
    #expect(memory.store.statistics.invalidation.mergedRules == 0)
    #expect(memory.lookup(url("/old")) == nil)
    #expect(memory.lookup(url("/kept")) != nil)
  }

  @Test func tooManyTagRulesRaiseTheFloorAndLoseNone() async {
    let memory = MemoryStore(log: InvalidationLog(mostPending: 4))
    memory.store.insert(memory.object(url("/old"), tags: ["tag0"]))
    for number in 0..<65 {
      _ = await memory.store.invalidate([.tag(TagHash("tag\(number)"))])
    }
    #expect(memory.store.statistics.invalidation.mergedRules > 0)
    #expect(memory.store.statistics.invalidation.pendingRules <= 64)
    #expect(memory.lookup(url("/old")) == nil)
  }

  @Test func tagsSurviveTheWayToDiskAndBack() async throws {
    let device = DiskSimulatedDevice()
    let disk = try openDisk(device)
    let memory = MemoryStore(disk: disk)
    let many = (0..<64).map { "m\($0)" }
    memory.store.insert(memory.object(url("/a"), tags: ["x"]))
    memory.store.insert(memory.object(url("/b"), tags: many))
    memory.store.insert(memory.object(url("/c"), tags: many + ["one more"]))
    memory.store.insert(memory.object(url("/d")))
    memory.store.runMaintenance(nowSeconds: 5000)
    await memory.store.shutdown(deadline: .now() + .seconds(20))

    let again = MemoryStore(disk: try openDisk(device))
    #expect(again.find(url("/a"))?.tags == [TagHash("x").value])
    #expect(again.find(url("/b"))?.tags == many.map { TagHash($0).value })
    #expect(again.find(url("/c"))?.tagCount == .some(nil))
    #expect(again.find(url("/d"))?.tagCount == 0)
    await again.store.shutdown(deadline: .now() + .seconds(20))
  }

  @Test(arguments: [true, false])
  func anAcknowledgedTagInvalidationSurvivesACrash(isSwept: Bool) async throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    let memory = MemoryStore(disk: first)
    for number in 0..<40 {
      memory.store.insert(memory.object(url("/\(number)"), tags: ["t\(number % 4)"]))
    }
    let spool = try #require(
      memory.store.beginSpool(for: memory.hash(url("/large")), expectedBytes: 90_000))
    spool.append(ByteBuffer(repeating: 7, count: 90_000))
    var metadata = ObjectMetadata()
    metadata.fetchSequence = memory.store.sequence
    let large = Array(url("/large").utf8).withUnsafeBytes { key in
      memory.store.finishSpool(
        spool, hash: memory.store.hasher.hash(key), key: key, head: key, metadata: metadata,
        tags: [TagHash("t1").value])
    }
    #expect(large?.tags == [TagHash("t1").value])
    memory.store.runMaintenance(nowSeconds: 5000)
    first.synchronize()
    let receipt = await memory.store.invalidate([.tag(TagHash("t1"))])
    #expect(receipt.isDurable)
    if isSwept { memory.store.runMaintenance(nowSeconds: 5001) }
    first.abandon()
    device.crash()

    let second = try openDisk(device)
    defer { second.abandon() }
    let reopened = MemoryStore(disk: second)
    #expect(reopened.find(url("/large")) == nil)
    for number in 0..<40 {
      #expect((reopened.find(url("/\(number)")) == nil) == (number % 4 == 1), "\(number)")
    }
  }
}
