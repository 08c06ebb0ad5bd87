import SwiftProtobuf
import Testing

@testable import CacheStore

/// What lies on disk of invalidations, tags and marks; old files stay readable.
@Suite struct InvalidationFormatTests {
  private static let selectors: [InvalidationSelector] = [
    .everything, .path(host: nil, pattern: "/a/*?b"), .path(host: "h.example", pattern: "/ü"),
    .glob(host: nil, pattern: "/{a,b}"), .glob(host: "h", pattern: "/[ab]"),
    .url(host: nil, target: "/a?b", ignoresQuery: false),
    .url(host: "h", target: "/a?b", ignoresQuery: false),
    .url(host: nil, target: "/a", ignoresQuery: true),
    .url(host: "h", target: "/a", ignoresQuery: true), .prefix(host: nil, prefix: "/p"),
    .prefix(host: "h", prefix: "/p"), .host("h.example:80"), .tag(TagHash("t")), .route(7),
    .status(404), .receivedBefore(second: -1),
  ]

  @Test(arguments: [InvalidationKind.hard, .soft])
  func everySelectorComesBackAndShortEntriesAreRefused(_ kind: InvalidationKind) {
    for selector in Self.selectors {
      let entry = InvalidationEntry.invalidation(
        sequence: 77, selectors: [selector, selector], kind: kind)
      let bytes = entry.encoded()
      #expect(bytes.count == 16 + 2 * SelectorFormat.byteCount(selector))
      #expect(bytes.withUnsafeBytes { InvalidationEntry.decode($0) } == entry)
      for cut in 0..<bytes.count {
        #expect(bytes[..<cut].withUnsafeBytes { InvalidationEntry.decode($0) } == nil)
      }
    }
  }

  @Test func anEntryFromBeforeThereWereSoftOnesIsRead() {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: UInt64(3))
    bytes.append(littleEndian: UInt64(9))
    bytes.append(littleEndian: UInt64(5))
    #expect(
      bytes.withUnsafeBytes { InvalidationEntry.decode($0) }
        == .startOver(sequence: 9, floor: 5, softFloor: 0, historyFloor: 9))
  }

  /// A store that was left with one frame more in a log.
  private func store(
    _ payload: [UInt8], appendedTo prefix: String
  ) async throws -> (DiskSimulatedDevice, DiskTier) {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    for number in 0..<10 { first.put(DiskObject(key: "k\(number)", version: 1, count: 500)) }
    first.synchronize()
    #expect(await first.recordInvalidation(sequence: 5, selectors: [.host("h")]) == nil)
    first.abandon()
    let path = try #require(device.files { $0.contains(prefix) }.last)
    var bytes = device.bytes(path)
    let name = String(path.split(separator: "/").last ?? "")
    let number = try #require(CommitLog.number(fileName: name, prefix: prefix))
    LogFormat.appendFrame(payload, number: number, base: 0, syncedBytes: 0, to: &bytes)
    device.setBytes(path, bytes)
    return (device, try openDisk(device))
  }

  @Test func anEntryOfALaterVersionInvalidatesEverything() async throws {
    var unknownEntry: [UInt8] = []
    unknownEntry.append(littleEndian: UInt64(99))
    unknownEntry.append(littleEndian: UInt64(6))
    var unknownSelector = InvalidationEntry.invalidation(sequence: 6, selectors: [.host("h")])
      .encoded()
    unknownSelector[16] = 200
    for payload in [unknownEntry, unknownSelector] {
      let (_, tier) = try await store(payload, appendedTo: DiskDirectories.invalidationPrefix)
      let recovered = tier.recoveredInvalidations
      #expect(recovered.floor == recovered.sequence && recovered.floor >= 6)
      tier.abandon()
    }
    // One that is known leaves the rest in place.
    let known = InvalidationEntry.invalidation(sequence: 6, selectors: [.status(1)]).encoded()
    let (_, tier) = try await store(known, appendedTo: DiskDirectories.invalidationPrefix)
    #expect(tier.recoveredInvalidations.floor == 0)
    #expect(tier.recoveredInvalidations.rules.map(\.selector) == [.host("h"), .status(1)])
    tier.abandon()
  }

  @Test func aChangeOfTheIndexOfALaterVersionStartsEmpty() async throws {
    var payload: [UInt8] = []
    payload.append(littleEndian: UInt64(99))
    payload.append(littleEndian: UInt64(0))
    let (device, tier) = try await store(payload, appendedTo: DiskDirectories.journalPrefix)
    #expect(tier.statistics.recovery == .startedEmpty)
    #expect((0..<10).allSatisfy { tier.getChecked("k\($0)") == nil })
    tier.shutdown()
    let again = try openDisk(device)
    #expect((0..<10).allSatisfy { again.getChecked("k\($0)") == nil })
    again.abandon()
  }

  @Test func journalEntriesOfMarksComeBack() {
    let hash = KeyHash(high: 3, low: 4)
    var insertion = JournalEntry.Insertion(
      hash: hash, generation: 5, position: 512, count: 1024, fetchSequence: 6)
    for isMarkedStale in [true, false] {
      insertion.isMarkedStale = isMarkedStale
      for entry in [JournalEntry.insertion(insertion), .markedStale(hash)] {
        #expect(entry.encoded().withUnsafeBytes { JournalEntry.decode($0) } == entry)
      }
    }
  }

  @Test func footersOfOldAndNewSegmentsAreRead() {
    let key = Array("http://h/p".utf8)
    var bytes: [UInt8] = []
    // As it was written before there were attributes.
    bytes.append(littleEndian: UInt64(1))
    bytes.append(littleEndian: UInt64(2))
    bytes.append(littleEndian: UInt64(3))
    bytes.append(littleEndian: UInt32(4))
    bytes.append(littleEndian: UInt32(key.count))
    bytes += key
    bytes.pad(toMultipleOf: 8)
    let oldCount = bytes.count
    var metadata = ObjectMetadata()
    metadata.fetchSequence = 30
    metadata.status = 404
    metadata.route = 8
    metadata.responseTimeSeconds = 99
    let tags: [UInt64] = [7, 8]
    tags.withUnsafeBytes { tags in
      key.withUnsafeBytes { key in
        FooterEntry.append(
          hash: KeyHash(high: 1, low: 2), metadata: metadata, block: 9, key: key, tagCount: 2,
          tags: tags, to: &bytes)
      }
    }
    #expect(bytes.count - oldCount == FooterEntry.count(keyCount: key.count, tagBytes: 16))
    bytes.withUnsafeBytes { bytes in
      var entries = 0
      let isWhole = FooterEntry.forEach(in: bytes) { entry in
        #expect(Array(entry.key) == key)
        #expect(entry.hash == KeyHash(high: 1, low: 2))
        #expect((entry.attributes == nil) == (entries == 0))
        #expect(entry.tags.hashes == (entries == 0 ? [] : tags))
        #expect(entry.fetchSequence == (entries == 0 ? 3 : 30))
        if let attributes = entry.attributes {
          #expect(attributes.status == 404 && attributes.route == 8)
          #expect(attributes.responseTimeSeconds == 99)
        }
        // Without attributes nobody knows: a rule that asks for them takes it.
        let rule = InvalidationRule(.status(404), sequence: 40)
        #expect(rule.matches(entry.subject, KeyParts(entry.key)))
        entries += 1
      }
      #expect(isWhole && entries == 2)
    }
    for cut in 1..<bytes.count where cut != oldCount {
      #expect(!bytes[..<cut].withUnsafeBytes { FooterEntry.forEach(in: $0) { _ in } })
    }
  }

  @Test func aSnapshotFromBeforeThereWereMarksIsRead() throws {
    var snapshot = IndexSnapshot(journalNumber: 4, segments: [], shards: [])
    for number in 0..<DiskIndex.shardCount {
      let place = RecordPlace(
        slot: 1, block: UInt32(number), blockCount: 2, isMarkedStale: number == 3)
      snapshot.shards.append([IndexEntry(fingerprint: UInt64(number), place: place)])
    }
    var bytes = snapshot.encoded()
    #expect(IndexSnapshot.decode(bytes)?.shards[3].first?.isMarkedStale == true)
    bytes[6] = 0
    let checksum = bytes.withUnsafeBytes { BlockChecksum.of($0.slice(0, 24), seed: 0) }
    bytes.withUnsafeMutableBytes { $0.store(checksum, at: 24) }
    let old = try #require(IndexSnapshot.decode(bytes))
    // The bit belonged to a slot that is not there any more: a miss.
    #expect(old.shards[3].isEmpty)
    #expect(old.shards[4].first?.slot == 1)
  }

  @Test func aRecordOfAnUnknownKindIsAMiss() throws {
    for kind in 0...UInt32(UInt8.max) + 1 {
      var message = try StoredRecord(serializedBytes: RecordMetadata(ObjectMetadata()).encoded())
      message.kind = kind
      let bytes: [UInt8] = try message.serializedBytes()
      let decoded = bytes.withUnsafeBytes { RecordMetadata.decode($0) }
      let known = UInt8(exactly: kind).flatMap { ObjectMetadata.Kind(rawValue: $0) }
      #expect(decoded?.metadata.kind == known)
    }
  }
}
