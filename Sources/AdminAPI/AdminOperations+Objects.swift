import EdgeProxy
import EdgeSecurity
import Hummingbird

extension AdminOperation {
  private static let hashSchema = JSONSchema.text(
    pattern: "^[0-9a-fA-F]{32}$", minimum: 32, maximum: 32)

  /// Looking into the store, and putting something in by hand.
  static let objectOperations: [AdminOperation] = [
    AdminOperation(
      .get, "/v1/objects", access: .scopes(.read),
      OperationDocumentation(
        "What is stored",
        description: "Page by page in the store's order, or the first of an order over the first "
          + "100,000 entries. A page may hold fewer objects than the limit although there is more.",
        parameters: [
          .init(
            name: "prefix", schema: .string,
            description: "What the URL begins with: http://host/path."),
          .init(
            name: "host", schema: .string, description: "The host; without a port, on every port."),
          .init(name: "tag", schema: .string, description: "A cache tag."),
          .init(
            name: "limit", schema: .integer(minimum: 1, maximum: ObjectQuery.mostListed),
            description: "Objects to list, at most; 100."),
          .init(
            name: "sort", schema: .choice(ObjectQuery.Order.allCases.map(\.rawValue)),
            description: "The order; excludes cursor."),
          .init(
            name: "cursor", schema: .string, description: "The \"next\" of the page before."),
        ],
        responses: [.json(200, "Objects.", ObjectListing.schema), .problem(400)])
    ) { (responder, call) async throws(Problem) in
      try await responder.listObjects(call)
    },
    AdminOperation(
      .get, "/v1/objects/{hash}", access: .scopes(.read),
      OperationDocumentation(
        "All that is known of an object but its body", pathSchemas: ["hash": hashSchema],
        responses: [.json(200, "The object.", ObjectDetail.schema), .problem(404)])
    ) { (responder, call) async throws(Problem) in
      try await responder.showObject(call)
    },
    AdminOperation(
      .put, "/v1/objects", access: .scopes(.admin), isChange: true,
      OperationDocumentation(
        "Put a response into the cache by hand",
        description: "As if the origin had just sent it: the route's rules decide whether it is "
          + "stored, for how long and under which key. The content is at most 1 MiB of JSON.",
        content: .json(PlacedResponse.schema),
        responses: [
          .json(201, "It is stored.", ObjectDetail.schema), .problem(400), .problem(409),
          .problem(413), .problem(415),
        ])
    ) { (responder, call) async throws(Problem) in
      try await responder.placeObject(call)
    },
    AdminOperation(
      .delete, "/v1/objects/{hash}", access: .scopes(.purge), isChange: true,
      OperationDocumentation(
        "Take one object out of the store",
        description: "One variant of one URL, at once; on disk within the second in which the "
          + "journal is synced. To invalidate a URL for good, post an invalidation.",
        pathSchemas: ["hash": hashSchema],
        responses: [.empty(204, "It is gone."), .problem(404)])
    ) { (responder, call) async throws(Problem) in
      try await responder.removeObject(call)
    },
  ]
}
