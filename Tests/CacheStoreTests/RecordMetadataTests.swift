import SwiftProtobuf
import Testing

@testable import CacheStore

/// The reader of record metadata beside SwiftProtobuf's, which writes it.
@Suite struct RecordMetadataTests {
  private func message(_ random: inout SeededGenerator) -> StoredRecord {
    func number(_ random: inout SeededGenerator) -> UInt64 {
      // As often small as large, so that varints of every length come.
      random.next() >> UInt64.random(in: 0..<64, using: &random)
    }
    var message = StoredRecord()
    message.version = 1
    message.kind = UInt32.random(in: 0...6, using: &random)
    message.status = UInt32(truncatingIfNeeded: number(&random) & 0x1_FFFF)
    message.flags = UInt32(truncatingIfNeeded: number(&random) & 0xFFFF)
    message.route = UInt32(truncatingIfNeeded: number(&random) & 0xFFFF)
    message.etagOffset = UInt32(truncatingIfNeeded: number(&random))
    message.etagCount = UInt32(truncatingIfNeeded: number(&random) & 0xFFFF)
    message.responseTime = Int64(bitPattern: number(&random))
    message.initialAge = Int32(truncatingIfNeeded: number(&random))
    message.lifetime = Int32(truncatingIfNeeded: number(&random))
    message.staleWhileRevalidate = Int32(truncatingIfNeeded: number(&random))
    message.staleIfError = Int32(truncatingIfNeeded: number(&random))
    if Bool.random(using: &random) { message.lastModified = Int64(bitPattern: number(&random)) }
    message.date = Int64(bitPattern: number(&random))
    message.fetchSequence = number(&random)
    if Bool.random(using: &random) { message.usefulUntil = Int64(bitPattern: number(&random)) }
    message.tags = (0..<Int.random(in: 0...3, using: &random)).map { _ in random.next() }
    message.hasMoreTags_p = Int.random(in: 0..<4, using: &random) == 0
    return message
  }

  /// What the library reads, by the rules that `decode` states.
  private func expected(_ bytes: [UInt8]) -> RecordMetadata? {
    guard let message = try? StoredRecord(serializedBytes: bytes), message.version == 1,
      let kind = UInt8(exactly: message.kind).flatMap(ObjectMetadata.Kind.init(rawValue:)),
      let status = UInt16(exactly: message.status), let flags = UInt16(exactly: message.flags),
      let route = UInt16(exactly: message.route),
      let etagCount = UInt16(exactly: message.etagCount), message.tags.count <= TagHash.mostTags
    else { return nil }
    var metadata = ObjectMetadata()
    metadata.kind = kind
    metadata.status = status
    metadata.flags = flags
    metadata.route = route
    metadata.etagOffset = message.etagOffset
    metadata.etagCount = etagCount
    metadata.responseTimeSeconds = message.responseTime
    metadata.initialAgeSeconds = message.initialAge
    metadata.lifetimeSeconds = message.lifetime
    metadata.staleWhileRevalidateSeconds = message.staleWhileRevalidate
    metadata.staleIfErrorSeconds = message.staleIfError
    if message.hasLastModified { metadata.lastModifiedSeconds = message.lastModified }
    metadata.dateSeconds = message.date
    metadata.fetchSequence = message.fetchSequence
    if message.hasUsefulUntil { metadata.usefulUntilSeconds = message.usefulUntil }
    var record = RecordMetadata(metadata, tags: message.hasMoreTags_p ? [] : message.tags)
    record.hasMoreTags = message.hasMoreTags_p
    return record
  }

  private func decoded(_ bytes: [UInt8]) -> RecordMetadata? {
    bytes.withUnsafeBytes { RecordMetadata.decode($0) }
  }

  @Test func readsWhatTheLibraryReads() throws {
    var random = SeededGenerator(seed: 11)
    for round in 0..<3000 {
      var bytes: [UInt8] = try message(&random).serializedBytes()
      // Fields again, in another order: the later one counts.
      if round % 3 == 0 { bytes += try message(&random).serializedBytes() as [UInt8] }
      #expect(decoded(bytes) == expected(bytes), "round \(round)")
    }
  }

  @Test func readsADamagedMessageAsTheLibraryDoesOrNotAtAll() throws {
    var random = SeededGenerator(seed: 12)
    for round in 0..<6000 {
      var bytes: [UInt8] = try message(&random).serializedBytes()
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      if Bool.random(using: &random) {
        bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
      }
      // Groups, and what the library passes over more freely, may be refused here.
      let own = decoded(bytes)
      if own != nil { #expect(own == expected(bytes), "round \(round): \(bytes)") }
    }
  }

  @Test func tagsMayStandOneByOneAndPacked() throws {
    var message = StoredRecord()
    message.version = 1
    message.tags = [1, 2]
    var bytes: [UInt8] = try message.serializedBytes()
    // Field 17 as a single fixed64.
    bytes += [0x89, 0x01, 3, 0, 0, 0, 0, 0, 0, 0]
    #expect(decoded(bytes)?.tags == [1, 2, 3])
    #expect(expected(bytes)?.tags == [1, 2, 3])
    // Seven bytes are no list of numbers of eight.
    #expect(decoded([0x08, 1, 0x8A, 0x01, 7, 0, 0, 0, 0, 0, 0, 0]) == nil)
  }
}
