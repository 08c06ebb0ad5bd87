import NIOCore
import Testing

@testable import CacheStore

@Suite struct SoftInvalidationTests {
  private func soft(_ memory: MemoryStore, _ selectors: InvalidationSelector...) async {
    let receipt = await memory.store.invalidate(selectors, kind: .soft)
    #expect(receipt.isDurable)
  }

  @Test(arguments: [InvalidationSelector.everything, .path(host: nil, pattern: "/a*")])
  func itMarksWhatItMatchesAtOnce(_ selector: InvalidationSelector) async {
    let memory = MemoryStore()
    memory.insert(url("/a"))
    memory.insert(url("/b"))
    await soft(memory, selector)
    #expect(memory.lookup(url("/a"))?.isMarkedStale == true)
    #expect(memory.lookup(url("/b"))?.isMarkedStale == (selector == .everything))
    memory.store.runMaintenance(nowSeconds: 1001)
    #expect(memory.store.statistics.invalidation.pendingRules == 0)
    #expect(memory.lookup(url("/a"))?.isMarkedStale == true)
    // What is fetched afterwards is fresh.
    memory.insert(url("/a"))
    #expect(memory.lookup(url("/a"))?.isMarkedStale == false)
  }

  @Test(arguments: [true, false])
  func theSweepMarksWhatNobodyLookedAt(isEverything: Bool) async {
    let memory = MemoryStore(bytes: 4 << 20, shards: 4)
    for number in 0..<500 { memory.store.insert(memory.object(url("/\(number)"), tags: ["t"])) }
    let selector: InvalidationSelector = isEverything ? .everything : .tag(TagHash("t"))
    let receipt = await memory.store.invalidate([selector], kind: .soft)
    #expect(memory.lookup(url("/7"))?.isMarkedStale == true)
    #expect(memory.store.invalidationProgress(receipt.sequence) == .pending)
    memory.store.runMaintenance(nowSeconds: 1001)
    #expect(
      memory.store.invalidationProgress(receipt.sequence)
        == .completed(removedFromMemory: 500, removedFromDisk: 0))
    #expect(memory.memory.objects == 500)
    #expect((0..<500).allSatisfy { memory.lookup(url("/\($0)"))?.isMarkedStale == true })
  }

  @Test(arguments: [InvalidationSelector.everything, .path(host: nil, pattern: "/a")])
  func aFillBegunBeforeItIsStoredStale(_ selector: InvalidationSelector) async {
    let memory = MemoryStore()
    let before = memory.store.sequence
    await soft(memory, selector)
    for round in 0..<2 {
      #expect(memory.insert(url("/a"), sequence: before))
      #expect(memory.lookup(url("/a"))?.isMarkedStale == true)
      let kind = Array(url("/a").utf8).withUnsafeBytes {
        memory.store.invalidationKind(key: $0, tags: [], fetchSequence: before)
      }
      #expect(kind == .soft)
      if round == 0 { memory.store.runMaintenance(nowSeconds: 1001) }
    }
  }

  @Test func aHardOneComesBeforeASoftOne() async {
    let memory = MemoryStore()
    memory.insert(url("/a"))
    await soft(memory, .path(host: nil, pattern: "/a"))
    _ = await memory.store.invalidate([.path(host: nil, pattern: "/*a")])
    await soft(memory, .everything)
    #expect(memory.lookup(url("/a")) == nil)
  }

  @Test(arguments: [true, false], [true, false])
  func itHoldsForWhatIsOnDiskAndOverACrash(isSwept: Bool, isEverything: Bool) async throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    let memory = MemoryStore(disk: first)
    for number in 0..<40 {
      memory.store.insert(memory.object(url("/\(number)"), tags: ["t\(number % 2)"]))
    }
    let before = memory.store.sequence
    let spool = try #require(
      memory.store.beginSpool(for: memory.hash(url("/large")), expectedBytes: 90_000))
    spool.append(ByteBuffer(repeating: 7, count: 90_000))
    memory.store.runMaintenance(nowSeconds: 5000)
    await soft(memory, isEverything ? .everything : .tag(TagHash("t1")))
    if isSwept { memory.store.runMaintenance(nowSeconds: 5001) }
    // A large fill that was under way.
    var metadata = ObjectMetadata()
    metadata.fetchSequence = before
    let large = Array(url("/large").utf8).withUnsafeBytes { key in
      memory.store.finishSpool(
        spool, hash: memory.store.hasher.hash(key), key: key, head: key, metadata: metadata,
        tags: [TagHash("t1").value])
    }
    #expect(large?.isMarkedStale == true)
    first.synchronize()
    if isSwept { first.snapshot() }
    func expectMarked(_ memory: MemoryStore) {
      for number in 0..<40 {
        let object = memory.find(url("/\(number)"))
        #expect(object?.isMarkedStale == (isEverything || number % 2 == 1), "\(number)")
      }
      #expect(memory.find(url("/large"))?.isMarkedStale == true)
    }
    expectMarked(memory)
    first.abandon()
    device.crash()

    let second = try openDisk(device)
    let reopened = MemoryStore(disk: second)
    expectMarked(reopened)
    // Fetched anew, it is fresh for good.
    reopened.store.insert(reopened.object(url("/1"), tags: ["t1"]))
    #expect(reopened.find(url("/1"))?.isMarkedStale == false)
    reopened.store.runMaintenance(nowSeconds: 9000)
    #expect(reopened.find(url("/1"))?.isMarkedStale == false)
    second.abandon()
    device.crash()
    let third = try openDisk(device)
    defer { third.abandon() }
    #expect(MemoryStore(disk: third).find(url("/3"))?.isMarkedStale == true)
  }

  @Test func aSpilledObjectStaysMarked() async throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    let memory = MemoryStore(disk: first)
    memory.insert(url("/a"))
    memory.insert(url("/b"))
    await soft(memory, .path(host: nil, pattern: "/a"))
    memory.store.runMaintenance(nowSeconds: 1001)
    #expect(first.place(of: memory.hash(url("/a"))) == nil)
    memory.store.runMaintenance(nowSeconds: 5000)
    #expect(!memory.holds(url("/a")))
    first.synchronize()
    #expect(first.place(of: memory.hash(url("/a")))?.isMarkedStale == true)
    #expect(first.place(of: memory.hash(url("/b")))?.isMarkedStale == false)
    #expect(memory.find(url("/a"))?.isMarkedStale == true)
    first.abandon()
  }

  @Test func aSpillThatASoftOneOvertakesIsMarkedOnDisk() async throws {
    let disk = try openDisk(DiskSimulatedDevice())
    defer { disk.abandon() }
    let memory = MemoryStore(disk: disk)
    let object = memory.object(url("/a"))
    let moment = memory.store.invalidations.moment
    await soft(memory, .path(host: nil, pattern: "/a*"))
    memory.store.runMaintenance(nowSeconds: 1001)
    // More sweeps than the writer remembers.
    for number in 0..<20 {
      await soft(memory, .path(host: nil, pattern: "/x\(number)"))
      memory.store.runMaintenance(nowSeconds: 1001)
    }
    #expect(memory.store.spill(object, leftAt: moment))
    disk.synchronize()
    #expect(disk.place(of: object.hash)?.isMarkedStale == true)
  }

  @Test func tooManySoftRulesMarkEverythingOlderAndForGood() async throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    let memory = MemoryStore(disk: first, log: InvalidationLog(mostPending: 4))
    memory.insert(url("/0/matched"))
    memory.insert(url("/other"))
    memory.store.runMaintenance(nowSeconds: 5000)
    first.synchronize()
    #expect(!memory.holds(url("/0/matched")))
    for number in 0..<9 { await soft(memory, .path(host: nil, pattern: "/\(number)*")) }
    await soft(memory, .path(host: nil, pattern: "/new*"))
    #expect(memory.store.statistics.invalidation.mergedRules == 6)
    #expect(memory.find(url("/0/matched"))?.isMarkedStale == true)
    #expect(memory.find(url("/other"))?.isMarkedStale == true)
    memory.store.runMaintenance(nowSeconds: 5001)
    // The sweep had no rule for what was merged: the floor itself must be on record.
    first.shutdown()
    let second = try openDisk(device)
    defer { second.abandon() }
    #expect(second.recoveredInvalidations.rules.isEmpty)
    #expect(MemoryStore(disk: second, log: nil).find(url("/0/matched"))?.isMarkedStale == true)
  }

  @Test func reclaimKeepsTheMark() async throws {
    var configuration = smallDisk(sizeBytes: 2 << 20)
    configuration.segmentBytes = 128 << 10
    let disk = try openDisk(DiskSimulatedDevice(), configuration)
    defer { disk.abandon() }
    disk.put(DiskObject(key: "hot", version: 1, count: 1000))
    disk.synchronize()
    disk.markStale(DiskObject.hash("hot"))
    for number in 0..<3000 {
      disk.put(DiskObject(key: "k\(number)", version: 1, count: 3000))
      if number % 20 == 0 {
        disk.synchronize()
        #expect(disk.get("hot")?.isMarkedStale == true)
      }
    }
    #expect(disk.statistics.rewrittenObjects > 0)
  }
}

extension DiskTier {
  fileprivate func place(of hash: KeyHash) -> RecordPlace? { index.place(hash) }
}
