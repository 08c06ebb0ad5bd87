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
/// | bytes | content |
/// |---|---|
/// | 0-7 | salt, big-endian |
/// | 8- | the field names as `VarySpecification` encodes them |
struct VariantList {
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
      guard head.count >= 8 else { return nil }
      let salt = UInt64(bigEndian: head.loadUnaligned(as: UInt64.self))
      return (salt, VarySpecification(encoded: UnsafeRawBufferPointer(rebasing: head[8...])))
    }
    guard let parsed else { return nil }
    self.init(fields: parsed.1, salt: parsed.0)
  }

  /// The head bytes of the list's record.
  func encoded() -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeInteger(salt)
    fields.encode(into: &buffer)
    return buffer
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
