import Testing

@testable import CacheStore

@Suite struct InvalidationProgressTests {
  @Test func aJobTellsWhatItTookFromEachTier() async throws {
    let disk = try openDisk(DiskSimulatedDevice())
    defer { disk.abandon() }
    let memory = MemoryStore(bytes: 4 << 20, disk: disk)
    for number in 0..<30 { memory.insert(url("/disk/\(number)")) }
    memory.store.runMaintenance(nowSeconds: 5000)
    disk.synchronize()
    for number in 0..<20 { memory.insert(url("/memory/\(number)")) }
    let first = await memory.store.invalidate([try .parse("/disk/1*"), try .parse("/memory/1*")])
    let second = await memory.store.invalidate([try .parse("/*/2")])
    #expect(memory.store.invalidationProgress(first.sequence) == .pending)
    // Found out by a look-up, before the sweep.
    #expect(memory.lookup(url("/memory/1")) == nil)
    memory.store.runMaintenance(nowSeconds: 5001)
    #expect(
      memory.store.invalidationProgress(first.sequence)
        == .completed(removedFromMemory: 11, removedFromDisk: 11))
    #expect(
      memory.store.invalidationProgress(second.sequence)
        == .completed(removedFromMemory: 1, removedFromDisk: 1))
    #expect(memory.store.invalidationProgress(first.sequence + 1) == nil)
  }

  @Test func everythingIsCountedOnBothTiers() async throws {
    let disk = try openDisk(DiskSimulatedDevice())
    defer { disk.abandon() }
    let memory = MemoryStore(bytes: 4 << 20, disk: disk)
    for number in 0..<400 { memory.insert(url("/\(number)"), bytes: 2000) }
    memory.store.runMaintenance(nowSeconds: 5000)
    disk.synchronize()
    for number in 0..<10 { memory.insert(url("/m\(number)")) }
    #expect(memory.memory.objects == 10)
    let receipt = await memory.store.invalidate([.everything])
    memory.store.runMaintenance(nowSeconds: 5001)
    #expect(
      memory.store.invalidationProgress(receipt.sequence)
        == .completed(removedFromMemory: 10, removedFromDisk: 400))
    #expect(disk.statistics.objects == 0)
  }

  @Test func theLatestThousandAreRemembered() async {
    let memory = MemoryStore()
    var sequences: [UInt64] = []
    for number in 0..<1001 {
      sequences.append(await memory.store.invalidate([.tag(TagHash("\(number)"))]).sequence)
    }
    memory.store.runMaintenance(nowSeconds: 1001)
    #expect(memory.store.invalidationProgress(sequences[0]) == nil)
    for sequence in sequences.dropFirst() {
      #expect(
        memory.store.invalidationProgress(sequence)
          == .completed(removedFromMemory: 0, removedFromDisk: 0))
    }
  }

  @Test func aDryRunCountsAndTakesNothing() async throws {
    let disk = try openDisk(DiskSimulatedDevice())
    defer { disk.abandon() }
    let memory = MemoryStore(bytes: 4 << 20, disk: disk)
    for number in 0..<30 {
      memory.store.insert(memory.object(url("/disk/\(number)"), tags: ["t\(number % 3)"]))
    }
    memory.store.runMaintenance(nowSeconds: 5000)
    disk.synchronize()
    for number in 0..<20 {
      memory.store.insert(memory.object(url("/memory/\(number)"), tags: ["t\(number % 2)"]))
    }
    let all = await memory.store.countMatches([.everything], sampleLimit: 5)
    #expect(all.memory == 20 && all.disk == 30 && all.samples.count == 5)
    let tag = await memory.store.countMatches([.tag(TagHash("t1"))], sampleLimit: 100)
    #expect(tag.memory == 10 && tag.disk == 10 && tag.samples.count == 20)
    let prefix = await memory.store.countMatches(
      [.prefix(host: nil, prefix: "/disk/2")], sampleLimit: 0)
    #expect(prefix == InvalidationCount(memory: 0, disk: 11, samples: []))
    #expect((0..<20).allSatisfy { memory.holds(url("/memory/\($0)")) })
    // What is gone already is not counted again.
    _ = await memory.store.invalidate([.tag(TagHash("t1"))])
    let rest = await memory.store.countMatches([.everything], sampleLimit: 0)
    #expect(rest.memory == 10 && rest.disk == 20)
  }

  @Test func objectsAreListedPageByPage() async throws {
    let disk = try openDisk(DiskSimulatedDevice())
    defer { disk.abandon() }
    let memory = MemoryStore(bytes: 4 << 20, shards: 4, disk: disk)
    for number in 0..<60 {
      memory.store.insert(
        memory.object(url("/disk/\(number)"), tags: ["a", "b"], status: 203, responseTime: 77))
    }
    memory.store.runMaintenance(nowSeconds: 5000)
    disk.synchronize()
    for number in 0..<50 { memory.insert(url("/memory/\(number)")) }
    _ = memory.find(url("/disk/7"))
    _ = await memory.store.invalidate([.path(host: nil, pattern: "/disk/8")], kind: .soft)
    _ = await memory.store.invalidate([.path(host: nil, pattern: "/disk/9")])
    var found: [String: ObjectSummary] = [:]
    var cursor: ObjectCursor? = .start
    var pages = 0
    while let place = cursor {
      let page = await memory.store.objects(prefix: [], after: place, limit: 7)
      #expect(page.objects.count <= 7)
      for object in page.objects {
        #expect(found[object.url] == nil)
        found[object.url] = object
      }
      if let next = page.next {
        let read = try #require(ObjectCursor(next.description))
        #expect(read == next)
        cursor = read
      } else {
        cursor = nil
      }
      pages += 1
    }
    #expect(found.count == 109)
    #expect(pages > 15)
    #expect(found[url("/disk/7")]?.tier == .both)
    let onDisk = try #require(found[url("/disk/6")])
    #expect(onDisk.tier == .disk && onDisk.status == 203 && onDisk.tagCount == 2)
    #expect(onDisk.responseTimeSeconds == 77 && !onDisk.isMarkedStale && onDisk.bytes >= 512)
    #expect(found[url("/disk/8")]?.isMarkedStale == true)
    #expect(found[url("/memory/3")]?.tier == .memory)
    let some = await memory.store.objects(
      prefix: Array(url("/memory/1").utf8), after: .start, limit: 100)
    #expect(some.objects.count == 11)
    #expect(ObjectCursor("x1.2") == nil && ObjectCursor("m1") == nil && ObjectCursor("") == nil)
  }

  @Test func oneObjectIsFoundByItsKey() async throws {
    let disk = try openDisk(DiskSimulatedDevice())
    defer { disk.abandon() }
    let memory = MemoryStore(disk: disk)
    memory.insert(url("/disk"))
    memory.store.runMaintenance(nowSeconds: 5000)
    disk.synchronize()
    memory.insert(url("/memory"))
    let key = { (path: String) in Array(url(path).utf8) }
    #expect(await memory.store.object(forKey: key("/disk"))?.bodyCount == 100)
    #expect(await memory.store.object(forKey: key("/memory"))?.hits == 0)
    #expect(await memory.store.object(forKey: key("/absent")) == nil)
    _ = await memory.store.invalidate([.everything], kind: .soft)
    #expect(await memory.store.object(forKey: key("/disk"))?.isMarkedStale == true)
    _ = await memory.store.invalidate([.everything])
    #expect(await memory.store.object(forKey: key("/disk")) == nil)
  }
}
