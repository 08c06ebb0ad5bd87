import Logging
import NIOCore
import Testing

@testable import CacheStore

/// The facade over a real disk tier on a simulated device.
@Suite struct TwoTierTests {
  private func tier(
    _ device: DiskSimulatedDevice = DiskSimulatedDevice(), queueBytes: Int = 8 << 20
  ) throws -> DiskTier {
    var configuration = DiskTier.Configuration(path: "/cache", sizeBytes: 64 << 20)
    configuration.segmentBytes = 1 << 20
    configuration.writeQueueBytes = queueBytes
    let tier = try DiskTier(
      configuration: configuration, device: device, logger: Logger(label: "test"))
    tier.waitUntilLoaded()
    return tier
  }

  /// What either tier gives; disk reads are waited for.
  private func find(_ memory: MemoryStore, _ url: String) -> StoredObject? {
    let key = Array(url.utf8)
    return key.withUnsafeBytes { bytes -> StoredObject? in
      let hash = memory.store.hasher.hash(bytes)
      switch memory.store.lookup(hash, key: bytes, nowSeconds: 1000) {
      case .memory(let object): return object
      case .absent: return nil
      case .disk(let location):
        return waitFor { completion in
          memory.store.load(
            location, hash: hash, key: ByteBuffer(bytes: key), on: DiskTestLoop.shared,
            completion: completion)
        }
      }
    }
  }

  /// Inserts an object and has it written to disk, as what is hit is.
  private func store(_ path: String, bytes: Int, in memory: MemoryStore, _ disk: DiskTier) {
    memory.insert(url(path), bytes: bytes)
    memory.lookup(url(path))
    memory.store.runMaintenance(nowSeconds: 1001)
    disk.synchronize()
  }

  @Test func hitObjectIsWrittenBehindAndPromotedAgain() throws {
    let disk = try tier()
    defer { disk.abandon() }
    let memory = MemoryStore(disk: disk)
    memory.insert(url("/hit"))
    memory.insert(url("/unhit"))
    memory.lookup(url("/hit"))
    memory.store.runMaintenance(nowSeconds: 1001)
    disk.synchronize()
    #expect(disk.contains(memory.hash(url("/hit"))))
    #expect(!disk.contains(memory.hash(url("/unhit"))))

    let second = MemoryStore(disk: disk)
    #expect(find(second, url("/hit"))?.bodyCount == 100)
    #expect(second.holds(url("/hit")))
    #expect(second.store.statistics.traffic.promotions == 1)
  }

  @Test func aFullMemoryTakesFromDiskWhatIsReadTwice() throws {
    let disk = try tier()
    defer { disk.abandon() }
    let memory = MemoryStore(bytes: 60_000, disk: disk)
    store("/cold", bytes: 400, in: memory, disk)
    for number in 0..<300 { memory.insert(url("/\(number)"), bytes: 400) }
    #expect(!memory.holds(url("/cold")))

    #expect(find(memory, url("/cold"))?.bodyCount == 400)
    #expect(!memory.holds(url("/cold")))
    #expect(find(memory, url("/cold"))?.bodyCount == 400)
    #expect(memory.holds(url("/cold")))
    #expect(memory.store.statistics.traffic.diskHits == 2)
    #expect(memory.store.statistics.traffic.promotions == 1)
  }

  @Test func idleObjectsLeaveMemoryForDisk() throws {
    let disk = try tier()
    defer { disk.abandon() }
    let memory = MemoryStore(idleSeconds: 300, disk: disk)
    memory.insert(url("/idle"))
    memory.insert(url("/used"))
    memory.lookup(url("/used"), at: 1200)
    memory.store.runMaintenance(nowSeconds: 1299)
    #expect(memory.holds(url("/idle")))
    memory.store.runMaintenance(nowSeconds: 1400)
    #expect(!memory.holds(url("/idle")))
    #expect(memory.holds(url("/used")))
    #expect(memory.memory.evictedIdle == 1)
    #expect(find(memory, url("/idle")) != nil)
  }

  @Test func idleObjectStaysWhenTheDiskRefuses() throws {
    let device = DiskSimulatedDevice()
    let disk = try tier(device, queueBytes: 1024)
    defer { disk.abandon() }
    let memory = MemoryStore(idleSeconds: 300, disk: disk)
    memory.insert(url("/idle"), bytes: 100_000)
    memory.store.runMaintenance(nowSeconds: 1400)
    #expect(memory.holds(url("/idle")))
    #expect(memory.store.statistics.traffic.shedSpills == 1)
  }

  @Test func evictionHandsProvenObjectsToDisk() throws {
    let disk = try tier()
    defer { disk.abandon() }
    let memory = MemoryStore(bytes: 60_000, disk: disk)
    for number in 0..<20 { memory.insert(url("/\(number)"), bytes: 400) }
    for number in 0..<20 { memory.lookup(url("/\(number)")) }
    for number in 20..<2000 {
      memory.insert(url("/\(number)"), bytes: 400)
      memory.lookup(url("/\(number)"))
    }
    disk.synchronize()
    #expect((0..<20).allSatisfy { find(memory, url("/\($0)")) != nil })
  }

  @Test func olderObjectOnDiskDoesNotComeBack() throws {
    let disk = try tier()
    defer { disk.abandon() }
    let memory = MemoryStore(bytes: 60_000, disk: disk)
    store("/a", bytes: 100, in: memory, disk)
    memory.insert(url("/a"), bytes: 200)
    for number in 0..<300 { memory.insert(url("/\(number)"), bytes: 400) }
    #expect(!memory.holds(url("/a")))
    // Whether the newer one was admitted to disk is the admission's business.
    #expect(find(memory, url("/a")).map { $0.bodyCount == 200 } ?? true)
  }

  @Test func invalidationHoldsForWhatIsOnDisk() async throws {
    let disk = try tier()
    defer { disk.abandon() }
    let memory = MemoryStore(idleSeconds: 300, disk: disk)
    for path in ["/a/1", "/b/1"] { memory.insert(url(path)) }
    memory.store.runMaintenance(nowSeconds: 1400)
    #expect(!memory.holds(url("/a/1")))
    let receipt = await memory.store.invalidate([try .parse("/a/*")])
    #expect(receipt.isDurable)
    #expect(find(memory, url("/a/1")) == nil)
    memory.store.runMaintenance(nowSeconds: 1401)
    #expect(memory.store.statistics.invalidation.pendingRules == 0)
    #expect(find(memory, url("/a/1")) == nil)
    #expect(find(memory, url("/b/1")) != nil)
  }

  @Test func invalidationOutlivesACrash() async throws {
    let device = DiskSimulatedDevice()
    let first = try tier(device)
    let memory = MemoryStore(idleSeconds: 300, disk: first)
    for path in ["/a", "/b"] { memory.insert(url(path)) }
    memory.store.runMaintenance(nowSeconds: 1400)
    first.synchronize()
    let receipt = await memory.store.invalidate([try .parse("/a")])
    #expect(receipt == InvalidationReceipt(sequence: receipt.sequence, isDurable: true))
    first.abandon()
    device.crash()

    let second = try tier(device)
    defer { second.abandon() }
    let reopened = MemoryStore(disk: second)
    #expect(reopened.store.sequence > receipt.sequence)
    #expect(find(reopened, url("/a")) == nil)
    #expect(find(reopened, url("/b")) != nil)
  }

  @Test func removalReachesBothTiers() throws {
    let disk = try tier()
    defer { disk.abandon() }
    let memory = MemoryStore(disk: disk)
    memory.insert(url("/a"))
    memory.lookup(url("/a"))
    memory.store.runMaintenance(nowSeconds: 1001)
    memory.store.remove(memory.hash(url("/a")))
    #expect(find(memory, url("/a")) == nil)
    disk.synchronize()
    #expect(find(memory, url("/a")) == nil)
  }

  @Test func loadThatARemovalOvertakesIsAMiss() throws {
    let disk = try tier()
    defer { disk.abandon() }
    let memory = MemoryStore(idleSeconds: 300, disk: disk)
    memory.insert(url("/a"))
    memory.store.runMaintenance(nowSeconds: 1400)
    disk.synchronize()
    let object = try #require(disk.get(url("/a"), memory.store.hasher))
    let moment = memory.store.invalidations.moment
    memory.store.remove(object.hash)
    #expect(memory.store.promote(object, from: DiskSet(disk), startedAt: moment) == nil)
    #expect(!memory.holds(url("/a")))
  }

  @Test func spillThatAnInvalidationOvertakesDoesNotStay() async throws {
    let disk = try tier()
    defer { disk.abandon() }
    let memory = MemoryStore(disk: disk)
    let object = memory.object(url("/a"))
    let moment = memory.store.invalidations.moment
    try await memory.invalidate("/a*")
    memory.store.runMaintenance(nowSeconds: 1001)
    #expect(!memory.store.spill(object, leftAt: moment))
    #expect(!disk.contains(object.hash))
    let other = memory.object(url("/b"))
    #expect(memory.store.spill(other, leftAt: moment))
  }

  @Test func largeObjectKeepsItsHeadInMemory() throws {
    let disk = try tier()
    defer { disk.abandon() }
    let memory = MemoryStore(bytes: 1 << 20, largestBytes: 100_000, disk: disk)
    let spool = try #require(
      memory.store.beginSpool(
        for: memory.hash(url("/large")), expectedBytes: 300_000))
    for _ in 0..<3 { spool.append(ByteBuffer(repeating: 7, count: 100_000)) }
    var metadata = ObjectMetadata()
    metadata.fetchSequence = memory.store.sequence
    let key = Array(url("/large").utf8)
    let object = key.withUnsafeBytes { key in
      memory.store.finishSpool(
        spool, hash: memory.store.hasher.hash(key), key: key, head: key, metadata: metadata)
    }
    #expect(object?.bodyCount == 300_000)
    let found = try #require(memory.lookup(url("/large")))
    #expect(found.diskBody?.count == 300_000)
    #expect(found.chargedBytes < 1000)
    #expect(found.wholeBody() == [UInt8](repeating: 7, count: 300_000))
  }

  @Test func shutdownKeepsWhatMemoryHeld() async throws {
    let device = DiskSimulatedDevice()
    let memory = MemoryStore(disk: try tier(device))
    memory.store.start()
    for number in 0..<50 { memory.insert(url("/\(number)")) }
    await memory.store.shutdown(deadline: .now() + .seconds(20))
    let disk = try tier(device)
    defer { disk.abandon() }
    let second = MemoryStore(disk: disk)
    #expect((0..<50).allSatisfy { find(second, url("/\($0)")) != nil })
  }
}

extension DiskTier {
  fileprivate func get(_ url: String, _ hasher: KeyHasher) -> StoredObject? {
    let key = Array(url.utf8)
    return key.withUnsafeBytes { bytes -> StoredObject? in
      let hash = hasher.hash(bytes)
      guard let location = lookup(hash) else { return nil }
      return waitFor { completion in
        load(
          location, hash: hash, key: bytes, on: DiskTestLoop.shared, completion: completion)
      }
    }
  }
}
