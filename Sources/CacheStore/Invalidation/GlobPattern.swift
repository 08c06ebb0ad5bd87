/// A pattern for paths, matched in time linear in the pattern and the text.
///
/// Two ways of writing one. In a *star pattern*, as CloudFront's invalidations have it, `*` stands
/// for any bytes, also none, `/` and `?` included; everything else is literal. In a *glob* these
/// are special as well:
///
/// | written | stands for |
/// |---|---|
/// | `*`, `**` | any bytes, also none and also `/` |
/// | `?` | one byte, whichever, so also the `?` before a query |
/// | `[a-z_]` | one byte of the class; `[!...]` and `[^...]` one that is not in it |
/// | `{jpg,png}` | one of the alternatives, which may be empty, nested and patterns themselves |
/// | `\x` | the byte x itself |
///
/// `*` crosses `/` in both, where gitignore would stop: an invalidation that reaches too far costs
/// a fetch, one that stops short serves what should be gone.
struct GlobPattern: Sendable {
  private enum Alternative: Sendable {
    case stars(StarPattern)
    case wild(WildPattern)
  }

  private let alternatives: [Alternative]
  /// What every text that matches begins with.
  let prefix: [UInt8]

  /// A star pattern: only `*` is special, and runs of it are as good as one.
  init(_ pattern: some Sequence<UInt8>) {
    var parts: [[UInt8]] = [[]]
    for byte in pattern {
      if byte == UInt8(ascii: "*") { parts.append([]) } else { parts[parts.count - 1].append(byte) }
    }
    let stars = StarPattern(parts: parts)
    alternatives = [.stars(stars)]
    prefix = Array(stars.prefix)
  }

  /// A pattern for all that begins with these bytes.
  init(prefix: [UInt8]) {
    alternatives = [.stars(StarPattern(parts: [prefix, []]))]
    self.prefix = prefix
  }

  /// A glob.
  /// - Throws: ``GlobPatternError`` when it is not one, or would cost a sweep of a million objects
  ///   more than a tenth of a second.
  init(glob: some Sequence<UInt8>) throws(GlobPatternError) {
    let parsed = try GlobParser.parse(Array(glob))
    var alternatives: [Alternative] = []
    var prefixes: [[UInt8]] = []
    var scanning = 0
    for parts in parsed {
      if let literal = Self.literalParts(parts) {
        let stars = StarPattern(parts: literal)
        alternatives.append(.stars(stars))
        prefixes.append(Array(stars.prefix))
        scanning += stars.innerCount > 0 ? 1 : 0
      } else {
        try GlobParser.checkInnerParts(parts)
        let wild = WildPattern(parts: parts)
        alternatives.append(.wild(wild))
        prefixes.append(wild.prefix)
        scanning += wild.innerCount > 0 ? 1 : 0
      }
    }
    guard scanning <= GlobParser.mostScanningAlternatives else {
      throw .tooManySearches(count: scanning, limit: GlobParser.mostScanningAlternatives)
    }
    self.alternatives = alternatives
    prefix = Self.commonPrefix(prefixes)
  }

  private static func literalParts(_ parts: [[WildPattern.Element]]) -> [[UInt8]]? {
    var result: [[UInt8]] = []
    for part in parts {
      var bytes: [UInt8] = []
      for element in part {
        guard case .byte(let byte) = element else { return nil }
        bytes.append(byte)
      }
      result.append(bytes)
    }
    return result
  }

  private static func commonPrefix(_ prefixes: [[UInt8]]) -> [UInt8] {
    guard var common = prefixes.first?[...] else { return [] }
    for prefix in prefixes.dropFirst() {
      let count = zip(common, prefix).prefix { $0 == $1 }.count
      common = common.prefix(count)
    }
    return Array(common)
  }

  /// The literal text that alone matches; nil when there is more than one.
  var exactText: [UInt8]? {
    guard alternatives.count == 1, case .stars(let stars) = alternatives[0], stars.isExact else {
      return nil
    }
    return stars.literals
  }

  /// The literal start that is all that is asked for, as in `/images/*`; nil for other patterns.
  var onlyPrefix: [UInt8]? {
    guard alternatives.count == 1, case .stars(let stars) = alternatives[0], stars.isPrefix else {
      return nil
    }
    return stars.literals
  }

  /// True when the whole text matches.
  func matches(_ text: UnsafeRawBufferPointer) -> Bool {
    for alternative in alternatives {
      switch alternative {
      case .stars(let stars): if stars.matches(text) { return true }
      case .wild(let wild): if wild.matches(text) { return true }
      }
    }
    return false
  }
}
