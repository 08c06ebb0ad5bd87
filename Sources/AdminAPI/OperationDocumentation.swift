/// What the OpenAPI document says of an operation.
struct OperationDocumentation: Sendable {
  /// A parameter of the query, or of the header.
  struct Parameter: Sendable {
    /// Its name.
    var name: String
    /// What it may be.
    var schema: JSONSchema
    /// Whether it must be there.
    var isRequired = false
    /// Whether it may be there several times.
    var isRepeated = false
    /// What it does.
    var description: String
    /// `query` or `header`.
    var place = "query"
  }

  /// Content of a request.
  enum Content: Sendable {
    /// JSON.
    case json(JSONSchema)
    /// Anything of a media type.
    case other(String)
  }

  /// One answer.
  struct Answer: Sendable {
    /// The status code.
    var status: Int
    /// When it comes.
    var description: String
    /// The media type; nil without content.
    var mediaType: String?
    /// What the content is like.
    var schema: JSONSchema?

    /// A JSON document.
    static func json(_ status: Int, _ description: String, _ schema: JSONSchema) -> Answer {
      Answer(
        status: status, description: description, mediaType: "application/json", schema: schema)
    }

    /// Text of a media type.
    static func text(_ status: Int, _ description: String, _ mediaType: String) -> Answer {
      Answer(status: status, description: description, mediaType: mediaType, schema: .string)
    }

    /// An error (RFC 9457).
    static func problem(_ status: Int) -> Answer {
      Answer(
        status: status, description: Answer.reasons[status] ?? "Refused.",
        mediaType: "application/problem+json", schema: .reference("Problem"))
    }

    /// No content.
    static func empty(_ status: Int, _ description: String) -> Answer {
      Answer(status: status, description: description)
    }

    private static let reasons: [Int: String] = [
      400: "Something in the request is wrong; the detail says what.",
      401: "Nobody is logged in.", 403: "Whoever is logged in may not do this.",
      404: "There is no such thing.", 405: "The path takes other methods.",
      409: "It contradicts what is there.", 413: "The content is too large.",
      415: "The content is of another type.", 429: "Too many attempts.",
      503: "Not now.",
    ]
  }

  /// What it does, in a few words.
  var summary: String
  /// More about it.
  var description: String?
  /// Parameters of query and header. Those of the path are read from it.
  var parameters: [Parameter]
  /// What the parts of the path are; a part that is not here is any text.
  var pathSchemas: [String: JSONSchema]
  /// The content it takes.
  var content: Content?
  /// Its answers, without those that every operation has.
  var responses: [Answer]

  init(
    _ summary: String, description: String? = nil, parameters: [Parameter] = [],
    pathSchemas: [String: JSONSchema] = [:], content: Content? = nil, responses: [Answer]
  ) {
    self.summary = summary
    self.description = description
    self.parameters = parameters
    self.pathSchemas = pathSchemas
    self.content = content
    self.responses = responses
  }
}

/// The few forms of JSON Schema (2020-12) that the document needs.
indirect enum JSONSchema: Sendable {
  case string
  case boolean
  case integer(minimum: Int?, maximum: Int?)
  case number
  case text(pattern: String?, minimum: Int?, maximum: Int?)
  case choice([String])
  case array(JSONSchema, minimum: Int?, maximum: Int?)
  case optional(JSONSchema)
  /// An object of whatever members.
  case object
  case members([Member], isClosed: Bool)
  case map(JSONSchema)
  /// One of the components.
  case reference(String)

  /// A member of an object.
  struct Member: Sendable {
    var name: String
    var schema: JSONSchema
    var isRequired = true

    init(_ name: String, _ schema: JSONSchema, isRequired: Bool = true) {
      self.name = name
      self.schema = schema
      self.isRequired = isRequired
    }
  }

  /// The schema as JSON.
  var json: JSONValue { .object(keywords) }

  private var keywords: [JSONMember] {
    switch self {
    case .string: return [JSONMember("type", .string("string"))]
    case .boolean: return [JSONMember("type", .string("boolean"))]
    case .number: return [JSONMember("type", .string("number"))]
    case .integer(let minimum, let maximum):
      return [JSONMember("type", .string("integer"))]
        + bounds("minimum", minimum, "maximum", maximum)
    case .text(let pattern, let minimum, let maximum):
      return [JSONMember("type", .string("string"))]
        + (pattern.map { [JSONMember("pattern", .string($0))] } ?? [])
        + bounds("minLength", minimum, "maxLength", maximum)
    case .choice(let values):
      return [
        JSONMember("type", .string("string")),
        JSONMember("enum", .array(values.map { .string($0) })),
      ]
    case .array(let item, let minimum, let maximum):
      return [JSONMember("type", .string("array")), JSONMember("items", item.json)]
        + bounds("minItems", minimum, "maxItems", maximum)
    case .optional(let schema):
      return [
        JSONMember("anyOf", .array([schema.json, .object([JSONMember("type", .string("null"))])]))
      ]
    case .object: return [JSONMember("type", .string("object"))]
    case .members(let members, let isClosed):
      let required = members.filter(\.isRequired).map { JSONValue.string($0.name) }
      return [
        JSONMember("type", .string("object")),
        JSONMember(
          "properties", .object(members.map { JSONMember($0.name, $0.schema.json) })),
      ] + (required.isEmpty ? [] : [JSONMember("required", .array(required))])
        + (isClosed ? [JSONMember("additionalProperties", .bool(false))] : [])
    case .map(let value):
      return [
        JSONMember("type", .string("object")), JSONMember("additionalProperties", value.json),
      ]
    case .reference(let name):
      return [JSONMember("$ref", .string("#/components/schemas/\(name)"))]
    }
  }

  private func bounds(
    _ lowerName: String, _ lower: Int?, _ upperName: String, _ upper: Int?
  ) -> [JSONMember] {
    (lower.map { [JSONMember(lowerName, .integer($0))] } ?? [])
      + (upper.map { [JSONMember(upperName, .integer($0))] } ?? [])
  }
}
