import HTTPMessage

/// The parameters of a query: the stretches between `&`, empty ones left out.
struct QueryParameters: Sequence, IteratorProtocol {
  private var rest: UnsafeRawBufferPointer

  init(_ query: UnsafeRawBufferPointer) { rest = query }

  mutating func next() -> UnsafeRawBufferPointer? {
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: "&")) ?? rest.count
      let parameter = UnsafeRawBufferPointer(rebasing: rest[..<end])
      rest = UnsafeRawBufferPointer(rebasing: rest[Swift.min(end + 1, rest.count)...])
      if !parameter.isEmpty { return parameter }
    }
    return nil
  }

  /// A parameter's name: what precedes its `=`.
  static func name(of parameter: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let end = parameter.firstIndex(of: UInt8(ascii: "=")) ?? parameter.count
    return UnsafeRawBufferPointer(rebasing: parameter[..<end])
  }

  /// Whether a name means `expected` to an origin, which decodes `%69d` and `id` alike. Compared as
  /// they stand, `%69d` would be missing from a key that allows `id` and poison it.
  static func isName(_ name: UnsafeRawBufferPointer, _ expected: [UInt8]) -> Bool {
    var index = 0
    var matched = 0
    while index < name.count {
      var byte = name[index]
      if byte == UInt8(ascii: "+") {
        byte = 0x20
      } else if byte == UInt8(ascii: "%"), index + 2 < name.count,
        let high = hexadecimal(name[index + 1]), let low = hexadecimal(name[index + 2])
      {
        byte = high << 4 | low
        index += 2
      }
      guard matched < expected.count, expected[matched] == byte else { return false }
      matched += 1
      index += 1
    }
    return matched == expected.count
  }

  /// The number that a hexadecimal digit stands for; nil for any other byte.
  static func hexadecimal(_ byte: UInt8) -> UInt8? {
    if byte.isASCIIDigit { return byte - UInt8(ascii: "0") }
    let letter = byte.asciiLowercased
    guard (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(letter) else { return nil }
    return letter - UInt8(ascii: "a") + 10
  }
}

extension QueryRule {
  /// Whether a parameter is part of the key.
  func keeps(_ parameter: UnsafeRawBufferPointer) -> Bool {
    switch self {
    case .all: true
    case .none: false
    case .allow(let names): Self.names(names, QueryParameters.name(of: parameter))
    case .deny(let names): !Self.names(names, QueryParameters.name(of: parameter))
    }
  }

  private static func names(_ names: [[UInt8]], _ name: UnsafeRawBufferPointer) -> Bool {
    for expected in names where QueryParameters.isName(name, expected) { return true }
    return false
  }
}
