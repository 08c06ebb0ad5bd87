extension OptionTable {
  /// A JSON Schema (2020-12) of edge.conf, with which editors complete and check the file.
  ///
  /// It is a little wider than the program: ranges of durations and sizes and the agreement
  /// between options are left to `edge check`.
  public static func jsonSchema() -> String {
    var members: [(name: String, value: JSONText)] = [
      ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
      ("title", .string("edge.conf")),
    ]
    members += section(OptionNode.root)
    members.append(("$defs", definitions))
    return JSONText.object(members).text() + "\n"
  }

  private static let definitions = JSONText.object([
    (
      "environment",
      .object([("type", .string("string")), ("pattern", .string(#"\$\{[A-Za-z_][^}]*\}"#))])
    ),
    (
      "duration",
      anyOf([
        .object([("const", .integer(0))]),
        .object([
          ("type", .string("string")),
          ("pattern", .string(#"^\s*(0|([0-9]+(\.[0-9]+)?\s*[A-Za-z]+\s*)+)$"#)),
        ]), reference("environment"),
      ])
    ),
    (
      "size",
      anyOf([
        .object([("type", .string("integer")), ("minimum", .integer(0))]),
        .object([
          ("type", .string("string")),
          ("pattern", .string(#"^\s*[0-9]+(\.[0-9]+)?\s*[A-Za-z]*\s*$"#)),
        ]), reference("environment"),
      ])
    ),
  ])

  /// The members of a section's schema.
  private static func section(_ node: OptionNode) -> [(name: String, value: JSONText)] {
    var members: [(name: String, value: JSONText)] = [
      ("type", .string("object")), ("additionalProperties", .boolean(false)),
      ("properties", .object(node.children.map { ($0.name, schema($0)) })),
    ]
    let required = node.children.filter { $0.option?.defaultValue == .required }
    if !required.isEmpty {
      members.append(("required", .array(required.map { .string($0.name) })))
    }
    return members
  }

  private static func schema(_ node: OptionNode) -> JSONText {
    guard let option = node.option else { return .object([]) }
    var members: [(name: String, value: JSONText)] = [
      ("description", .string(description(option)))
    ]
    if case .text(let text) = option.defaultValue, !option.type.isContainer {
      members.append(("default", defaultValue(text, option.type)))
    }
    let type = typeMembers(node, option)
    if option.words.isEmpty || option.type == .word {
      return .object(members + type)
    }
    // Editors that follow YAML 1.1 read the words off and no as false.
    let words = option.words.map { JSONText.string($0) }
    let values = option.words.contains("off") ? words + [.boolean(false)] : words
    let alternatives = anyOf([.object([("enum", .array(values))]), .object(type)])
    guard case .object(let either) = alternatives else { return alternatives }
    return .object(members + either)
  }

  private static func typeMembers(
    _ node: OptionNode, _ option: ConfigurationOption
  ) -> [(name: String, value: JSONText)] {
    let minimum = option.minimum.flatMap { Int($0) }
    let maximum = option.maximum.flatMap { Int($0) }
    func bounds(_ least: String, _ most: String) -> [(name: String, value: JSONText)] {
      [(least, minimum), (most, maximum)].compactMap { name, bound in
        bound.map { (name, .integer($0)) }
      }
    }
    switch option.type {
    case .section:
      return section(node)
    case .list:
      return [
        ("type", .string("array")),
        ("items", node.elements.first.map { schema($0) } ?? .object([])),
      ]
        + bounds("minItems", "maxItems")
    case .map:
      return [
        ("type", .string("object")),
        ("additionalProperties", node.elements.first.map { schema($0) } ?? .object([])),
      ] + bounds("minProperties", "maxProperties")
    case .duration:
      return [("$ref", .string("#/$defs/duration"))]
    case .size:
      return [("$ref", .string("#/$defs/size"))]
    case .count:
      let integer = JSONText.object(
        [("type", .string("integer"))] + bounds("minimum", "maximum"))
      return members(anyOf([integer, reference("environment")]))
    case .boolean:
      return members(
        anyOf([.object([("type", .string("boolean"))]), reference("environment")]))
    case .word:
      // YAML reads a word such as 1.3 as a number.
      let numbers = option.words.filter { Double($0) != nil }.map { JSONText.decimal($0) }
      let words = option.words.map { JSONText.string($0) } + numbers
      let either = JSONText.object([("enum", .array(words))])
      return members(anyOf([either, reference("environment")]))
    default:
      return [("type", .array([.string("string"), .string("number")]))]
    }
  }

  private static func description(_ option: ConfigurationOption) -> String {
    option.minimum == nil && option.maximum == nil
      ? option.description : "\(option.description) (\(option.range))"
  }

  private static func defaultValue(_ text: String, _ type: OptionType) -> JSONText {
    switch type {
    case .boolean: .boolean(text == "true")
    case .count: Int(text).map { .integer($0) } ?? .string(text)
    default: .string(text)
    }
  }

  private static func anyOf(_ alternatives: [JSONText]) -> JSONText {
    .object([("anyOf", .array(alternatives))])
  }

  private static func reference(_ name: String) -> JSONText {
    .object([("$ref", .string("#/$defs/\(name)"))])
  }

  private static func members(_ value: JSONText) -> [(name: String, value: JSONText)] {
    if case .object(let members) = value { members } else { [] }
  }
}
