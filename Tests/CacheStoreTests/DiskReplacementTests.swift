import NIOCore
import Testing

@testable import CacheStore

/// Another form of a response whose body lies on disk.
@Suite struct DiskReplacementTests {
  private let disk: DiskTier
  private let memory: MemoryStore
  private let path = url("/large")

  init() throws {
    disk = try openDisk(DiskSimulatedDevice())
    memory = MemoryStore(bytes: 1 << 20, largestBytes: 100_000, disk: disk)
  }

  private func spool(_ byte: UInt8, count: Int) throws -> SpoolWriter {
    let spool = try #require(memory.store.beginSpool(for: memory.hash(path), expectedBytes: count))
    spool.append(ByteBuffer(repeating: byte, count: count))
    return spool
  }

  /// Stores a response whose body goes to disk.
  private func store(_ byte: UInt8, count: Int = 300_000) throws -> StoredObject {
    let spool = try spool(byte, count: count)
    var metadata = ObjectMetadata()
    metadata.fetchSequence = memory.store.sequence
    let key = Array(path.utf8)
    let object = key.withUnsafeBytes { key in
      memory.store.finishSpool(
        spool, hash: memory.hash(path), key: key, head: key, metadata: metadata)
    }
    return try #require(object)
  }

  private func replace(_ object: StoredObject, with form: SpoolWriter) -> Bool {
    Array("form".utf8).withUnsafeBytes {
      memory.store.replace(object, with: form, head: $0, metadata: object.metadata, tags: [])
    }
  }

  /// What the disk alone gives once all is written.
  private func written() -> [UInt8]? {
    disk.synchronize()
    return MemoryStore(disk: disk).find(path)?.wholeBody()
  }

  @Test func aFormOnDiskIsFoundInBothTiers() throws {
    defer { disk.abandon() }
    let object = try store(1)
    #expect(replace(object, with: try spool(2, count: 150_000)))
    let found = try #require(memory.lookup(path))
    #expect(found.wholeBody() == [UInt8](repeating: 2, count: 150_000))
    #expect(found.withHead { Array($0) } == Array("form".utf8))
    #expect(memory.memory.objectBytes == memory.sumOfCharges)
    #expect(written() == [UInt8](repeating: 2, count: 150_000))
  }

  /// The disk has the response as it came until the form leaves memory.
  @Test func aFormInMemoryIsWrittenWhenItLeaves() throws {
    defer { disk.abandon() }
    let object = try store(1)
    memory.lookup(path)
    let form = memory.object(path, bytes: 50_000, sequence: object.fetchSequence)
    #expect(memory.store.replace(object, with: form))
    #expect(memory.lookup(path)?.isIdentical(to: form) == true)
    #expect(memory.memory.objectBytes == memory.sumOfCharges)
    #expect(written() == [UInt8](repeating: 1, count: 300_000))
    memory.store.runMaintenance(nowSeconds: 2000)
    #expect(!memory.holds(path))
    #expect(written() == form.wholeBody())
  }

  @Test func aFormTooLargeForMemoryIsNotPutThere() throws {
    defer { disk.abandon() }
    let object = try store(1)
    #expect(!memory.store.replace(object, with: memory.object(path, bytes: 100_001)))
    #expect(memory.lookup(path)?.isIdentical(to: object) == true)
  }

  @Test func whatWasStoredSinceStays() throws {
    defer { disk.abandon() }
    let object = try store(1)
    let form = try spool(2, count: 150_000)
    _ = try store(3)
    #expect(!replace(object, with: form))
    #expect(!memory.store.replace(object, with: memory.object(path, bytes: 10)))
    #expect(memory.lookup(path)?.wholeBody() == [UInt8](repeating: 3, count: 300_000))
    #expect(written() == [UInt8](repeating: 3, count: 300_000))
  }

  @Test func whatWasPurgedSinceStaysAway() async throws {
    defer { disk.abandon() }
    let object = try store(1)
    let form = try spool(2, count: 150_000)
    try await memory.invalidate("/large")
    #expect(!replace(object, with: form))
    #expect(memory.find(path) == nil)
    disk.synchronize()
    #expect(memory.find(path) == nil)
  }

  @Test func whatIsRemovedWhileItsFormIsWrittenStaysAway() throws {
    defer { disk.abandon() }
    let object = try store(1)
    let form = try spool(2, count: 150_000)
    memory.store.remove(object.hash)
    #expect(!replace(object, with: form))
    #expect(written() == nil)
  }
}
