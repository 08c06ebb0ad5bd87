import NIOCore
import Testing

@testable import CacheStore

@Suite struct StoredObjectTests {
  private func make(_ body: StoredBody, head: String = "HTTP head") -> StoredObject {
    Array("key".utf8).withUnsafeBytes { key in
      Array(head.utf8).withUnsafeBytes { head in
        StoredObject.make(
          hash: KeyHash(high: 1, low: 2), key: key, head: head, body: body,
          metadata: ObjectMetadata())
      }
    }
  }

  private func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0) }
  }

  @Test func partsComeBackAsTheyWere() {
    let body = pattern(1000)
    let object = body.withUnsafeBytes { make(.bytes($0)) }
    #expect(object.withKey { Array($0) } == Array("key".utf8))
    #expect(object.withHead { Array($0) } == Array("HTTP head".utf8))
    #expect(object.withInlineBody { Array($0) } == body)
    #expect(object.bodyCount == 1000)
    #expect(object.bodyChunks.isEmpty)
    #expect(object.diskBody == nil)
  }

  @Test func emptyPartsAreEmpty() {
    let object = make(.buffers([]), head: "")
    #expect(object.withParts { head, body in head.count + body.count } == 0)
    #expect(object.bodyCount == 0)
  }

  @Test(arguments: [0, 1, 65_535, 65_536])
  func bodyUpToAChunkLiesInTheAllocation(count: Int) {
    let bytes = pattern(count)
    let half = ByteBuffer(bytes: bytes[..<(count / 2)])
    let object = make(.buffers([half, ByteBuffer(bytes: bytes[(count / 2)...])]))
    #expect(object.withInlineBody { Array($0) } == bytes)
    #expect(object.bodyChunks.isEmpty)
  }

  @Test(arguments: [65_537, 70_000, 131_072, 300_001])
  func largerBodyIsKeptInTightChunks(count: Int) {
    let bytes = pattern(count)
    var buffers: [ByteBuffer] = []
    for start in stride(from: 0, to: count, by: 16_000) {
      buffers.append(ByteBuffer(bytes: bytes[start..<min(count, start + 16_000)]))
    }
    let object = make(.buffers(buffers))
    #expect(object.bodyChunks.flatMap { Array($0.readableBytesView) } == bytes)
    #expect(object.bodyChunks.allSatisfy { $0.readableBytes <= 65_536 })
    #expect(object.bodyCount == count)
    #expect(object.withInlineBody { $0.count } == 0)
    #expect(object.withKey { Array($0) } == Array("key".utf8))
    #expect(object.withHead { Array($0) } == Array("HTTP head".utf8))
    #expect(object.chargedBytes >= count)
    #expect(object.chargedBytes <= count + count / 8 + 4096)
  }

  @Test func fullChunksAreKeptWithoutACopy() {
    var chunk = ByteBufferAllocator().buffer(capacity: 65_536)
    chunk.writeRepeatingByte(1, count: 65_536)
    let object = make(.buffers([chunk, chunk]))
    let address = chunk.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
    #expect(
      object.bodyChunks.first?.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        == address)
  }

  @Test func metadataComesBackWithinItsYears() {
    var metadata = ObjectMetadata()
    metadata.status = 404
    metadata.flags = 0xbeef
    metadata.kind = .variantList
    metadata.etagOffset = 70_000
    metadata.etagCount = 33
    metadata.route = 12
    metadata.responseTimeSeconds = 1_800_000_000
    metadata.initialAgeSeconds = -1
    metadata.lifetimeSeconds = .max
    metadata.staleWhileRevalidateSeconds = 5
    metadata.staleIfErrorSeconds = 6
    metadata.lastModifiedSeconds = 784_111_777
    metadata.dateSeconds = 1_799_999_999
    metadata.fetchSequence = .max
    metadata.usefulUntilSeconds = 1_900_000_000
    #expect(PackedMetadata(metadata).unpacked(kind: .variantList) == metadata)
    #expect(PackedMetadata(ObjectMetadata()).unpacked(kind: .response) == ObjectMetadata())
  }

  @Test func secondsOutsideOfItsYearsAreClamped() {
    var metadata = ObjectMetadata()
    metadata.lastModifiedSeconds = -5
    metadata.usefulUntilSeconds = .max - 1
    let packed = PackedMetadata(metadata).unpacked(kind: .response)
    #expect(packed.lastModifiedSeconds == 0)
    #expect(packed.usefulUntilSeconds == Int64(UInt32.max) - 2)
  }

  @Test func hitsSaturateAndCheckedSequenceNeverFallsBelowTheFetch() {
    let object = make(.buffers([]))
    let before = (0..<5).map { _ in object.recordHit(nowSeconds: 9) }
    #expect(before == [0, 1, 2, 3, 3])
    #expect(object.lastUseSeconds == 9)
    object.checkedSequence = 77
    #expect(object.checkedSequence == 77)
    object.checkedSequence = 1 << 40
    #expect(object.checkedSequence == UInt64(UInt32.max))
  }

  @Test func headerStaysWithinItsTable() {
    #expect(MemoryLayout<StoredObjectHeader>.size == 92)
    #expect((StoredObject.fixedBytes + StoredObject.detachedOffset) % 8 == 0)
  }

  @Test func lengthsComeBackUpToTheirLimits() {
    for (key, head, inlineBody) in [
      (0, 0, 0), (1, 2, 3), (StoredLengths.mostKeyBytes, 0, 0),
      (0, StoredLengths.mostHeadBytes, 0), (0, 0, BodyChunks.chunkBytes),
      (StoredLengths.mostKeyBytes, StoredLengths.mostHeadBytes, BodyChunks.chunkBytes),
    ] {
      let lengths = StoredLengths(key: key, head: head, inlineBody: inlineBody)
      #expect(lengths.key == key && lengths.head == head && lengths.inlineBody == inlineBody)
    }
    #expect(!StoredLengths.areValid(key: StoredLengths.mostKeyBytes + 1, head: 0))
    #expect(!StoredLengths.areValid(key: 0, head: StoredLengths.mostHeadBytes + 1))
  }
}
