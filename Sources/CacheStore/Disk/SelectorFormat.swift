/// How a selector lies in the invalidation log: one byte says what it is, its parts follow. A text
/// is 4 bytes count and its bytes; a host comes before what it limits. All little-endian.
///
/// | byte | selector | parts |
/// |---|---|---|
/// | 0 | everything | |
/// | 1, 2 | path on any host, on one host | pattern |
/// | 3, 4 | glob, likewise | pattern |
/// | 5, 6 | URL with its query, likewise | target |
/// | 7, 8 | URL with any query, likewise | target |
/// | 9, 10 | prefix, likewise | prefix |
/// | 11 | host | host |
/// | 12 | tag | 8 bytes hash |
/// | 13 | route | 2 bytes number |
/// | 14 | status | 2 bytes code |
/// | 15 | received before | 8 bytes Unix seconds |
enum SelectorFormat {
  static func encode(_ selector: InvalidationSelector, into bytes: inout [UInt8]) {
    switch selector {
    case .everything: bytes.append(0)
    case .path(let host, let pattern): encode(1, host, pattern, into: &bytes)
    case .glob(let host, let pattern): encode(3, host, pattern, into: &bytes)
    case .url(let host, let target, let ignoresQuery):
      encode(ignoresQuery ? 7 : 5, host, target, into: &bytes)
    case .prefix(let host, let prefix): encode(9, host, prefix, into: &bytes)
    case .host(let host):
      bytes.append(11)
      encode(host, into: &bytes)
    case .tag(let tag):
      bytes.append(12)
      bytes.append(littleEndian: tag.value)
    case .route(let route):
      bytes.append(13)
      bytes.append(littleEndian: route)
    case .status(let status):
      bytes.append(14)
      bytes.append(littleEndian: status)
    case .receivedBefore(let second):
      bytes.append(15)
      bytes.append(littleEndian: second)
    }
  }

  private static func encode(
    _ byte: UInt8, _ host: String?, _ text: String, into bytes: inout [UInt8]
  ) {
    bytes.append(host == nil ? byte : byte + 1)
    if let host { encode(host, into: &bytes) }
    encode(text, into: &bytes)
  }

  private static func encode(_ text: String, into bytes: inout [UInt8]) {
    bytes.append(littleEndian: UInt32(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  /// Bytes that a selector takes in an entry.
  static func byteCount(_ selector: InvalidationSelector) -> Int {
    switch selector {
    case .everything: 1
    case .path(let host, let text), .glob(let host, let text), .url(let host, let text, _),
      .prefix(let host, let text):
      5 + text.utf8.count + (host.map { 4 + $0.utf8.count } ?? 0)
    case .host(let host): 5 + host.utf8.count
    case .tag, .receivedBefore: 9
    case .route, .status: 3
    }
  }

  /// The next selector; nil when it is not all there, or of a kind that is not known.
  static func decode(_ cursor: inout ByteCursor) -> InvalidationSelector? {
    guard let byte = cursor.read(UInt8.self) else { return nil }
    switch byte {
    case 0: return .everything
    case 1...10:
      var host: String?
      if byte % 2 == 0 {
        guard let text = decodeText(&cursor) else { return nil }
        host = text
      }
      guard let text = decodeText(&cursor) else { return nil }
      switch byte {
      case 1, 2: return .path(host: host, pattern: text)
      case 3, 4: return .glob(host: host, pattern: text)
      case 5, 6: return .url(host: host, target: text, ignoresQuery: false)
      case 7, 8: return .url(host: host, target: text, ignoresQuery: true)
      default: return .prefix(host: host, prefix: text)
      }
    case 11: return decodeText(&cursor).map { .host($0) }
    case 12: return cursor.read(UInt64.self).map { .tag(TagHash(value: $0)) }
    case 13: return cursor.read(UInt16.self).map { .route($0) }
    case 14: return cursor.read(UInt16.self).map { .status($0) }
    case 15: return cursor.read(Int64.self).map { .receivedBefore(second: $0) }
    default: return nil
    }
  }

  private static func decodeText(_ cursor: inout ByteCursor) -> String? {
    guard let count = cursor.read(UInt32.self), let bytes = cursor.readBytes(Int(count)) else {
      return nil
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
