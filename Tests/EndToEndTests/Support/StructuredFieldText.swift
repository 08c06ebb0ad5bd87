/// A plainly written reader of structured fields (RFC 9651), to check what the edge writes.
struct StructuredFieldText {
  /// A bare item, told by its type.
  enum Item: Equatable {
    case integer(Int)
    case decimal(String)
    case string(String)
    case token(String)
    case bytes(String)
    case boolean(Bool)
    case date(Int)

    /// The value as a test writes it.
    var text: String {
      switch self {
      case .integer(let number): "\(number)"
      case .decimal(let text), .string(let text), .token(let text), .bytes(let text): text
      case .boolean(let flag): flag ? "?1" : "?0"
      case .date(let seconds): "@\(seconds)"
      }
    }
  }

  /// An item with its parameters, the last of a name counts (RFC 9651, 4.2.3.2).
  struct Member {
    let item: Item
    let parameters: [(name: String, value: Item)]

    func parameter(_ name: String) -> Item? { parameters.last { $0.name == name }?.value }
  }

  struct Fault: Error { let what: String }

  private var rest: Substring

  /// Parses a list of items (RFC 9651, 4.2.1); inner lists are not written by the edge.
  static func list(_ text: String) throws -> [Member] {
    var reader = StructuredFieldText(rest: Substring(text))
    reader.skip(" ")
    var members: [Member] = []
    while !reader.rest.isEmpty {
      members.append(Member(item: try reader.item(), parameters: try reader.parameters()))
      reader.skip(" \t")
      if reader.rest.isEmpty { break }
      try reader.expect(",")
      reader.skip(" \t")
      if reader.rest.isEmpty { throw Fault(what: "a comma at the end") }
    }
    return members
  }

  private mutating func parameters() throws -> [(name: String, value: Item)] {
    var parameters: [(name: String, value: Item)] = []
    while rest.first == ";" {
      rest.removeFirst()
      skip(" ")
      let name = try key()
      var value = Item.boolean(true)
      if rest.first == "=" {
        rest.removeFirst()
        value = try item()
      }
      parameters.append((name, value))
    }
    return parameters
  }

  private mutating func key() throws -> String {
    guard let first = rest.first, ("a"..."z").contains(first) || first == "*" else {
      throw Fault(what: "a key cannot begin like \"\(rest.prefix(10))\"")
    }
    return take { ("a"..."z").contains($0) || ("0"..."9").contains($0) || "_-.*".contains($0) }
  }

  private mutating func item() throws -> Item {
    switch rest.first {
    case "\"": return .string(try string())
    case "?": return .boolean(try boolean())
    case ":": return .bytes(try bytes())
    case "@":
      rest.removeFirst()
      guard case .integer(let seconds) = try number() else { throw Fault(what: "no date") }
      return .date(seconds)
    case .some(let first) where first == "-" || ("0"..."9").contains(first): return try number()
    case .some(let first) where first.isASCII && first.isLetter || first == "*":
      return .token(
        take { character in
          character.isASCII && (character.isLetter || character.isNumber)
            || "!#$%&'*+-.^_`|~:/".contains(character)
        })
    default: throw Fault(what: "no item begins like \"\(rest.prefix(10))\"")
    }
  }

  private mutating func string() throws -> String {
    rest.removeFirst()
    var result = ""
    while let character = rest.popFirst() {
      switch character {
      case "\"": return result
      case "\\":
        guard let escaped = rest.popFirst(), escaped == "\"" || escaped == "\\" else {
          throw Fault(what: "a wrong escape in a string")
        }
        result.append(escaped)
      case " "..."~": result.append(character)
      default: throw Fault(what: "a string holds a character that is not printable ASCII")
      }
    }
    throw Fault(what: "a string without its end")
  }

  private mutating func boolean() throws -> Bool {
    rest.removeFirst()
    switch rest.popFirst() {
    case "1": return true
    case "0": return false
    default: throw Fault(what: "a wrong boolean")
    }
  }

  private mutating func bytes() throws -> String {
    rest.removeFirst()
    let text = take { $0 != ":" }
    try expect(":")
    return text
  }

  private mutating func number() throws -> Item {
    let sign = rest.first == "-" ? -1 : 1
    if sign < 0 { rest.removeFirst() }
    let text = take { ("0"..."9").contains($0) || $0 == "." }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard let first = parts.first, let whole = Int(first), parts.count <= 2 else {
      throw Fault(what: "\"\(text)\" is no number")
    }
    if parts.count == 1 {
      guard first.count <= 15 else { throw Fault(what: "an integer of over 15 digits") }
      return .integer(sign * whole)
    }
    guard first.count <= 12, (1...3).contains(parts[1].count) else {
      throw Fault(what: "\"\(text)\" is no decimal")
    }
    return .decimal(sign < 0 ? "-\(text)" : text)
  }

  private mutating func expect(_ character: Character) throws {
    guard rest.first == character else {
      throw Fault(what: "\"\(character)\" expected at \"\(rest.prefix(10))\"")
    }
    rest.removeFirst()
  }

  private mutating func take(while isTaken: (Character) -> Bool) -> String {
    let taken = rest.prefix(while: isTaken)
    rest.removeFirst(taken.count)
    return String(taken)
  }

  private mutating func skip(_ characters: String) {
    rest = rest.drop { characters.contains($0) }
  }
}
