import HTTPMessage
import NIOCore
import RawStructuredFieldValues

/// Which differences between queries a response declares to be none: its No-Vary-Search field
/// (draft-ietf-httpbis-no-vary-search).
///
/// `key-order`: the order of parameters of different names. `params`: all parameters, or with a
/// list those of these names; `except` beside `params`: all but those. A field that is malformed in
/// any way declares nothing.
///
/// ## Looking up
/// Requests are found by their whole key first, so responses without the field cost nothing more.
/// 1. Look up the key of ``CacheKeyBuilder/write(_:rules:routeSalt:contentDigest:into:)``. Found:
///    that is the answer.
/// 2. Where the route honours No-Vary-Search, look up the key of
///    ``CacheKeyBuilder/writeWithoutQuery(_:rules:routeSalt:into:)``. It names a small record,
///    a salt and an encoded variance: those of the last such response stored for the path. None: a
///    miss.
/// 3. Append LF, the salt and ``writeReducedQuery(_:keeping:into:)`` to the key of step 2 and look
///    that up: a response, or a list of variants (Vary comes after the query).
///
/// ## Storing
/// A response whose variance is not ``isDefault`` is stored under the key of step 3 instead of the
/// whole key, after its record, under the key of step 2. A record with another variance replaces
/// the one before it, with a new salt: what stood under the old one is out of reach and ages out,
/// which the draft allows (its section 6). The fill is coalesced under the whole key as always, for
/// until the response is there nobody knows its variance.
///
/// ## Invalidating
/// An unsafe request removes the whole key and the record: with its salt go all reduced keys of the
/// path, which may be more than was meant and is never less.
public struct SearchVariance: Sendable, Equatable {
  /// More names than this, or longer ones than ``nameLimitBytes``, declare nothing.
  public static let nameLimit = 64
  /// The longest name in bytes, decoded.
  public static let nameLimitBytes = 256

  /// Whether the order of parameters of different names says nothing.
  public private(set) var ignoresOrder: Bool
  /// Whether ``names`` are the only ones that count; otherwise the only ones that do not.
  public private(set) var countsOnlyNames: Bool
  /// Names of parameters, decoded, sorted, each once.
  public private(set) var names: [[UInt8]]

  /// Of a response without the field: every difference counts.
  public init() {
    ignoresOrder = false
    countsOnlyNames = false
    names = []
  }

  /// What a response's No-Vary-Search lines declare. Allocates; for responses that are stored.
  public init(response fields: FieldBlock) {
    self.init()
    guard fields.contains(.noVarySearch), let declared = Self.declared(by: fields) else { return }
    self = declared
  }

  /// Whether every difference counts, so that no record is needed.
  public var isDefault: Bool { !ignoresOrder && !countsOnlyNames && names.isEmpty }

  // MARK: Stored form

  /// The variance that ``encode(into:)`` wrote; nil for other bytes.
  public init?(encoded: UnsafeRawBufferPointer) {
    guard let flags = encoded.first, flags < 4 else { return nil }
    ignoresOrder = flags & 1 != 0
    countsOnlyNames = flags & 2 != 0
    names = []
    var offset = 1
    while offset < encoded.count {
      guard offset + 2 <= encoded.count else { return nil }
      let count = Int(encoded[offset]) << 8 | Int(encoded[offset + 1])
      guard offset + 2 + count <= encoded.count, names.count < Self.nameLimit else { return nil }
      names.append(Array(encoded[(offset + 2)..<(offset + 2 + count)]))
      offset += 2 + count
    }
  }

  /// Appends the variance for storage.
  ///
  /// | bytes | content |
  /// |---|---|
  /// | 0 | bit 0: the order says nothing; bit 1: only the names count |
  /// | then for each name | length in two bytes, the higher first; the name |
  public func encode(into buffer: inout ByteBuffer) {
    buffer.writeInteger((ignoresOrder ? 1 : 0) | (countsOnlyNames ? 2 : 0) as UInt8)
    for name in names {
      buffer.writeInteger(UInt16(truncatingIfNeeded: name.count))
      buffer.writeBytes(name)
    }
  }

  // MARK: Reading the field

  /// Nil when the lines are no dictionary (RFC 9651 section 3.2), an entry has another type than
  /// the draft's section 5.1 asks for, or there are too many names. Unknown entries do not count.
  private static func declared(by fields: FieldBlock) -> SearchVariance? {
    var text: [UInt8] = []
    fields.forEach(.noVarySearch) { line in
      if !text.isEmpty { text += [UInt8(ascii: ","), 0x20] }
      text += line
    }
    var parser = StructuredFieldValueParser(text)
    guard let dictionary = try? parser.parseDictionaryFieldValue() else { return nil }
    var result = SearchVariance()
    if let order = dictionary["key-order"] {
      guard let flag = boolean(order) else { return nil }
      result.ignoresOrder = flag
    }
    var ignoresAll = false
    if let parameters = dictionary["params"] {
      if let flag = boolean(parameters) {
        ignoresAll = flag
      } else {
        guard let names = nameList(parameters) else { return nil }
        result.names = names
      }
    }
    result.countsOnlyNames = ignoresAll
    if let exceptions = dictionary["except"] {
      guard ignoresAll, let names = nameList(exceptions) else { return nil }
      result.names = names
    }
    return result
  }

  private static func boolean(_ member: ItemOrInnerList) -> Bool? {
    if case .item(let item) = member, case .bool(let flag) = item.rfc9651BareItem { return flag }
    return nil
  }

  /// The strings of an inner list, decoded like names in a query.
  private static func nameList(_ member: ItemOrInnerList) -> [[UInt8]]? {
    guard case .innerList(let list) = member else { return nil }
    var names: [[UInt8]] = []
    for item in list.bareInnerList {
      guard case .string(let text) = item.rfc9651BareItem else { return nil }
      let name = Array(text.utf8).withUnsafeBytes { FormText.decoded($0) }
      guard name.count <= nameLimitBytes else { return nil }
      if !names.contains(name) { names.append(name) }
    }
    guard names.count <= nameLimit else { return nil }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }
}
