import EdgeSecurity
import HTTPTypes
import Hummingbird

/// The OpenAPI 3.1 document of the admin API, made from the table that dispatches.
enum OpenAPIDocument {
  /// The whole document.
  static func json(version: String) -> JSONValue {
    .object([
      JSONMember("openapi", .string("3.1.0")),
      JSONMember(
        "info",
        .object([
          JSONMember("title", .string("Synapse Edge admin API")),
          JSONMember("version", .string(version)),
          JSONMember(
            "license",
            .object([
              JSONMember("name", .string("Apache-2.0")),
              JSONMember("identifier", .string("Apache-2.0")),
            ])),
        ])),
      JSONMember("paths", .object(AdminOperation.paths.map(path))),
      JSONMember("components", components),
    ])
  }

  private static func path(_ path: String) -> JSONMember {
    let operations = AdminOperation.all.filter { $0.path == path && methods.contains($0.method) }
    return JSONMember(
      path,
      .object(
        operations.map { operation in
          JSONMember(operation.method.rawValue.lowercased(), document(operation))
        }))
  }

  /// The methods that OpenAPI has.
  private static let methods: [HTTPRequest.Method] = [
    .get, .put, .post, .delete, .options, .head, .patch, .trace,
  ]

  private static func document(_ operation: AdminOperation) -> JSONValue {
    let documentation = operation.documentation
    var members = [
      JSONMember("operationId", .string(identifier(operation))),
      JSONMember("summary", .string(documentation.summary)),
    ]
    if let description = documentation.description {
      members.append(JSONMember("description", .string(description)))
    }
    let parameters = pathParameters(operation) + documentation.parameters.map(parameter)
    if !parameters.isEmpty { members.append(JSONMember("parameters", .array(parameters))) }
    if let content = documentation.content {
      members.append(JSONMember("requestBody", requestBody(content)))
    }
    members.append(
      JSONMember(
        "responses",
        .object(
          responses(operation).map { JSONMember("\($0.status)", response($0)) })))
    members.append(JSONMember("security", security(operation.access)))
    return .object(members)
  }

  /// `get_v1_objects_hash`: unique, since method and path are.
  private static func identifier(_ operation: AdminOperation) -> String {
    let words = operation.path.split { "/{}-.".contains($0) }
    return ([operation.method.rawValue.lowercased()[...]] + words).joined(separator: "_")
  }

  /// Answers of the operation and those that come before it is reached.
  private static func responses(
    _ operation: AdminOperation
  ) -> [OperationDocumentation.Answer] {
    var responses = operation.documentation.responses
    var general = [400, 403]
    if operation.access != .open { general += [401, 429, 503] }
    for status in general where !responses.contains(where: { $0.status == status }) {
      responses.append(.problem(status))
    }
    return responses.sorted { $0.status < $1.status }
  }

  private static func pathParameters(_ operation: AdminOperation) -> [JSONValue] {
    operation.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { part in
      let name = String(part.dropFirst().dropLast())
      let schema =
        operation.documentation.pathSchemas[name] ?? .text(pattern: nil, minimum: 1, maximum: nil)
      return .object([
        JSONMember("name", .string(name)), JSONMember("in", .string("path")),
        JSONMember("required", .bool(true)), JSONMember("schema", schema.json),
      ])
    }
  }

  private static func parameter(_ parameter: OperationDocumentation.Parameter) -> JSONValue {
    let schema =
      parameter.isRepeated
      ? JSONSchema.array(parameter.schema, minimum: nil, maximum: 64) : parameter.schema
    return .object([
      JSONMember("name", .string(parameter.name)), JSONMember("in", .string(parameter.place)),
      JSONMember("required", .bool(parameter.isRequired)),
      JSONMember("description", .string(parameter.description)),
      JSONMember("schema", schema.json),
    ])
  }

  private static func requestBody(_ content: OperationDocumentation.Content) -> JSONValue {
    let (mediaType, schema): (String, JSONSchema) =
      switch content {
      case .json(let schema): ("application/json", schema)
      case .other(let mediaType): (mediaType, .string)
      }
    return .object([
      JSONMember("required", .bool(true)),
      JSONMember(
        "content",
        .object([JSONMember(mediaType, .object([JSONMember("schema", schema.json)]))])),
    ])
  }

  private static func response(_ answer: OperationDocumentation.Answer) -> JSONValue {
    var members = [JSONMember("description", .string(answer.description))]
    if let mediaType = answer.mediaType {
      let schema = answer.schema.map { [JSONMember("schema", $0.json)] } ?? []
      members.append(
        JSONMember("content", .object([JSONMember(mediaType, .object(schema))])))
    }
    return .object(members)
  }

  private static func security(_ access: AdminOperation.Access) -> JSONValue {
    switch access {
    case .open: .array([])
    case .scopes:
      .array([
        .object([JSONMember("password", .array([]))]),
        .object([JSONMember("token", .array([]))]),
      ])
    case .signature(let scheme): .array([.object([JSONMember(scheme, .array([]))])])
    }
  }

  private static var components: JSONValue {
    func scheme(_ name: String, _ kind: String, _ description: String) -> JSONMember {
      JSONMember(
        name,
        .object([
          JSONMember("type", .string("http")), JSONMember("scheme", .string(kind)),
          JSONMember("description", .string(description)),
        ]))
    }
    let signatures = AdminOperation.all.compactMap { operation -> String? in
      if case .signature(let scheme) = operation.access { scheme } else { nil }
    }
    let own = Set(signatures).sorted().map { name in
      JSONMember(
        name,
        .object([
          JSONMember("type", .string("apiKey")), JSONMember("in", .string("header")),
          JSONMember("name", .string("Authorization")),
          JSONMember("description", .string("A signature over the request.")),
        ]))
    }
    return .object([
      JSONMember("schemas", .object([JSONMember("Problem", problem.json)])),
      JSONMember(
        "securitySchemes",
        .object(
          [
            scheme("password", "basic", "Name and password of one of admin.users."),
            scheme("token", "bearer", "A token made with 'edge token create'."),
          ] + own)),
    ])
  }

  private static let problem = JSONSchema.members(
    [
      .init("type", .string), .init("title", .string),
      .init("status", .integer(minimum: 400, maximum: 599)), .init("detail", .string),
    ], isClosed: false)
}

extension AdminOperation {
  static let documentOperations: [AdminOperation] = [
    AdminOperation(
      .get, "/v1/openapi.json", access: .scopes([.read, .purge]),
      OperationDocumentation(
        "This document", responses: [.json(200, "The document.", .object)])
    ) { (responder, _) async throws(Problem) in
      Response(json: OpenAPIDocument.json(version: responder.backend.version))
    }
  ]
}
