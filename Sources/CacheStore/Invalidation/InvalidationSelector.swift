/// What an invalidation takes away.
public enum InvalidationSelector: Sendable, Hashable {
  /// Everything stored before; costs O(1).
  case everything
  /// Every object whose path and query match the pattern, on one host or on all.
  ///
  /// In the pattern `*` stands for any bytes, also none, `/` and `?` included; everything else is
  /// literal. A host without a port matches that host on every port.
  case path(host: String?, pattern: String)
}

/// Why a text is not an invalidation selector.
public enum InvalidationSelectorError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The text is empty or does not begin with a slash.
  case noLeadingSlash(text: String)
  /// The text is longer than the limit.
  case tooLong(count: Int, limit: Int)
  /// The text holds more `*` than the limit.
  case tooManyWildcards(count: Int, limit: Int)
  /// The text holds a control byte or a space, which no key holds.
  case unusableByte(offset: Int)

  /// One line for whoever asked for the invalidation: what is wrong and what to write instead.
  public var description: String {
    switch self {
    case .noLeadingSlash(let text):
      return "invalidation path \"\(text.prefix(80))\" does not begin with \"/\"; "
        + "write a path such as /images/* and give the host beside it"
    case .tooLong(let count, let limit):
      return "invalidation path has \(count) bytes, the limit is \(limit); "
        + "end it earlier with * to match the rest"
    case .tooManyWildcards(let count, let limit):
      return "invalidation path has \(count) wildcards, the limit is \(limit); "
        + "replace inner parts by one *"
    case .unusableByte(let offset):
      return "invalidation path has a control byte or a space at offset \(offset); "
        + "percent-encode it as the stored URL does"
    }
  }
}

extension InvalidationSelector {
  /// Longest pattern in bytes.
  public static let mostPatternBytes = 4096
  /// Most `*` in one pattern.
  public static let mostWildcards = 32

  /// Reads a path with optional `*`, such as `/`, `/images/*` or `/*`.
  /// - Parameters:
  ///   - text: the path; begins with a slash. `/*` without a host is ``everything``.
  ///   - host: the only host it applies to, with or without a port; nil for all hosts.
  /// - Throws: ``InvalidationSelectorError`` with what to write instead.
  public static func parse(
    _ text: String, host: String? = nil
  ) throws(InvalidationSelectorError) -> InvalidationSelector {
    let bytes = Array(text.utf8)
    guard bytes.first == UInt8(ascii: "/") else { throw .noLeadingSlash(text: text) }
    guard bytes.count <= mostPatternBytes else {
      throw .tooLong(count: bytes.count, limit: mostPatternBytes)
    }
    let wildcards = bytes.count { $0 == UInt8(ascii: "*") }
    guard wildcards <= mostWildcards else {
      throw .tooManyWildcards(count: wildcards, limit: mostWildcards)
    }
    if let offset = bytes.firstIndex(where: { $0 <= 0x20 || $0 == 0x7f }) {
      throw .unusableByte(offset: offset)
    }
    // A run of stars after the slash is as good as one.
    if host == nil, bytes.count > 1, bytes.dropFirst().allSatisfy({ $0 == UInt8(ascii: "*") }) {
      return .everything
    }
    return .path(host: host?.lowercased(), pattern: text)
  }
}

/// What came of an invalidation.
public struct InvalidationReceipt: Sendable, Equatable {
  /// Its sequence number; objects whose fetch began at a lower one are gone if they match.
  public var sequence: UInt64
  /// True when it survives a crash of the machine; with the disk tier off nothing needs to.
  public var isDurable: Bool
  /// Why it is not durable; nil when it is.
  public var failure: String?

  /// A receipt of the given parts.
  public init(sequence: UInt64, isDurable: Bool, failure: String? = nil) {
    self.sequence = sequence
    self.isDurable = isDurable
    self.failure = failure
  }
}
