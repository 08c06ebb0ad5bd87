import Testing

@testable import CacheStore

/// Another form of a response in the place of the one that is stored.
@Suite struct ReplacementTests {
  private func stored(_ memory: MemoryStore, _ path: String, bytes: Int) throws -> StoredObject {
    let object = memory.object(url(path), bytes: bytes)
    try #require(memory.store.insert(object))
    return object
  }

  @Test func theFormStandsInThePlaceAndTheBytesAreExact() throws {
    let memory = MemoryStore()
    let object = try stored(memory, "/a", bytes: 4000)
    try #require(memory.lookup(url("/a")) != nil)
    let form = memory.object(url("/a"), bytes: 1000)
    #expect(memory.store.replace(object, with: form))
    #expect(memory.lookup(url("/a"))?.isIdentical(to: form) == true)
    #expect(memory.memory.objects == 1)
    #expect(memory.memory.objectBytes == memory.sumOfCharges)
    #expect(form.hits >= 1)
    #expect(form.isProven)
    memory.store.remove(form.hash)
    #expect(memory.memory.objectBytes == 0)
  }

  @Test func onlyTheVeryObjectIsReplacedAndOnlyByASmallerOne() throws {
    let memory = MemoryStore()
    let object = try stored(memory, "/a", bytes: 1000)
    #expect(!memory.store.replace(object, with: memory.object(url("/a"), bytes: 2000)))
    let newer = try stored(memory, "/a", bytes: 1000)
    #expect(!memory.store.replace(object, with: memory.object(url("/a"), bytes: 10)))
    #expect(memory.lookup(url("/a"))?.isIdentical(to: newer) == true)
    memory.store.remove(newer.hash)
    let late = memory.object(url("/a"), bytes: 10, sequence: newer.fetchSequence)
    #expect(!memory.store.replace(newer, with: late))
    #expect(memory.memory.objects == 0)
  }

  @Test func whatASoftInvalidationMarkedStaysMarked() async throws {
    let memory = MemoryStore()
    let object = try stored(memory, "/a", bytes: 1000)
    object.markStale()
    let form = memory.object(url("/a"), bytes: 10)
    #expect(memory.store.replace(object, with: form))
    #expect(form.isMarkedStale)
  }

  @Test func anInvalidationSinceTheFetchTakesTheFormToo() async throws {
    let memory = MemoryStore()
    let object = try stored(memory, "/a", bytes: 1000)
    let form = memory.object(url("/a"), bytes: 10)
    try await memory.invalidate("/a")
    #expect(memory.store.replace(object, with: form))
    #expect(memory.lookup(url("/a")) == nil)
  }

  @Test func oneClaimAtATime() throws {
    let memory = MemoryStore()
    let object = try stored(memory, "/a", bytes: 10)
    #expect(object.claimReplacement())
    #expect(!object.claimReplacement())
    object.abandonReplacement()
    #expect(object.claimReplacement())
  }

  @Test(arguments: [1, 2])
  func bytesStayExactAmongEvictions(seed: UInt64) throws {
    let memory = MemoryStore(bytes: 200_000, shards: 2)
    var generator = SeededGenerator(seed: seed)
    var recent: [StoredObject] = []
    for step in 0..<5000 {
      let path = "/\(Int.random(in: 0..<300, using: &generator))"
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: memory.lookup(url(path))
      case 1:
        if let object = recent.randomElement(using: &generator) {
          let form = object.withKey { key in
            memory.object(String(decoding: key, as: UTF8.self), bytes: 8)
          }
          memory.store.replace(object, with: form)
        }
      default:
        let object = memory.object(
          url(path), bytes: Int.random(in: 8...3000, using: &generator))
        memory.store.insert(object)
        recent.append(object)
        if recent.count > 50 { recent.removeFirst() }
      }
      if step % 100 == 0 {
        #expect(memory.memory.objectBytes == memory.sumOfCharges, "seed \(seed), step \(step)")
        #expect(memory.memory.bytes <= 200_000, "seed \(seed), step \(step)")
      }
    }
  }
}

@Suite struct HeapTests {
  @Test func theHeapIsReadInRoundsAndHoldsWhatIsAllocated() {
    let keeper = HeapKeeper()
    #expect(keeper.heap == HeapStatistics())
    keeper.round(now: Self.second(2000))
    let first = keeper.heap
    #expect(first.usedBytes > 0)
    #expect(first.residentBytes > 0)
    let held = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 20, alignment: 16)
    defer { held.deallocate() }
    held.initializeMemory(as: UInt8.self, repeating: 1)
    keeper.round(now: Self.second(2009))
    #expect(keeper.heap == first)
    let now = HeapStatistics.read()
    #expect(now.usedBytes >= 64 << 20)
    // However long the first took, it is time for the next.
    keeper.round(now: Self.second(1_000_000))
    // Whatever else the process holds, the account was taken anew.
    #expect(keeper.heap != first, "\(held[held.count - 1]) is still held")
  }

  private static func second(_ second: UInt64) -> MonotonicTime {
    MonotonicTime(nanoseconds: second * 1_000_000_000)
  }

  @Test func theKeepersThreadReadsAtOnceAndStops() async throws {
    let store = MemoryStore().store
    store.start()
    while store.heap == HeapStatistics() { try await Task.sleep(for: .milliseconds(1)) }
    await store.shutdown(deadline: .now())
    #expect(store.heap.usedBytes > 0)
  }

  @Test func fragmentationIsTheUnusedShare() {
    var heap = HeapStatistics()
    #expect(heap.fragmentation == 0)
    heap.residentBytes = 100
    heap.usedBytes = 90
    #expect(abs(heap.fragmentation - 0.1) < 1e-9)
    heap.usedBytes = 120
    #expect(heap.fragmentation == 0)
  }
}
