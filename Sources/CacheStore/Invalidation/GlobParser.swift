/// Why a text is not a glob, or not one that may be used.
public enum GlobPatternError: Error, Sendable, Equatable, CustomStringConvertible {
  /// It is longer than the limit.
  case tooLong(count: Int, limit: Int)
  /// It holds more stars than the limit.
  case tooManyWildcards(count: Int, limit: Int)
  /// Its braces stand for more alternatives than the limit.
  case tooManyAlternatives(limit: Int)
  /// More alternatives than the limit have text between two stars, which has to be searched for.
  case tooManySearches(count: Int, limit: Int)
  /// Text with `?` or a class between two stars is longer than the limit, or there is too much.
  case tooCostly(reason: String)
  /// A brace or bracket at this offset has no partner.
  case unbalanced(offset: Int)
  /// A class holds nothing, or a range that runs backwards.
  case emptyClass(offset: Int)
  /// A backslash ends the pattern.
  case danglingEscape

  /// One line for whoever wrote the pattern: what is wrong and what to write instead.
  public var description: String {
    switch self {
    case .tooLong(let count, let limit):
      "the pattern has \(count) bytes, the limit is \(limit); end it earlier with *"
    case .tooManyWildcards(let count, let limit):
      "the pattern has \(count) stars, the limit is \(limit); replace inner parts by one *"
    case .tooManyAlternatives(let limit):
      "the braces stand for more than \(limit) alternatives; write several patterns"
    case .tooManySearches(let count, let limit):
      "\(count) alternatives have text between two stars, the limit is \(limit); write several "
        + "patterns, or use * in the place of braces"
    case .tooCostly(let reason): reason
    case .unbalanced(let offset):
      "the brace or bracket at offset \(offset) has no partner; write \\ before one that is meant "
        + "literally"
    case .emptyClass(let offset):
      "the class at offset \(offset) holds nothing, or a range that runs backwards"
    case .danglingEscape: "the pattern ends with a backslash; write \\\\ for one"
    }
  }
}

/// Reads globs: one list of parts, which stars separate, for each alternative.
struct GlobParser {
  typealias Element = WildPattern.Element
  /// The parts of one alternative.
  typealias Parts = [[Element]]

  static let mostBytes = 4096
  static let mostStars = 32
  static let mostAlternatives = 32
  static let mostScanningAlternatives = 4
  /// Places of all alternatives together.
  static let mostPlaces = 16_384
  private static let mostDepth = 8

  private let bytes: [UInt8]
  private var position = 0

  static func parse(_ bytes: [UInt8]) throws(GlobPatternError) -> [Parts] {
    guard bytes.count <= mostBytes else { throw .tooLong(count: bytes.count, limit: mostBytes) }
    var parser = GlobParser(bytes: bytes)
    let alternatives = try parser.sequence(depth: 0)
    guard parser.position == bytes.count else { throw .unbalanced(offset: parser.position) }
    for parts in alternatives where parts.count - 1 > mostStars {
      throw .tooManyWildcards(count: parts.count - 1, limit: mostStars)
    }
    return alternatives
  }

  /// The limits of ``WildPattern``.
  static func checkInnerParts(_ parts: Parts) throws(GlobPatternError) {
    let inner = parts.dropFirst().dropLast().filter { !$0.isEmpty }
    if let longest = inner.map(\.count).max(), longest > WildPattern.mostInnerPlaces {
      throw .tooCostly(
        reason: "text of \(longest) bytes with ? or a class stands between two stars, the limit is "
          + "\(WildPattern.mostInnerPlaces); shorten it, or write * in the place of ?")
    }
    if inner.count > WildPattern.mostInnerParts {
      throw .tooCostly(
        reason:
          "\(inner.count) texts stand between stars in a pattern with ? or a class, the limit "
          + "is \(WildPattern.mostInnerParts); write * in the place of ? or of inner parts")
    }
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  /// Reads up to the end, or inside of braces up to `,` or `}`.
  private mutating func sequence(depth: Int) throws(GlobPatternError) -> [Parts] {
    var result: [Parts] = [[[]]]
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: ","), UInt8(ascii: "}"):
        if depth > 0 { return result }
        if byte == UInt8(ascii: "}") { throw .unbalanced(offset: position) }
        position += 1
        Self.append(.byte(byte), to: &result)
      case UInt8(ascii: "*"):
        position += 1
        for index in result.indices where !Self.endsWithStar(result[index]) {
          result[index].append([])
        }
      case UInt8(ascii: "{"): result = try Self.product(result, alternatives(depth: depth))
      default: Self.append(try element(), to: &result)
      }
    }
    return result
  }

  private static func endsWithStar(_ parts: Parts) -> Bool {
    parts.count > 1 && parts[parts.count - 1].isEmpty
  }

  private static func append(_ element: Element, to result: inout [Parts]) {
    for index in result.indices { result[index][result[index].count - 1].append(element) }
  }

  /// The bytes from `{` on, up to its partner.
  private mutating func alternatives(depth: Int) throws(GlobPatternError) -> [Parts] {
    let start = position
    guard depth < Self.mostDepth else { throw .tooManyAlternatives(limit: Self.mostAlternatives) }
    var result: [Parts] = []
    repeat {
      position += 1
      result += try sequence(depth: depth + 1)
      guard result.count <= Self.mostAlternatives else {
        throw .tooManyAlternatives(limit: Self.mostAlternatives)
      }
      guard position < bytes.count else { throw .unbalanced(offset: start) }
    } while bytes[position] == UInt8(ascii: ",")
    position += 1
    return result
  }

  /// Each of `left` followed by each of `right`.
  private static func product(
    _ left: [Parts], _ right: [Parts]
  ) throws(GlobPatternError) -> [Parts] {
    let places =
      right.count * left.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } }
      + left.count * right.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } }
    guard left.count * right.count <= mostAlternatives, places <= mostPlaces else {
      throw .tooManyAlternatives(limit: mostAlternatives)
    }
    return left.flatMap { left in
      right.map { right in
        var joined = left
        joined[joined.count - 1] += right[0]
        return joined + right.dropFirst()
      }
    }
  }

  private mutating func element() throws(GlobPatternError) -> Element {
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "?"): return .any
    case UInt8(ascii: "["): return .oneOf(try set(from: position - 1))
    case UInt8(ascii: "\\"):
      guard position < bytes.count else { throw .danglingEscape }
      position += 1
      return .byte(bytes[position - 1])
    default: return .byte(byte)
    }
  }

  /// The bytes behind `[`, up to its partner; a `]` in the first place is a member.
  private mutating func set(from start: Int) throws(GlobPatternError) -> ByteSet {
    var set = ByteSet()
    var isInverted = false
    if position < bytes.count, bytes[position] == UInt8(ascii: "!") || bytes[position] == 0x5E {
      isInverted = true
      position += 1
    }
    let first = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "]") || position == first {
      let low = bytes[position]
      position += 1
      var high = low
      if position + 1 < bytes.count, bytes[position] == UInt8(ascii: "-"),
        bytes[position + 1] != UInt8(ascii: "]")
      {
        high = bytes[position + 1]
        position += 2
      }
      guard low <= high else { throw .emptyClass(offset: start) }
      set.insert(low...high)
    }
    guard position < bytes.count else { throw .unbalanced(offset: start) }
    position += 1
    if isInverted { set.invert() }
    return set
  }
}
