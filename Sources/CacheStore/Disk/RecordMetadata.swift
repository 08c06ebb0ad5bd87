/// ``ObjectMetadata`` as it lies in a record. All little-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 2 | layout version, 1 |
/// | 2 | 2 | status |
/// | 4 | 2 | flags |
/// | 6 | 2 | route |
/// | 8 | 1 | kind |
/// | 9 | 1 | number of tags; 255: more than are kept |
/// | 10 | 2 | entity tag's length |
/// | 12 | 4 | entity tag's offset in the head |
/// | 16 | 8 | response time, Unix seconds |
/// | 24 | 4 | initial age, seconds |
/// | 28 | 4 | lifetime, seconds |
/// | 32 | 4 | stale-while-revalidate, seconds |
/// | 36 | 4 | stale-if-error, seconds |
/// | 40 | 8 | Last-Modified, Unix seconds |
/// | 48 | 8 | Date, Unix seconds |
/// | 56 | 8 | sequence at which the fetch began |
/// | 64 | 8 | useful until, Unix seconds |
/// | 72 | 8 each | tag hashes |
enum RecordMetadata {
  static let byteCount = 72
  private static let version: UInt16 = 1

  /// Bytes with the tags behind them.
  static func count(tagBytes: Int) -> Int { byteCount + tagBytes }

  /// - Parameters:
  ///   - tagCount: the count byte, see ``TagList``.
  ///   - tags: the hashes as they lie in memory.
  static func encode(
    _ metadata: ObjectMetadata, tagCount: UInt8 = 0,
    tags: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    into bytes: UnsafeMutableRawBufferPointer
  ) {
    precondition(bytes.count >= count(tagBytes: tags.count))
    bytes.slice(byteCount, tags.count).copyMemory(from: tags)
    bytes.store(version, at: 0)
    bytes.store(metadata.status, at: 2)
    bytes.store(metadata.flags, at: 4)
    bytes.store(metadata.route, at: 6)
    bytes.store(metadata.kind.rawValue, at: 8)
    bytes.store(tagCount, at: 9)
    bytes.store(metadata.etagCount, at: 10)
    bytes.store(metadata.etagOffset, at: 12)
    bytes.store(metadata.responseTimeSeconds, at: 16)
    bytes.store(metadata.initialAgeSeconds, at: 24)
    bytes.store(metadata.lifetimeSeconds, at: 28)
    bytes.store(metadata.staleWhileRevalidateSeconds, at: 32)
    bytes.store(metadata.staleIfErrorSeconds, at: 36)
    bytes.store(metadata.lastModifiedSeconds, at: 40)
    bytes.store(metadata.dateSeconds, at: 48)
    bytes.store(metadata.fetchSequence, at: 56)
    bytes.store(metadata.usefulUntilSeconds, at: 64)
  }

  /// The tags behind the metadata; nil when they are not all there.
  static func decodeTags(_ bytes: UnsafeRawBufferPointer) -> TagList? {
    let count = TagList.byteCount(countByte: bytes[9])
    guard bytes.count >= byteCount + count, let start = bytes.baseAddress else { return nil }
    return TagList(countByte: bytes[9], start: start + byteCount)
  }

  /// The metadata; nil when the layout or a field is not known to this version.
  static func decode(_ bytes: UnsafeRawBufferPointer) -> ObjectMetadata? {
    guard bytes.count >= byteCount, bytes.load(0, as: UInt16.self) == version,
      let kind = ObjectMetadata.Kind(rawValue: bytes[8])
    else { return nil }
    var metadata = ObjectMetadata()
    metadata.status = bytes.load(2)
    metadata.flags = bytes.load(4)
    metadata.route = bytes.load(6)
    metadata.kind = kind
    metadata.etagCount = bytes.load(10)
    metadata.etagOffset = bytes.load(12)
    metadata.responseTimeSeconds = bytes.load(16)
    metadata.initialAgeSeconds = bytes.load(24)
    metadata.lifetimeSeconds = bytes.load(28)
    metadata.staleWhileRevalidateSeconds = bytes.load(32)
    metadata.staleIfErrorSeconds = bytes.load(36)
    metadata.lastModifiedSeconds = bytes.load(40)
    metadata.dateSeconds = bytes.load(48)
    metadata.fetchSequence = bytes.load(56)
    metadata.usefulUntilSeconds = bytes.load(64)
    return metadata
  }
}
