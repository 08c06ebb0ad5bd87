import SwiftProtobuf

/// ``ObjectMetadata`` and the tags as they lie in a record: a ``StoredRecord`` message
/// (StoredRecord.proto). The head itself lies beside it, so that a read copies it once, into the
/// object, and not into a message before.
///
/// SwiftProtobuf writes it; `RecordMetadata+Decoding.swift` reads it, once for each hit from disk.
struct RecordMetadata: Equatable {
  /// Layout that this program writes and reads.
  static let version: UInt32 = 1
  /// Longest message that is read; this program writes about 700 bytes at most.
  static let mostBytes = 64 << 10

  var metadata: ObjectMetadata
  /// Hashes of its tags; empty when there are more than are kept.
  var tags: [UInt64] = []
  var hasMoreTags = false

  /// Hashes that make an object with these tags again.
  var storedHashes: [UInt64] { hasMoreTags ? TagList.unknown.storedHashes : tags }

  /// Lends the tags as invalidations see them.
  func withTagList<Result>(_ body: (TagList) -> Result) -> Result {
    hasMoreTags ? body(.unknown) : tags.withUnsafeBufferPointer { body(TagList($0)) }
  }

  init(_ metadata: ObjectMetadata, tags: [UInt64] = []) {
    self.metadata = metadata
    hasMoreTags = tags.count > TagHash.mostTags
    self.tags = hasMoreTags ? [] : tags
  }

  /// The tags and metadata of an object.
  init(_ object: StoredObject) {
    metadata = object.metadata
    hasMoreTags = object.tagCount == nil
    tags = object.tags
  }

  func encoded() -> [UInt8] {
    let message = StoredRecord.with { message in
      message.version = Self.version
      message.kind = UInt32(metadata.kind.rawValue)
      message.status = UInt32(metadata.status)
      message.flags = UInt32(metadata.flags)
      message.route = UInt32(metadata.route)
      message.etagOffset = metadata.etagOffset
      message.etagCount = UInt32(metadata.etagCount)
      message.responseTime = metadata.responseTimeSeconds
      message.initialAge = metadata.initialAgeSeconds
      message.lifetime = metadata.lifetimeSeconds
      message.staleWhileRevalidate = metadata.staleWhileRevalidateSeconds
      message.staleIfError = metadata.staleIfErrorSeconds
      if metadata.lastModifiedSeconds != .min {
        message.lastModified = metadata.lastModifiedSeconds
      }
      message.date = metadata.dateSeconds
      message.fetchSequence = metadata.fetchSequence
      if metadata.usefulUntilSeconds != .max { message.usefulUntil = metadata.usefulUntilSeconds }
      message.tags = tags
      message.hasMoreTags_p = hasMoreTags
    }
    // Only a message with required fields or of more than 2 GiB can fail to be written.
    guard let bytes: [UInt8] = try? message.serializedBytes() else {
      preconditionFailure("a record's metadata could not be serialized")
    }
    return bytes
  }
}
