import CachePolicy
import CacheStore
import NIOCore

/// The fields by which the variants of one primary key differ, as the store keeps it: a record of
/// its own under the primary key, with an empty body.
///
/// The variants stand under keys of their own: primary key, line feed, salt, field values. The salt
/// is new for every list, so that whatever removes the list (an invalidation of the URL, an
/// eviction) makes all its variants unreachable at once.
///
/// The list also names its variants by their hashes, oldest first, so that one URL has at most as
/// many as its route allows: a new one takes the place of the oldest. Two loops that add at one
/// moment may lose one of the names; that variant then counts for nothing and leaves like any
/// other object.
///
/// | bytes | content |
/// |---|---|
/// | 0-7 | salt, big-endian |
/// | 8-9 | length n of the names, big-endian |
/// | 10- | the field names as `VarySpecification` encodes them, n bytes |
/// | 10+n- | the variants: 16 bytes each, upper and lower half of the hash, big-endian |
struct VariantList: Sendable {
  private static let namesOffset = 10
  private static let memberBytes = 16

  /// The varying fields.
  let fields: VarySpecification
  /// What tells this list's variants from those of its predecessors.
  let salt: UInt64

  /// A list over `fields`.
  init(fields: VarySpecification, salt: UInt64) {
    self.fields = fields
    self.salt = salt
  }

  /// The list that `object` holds; nil when it holds none.
  init?(_ object: StoredObject) {
    guard object.metadata.kind == .variantList else { return nil }
    let parsed = object.withHead { head -> (UInt64, VarySpecification)? in
      guard let namesEnd = Self.namesEnd(head) else { return nil }
      let salt = UInt64(bigEndian: head.loadUnaligned(as: UInt64.self))
      let names = UnsafeRawBufferPointer(rebasing: head[Self.namesOffset..<namesEnd])
      return (salt, VarySpecification(encoded: names))
    }
    guard let parsed else { return nil }
    self.init(fields: parsed.1, salt: parsed.0)
  }

  /// The hashes of the variants that `object`'s list names, oldest first.
  static func members(of object: StoredObject) -> [KeyHash] {
    object.withHead { head in
      guard var offset = namesEnd(head) else { return [] }
      var members: [KeyHash] = []
      while offset + memberBytes <= head.count {
        let high = head.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        let low = head.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
        members.append(KeyHash(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low)))
        offset += memberBytes
      }
      return members
    }
  }

  /// The head bytes of a record of this list with these variants.
  func encoded(members: [KeyHash] = []) -> ByteBuffer {
    var names = ByteBuffer()
    fields.encode(into: &names)
    var buffer = ByteBuffer()
    buffer.reserveCapacity(
      Self.namesOffset + names.readableBytes + members.count * Self.memberBytes)
    buffer.writeInteger(salt)
    buffer.writeInteger(UInt16(clamping: names.readableBytes))
    buffer.writeBuffer(&names)
    for member in members {
      buffer.writeInteger(member.high)
      buffer.writeInteger(member.low)
    }
    return buffer
  }

  /// Where the names end in a record's head; nil when the head is too short.
  private static func namesEnd(_ head: UnsafeRawBufferPointer) -> Int? {
    guard head.count >= namesOffset else { return nil }
    let count = UInt16(bigEndian: head.loadUnaligned(fromByteOffset: 8, as: UInt16.self))
    let end = namesOffset + Int(count)
    return end <= head.count ? end : nil
  }

  /// Appends what turns a primary key into the key of the variant whose field values are `values`.
  static func extend(
    _ key: inout ByteBuffer, salt: UInt64, values: (inout ByteBuffer) -> Void
  ) {
    key.writeStaticString("\n")
    key.writeInteger(salt)
    values(&key)
  }
}
