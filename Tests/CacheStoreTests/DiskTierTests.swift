import Glibc
import NIOCore
import Testing

@testable import CacheStore

/// The disk tier on the real file system.
@Suite struct DiskTierTests {
  @Test func objectsOfEverySizeComeBackAsTheyWere() async throws {
    try await withTemporaryFolder { path in
      var configuration = smallDisk(path, sizeBytes: 64 << 20)
      configuration.segmentBytes = 8 << 20
      let tier = try openDisk(PosixBlockDevice(), configuration)
      defer { tier.shutdown() }
      let counts = [0, 1, 400, 65_535, 65_536, 65_537, 300_000, 1_048_576, 3_000_000]
      for count in counts {
        #expect(tier.put(DiskObject(key: "k\(count)", version: 1, count: count)))
      }
      for count in counts {
        // From the write queue or from the file, whatever the writer has got to.
        #expect(tier.getChecked("k\(count)")?.count == count)
      }
      tier.synchronize()
      for count in counts { #expect(tier.getChecked("k\(count)")?.count == count) }
      #expect(tier.statistics.corruptRecords == 0)
      #expect(tier.statistics.inlineReads > 0)
    }
  }

  @Test func aLargeBodyStaysOnDiskAndIsReadInParts() async throws {
    try await withTemporaryFolder { path in
      var configuration = smallDisk(path, sizeBytes: 64 << 20)
      configuration.segmentBytes = 8 << 20
      let tier = try openDisk(PosixBlockDevice(), configuration)
      defer { tier.shutdown() }
      let object = DiskObject(key: "large", version: 3, count: 2_500_000)
      tier.put(object)
      tier.synchronize()
      let disk = try #require(tier.get("large")?.diskBody)
      let body = object.body
      for (offset, count) in [(0, 1), (65_535, 2), (100_000, 200_000), (2_499_999, 10)] {
        let part: ByteBuffer? = waitFor {
          disk.read(offset: offset, count: count, on: DiskTestLoop.shared, completion: $0)
        }
        let end = min(body.count, offset + count)
        #expect(part.map { Array($0.readableBytesView) } == Array(body[offset..<end]))
      }
      let past: ByteBuffer? = waitFor {
        disk.read(offset: 2_500_000, count: 1, on: DiskTestLoop.shared, completion: $0)
      }
      #expect(past == nil)
    }
  }

  @Test func aRestartWithoutAnEndFindsWhatWasJournaled() async throws {
    try await withTemporaryFolder { path in
      let first = try openDisk(PosixBlockDevice(), smallDisk(path))
      for number in 0..<300 {
        first.put(DiskObject(key: "k\(number)", version: 1, count: number * 7))
      }
      let spooled = DiskObject(key: "spooled", version: 1, count: 700_000)
      #expect(first.spool(spooled) != nil)
      first.synchronize()
      let seed = first.hashSeed
      first.abandon()
      let second = try openDisk(PosixBlockDevice(), smallDisk(path))
      defer { second.shutdown() }
      #expect(second.hashSeed == seed)
      #expect(second.statistics.objects == 301)
      for number in 0..<300 { #expect(second.getChecked("k\(number)")?.version == 1) }
      #expect(second.getChecked("spooled") == spooled)
    }
  }

  @Test func aCleanEndSavesTheIndex() async throws {
    try await withTemporaryFolder { path in
      for round in 0..<4 {
        let tier = try openDisk(PosixBlockDevice(), smallDisk(path))
        for earlier in 0..<round { #expect(tier.getChecked("k\(earlier)") != nil) }
        tier.put(DiskObject(key: "k\(round)", version: 1, count: 5000))
        tier.shutdown()
        #expect(tier.statistics.snapshots == 1)
      }
    }
  }

  @Test func aSecondInstanceOnTheSameFolderIsRefusedWithTheFolder() async throws {
    try await withTemporaryFolder { path in
      let first = try openDisk(PosixBlockDevice(), smallDisk(path))
      #expect {
        _ = try DiskTier(configuration: smallDisk(path), logger: quietLogger)
      } throws: { error in
        guard case .inUse(path, _) = error as? StoreError else { return false }
        return "\(error)".contains(path)
      }
      first.shutdown()
      try openDisk(PosixBlockDevice(), smallDisk(path)).shutdown()
    }
  }

  @Test func aFolderThatCannotBeMadeIsNamedInTheError() async throws {
    #expect {
      _ = try DiskTier(configuration: smallDisk("/proc/none/store"), logger: quietLogger)
    } throws: { error in
      guard case .directory = error as? StoreError else { return false }
      return "\(error)".contains("/proc/none")
    }
  }

  @Test func anotherFormatVersionIsRefusedAndNotRemoved() async throws {
    let device = DiskSimulatedDevice()
    try openDisk(device).shutdown()
    var bytes = device.bytes("/store/superblock")
    bytes[4] = 99
    device.setBytes("/store/superblock", bytes)
    #expect {
      _ = try openDisk(device)
    } throws: { error in
      guard case .format = error as? StoreError else { return false }
      return "\(error)".contains("version 99")
    }
    #expect(device.bytes("/store/superblock") == bytes)
  }

  @Test func removedObjectsAreGoneAlsoAfterARestart() async throws {
    try await withTemporaryFolder { path in
      let first = try openDisk(PosixBlockDevice(), smallDisk(path))
      for number in 0..<50 { first.put(DiskObject(key: "k\(number)", version: 1, count: 900)) }
      first.delete("k0")
      first.synchronize()
      for number in 1..<25 { first.delete("k\(number)") }
      first.synchronize()
      first.abandon()
      let second = try openDisk(PosixBlockDevice(), smallDisk(path))
      defer { second.shutdown() }
      for number in 0..<50 { #expect((second.getChecked("k\(number)") != nil) == (number >= 25)) }
    }
  }

  @Test func aNewerVersionTakesTheOlderOnesPlace() async throws {
    try await withTemporaryFolder { path in
      let first = try openDisk(PosixBlockDevice(), smallDisk(path))
      for version in 1...20 {
        first.put(DiskObject(key: "k", version: version, count: 1000 * version))
        #expect(first.getChecked("k")?.version == version)
        if version % 3 == 0 { first.synchronize() }
      }
      first.synchronize()
      first.abandon()
      let second = try openDisk(PosixBlockDevice(), smallDisk(path))
      defer { second.shutdown() }
      #expect(second.getChecked("k")?.version == 20)
    }
  }

  @Test func segmentFilesThatSomebodyRemovedAreMisses() async throws {
    try await withTemporaryFolder { path in
      let first = try openDisk(PosixBlockDevice(), smallDisk(path))
      for number in 0..<200 { first.put(DiskObject(key: "k\(number)", version: 1, count: 5000)) }
      first.synchronize()
      first.abandon()
      let device = PosixBlockDevice()
      let names = try device.list(path + "/segments").sorted()
      #expect(names.count > 3)
      let opened = try openDisk(device, smallDisk(path))
      try device.unlink(path + "/segments/" + names[1])
      opened.shutdown()
      let second = try openDisk(device, smallDisk(path))
      defer { second.shutdown() }
      let found = (0..<200).filter { second.getChecked("k\($0)") != nil }.count
      #expect(found < 200 && found > 100)
      #expect(second.statistics.objects == found)
    }
  }

  @Test func whatTheQueueCannotHoldIsShed() async throws {
    let device = DiskSimulatedDevice()
    var configuration = smallDisk()
    configuration.writeQueueBytes = 10_000
    let tier = try openDisk(device, configuration)
    defer { tier.shutdown() }
    #expect(!tier.put(DiskObject(key: "k", version: 1, count: 20_000)))
    #expect(tier.put(DiskObject(key: "k", version: 2, count: 2_000)))
    #expect(tier.statistics.shedObjects == 1)
  }

  @Test func objectsTooLargeForTheTierAreRefused() async throws {
    let device = DiskSimulatedDevice()
    var configuration = smallDisk()
    configuration.largestObjectBytes = 100_000
    let tier = try openDisk(device, configuration)
    defer { tier.shutdown() }
    #expect(tier.beginSpool(expectedBytes: 100_001) == nil)
    #expect(tier.beginSpool(expectedBytes: 100_000) != nil)
    #expect(!tier.put(DiskObject(key: "k", version: 1, count: 100_001)))
    #expect(tier.spool(DiskObject(key: "k", version: 1, count: 100_000)) != nil)
  }

  @Test(arguments: [0, 1, 5_000, 65_536, 65_537, 200_000])
  func whatThePageCacheHasIsLoadedAtOnce(count: Int) throws {
    let device = DiskSimulatedDevice()
    let tier = try openDisk(device)
    defer { tier.shutdown() }
    let object = DiskObject(key: "k", version: 1, count: count)
    tier.put(object)
    tier.synchronize()
    func load(_ key: String) throws -> ImmediateLoad {
      let location = try #require(tier.lookup(object.hash))
      return Array(key.utf8).withUnsafeBytes {
        tier.loadAtOnce(location, hash: object.hash, key: $0)
      }
    }
    guard case .object(let found) = try load("k") else {
      Issue.record("not loaded")
      return
    }
    #expect(found.checked("k") == object)
    guard case .absent = try load("other") else {
      Issue.record("another key's object")
      return
    }
    device.setPageCacheCold(true)
    guard case .mustWait = try load("k") else {
      Issue.record("a cold page cache answered")
      return
    }
    #expect(tier.statistics.queuedReads == 0)
    #expect(tier.getChecked("k") == object)
    #expect(tier.statistics.queuedReads > 0)
  }

  @Test func aColdPageCacheGoesThroughTheReaderThreads() async throws {
    let device = DiskSimulatedDevice()
    let tier = try openDisk(device)
    defer { tier.shutdown() }
    let small = DiskObject(key: "small", version: 1, count: 5_000)
    let large = DiskObject(key: "large", version: 1, count: 500_000)
    tier.put(small)
    #expect(tier.spool(large) != nil)
    tier.synchronize()
    device.setPageCacheCold(true)
    #expect(tier.getChecked("small") == small)
    #expect(tier.getChecked("large") == large)
    #expect(tier.statistics.queuedReads > 2)
    #expect(tier.statistics.inlineReads == 0)
  }
}
