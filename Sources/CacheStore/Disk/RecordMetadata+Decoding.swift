extension RecordMetadata {
  /// The metadata in a message; nil when it is no message, of another version, or holds a value
  /// that this version does not know. Fields that it does not know are passed over.
  static func decode(_ bytes: UnsafeRawBufferPointer) -> RecordMetadata? {
    guard bytes.count <= mostBytes else { return nil }
    var fields = Fields()
    var reader = WireReader(bytes)
    while !reader.isAtEnd {
      guard let (number, value) = reader.next(), fields.take(number, value) else { return nil }
    }
    return fields.made
  }

  /// The fields of a ``StoredRecord``; an object's metadata begins with the values that stand for
  /// what is not there.
  private struct Fields {
    private var metadata = ObjectMetadata()
    private var version: UInt32 = 0
    private var kind: UInt32 = 0
    private var status: UInt32 = 0
    private var flags: UInt32 = 0
    private var route: UInt32 = 0
    private var etagCount: UInt32 = 0
    private var tags: [UInt64] = []
    private var hasMoreTags = false

    /// Takes a field over; false when its value is malformed. Of a field that comes twice the later
    /// one counts; one of another type than it should have is unknown.
    @inline(__always)
    mutating func take(_ number: UInt32, _ value: WireReader.Value) -> Bool {
      switch value {
      case .varint(let varint): takeNumber(number, varint)
      case .fixed64(let tag) where number == 17: tags.append(tag)
      case .bytes(let packed) where number == 17:
        guard packed.count % 8 == 0 else { return false }
        for offset in stride(from: 0, to: packed.count, by: 8) { tags.append(packed.load(offset)) }
      case .fixed64, .fixed32, .bytes: break
      }
      return true
    }

    @inline(__always)
    private mutating func takeNumber(_ number: UInt32, _ varint: UInt64) {
      let word = UInt32(truncatingIfNeeded: varint)
      switch number {
      case 1: version = word
      case 2: kind = word
      case 3: status = word
      case 4: flags = word
      case 5: route = word
      case 6: metadata.etagOffset = word
      case 7: etagCount = word
      case 8: metadata.responseTimeSeconds = Int64(bitPattern: varint)
      case 9: metadata.initialAgeSeconds = Int32(zigZag: varint)
      case 10: metadata.lifetimeSeconds = Int32(zigZag: varint)
      case 11: metadata.staleWhileRevalidateSeconds = Int32(zigZag: varint)
      case 12: metadata.staleIfErrorSeconds = Int32(zigZag: varint)
      case 13: metadata.lastModifiedSeconds = Int64(bitPattern: varint)
      case 14: metadata.dateSeconds = Int64(bitPattern: varint)
      case 15: metadata.fetchSequence = varint
      case 16: metadata.usefulUntilSeconds = Int64(bitPattern: varint)
      case 18: hasMoreTags = varint != 0
      default: break
      }
    }

    /// The metadata; nil when a value is none that this version knows.
    var made: RecordMetadata? {
      guard version == RecordMetadata.version,
        let kind = UInt8(exactly: kind).flatMap(ObjectMetadata.Kind.init(rawValue:)),
        let status = UInt16(exactly: status), let flags = UInt16(exactly: flags),
        let route = UInt16(exactly: route), let etagCount = UInt16(exactly: etagCount),
        tags.count <= TagHash.mostTags
      else { return nil }
      var metadata = metadata
      metadata.kind = kind
      metadata.status = status
      metadata.flags = flags
      metadata.route = route
      metadata.etagCount = etagCount
      var result = RecordMetadata(metadata, tags: hasMoreTags ? [] : tags)
      result.hasMoreTags = hasMoreTags
      return result
    }
  }
}
