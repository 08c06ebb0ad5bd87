import Testing

@testable import CacheStore

@Suite struct DiskReclaimTests {
  @Test func theBudgetHoldsAndTheNewestStay() async throws {
    let device = DiskSimulatedDevice()
    let tier = try openDisk(device, smallDisk(sizeBytes: 2 << 20))
    defer { tier.shutdown() }
    for number in 0..<1000 {
      tier.put(DiskObject(key: "k\(number)", version: 1, count: 10_000))
      if number % 20 == 0 {
        tier.synchronize()
        #expect(segmentBytes(device) <= 2 << 20)
        #expect(tier.statistics.usedBytes == segmentBytes(device))
      }
    }
    tier.synchronize()
    #expect(tier.statistics.reclaimedSegments > 10)
    #expect(tier.getChecked("k0") == nil)
    for number in 900..<1000 { #expect(tier.getChecked("k\(number)") != nil) }
  }

  @Test func whatIsLookedUpIsWrittenAgainAtReclaim() async throws {
    let device = DiskSimulatedDevice()
    let tier = try openDisk(device, smallDisk(sizeBytes: 2 << 20))
    defer { tier.shutdown() }
    for number in 0..<20 { tier.put(DiskObject(key: "hot\(number)", version: 1, count: 3000)) }
    #expect(tier.spool(DiskObject(key: "large", version: 1, count: 300_000)) != nil)
    tier.synchronize()
    for number in 0..<600 {
      tier.put(DiskObject(key: "k\(number)", version: 1, count: 10_000))
      if number % 10 == 0 {
        tier.synchronize()
        for number in 0..<20 { #expect(tier.getChecked("hot\(number)") != nil) }
        #expect(tier.getChecked("large") != nil)
        #expect(segmentBytes(device) <= 2 << 20)
      }
    }
    #expect(tier.statistics.rewrittenObjects >= 20)
    #expect(tier.getChecked("k0") == nil)
    // And what was written again is found again.
    tier.synchronize()
    tier.abandon()
    let second = try openDisk(device, smallDisk(sizeBytes: 2 << 20))
    defer { second.shutdown() }
    for number in 0..<20 { #expect(second.getChecked("hot\(number)") != nil) }
  }

  @Test func largeObjectsAreReclaimedToo() async throws {
    let device = DiskSimulatedDevice()
    let tier = try openDisk(device, smallDisk(sizeBytes: 2 << 20))
    defer { tier.shutdown() }
    for number in 0..<40 {
      #expect(tier.spool(DiskObject(key: "k\(number)", version: 1, count: 300_000)) != nil)
      tier.synchronize()
      #expect(segmentBytes(device) <= 2 << 20)
    }
    #expect(tier.getChecked("k39") != nil)
    #expect(tier.getChecked("k0") == nil)
    #expect(tier.statistics.objects < 8)
  }

  @Test func aRunningReadOutlivesItsSegment() async throws {
    try await withTemporaryFolder { path in
      let tier = try openDisk(PosixBlockDevice(), smallDisk(path, sizeBytes: 2 << 20))
      defer { tier.shutdown() }
      let object = DiskObject(key: "large", version: 1, count: 400_000)
      #expect(tier.spool(object) != nil)
      tier.synchronize()
      let held = try #require(tier.get("large"))
      tier.delete("large")
      for number in 0..<500 {
        tier.put(DiskObject(key: "k\(number)", version: 1, count: 10_000))
        if number % 50 == 0 { tier.synchronize() }
      }
      tier.synchronize()
      #expect(tier.getChecked("large") == nil)
      #expect(held.checked("large") == object)
    }
  }

  @Test func concurrentReadsWhileReclaimingNeverGiveWrongBytes() async throws {
    try await withTemporaryFolder { path in
      let tier = try openDisk(PosixBlockDevice(), smallDisk(path, sizeBytes: 2 << 20))
      defer { tier.shutdown() }
      let isDone = Monitor(false)
      let found = Monitor(0)
      let readers = (0..<2).map { reader in
        DiskThread.start("reader") {
          var generator = DiskRandom(seed: UInt64(reader))
          while !isDone.withLock({ $0 }) {
            if tier.getChecked("k\(generator.next(below: 400))") != nil {
              found.withLock { $0 += 1 }
            }
          }
        }
      }
      var generator = DiskRandom(seed: 99)
      for number in 0..<1000 {
        let key = "k\(generator.next(below: 400))"
        let count = generator.next(below: 20_000)
        tier.put(DiskObject(key: key, version: number, count: count))
        if number % 100 == 0 { tier.synchronize() }
      }
      isDone.withLock { $0 = true }
      for reader in readers { reader?.join() }
      #expect(found.withLock { $0 } > 0)
      #expect(tier.statistics.corruptRecords == 0)
      #expect(tier.statistics.reclaimedSegments > 5)
    }
  }

  private func segmentBytes(_ device: DiskSimulatedDevice) -> Int {
    device.files { $0.contains("/segments/") }.reduce(0) { $0 + device.bytes($1).count }
  }
}
