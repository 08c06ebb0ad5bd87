import CachePolicy
import HTTPTypes
import Hummingbird

extension AdminOperation {
  /// Invalidating: jobs, purges, and the APIs that others have given clients the habit of.
  static let invalidationOperations: [AdminOperation] =
    jobOperations + purgeOperations + eventOperations + cloudFrontOperations

  private static let jobOperations: [AdminOperation] = [
    AdminOperation(
      .post, "/v1/invalidations", access: .scopes(.purge), isChange: true,
      OperationDocumentation(
        "Invalidate; effective and durable when the answer comes",
        content: .json(InvalidationRequest.schema),
        responses: [
          .json(200, "A dry run's counts, or the job that the caller reference names.", .object),
          .json(201, "The job that was made.", .object), .problem(400), .problem(409),
          .problem(413), .problem(415), .problem(429),
        ])
    ) { (responder, call) async throws(Problem) in
      try await responder.invalidate(call)
    },
    AdminOperation(
      .get, "/v1/invalidations", access: .scopes([.purge, .read]),
      OperationDocumentation(
        "The jobs, the newest first",
        parameters: [
          .init(
            name: "limit", schema: .integer(minimum: 1, maximum: AdminResponder.mostListedJobs),
            description: "Jobs on the page; 100."),
          .init(name: "after", schema: .string, description: "The page before's `next`."),
        ],
        responses: [.json(200, "A page of jobs.", .object), .problem(400)])
    ) { (responder, call) async throws(Problem) in
      try await responder.listJobs(call)
    },
    AdminOperation(
      .get, "/v1/invalidations/{id}", access: .scopes([.purge, .read]),
      OperationDocumentation(
        "A job and its counts", responses: [.json(200, "The job.", .object), .problem(404)])
    ) { (responder, call) async throws(Problem) in
      try await responder.getJob(call)
    },
  ]

  private static let purgeOperations: [AdminOperation] = [
    AdminOperation(
      .post, "/v1/purge/{tag}", access: .scopes(.purge), isChange: true,
      purgeDocumentation("Purge what carries a cache tag")
    ) { (responder, call) async throws(Problem) in
      try await responder.purgeTag(call)
    },
    AdminOperation(
      .post, "/v1/purge", access: .scopes(.purge), isChange: true,
      purgeDocumentation("Purge what carries one of the tags in Surrogate-Key")
    ) { (responder, call) async throws(Problem) in
      try await responder.purgeTags(call)
    },
    AdminOperation(
      .post, "/service/{service}/purge/{tag}", access: .scopes(.purge), isChange: true,
      purgeDocumentation("Purge what carries a cache tag, as Fastly's API has it")
    ) { (responder, call) async throws(Problem) in
      try await responder.purgeTag(call)
    },
    AdminOperation(
      .post, "/service/{service}/purge", access: .scopes(.purge), isChange: true,
      purgeDocumentation("Purge the tags in Surrogate-Key, as Fastly's API has it")
    ) { (responder, call) async throws(Problem) in
      try await responder.purgeTags(call)
    },
    AdminOperation(
      .post, "/service/{service}/purge_all", access: .scopes(.purge), isChange: true,
      purgeDocumentation("Purge everything, as Fastly's API has it")
    ) { (responder, call) async throws(Problem) in
      try await responder.purgeEverything(call)
    },
  ]

  private static func purgeDocumentation(_ summary: String) -> OperationDocumentation {
    OperationDocumentation(
      summary + "; with Fastly-Soft-Purge: 1 it becomes stale instead",
      responses: [.json(200, "It is done.", .object), .problem(400), .problem(403)])
  }
}

extension InvalidationRequest {
  /// What the OpenAPI document says of it.
  static let schema: JSONSchema = {
    let lists = InvalidationOrder.List.allCases.filter { $0 != .cloudFrontPaths }.map { list in
      let item: JSONSchema =
        switch list {
        case .statuses: .integer(minimum: 100, maximum: 999)
        case .tags: .text(pattern: nil, minimum: 1, maximum: CacheTags.lengthLimitBytes)
        default: .string
        }
      return JSONSchema.Member(
        list.rawValue, .array(item, minimum: nil, maximum: AdminConfiguration.pathLimit),
        isRequired: false)
    }
    let whole = JSONSchema.integer(minimum: 0, maximum: nil)
    return .members(
      lists + [
        .init("host", .optional(.string), isRequired: false),
        .init("ignoreQuery", .boolean, isRequired: false),
        .init("receivedBefore", whole, isRequired: false),
        .init("olderThan", whole, isRequired: false),
        .init(
          "kind", .choice(InvalidationOrder.Kind.allCases.map(\.rawValue)), isRequired: false),
        .init("soft", .boolean, isRequired: false),
        .init(
          "callerReference",
          .text(pattern: nil, minimum: 1, maximum: mostReferenceBytes), isRequired: false),
        .init("dryRun", .boolean, isRequired: false),
      ], isClosed: true)
  }()
}
