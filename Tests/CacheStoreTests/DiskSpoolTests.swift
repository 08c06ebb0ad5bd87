import NIOCore
import Testing

@testable import CacheStore

@Suite struct DiskSpoolTests {
  @Test func everythingAppendedIsReadableAtOnce() async throws {
    let tier = try openDisk(DiskSimulatedDevice())
    defer { tier.shutdown() }
    let object = DiskObject(key: "k", version: 1, count: 1_500_000)
    let body = object.body
    let spool = try #require(tier.beginSpool(expectedBytes: nil))
    var generator = DiskRandom(seed: 11)
    var appended = 0
    while appended < body.count {
      let end = min(body.count, appended + 1 + generator.next(below: 90_000))
      spool.append(ByteBuffer(bytes: body[appended..<end]))
      appended = end
      let offset = generator.next(below: appended)
      let count = 1 + generator.next(below: 200_000)
      let part: ByteBuffer? = waitFor {
        spool.read(offset: offset, count: count, on: DiskTestLoop.shared, completion: $0)
      }
      let expected = body[offset..<min(appended, offset + count)]
      #expect(part.map { Array($0.readableBytesView) } == Array(expected))
    }
    // Readable as an object before its last bytes are written, and after.
    let stored = try #require(tier.finish(spool, object))
    #expect(stored.checked("k") == object)
    tier.synchronize()
    #expect(stored.checked("k") == object)
    #expect(tier.getChecked("k") == object)
  }

  @Test func aSpoolThatIsAbortedOrDroppedLeavesNothing() async throws {
    let device = DiskSimulatedDevice()
    let tier = try openDisk(device)
    defer { tier.shutdown() }
    let aborted = try #require(tier.beginSpool(expectedBytes: nil))
    aborted.append(ByteBuffer(repeating: 1, count: 200_000))
    tier.synchronize()
    aborted.abort()
    #expect(tier.finish(aborted, DiskObject(key: "k", version: 1, count: 200_000)) == nil)
    var dropped: SpoolWriter? = tier.beginSpool(expectedBytes: nil)
    dropped?.append(ByteBuffer(repeating: 1, count: 200_000))
    tier.synchronize()
    dropped = nil
    _ = dropped
    tier.synchronize()
    tier.synchronize()
    #expect(device.files { $0.hasSuffix(".object") } == [])
    #expect(tier.statistics.objects == 0)
    #expect(tier.statistics.usedBytes == 0)
  }

  @Test func noFurtherSpoolBeginsWhileThoseBeforeHoldTooMuch() async throws {
    var configuration = smallDisk()
    configuration.writeQueueBytes = 256 << 10
    let tier = try openDisk(DiskSimulatedDevice(), configuration)
    defer { tier.shutdown() }
    // Less than a chunk is not written before the end.
    let count = 60_000
    var spools: [SpoolWriter] = []
    let allowance = tier.inbox.spoolAllowance
    while let spool = tier.beginSpool(expectedBytes: count) {
      spool.append(ByteBuffer(bytes: DiskObject(key: "k", version: 1, count: count).body))
      spools.append(spool)
    }
    #expect(spools.count == 5)
    #expect(tier.statistics.spooledBytes == 5 * count)
    #expect(tier.statistics.shedObjects == 1)
    #expect(tier.inbox.spoolAllowance < allowance)

    // One that is given up, one that is written and one that is dropped each make room.
    spools.removeFirst().abort()
    #expect(tier.statistics.spooledBytes == 4 * count)
    let another = try #require(tier.beginSpool(expectedBytes: count))
    another.append(ByteBuffer(repeating: 1, count: count))
    #expect(tier.beginSpool(expectedBytes: count) == nil)
    let ended = spools.removeFirst()
    #expect(tier.finish(ended, DiskObject(key: "k", version: 1, count: count)) != nil)
    tier.synchronize()
    #expect(tier.statistics.spooledBytes == 4 * count)
    #expect(tier.getChecked("k") != nil)
    spools.removeAll()
    #expect(tier.statistics.spooledBytes == count)
  }

  @Test func aSpoolRemovedBeforeItsLastWriteDoesNotComeBack() async throws {
    let tier = try openDisk(DiskSimulatedDevice())
    defer { tier.shutdown() }
    for round in 0..<50 {
      let object = DiskObject(key: "k", version: round, count: 150_000)
      let stored = tier.spool(object)
      tier.delete("k")
      #expect(tier.getChecked("k") == nil)
      tier.synchronize()
      #expect(tier.getChecked("k") == nil)
      // Whoever has it may go on reading.
      #expect(stored?.checked("k") == object)
    }
  }

  @Test func backPressureEndsWhenTheWriterCatchesUp() async throws {
    let tier = try openDisk(DiskSimulatedDevice())
    defer { tier.shutdown() }
    let spool = try #require(tier.beginSpool(expectedBytes: nil))
    for _ in 0..<20 { spool.append(ByteBuffer(repeating: 3, count: 65_536)) }
    let _: Bool = waitFor { completion in
      spool.whenBelow(70_000, on: DiskTestLoop.shared) { completion(true) }
    }
    #expect(spool.pendingBytes < 70_000)
    spool.abort()
  }

  @Test func aSpoolOnAFailingDeviceFailsAndWakesItsProducer() async throws {
    let device = DiskSimulatedDevice()
    let tier = try openDisk(device)
    defer { tier.shutdown() }
    let spool = try #require(tier.beginSpool(expectedBytes: nil))
    device.setFault { _, operation in operation == .write ? 5 : nil }
    for _ in 0..<20 { spool.append(ByteBuffer(repeating: 3, count: 65_536)) }
    let _: Bool = waitFor { completion in
      spool.whenBelow(0, on: DiskTestLoop.shared) { completion(true) }
    }
    #expect(spool.hasFailed)
    #expect(tier.finish(spool, DiskObject(key: "k", version: 1, count: 1)) == nil)
    device.setFault(nil)
  }

  @Test func aSpoolLongerThanTheLargestObjectFails() async throws {
    var configuration = smallDisk()
    configuration.largestObjectBytes = 100_000
    let tier = try openDisk(DiskSimulatedDevice(), configuration)
    defer { tier.shutdown() }
    let spool = try #require(tier.beginSpool(expectedBytes: nil))
    spool.append(ByteBuffer(repeating: 1, count: 60_000))
    #expect(!spool.hasFailed)
    spool.append(ByteBuffer(repeating: 1, count: 60_000))
    #expect(spool.hasFailed)
  }
}
