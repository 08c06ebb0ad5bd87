import HTTPMessage
import NIOCore
import RawStructuredFieldValues

/// The groups that a response belongs to, or invalidates (RFC 9875).
///
/// Both fields are Lists of Strings. A field that is none is ignored as a whole; parameters do not
/// count. Groups are an origin's own: two responses share one only under the same scheme, host and
/// port (section 2.1), which ``forEachTag(request:_:)`` writes into the group's text.
public struct CacheGroups: Sendable, Equatable {
  /// The groups that are kept of one field; section 2 asks for at least 32.
  public static let groupLimit = 64
  /// The longest group in bytes; section 2 asks for at least 32.
  public static let lengthLimitBytes = 256

  /// The groups, each once, in the order of the field.
  public private(set) var names: [[UInt8]] = []
  /// How many more there were, or longer ones. A response that lost a group must not be stored as
  /// if it had none: it would survive its own invalidation.
  public private(set) var leftOut = 0

  /// The groups that a response belongs to: Cache-Groups.
  public init(response fields: FieldBlock) { read(.cacheGroups, of: fields) }

  /// The groups that a response to `method` invalidates: Cache-Group-Invalidation, which says
  /// nothing on responses to safe requests (section 3).
  public init(invalidatedBy fields: FieldBlock, method: RequestMethod) {
    if !method.isSafe { read(.cacheGroupInvalidation, of: fields) }
  }

  /// Whether there is no group.
  public var isEmpty: Bool { names.isEmpty }

  /// Calls `body` with each group as a tag of the request's origin, such as
  /// `http://example.com "scripts`: no cache tag has a space in it, so the two never meet. The
  /// pointers are valid only during the calls.
  public func forEachTag(request: RequestHead, _ body: (UnsafeRawBufferPointer) -> Void) {
    if names.isEmpty { return }
    var tag = ByteBuffer()
    tag.writeStaticString(request.isSecure ? "https://" : "http://")
    request.withBytes(request.authority) {
      CacheKeyBuilder.writeHost($0, isSecure: request.isSecure, into: &tag)
    }
    tag.writeStaticString(" \"")
    let origin = tag.writerIndex
    for name in names {
      tag.moveWriterIndex(to: origin)
      tag.writeBytes(name)
      tag.withUnsafeReadableBytes { body($0) }
    }
  }

  private mutating func read(_ field: KnownField, of fields: FieldBlock) {
    guard fields.contains(field) else { return }
    var text: [UInt8] = []
    fields.forEach(field) { line in
      if !text.isEmpty { text += [UInt8(ascii: ","), 0x20] }
      text += line
    }
    var parser = StructuredFieldValueParser(text)
    guard let members = try? parser.parseListFieldValue() else { return }
    var strings: [[UInt8]] = []
    for member in members {
      guard case .item(let item) = member, case .string(let string) = item.rfc9651BareItem else {
        return
      }
      strings.append(Array(string.utf8))
    }
    for string in strings where !names.contains(string) {
      if string.count > Self.lengthLimitBytes || names.count == Self.groupLimit {
        leftOut += 1
      } else {
        names.append(string)
      }
    }
  }
}
