import Glibc
import Testing

@testable import CacheStore

@Suite struct DiskFaultTests {
  /// What a run did: the versions that may be found, by key. An object may always be a miss.
  private struct Expected {
    var versions: [String: Set<Int>] = [:]
  }

  /// Some of everything a tier does, in a fixed order.
  private func script(_ tier: DiskTier, _ expected: inout Expected) async {
    for round in 0..<3 {
      for number in 0..<40 {
        let key = "k\(number)"
        tier.put(DiskObject(key: key, version: round, count: 1_500 + number, sequence: 1))
        expected.versions[key, default: []].insert(round)
        if number % 10 == 3 { _ = tier.getChecked("k\(number - 2)") }
      }
      let large = DiskObject(key: "large", version: round, count: 60_000, sequence: 1)
      if let stored = tier.spool(large) {
        expected.versions["large", default: []].insert(round)
        _ = stored.checked("large")
      }
      tier.synchronize()
      if round == 1 { tier.snapshot() }
      for number in 0..<5 {
        tier.delete("k\(number)")
        if round == 2 { expected.versions["k\(number)"] = [] }
      }
      tier.synchronize()
      check(tier, expected)
    }
    _ = await tier.recordInvalidation(
      sequence: 1 << 50, selectors: [.path(host: nil, pattern: "/x")])
    tier.sweep(upTo: 0) { key, _ in key.count == 3 && key[1] == UInt8(ascii: "2") }
    for number in 20..<30 { expected.versions["k\(number)"] = [] }
    tier.synchronize()
    check(tier, expected)
  }

  /// So small that the script makes it reclaim.
  private var tinyDisk: DiskTier.Configuration {
    var configuration = smallDisk(sizeBytes: 256 << 10)
    configuration.segmentBytes = 64 << 10
    return configuration
  }

  private func check(_ tier: DiskTier, _ expected: Expected) {
    for (key, versions) in expected.versions {
      guard let found = tier.getChecked(key) else { continue }
      #expect(versions.contains(found.version), "\(key)")
    }
  }

  @Test(arguments: [EIO, ENOSPC])
  func anyOperationMayFailOnce(_ code: Int32) async throws {
    var number = 1
    var isReached = true
    while isReached {
      let failing = number
      let device = DiskSimulatedDevice()
      let reached = Monitor(false)
      device.setFault { operation, _ in
        guard operation == failing else { return nil }
        reached.withLock { $0 = true }
        return code
      }
      var expected = Expected()
      if let tier = try? openDisk(device, tinyDisk) {
        await script(tier, &expected)
        expectWorking(tier)
        tier.abandon()
      }
      device.setFault(nil)
      let again = try openDisk(device, tinyDisk)
      check(again, expected)
      expectWorking(again)
      again.shutdown()
      isReached = reached.withLock { $0 }
      // Every one with EIO; a sample with ENOSPC, which differs in one branch.
      number += code == EIO ? 1 : 7
    }
    #expect(number > 60)
  }

  @Test func everyOperationFromTheNthOnMayFailUntilTheFaultClears() async throws {
    for failing in stride(from: 1, to: 400, by: 13) {
      let device = DiskSimulatedDevice()
      device.setFault { operation, _ in operation >= failing ? EIO : nil }
      var expected = Expected()
      let opened = try? openDisk(device, tinyDisk)
      if let tier = opened {
        await scriptOnFailingDevice(tier, &expected)
        device.setFault(nil)
        tier.synchronize()
        expectWorking(tier)
        check(tier, expected)
        tier.abandon()
      }
      device.setFault(nil)
      let again = try openDisk(device, tinyDisk)
      check(again, expected)
      expectWorking(again)
      again.shutdown()
    }
  }

  /// The script without what waits for the device to work.
  private func scriptOnFailingDevice(_ tier: DiskTier, _ expected: inout Expected) async {
    for number in 0..<200 {
      let key = "k\(number % 50)"
      tier.put(DiskObject(key: key, version: number, count: 1_500, sequence: 1))
      expected.versions[key, default: []].insert(number)
      if number % 20 == 0 { tier.synchronize() }
      if number % 7 == 0 {
        tier.delete(key)
        expected.versions[key] = []
      }
    }
    check(tier, expected)
  }

  private func expectWorking(_ tier: DiskTier) {
    // The first write after a fault may be the one that finds out that it has cleared.
    for attempt in 0..<3 {
      tier.put(DiskObject(key: "probe", version: attempt, count: 1000, sequence: 1 << 60))
      tier.synchronize()
      // The one fault may come only now, at the sync after the write.
      if tier.getChecked("probe")?.version == attempt, !tier.statistics.isDegraded { break }
    }
    #expect(tier.getChecked("probe") != nil)
    #expect(!tier.statistics.isDegraded)
  }

  @Test func aFullDiskStopsAdmissionAndGoesOnWhenThereIsRoom() async throws {
    let device = DiskSimulatedDevice()
    var configuration = smallDisk()
    configuration.retryInterval = .seconds(1000)
    let tier = try openDisk(device, configuration)
    tier.put(DiskObject(key: "before", version: 1, count: 5000))
    tier.synchronize()
    device.setFault { _, operation in operation == .write ? ENOSPC : nil }
    tier.put(DiskObject(key: "lost", version: 1, count: 5000))
    tier.synchronize()
    #expect(tier.statistics.isDegraded)
    #expect(tier.statistics.fullErrors == 1)
    #expect(!tier.put(DiskObject(key: "refused", version: 1, count: 5000)))
    #expect(tier.beginSpool(expectedBytes: nil) == nil)
    #expect(tier.getChecked("before") != nil)
    #expect(tier.getChecked("lost") == nil)
    device.setFault(nil)
    // The retry interval has passed.
    tier.inbox.monitor.withLock { $0.degradedUntil = .now }
    #expect(tier.put(DiskObject(key: "after", version: 1, count: 5000)))
    tier.synchronize()
    #expect(tier.getChecked("after") != nil)
    #expect(!tier.statistics.isDegraded)
    tier.shutdown()
  }

  @Test func aFailingReadIsAMissAndTheObjectStays() async throws {
    let device = DiskSimulatedDevice()
    let tier = try openDisk(device)
    defer { tier.shutdown() }
    tier.put(DiskObject(key: "k", version: 1, count: 5000))
    tier.synchronize()
    device.setPageCacheCold(true)
    device.setFault { _, operation in operation == .read ? EIO : nil }
    #expect(tier.getChecked("k") == nil)
    #expect(tier.statistics.readErrors == 1)
    device.setFault(nil)
    #expect(tier.getChecked("k") != nil)
  }
}
