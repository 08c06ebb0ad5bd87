import Testing

@testable import CacheStore

/// Files that were exchanged, cut, or put back as they were earlier: misses, never wrong bytes, and
/// nothing of what was removed.
@Suite struct DiskDamageTests {
  private static let removed = 0..<20

  /// A store with some history, and its segment files as they were halfway.
  private func store() async throws -> (device: DiskSimulatedDevice, earlier: [String: [UInt8]]) {
    let device = DiskSimulatedDevice()
    let tier = try openDisk(device)
    for number in 0..<120 {
      tier.put(DiskObject(key: "k\(number)", version: 1, count: 5000 + number))
    }
    _ = tier.spool(DiskObject(key: "large", version: 1, count: 200_000))
    tier.synchronize()
    var earlier: [String: [UInt8]] = [:]
    for path in device.files({ $0.contains("/segments/") }) { earlier[path] = device.bytes(path) }
    for number in Self.removed { tier.delete("k\(number)") }
    for number in 20..<60 {
      tier.put(DiskObject(key: "k\(number)", version: 2, count: 5000 + number))
    }
    _ = tier.spool(DiskObject(key: "large", version: 2, count: 220_000))
    tier.shutdown()
    return (device, earlier)
  }

  /// The numbers that objects bear are not lost with the log that says how far they had come.
  @Test(arguments: [1, 5, 40])
  func aLogThatIsLostTakesEverythingAfterAnyNumberOfStarts(_ starts: Int) async throws {
    let device = DiskSimulatedDevice()
    for _ in 1..<starts { try openDisk(device).abandon() }
    let tier = try openDisk(device)
    let memory = MemoryStore(disk: tier)
    for number in 0..<30 {
      let object = memory.object(url("/\(number)"))
      memory.store.insert(object)
      memory.store.spill(object, leftAt: memory.store.invalidations.moment)
    }
    tier.synchronize()
    tier.abandon()
    for path in device.files({ $0.contains("/invalidations-") }) {
      device.setBytes(path, device.bytes(path).map { $0 ^ 0x55 })
    }
    let damaged = try openDisk(device)
    defer { damaged.abandon() }
    let reopened = MemoryStore(disk: damaged)
    #expect(reopened.store.sequence > memory.store.sequence)
    #expect((0..<30).allSatisfy { reopened.find(url("/\($0)")) == nil })
  }

  private enum Damage: CaseIterable {
    case exchanged, cut, lengthened, replayed, movedBlock, movedTail
  }

  private func apply(
    _ damage: Damage, to device: DiskSimulatedDevice, _ earlier: [String: [UInt8]],
    _ generator: inout DiskRandom
  ) {
    let paths = device.files { $0.contains("/segments/") }
    let first = paths[generator.next(below: paths.count)]
    let second = paths[generator.next(below: paths.count)]
    var bytes = device.bytes(first)
    switch damage {
    case .exchanged:
      let other = device.bytes(second)
      device.setBytes(second, bytes)
      bytes = other
    case .cut: bytes.removeLast(generator.next(below: bytes.count))
    case .lengthened: bytes += bytes.suffix(generator.next(below: bytes.count))
    case .replayed: bytes = earlier[first] ?? []
    case .movedBlock:
      let blocks = bytes.count / 512
      let from = generator.next(below: blocks) * 512
      let to = generator.next(below: blocks) * 512
      bytes.replaceSubrange(to..<(to + 512), with: bytes[from..<(from + 512)])
    case .movedTail:
      let other = device.bytes(second)
      let start = min(bytes.count, other.count, 512 * (1 + generator.next(below: 20)))
      bytes.replaceSubrange(start..., with: other[start...])
    }
    device.setBytes(first, bytes)
  }

  @Test func damagedSegmentFilesAreMissesNeverWrongBytes() async throws {
    let (device, earlier) = try await store()
    var generator = DiskRandom(seed: 11)
    var misses = 0
    for round in 0..<120 {
      let copy = device.copy()
      let damage = Damage.allCases[round % Damage.allCases.count]
      apply(damage, to: copy, earlier, &generator)
      let tier = try openDisk(copy)
      for number in Self.removed { #expect(tier.get("k\(number)") == nil, "\(damage)") }
      // `getChecked` compares every byte.
      for number in 20..<120 {
        guard let found = tier.getChecked("k\(number)") else {
          misses += 1
          continue
        }
        #expect(found.version == (number < 60 ? 2 : 1), "\(damage), k\(number)")
      }
      if let large = tier.getChecked("large") { #expect(large.version == 2, "\(damage)") }
      #expect(tier.sweep(upTo: 0) { _, _ in false })
      for number in 20..<120 { _ = tier.getChecked("k\(number)") }
      tier.abandon()
    }
    #expect(misses > 100)
  }

  @Test func aSpoolThatOutlivesSixteenSweepsNeverEntersTheIndex() async throws {
    let device = DiskSimulatedDevice()
    let disk = try openDisk(device)
    defer { disk.abandon() }
    let memory = MemoryStore(disk: disk, log: InvalidationLog(mostPending: 64, mostHistory: 64))
    let key = Array(url("/large").utf8)
    let sequence = memory.store.sequence
    let spool = try #require(
      memory.store.beginSpool(for: memory.hash(url("/large")), expectedBytes: nil))
    spool.append(.init(repeating: 1, count: 100_000))
    _ = await memory.store.invalidate([.path(host: nil, pattern: "/large")])
    memory.store.runMaintenance(nowSeconds: 1000)
    for number in 0..<20 {
      _ = await memory.store.invalidate([.path(host: nil, pattern: "/other\(number)")])
      memory.store.runMaintenance(nowSeconds: 1000)
    }
    var metadata = ObjectMetadata()
    metadata.fetchSequence = sequence
    let written = disk.statistics.writtenObjects
    let object = key.withUnsafeBytes { key in
      memory.store.finishSpool(
        spool, hash: memory.store.hasher.hash(key), key: key, head: key, metadata: metadata)
    }
    #expect(object == nil)
    disk.synchronize()
    // Not for a moment: what enters the index is written first.
    #expect(disk.statistics.writtenObjects == written)
    #expect(!disk.contains(memory.hash(url("/large"))))
  }

  @Test func aSpoolThatWaitsWhileSweepsAreForgottenIsGivenUp() async throws {
    let device = DiskSimulatedDevice()
    let disk = try openDisk(device)
    defer { disk.abandon() }
    let hash = DiskObject.hash("waiting")
    let ticket = disk.inbox.ticket(for: hash)
    let queued = DiskObject.hash("later")
    for _ in 0...WriterInbox.mostSweeps { disk.inbox.remember(RememberedSweep { _ in nil }) }
    #expect(!disk.inbox.isPending(hash))
    // One that began after what was forgotten stays.
    _ = disk.inbox.ticket(for: queued)
    disk.inbox.remember(RememberedSweep { _ in nil })
    #expect(disk.inbox.isPending(queued))
    #expect(ticket < disk.inbox.ticket(for: hash))
  }
}
