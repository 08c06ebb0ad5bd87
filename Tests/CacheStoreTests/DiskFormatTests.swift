import EdgeSecurity
import SwiftProtobuf
import Testing

@testable import CacheStore

@Suite struct DiskFormatTests {
  @Test func anyChangeOfABitChangesTheChecksum() {
    var generator = DiskRandom(seed: 1)
    for count in [1, 7, 8, 9, 31, 32, 33, 40, 100, 4096] {
      var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      let whole = bytes.withUnsafeBytes { BlockChecksum.of($0, seed: 5) }
      #expect(bytes.withUnsafeBytes { BlockChecksum.of($0, seed: 6) } != whole)
      for bit in 0..<(count * 8) {
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(bytes.withUnsafeBytes { BlockChecksum.of($0, seed: 5) } != whole)
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      }
      let longer = bytes + [0]
      #expect(longer.withUnsafeBytes { BlockChecksum.of($0, seed: 5) } != whole)
    }
  }

  @Test func metadataComesBackWhole() throws {
    var metadata = ObjectMetadata()
    metadata.status = 206
    metadata.flags = 0xABCD
    metadata.kind = .variantList
    metadata.etagOffset = 70_000
    metadata.etagCount = 40
    metadata.route = 12
    metadata.responseTimeSeconds = 1_800_000_000
    metadata.initialAgeSeconds = 5
    metadata.lifetimeSeconds = -1
    metadata.staleWhileRevalidateSeconds = 30
    metadata.staleIfErrorSeconds = .max
    metadata.lastModifiedSeconds = .min
    metadata.dateSeconds = 7
    metadata.fetchSequence = .max
    metadata.usefulUntilSeconds = .max
    for tags in [[], [7], (0..<UInt64(TagHash.mostTags)).map { $0 << 50 }] {
      let record = RecordMetadata(metadata, tags: tags)
      #expect(record.encoded().withUnsafeBytes { RecordMetadata.decode($0) } == record)
    }
    let many = RecordMetadata(metadata, tags: [UInt64](repeating: 1, count: TagHash.mostTags + 1))
    let decoded = try #require(many.encoded().withUnsafeBytes { RecordMetadata.decode($0) })
    #expect(decoded.hasMoreTags && decoded.withTagList { $0.isUnknown })
  }

  @Test func aMessageOfAnotherVersionIsAMissAndUnknownFieldsAreNone() throws {
    func decode(_ change: (inout StoredRecord) -> Void, plus more: [UInt8] = []) throws -> Bool {
      var message = try StoredRecord(serializedBytes: RecordMetadata(ObjectMetadata()).encoded())
      change(&message)
      let bytes: [UInt8] = try message.serializedBytes() + more
      return bytes.withUnsafeBytes { RecordMetadata.decode($0) } != nil
    }
    #expect(try decode { _ in })
    // Field 99, a varint; and field 100, three bytes.
    #expect(try decode({ _ in }, plus: [0x98, 0x06, 0x01, 0xA2, 0x06, 0x03, 1, 2, 3]))
    #expect(try !decode { $0.version = 2 })
    #expect(try !decode { $0.version = 0 })
    #expect(try !decode { $0.kind = 9 })
    #expect(try !decode { $0.status = 1 << 16 })
    #expect(try !decode({ _ in }, plus: [0xFF]))
  }

  @Test(arguments: [false, true])
  func everyFlippedBitOfARecordIsFoundOut(isEncrypted: Bool) throws {
    let object = DiskObject(key: "https://h/p", version: 1, count: 300).stored()
    let prepared = try #require(RecordEncoder.prepare(object))
    var bytes = [UInt8](repeating: 0, count: prepared.paddedCount)
    let seal: any ChunkSeal =
      isEncrypted ? AESGCMSeal(cipher: AESGCM(key: .random(count: 32))) : ChecksumSeal()
    bytes.withUnsafeMutableBytes {
      RecordEncoder(seal: seal).encode(prepared, generation: 3, position: 512, into: $0)
    }
    func opens(_ bytes: [UInt8], generation: UInt64) -> Bool {
      var bytes = bytes
      return bytes.withUnsafeMutableBytes { bytes in
        let decoder = RecordDecoder(seal: seal)
        guard let record = decoder.open(bytes, generation: generation),
          bytes.count - record.bodyOffset >= record.header.bodyCount
        else { return false }
        var body = [UInt8](repeating: 0, count: record.header.bodyCount)
        return body.withUnsafeMutableBytes {
          decoder.openChunk(0, of: record, in: UnsafeRawBufferPointer(bytes), into: $0)
        }
      }
    }
    #expect(opens(bytes, generation: 3))
    #expect(!opens(bytes, generation: 4))
    let header = try #require(
      bytes.withUnsafeBytes { RecordHeader.decode($0, generation: 3) })
    for bit in 0..<(header.recordCount * 8) {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!opens(bytes, generation: 3), "bit \(bit)")
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
    for cut in 0..<header.recordCount { #expect(!opens(Array(bytes[..<cut]), generation: 3)) }
  }

  @Test func aLogCutAnywhereGivesAllWholeFramesBeforeTheCut() {
    let payloads = (1...20).map { [UInt8](repeating: UInt8($0), count: $0 * 3) }
    var bytes = LogFormat.header(number: 8)
    var ends = [bytes.count]
    for payload in payloads {
      LogFormat.appendFrame(payload, number: 8, base: 0, syncedBytes: 0, to: &bytes)
      ends.append(bytes.count)
    }
    for cut in 0...bytes.count {
      var found: [[UInt8]] = []
      let ending = bytes[..<cut].withUnsafeBytes {
        LogFormat.replay($0, number: 8) { found.append(Array($0)) }
      }
      // A frame's padding may be missing.
      let whole = zip(payloads, ends).filter { $1 + 16 + $0.count <= cut }.map(\.0)
      #expect(found == whole)
      #expect(ending != .damaged)
    }
    #expect(bytes.withUnsafeBytes { LogFormat.replay($0, number: 9) { _ in } } == .torn)
  }

  @Test func damageBeforeTheSyncedEndIsToldFromATornTail() {
    var bytes = LogFormat.header(number: 1)
    for number in 0..<10 {
      let synced = bytes.count
      LogFormat.appendFrame(
        [UInt8(number)], number: 1, base: 0, syncedBytes: synced, to: &bytes)
    }
    for position in 0..<bytes.count {
      var damaged = bytes
      damaged[position] ^= 0x10
      var found = 0
      let ending = damaged.withUnsafeBytes { LogFormat.replay($0, number: 1) { _ in found += 1 } }
      let isLast = position >= bytes.count - 24
      let isPadding = position >= 32 && (position - 32) % 24 > 16
      let isUnusedHeader = position >= 24 && position < 32 || position == 6 || position == 7
      if isPadding {
        #expect(ending == .whole)
      } else if !isUnusedHeader {
        #expect(ending == (isLast ? .torn : .damaged), "byte \(position)")
        #expect(found < 10)
      }
    }
  }

  @Test func aDamagedSnapshotIsNotBelieved() {
    var snapshot = IndexSnapshot(journalNumber: 4, segments: [], shards: [])
    let record = Segment.DedicatedRecord(
      hash: KeyHash(high: 1, low: 2), position: 4096, count: 512)
    snapshot.segments.append(
      .init(generation: 9, slot: 1, kind: .shared, maxFetchSequence: 5, dedicated: nil))
    snapshot.segments.append(
      .init(generation: 10, slot: 2, kind: .dedicated, maxFetchSequence: 6, dedicated: record))
    for number in 0..<DiskIndex.shardCount {
      let place = RecordPlace(slot: 1, block: UInt32(number), blockCount: 2)
      snapshot.shards.append([IndexEntry(fingerprint: UInt64(number), place: place)])
    }
    var bytes = snapshot.encoded()
    let decoded = IndexSnapshot.decode(bytes)
    #expect(decoded?.segments == snapshot.segments)
    #expect(decoded?.journalNumber == 4)
    #expect(decoded?.shards[5].first?.place.block == 5)
    for position in 0..<(32 + 128 + 8 + 28 * 3) where position % 28 != 27 {
      bytes[position] ^= 0x40
      let damaged = IndexSnapshot.decode(bytes)
      bytes[position] ^= 0x40
      let isPadding = position >= 168 && (position - 168) % 32 >= 28
      if !isPadding { #expect(damaged == nil, "byte \(position)") }
    }
    for cut in 0..<bytes.count - 4 { #expect(IndexSnapshot.decode(Array(bytes[..<cut])) == nil) }
  }

  @Test func invalidationEntriesComeBackAndShortOnesAreRefused() {
    let entry = InvalidationEntry.invalidation(
      sequence: 77,
      selectors: [
        .everything, .path(host: nil, pattern: "/a/*?b"), .path(host: "h.example", pattern: "/ü"),
      ])
    let bytes = entry.encoded()
    #expect(bytes.withUnsafeBytes { InvalidationEntry.decode($0) } == entry)
    for cut in 0..<bytes.count {
      #expect(bytes[..<cut].withUnsafeBytes { InvalidationEntry.decode($0) } == nil)
    }
  }
}
