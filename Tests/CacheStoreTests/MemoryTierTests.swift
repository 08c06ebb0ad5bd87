import Testing

@testable import CacheStore

@Suite struct MemoryTierTests {
  @Test func storedObjectIsFoundReplacedAndRemoved() {
    let memory = MemoryStore()
    #expect(memory.lookup(url("/a")) == nil)
    #expect(memory.insert(url("/a"), bytes: 10))
    #expect(memory.lookup(url("/a"))?.bodyCount == 10)
    #expect(memory.lookup(url("/b")) == nil)
    #expect(memory.insert(url("/a"), bytes: 20))
    #expect(memory.lookup(url("/a"))?.bodyCount == 20)
    #expect(memory.memory.objects == 1)
    memory.store.remove(memory.hash(url("/a")))
    #expect(memory.lookup(url("/a")) == nil)
    let counters = memory.memory
    #expect(counters.hits == 2)
    #expect(counters.misses == 3)
    #expect(counters.replacements == 1)
    #expect(counters.removed == 1)
    #expect(counters.objectBytes == 0)
  }

  @Test func sameHashWithAnotherKeyIsAMiss() {
    let memory = MemoryStore()
    memory.insert(url("/a"))
    let hash = memory.hash(url("/a"))
    let result = Array(url("/b").utf8).withUnsafeBytes {
      memory.store.lookup(hash, key: $0, nowSeconds: 1000)
    }
    guard case .absent = result else {
      Issue.record("another key's object was served")
      return
    }
    #expect(memory.holds(url("/a")))
  }

  @Test func objectOutlivesItsPlaceInTheStore() throws {
    let memory = MemoryStore()
    memory.insert(url("/a"), bytes: 1000)
    let object = try #require(memory.lookup(url("/a")))
    memory.store.remove(memory.hash(url("/a")))
    #expect(object.withInlineBody { $0.count } == 1000)
  }

  @Test func tooLargeIsRefusedAndTakesTheOldOneAway() {
    let memory = MemoryStore(bytes: 1 << 20, largestBytes: 4096)
    #expect(memory.insert(url("/a"), bytes: 3000))
    #expect(!memory.insert(url("/a"), bytes: 5000))
    #expect(memory.lookup(url("/a")) == nil)
  }

  @Test(arguments: [1, 2, 3, 4])
  func bytesAreExactAndWithinTheBudgetAfterAnyOperations(seed: UInt64) {
    let memory = MemoryStore(bytes: 400_000, largestBytes: 60_000, shards: 2)
    var generator = SeededGenerator(seed: seed)
    for step in 0..<6000 {
      let path = url("/\(Int.random(in: 0..<700, using: &generator))")
      switch Int.random(in: 0..<10, using: &generator) {
      case 0...4: memory.lookup(path, at: 1000 + Int64(step / 100))
      case 5: memory.store.remove(memory.hash(path))
      case 6:
        memory.insert(
          path, bytes: Int.random(in: 0...50_000, using: &generator), usefulUntil: 1030)
      default:
        let power = Int.random(in: 4...13, using: &generator)
        memory.insert(path, bytes: Int.random(in: 0...(1 << power), using: &generator))
      }
      if step % 50 == 0 {
        let counters = memory.memory
        #expect(counters.objectBytes == memory.sumOfCharges, "seed \(seed), step \(step)")
        #expect(counters.bytes <= 400_000, "seed \(seed), step \(step)")
      }
    }
    #expect(memory.memory.evictedForRoom > 0)
  }

  @Test func budgetOfManyTinyObjectsCountsTheIndex() {
    let memory = MemoryStore(bytes: 200_000, shards: 1)
    for number in 0..<5000 { memory.insert(url("/\(number)"), bytes: 0) }
    let counters = memory.memory
    #expect(counters.bytes <= 200_000)
    #expect(counters.bytes > 190_000)
    #expect(counters.indexBytes > counters.objects * 24)
  }

  @Test func bookkeepingStaysWithin160BytesAnObject() {
    let count = 100_000
    let memory = MemoryStore(bytes: 1 << 30, shards: 16)
    var payload = 0
    for number in 0..<count {
      let path = url("/items/\(number)")
      memory.insert(path, bytes: 396)
      payload += path.utf8.count + 4 + 396
    }
    let bookkeeping = (memory.memory.bytes - payload) / count
    #expect(memory.memory.objects == count)
    #expect(bookkeeping <= 160, "\(bookkeeping) bytes")
  }

  @Test func chargeIsWhatTheAllocatorGives() {
    let memory = MemoryStore()
    for bytes in 0..<300 {
      let object = memory.object(url("/a"), bytes: bytes)
      // `capacity` asks the allocator; 8 bytes before each allocation are its own, and it gives 16
      // more when a recycled piece would leave a rest too small to use.
      let allocated = object.buffer.capacity + StoredObject.fixedBytes + 8
      let more = allocated - object.chargedBytes
      #expect(more == 0 || more == 16, "\(bytes)")
    }
  }

  @Test func idleObjectsStayWhenThereIsNoDiskToTakeThem() {
    let memory = MemoryStore(idleSeconds: 300)
    memory.insert(url("/a"))
    memory.insert(url("/expired"), usefulUntil: 1100)
    memory.store.runMaintenance(nowSeconds: 1300)
    #expect(memory.holds(url("/a")))
    #expect(!memory.holds(url("/expired")))
    #expect(memory.memory.evictedIdle == 1)
  }

  @Test func tableFindsEverythingThroughGrowthAndRemoval() {
    var table = ObjectTable()
    var generator = SeededGenerator(seed: 5)
    var model: [UInt32: KeyHash] = [:]
    for step in 0..<20_000 {
      if model.isEmpty || Int.random(in: 0..<3, using: &generator) > 0 {
        // Few distinct tags, so that probes meet and wrap around.
        let tag = UInt64.random(in: 0..<64, using: &generator) << 26 | 0x3ff_fff0
        let hash = KeyHash(high: UInt64(step), low: tag)
        model[UInt32(step)] = hash
        table.insert(hash, index: UInt32(step))
      } else if let (index, hash) = model.randomElement(using: &generator) {
        model[index] = nil
        table.remove(hash, index: index)
        if step % 97 == 0 { table.shrink() }
      }
      if step % 500 == 0 {
        for (index, hash) in model { #expect(table.find(hash) { $0 == index } == index) }
      }
      if model.count > 900 {
        for (index, hash) in model { table.remove(hash, index: index) }
        model = [:]
      }
    }
    #expect(table.count == model.count)
  }
}
