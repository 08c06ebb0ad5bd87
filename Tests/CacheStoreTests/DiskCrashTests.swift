import Testing

@testable import CacheStore

@Suite struct DiskCrashTests {
  /// A store that was killed after object `last` followed 30 others.
  private func killedStore(lastCount: Int) throws -> (DiskSimulatedDevice, journalBefore: Int) {
    let device = DiskSimulatedDevice()
    let tier = try openDisk(device)
    for number in 0..<30 { tier.put(DiskObject(key: "k\(number)", version: 1, count: 900)) }
    tier.synchronize()
    let before = device.bytes(device.files { $0.contains("/journal-") }[0]).count
    tier.put(DiskObject(key: "last", version: 1, count: lastCount))
    tier.synchronize()
    tier.abandon()
    return (device.copy(), before)
  }

  private func expectFirstThirty(_ tier: DiskTier) {
    for number in 0..<30 { #expect(tier.getChecked("k\(number)") != nil) }
    #expect(tier.statistics.recovery == .complete)
  }

  @Test func aJournalTornAnywhereInItsLastRecordKeepsTheOthers() throws {
    let (device, before) = try killedStore(lastCount: 100)
    let path = device.files { $0.contains("/journal-") }[0]
    let bytes = device.bytes(path)
    #expect(bytes.count > before)
    for cut in before...bytes.count {
      let copy = device.copy()
      copy.setBytes(path, Array(bytes[..<cut]))
      let tier = try openDisk(copy)
      expectFirstThirty(tier)
      #expect((tier.getChecked("last") != nil) == (cut == bytes.count))
      tier.abandon()
    }
  }

  @Test func aSegmentTornAnywhereInItsLastRecordKeepsTheOthers() throws {
    let (device, _) = try killedStore(lastCount: 100)
    let path = device.files { $0.hasSuffix(".segment") }[0]
    let bytes = device.bytes(path)
    for cut in (bytes.count - 512)...bytes.count {
      let copy = device.copy()
      copy.setBytes(path, Array(bytes[..<cut]))
      let tier = try openDisk(copy)
      expectFirstThirty(tier)
      let found = tier.getChecked("last")
      if cut == bytes.count { #expect(found != nil) }
      // The record takes some 260 of its 512 bytes; the rest is padding.
      if cut < bytes.count - 300 { #expect(found == nil) }
      // A sweep of what is torn leaves the rest alone.
      if cut % 50 == 0 {
        #expect(tier.sweep(upTo: 0) { _, _ in false })
        expectFirstThirty(tier)
      }
      tier.abandon()
    }
  }

  @Test func flippedBitsInSegmentsAreMissesNeverWrongBytes() throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    for number in 0..<40 { first.put(DiskObject(key: "k\(number)", version: 1, count: 4000)) }
    #expect(first.spool(DiskObject(key: "large", version: 1, count: 200_000)) != nil)
    first.shutdown()
    var generator = DiskRandom(seed: 3)
    let paths = device.files { $0.contains("/segments/") }
    var misses = 0
    for _ in 0..<150 {
      let copy = device.copy()
      let path = paths[generator.next(below: paths.count)]
      var bytes = copy.bytes(path)
      let position = generator.next(below: bytes.count)
      bytes[position] ^= 1 << UInt8(generator.next(below: 8))
      copy.setBytes(path, bytes)
      let tier = try openDisk(copy)
      var missing = 0
      for number in 0..<40 where tier.getChecked("k\(number)") == nil { missing += 1 }
      if tier.getChecked("large") == nil { missing += 1 }
      // A damaged header takes its segment along: it names the key.
      let statistics = tier.statistics
      #expect(missing <= 1 || statistics.lostKeyRecords > 0)
      #expect(statistics.corruptRecords + statistics.lostKeyRecords == UInt64(missing))
      misses += missing
      #expect(tier.sweep(upTo: 0) { _, _ in false })
      tier.abandon()
    }
    #expect(misses > 100)
  }

  @Test func flippedBitsInTheOtherFilesNeverBringBackWhatWasRemoved() async throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    for number in 0..<60 { first.put(DiskObject(key: "k\(number)", version: 1, count: 700)) }
    first.synchronize()
    first.snapshot()
    for number in 0..<10 { first.delete("k\(number)") }
    first.synchronize()
    for number in 10..<20 { first.delete("k\(number)") }
    first.put(DiskObject(key: "another", version: 1, count: 700))
    first.synchronize()
    // The damage is in the middle: what comes last may as well be a torn tail.
    first.put(DiskObject(key: "tail", version: 1, count: 700))
    first.synchronize()
    first.abandon()
    var generator = DiskRandom(seed: 4)
    let paths = device.files {
      $0.contains("/journal-") || $0.contains(".snapshot") || $0.hasSuffix("/superblock")
    }
    #expect(paths.count >= 3)
    for _ in 0..<200 {
      let copy = device.copy()
      let path = paths[generator.next(below: paths.count)]
      var bytes = copy.bytes(path)
      let position = generator.next(below: max(1, bytes.count - 72))
      bytes[position] ^= 1 << UInt8(generator.next(below: 8))
      copy.setBytes(path, bytes)
      guard let tier = try? openDisk(copy) else {
        #expect(path.hasSuffix("/superblock") && (position == 4 || position == 5))
        continue
      }
      for number in 0..<20 { #expect(tier.getChecked("k\(number)") == nil, "\(path) \(position)") }
      for number in 20..<60 { _ = tier.getChecked("k\(number)") }
      let isWhole = tier.statistics.recovery == .complete
      tier.abandon()
      // A start that gave everything up is not undone by the next one.
      if !isWhole {
        let again = try openDisk(copy)
        for number in 0..<20 { #expect(again.getChecked("k\(number)") == nil) }
        again.abandon()
      }
    }
  }

  @Test func aPowerLossKeepsWhatWasSynced() throws {
    for seed in 0..<30 {
      var generator = DiskRandom(seed: UInt64(seed))
      let device = DiskSimulatedDevice()
      let first = try openDisk(device)
      for number in 0..<100 { first.put(DiskObject(key: "k\(number)", version: 1, count: 3000)) }
      #expect(first.spool(DiskObject(key: "large", version: 1, count: 200_000)) != nil)
      first.synchronize()
      for number in 0..<100 {
        first.put(DiskObject(key: "unsynced\(number)", version: 1, count: 3000))
      }
      first.abandon()
      device.crash(tearing: &generator, isTearing: seed > 0)
      let second = try openDisk(device)
      for number in 0..<100 {
        #expect(second.getChecked("k\(number)") != nil)
        _ = second.getChecked("unsynced\(number)")
      }
      #expect(second.getChecked("large") != nil)
      second.abandon()
    }
  }

  @Test func withoutTheNewestSnapshotTheOneBeforeServes() throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    for round in 0..<4 {
      for number in 0..<20 {
        first.put(DiskObject(key: "k\(number)", version: round, count: 800))
      }
      first.delete("k0")
      first.synchronize()
      first.snapshot()
    }
    first.put(DiskObject(key: "later", version: 1, count: 800))
    first.synchronize()
    first.abandon()
    let snapshots = device.files { $0.contains("/index-") }
    #expect(snapshots.count == 2)
    device.setBytes(snapshots[1], [1, 2, 3])
    let second = try openDisk(device)
    for number in 1..<20 { #expect(second.getChecked("k\(number)")?.version == 3) }
    #expect(second.getChecked("k0") == nil)
    #expect(second.getChecked("later") != nil)
    second.abandon()
  }
}
