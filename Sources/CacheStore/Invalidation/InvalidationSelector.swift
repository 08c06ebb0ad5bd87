/// What an invalidation takes away.
public enum InvalidationSelector: Sendable, Hashable {
  /// Everything stored before; costs O(1).
  case everything
  /// Every object whose path and query match the pattern, on one host or on all.
  ///
  /// In the pattern `*` stands for any bytes, also none, `/` and `?` included; everything else is
  /// literal. A host without a port matches that host on every port.
  case path(host: String?, pattern: String)
  /// Every object whose path and query match a glob with `*`, `?`, classes and braces, on one host
  /// or on all; ``GlobPattern`` says what each stands for. `parse` checks it; one made without it
  /// that is no glob takes everything of the host.
  case glob(host: String?, pattern: String)
  /// One URL with all its variants: the path and query as the key has them, byte for byte. With
  /// `ignoresQuery` the path with any query and with none; a query in `target` is left out then.
  case url(host: String?, target: String, ignoresQuery: Bool)
  /// Every object whose path and query begin with these bytes, `/` or not.
  case prefix(host: String?, prefix: String)
  /// Every object of a host; without a port, on every port.
  case host(String)
  /// Every object with this cache tag or in this cache group.
  case tag(TagHash)
  /// Every object that was stored by the route of this number, a ``RouteIdentity``.
  case route(UInt16)
  /// Every object with this status code.
  case status(UInt16)
  /// Every object whose response was received before this wall-clock second (Unix time).
  case receivedBefore(second: Int64)
}

/// What becomes of what an invalidation matches.
public enum InvalidationKind: UInt8, Sendable, Hashable {
  /// It is gone.
  case hard
  /// It is marked stale: to be revalidated, or served stale while that happens.
  case soft
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
  /// The text is not a glob, or one that would cost too much.
  case glob(GlobPatternError)

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
    case .glob(let error):
      return "invalidation path is not a glob that can be used: \(error)"
    }
  }
}

extension InvalidationSelector {
  /// Whether a sweep compares every object with it, rather than finding it by a hash or a floor.
  public var isComparedWithEveryObject: Bool {
    self != .everything && !InvalidationRule(self, sequence: 0).isHashed
  }

  /// Longest pattern in bytes.
  public static let mostPatternBytes = 4096
  /// Most `*` in one pattern.
  public static let mostWildcards = 32

  /// How a path is to be read.
  public enum Syntax: Sendable {
    /// `*` stands for any bytes, everything else for itself.
    case stars
    /// As CloudFront's invalidations have it: a `*` at the end means all that begins so; everything
    /// else stands for itself, so a path without one is one URL.
    case trailingStar
    /// `*`, `?`, `[a-z]`, `{a,b}` and `\` are special.
    case glob
  }

  /// Reads a path with optional `*`, such as `/`, `/images/*` or `/*`.
  /// - Parameters:
  ///   - text: the path; begins with a slash. `/*` without a host is ``everything``.
  ///   - host: the only host it applies to, with or without a port; nil for all hosts.
  ///   - syntax: what is special in the text.
  /// - Throws: ``InvalidationSelectorError`` with what to write instead.
  public static func parse(
    _ text: String, host: String? = nil, syntax: Syntax = .stars
  ) throws(InvalidationSelectorError) -> InvalidationSelector {
    let bytes = Array(text.utf8)
    guard bytes.first == UInt8(ascii: "/") else { throw .noLeadingSlash(text: text) }
    guard bytes.count <= mostPatternBytes else {
      throw .tooLong(count: bytes.count, limit: mostPatternBytes)
    }
    if let offset = bytes.firstIndex(where: { $0 <= 0x20 || $0 == 0x7f }) {
      throw .unusableByte(offset: offset)
    }
    let host = host?.lowercased()
    // A run of stars after the slash is as good as one.
    if bytes.count > 1, bytes.dropFirst().allSatisfy({ $0 == UInt8(ascii: "*") }) {
      guard let host else { return .everything }
      if syntax == .trailingStar { return .prefix(host: host, prefix: "/") }
    }
    switch syntax {
    case .stars:
      let wildcards = bytes.count { $0 == UInt8(ascii: "*") }
      guard wildcards <= mostWildcards else {
        throw .tooManyWildcards(count: wildcards, limit: mostWildcards)
      }
      return .path(host: host, pattern: text)
    case .trailingStar:
      if text.hasSuffix("*") { return .prefix(host: host, prefix: String(text.dropLast())) }
      return .url(host: host, target: text, ignoresQuery: false)
    case .glob:
      do { _ = try GlobPattern(glob: bytes) } catch { throw .glob(error) }
      return .glob(host: host, pattern: text)
    }
  }
}
