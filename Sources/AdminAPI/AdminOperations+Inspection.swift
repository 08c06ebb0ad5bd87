import EdgeSecurity
import Hummingbird

extension AdminOperation {
  /// Looking: metrics, status, explanations.
  static let inspectionOperations: [AdminOperation] = [
    AdminOperation(
      .get, "/metrics", access: .scopes(.read),
      OperationDocumentation(
        "All metrics in the Prometheus text format",
        responses: [.text(200, "The metrics.", "text/plain")])
    ) { (responder, _) async throws(Problem) in
      Response(
        text: await responder.backend.metricsText(),
        contentType: "text/plain; version=0.0.4; charset=utf-8")
    },
    AdminOperation(
      .get, "/v1/status", access: .scopes(.read),
      OperationDocumentation(
        "How the edge is doing", responses: [.json(200, "The status.", AdminStatus.schema)])
    ) { (responder, _) async throws(Problem) in
      let backend = responder.backend
      return Response(json: await backend.status().json(isReady: backend.isReady))
    },
    AdminOperation(
      .get, "/v1/explain", access: .scopes(.read),
      OperationDocumentation(
        "What the edge would do with a request, and why; nothing is fetched",
        parameters: [
          .init(
            name: "url", schema: .text(pattern: nil, minimum: 1, maximum: nil), isRequired: true,
            description: "http://host/path, https://host/path, or a path."),
          .init(name: "method", schema: .string, description: "The request's method; GET."),
          .init(
            name: "header", schema: .string, isRepeated: true,
            description: "A field of the request, \"Name: value\"; may be repeated."),
        ],
        responses: [.json(200, "The explanation.", .object), .problem(400)])
    ) { (responder, call) async throws(Problem) in
      try await responder.explain(call.request)
    },
  ]
}
