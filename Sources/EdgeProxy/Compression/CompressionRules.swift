import CachePolicy
import HTTPMessage
import NIOCore

/// Which responses of a route are stored gzip'd.
public struct CompressionRules: Sendable {
  /// A media type, or several: `*` stands for any characters, once.
  struct MediaRange: Sendable {
    private let prefix: [UInt8]
    /// What follows the `*`; nil without one.
    private let suffix: [UInt8]?

    init(_ text: String) {
      let parts = text.lowercased().split(
        separator: "*", maxSplits: 1, omittingEmptySubsequences: false)
      prefix = Array((parts.first ?? "").utf8)
      suffix = parts.count > 1 ? Array(parts[1].utf8) : nil
    }

    /// Whether a media type without its parameters is one of these; letter case does not count.
    func contains(_ type: UnsafeRawBufferPointer) -> Bool {
      guard let suffix else { return Self.areEqual(type[...], prefix) }
      return type.count >= prefix.count + suffix.count
        && Self.areEqual(type[..<prefix.count], prefix)
        && Self.areEqual(type[(type.count - suffix.count)...], suffix)
    }

    private static func areEqual(_ bytes: Slice<UnsafeRawBufferPointer>, _ lower: [UInt8]) -> Bool {
      bytes.count == lower.count && zip(bytes, lower).allSatisfy { $0.asciiLowercased == $1 }
    }
  }

  private let types: [MediaRange]
  /// Bodies of these sizes, in bytes.
  public let sizes: ClosedRange<Int>
  /// zlib's level, 1 to 9.
  public let level: Int

  /// Rules for media types such as `text/*`, bodies of `sizes` bytes, and zlib's `level`.
  public init(types: [String], sizes: ClosedRange<Int>, level: Int = 6) {
    self.types = types.map(MediaRange.init)
    self.sizes = sizes
    self.level = level
  }

  /// Whether a response that is going to be stored may be stored gzip'd, as far as its head tells.
  ///
  /// - Parameters:
  ///   - fields: the stored fields.
  ///   - contentLength: the body's size; nil when it is not known yet.
  ///   - flags: what the response forbids: `no-transform` (RFC 9111 section 5.2.2.6).
  public func cover(
    status: Int, fields: FieldBlock, contentLength: Int?, flags: FreshnessFlags
  ) -> Bool {
    switch status {
    case 200, 203, 300...303, 307...599: break
    default: return false
    }
    guard !flags.contains(.noTransform), !fields.contains(.contentEncoding),
      !fields.contains(.contentRange), contentLength.map(sizes.contains) ?? true,
      !Self.isDigested(fields)
    else { return false }
    return fields.withFirst(.contentType) { value in
      let end = value.firstIndex(of: UInt8(ascii: ";")) ?? value.count
      let type = UnsafeRawBufferPointer(rebasing: value[..<end]).trimmed
      return types.contains { $0.contains(type) }
    } ?? false
  }

  /// Whether a response that is going to be stored came gzip'd and may be served plain to clients
  /// that take no gzip: what an origin does not vary by Accept-Encoding, it sends to everybody.
  /// Parameters as in ``cover(status:fields:contentLength:flags:)``.
  public func coverGzip(
    status: Int, fields: FieldBlock, contentLength: Int?, flags: FreshnessFlags
  ) -> Bool {
    guard status == 200, !flags.contains(.noTransform), !fields.contains(.contentRange),
      fields.occurrences(of: .contentEncoding) == 1, !fields.variesByCoding,
      contentLength.map({ $0 <= sizes.upperBound }) ?? true, !Self.isDigested(fields)
    else { return false }
    return fields.withFirst(.contentEncoding) {
      $0.equalsIgnoringCase("gzip") || $0.equalsIgnoringCase("x-gzip")
    } ?? false
  }

  /// Digests are of the bytes as they were sent: gzip'd they would be wrong (RFC 9530).
  private static func isDigested(_ fields: FieldBlock) -> Bool {
    var result = false
    for name: StaticString in ["Content-Digest", "Repr-Digest", "Digest", "Content-MD5"] {
      let bytes = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
      fields.forEach(named: bytes) { _ in result = true }
    }
    return result
  }
}
