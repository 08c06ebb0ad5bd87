import CacheStore
import HTTPTypes
import Hummingbird
import Logging

extension AdminOperation {
  /// Snapshots of the disk tier's index.
  static let snapshotOperations: [AdminOperation] = [
    AdminOperation(
      .get, "/v1/snapshots", access: .scopes(.read),
      OperationDocumentation(
        "The kept snapshots of the disk tier, oldest first",
        responses: [.json(200, "The snapshots.", .object), .problem(409), .problem(503)])
    ) { (responder, _) async throws(Problem) in
      let kept = try responder.snapshotResult(await responder.backend.keptSnapshots())
      return Response(
        json: .object([JSONMember("snapshots", .array(kept.map { .object($0.members) }))]))
    },
    AdminOperation(
      .post, "/v1/snapshots", access: .scopes(.admin), isChange: true,
      OperationDocumentation(
        "Keep a snapshot of now", content: .json(.object),
        responses: [
          .json(201, "It is kept.", .object), .problem(400), .problem(409), .problem(413),
          .problem(415), .problem(503),
        ])
    ) { (responder, call) async throws(Problem) in
      try await responder.keepSnapshot(call)
    },
  ]
}

extension AdminResponder {
  fileprivate func keepSnapshot(_ call: AdminCall) async throws(Problem) -> Response {
    // As for an invalidation: a form of a foreign page must not do this with a stored password.
    try requireJSON(call.request)
    let content = try await call.content.read()
    guard case .object(let members)? = try? JSONReader.read(content), members.isEmpty else {
      throw Problem(status: .badRequest, detail: "Send the content {}.")
    }
    let snapshot = try snapshotResult(await backend.keepSnapshot())
    call.audit.add("name", .string(snapshot.name))
    call.audit.add("objects", .integer(snapshot.objectCount))
    return Response(json: .object(snapshot.members), status: .created)
  }

  fileprivate func snapshotResult<Value>(
    _ result: Result<Value, SnapshotFailure>
  ) throws(Problem) -> Value {
    switch result {
    case .success(let value): return value
    case .failure(.noDisk):
      throw Problem(status: .conflict, detail: "\(SnapshotFailure.noDisk).")
    case .failure(let failure):
      throw Problem(status: .serviceUnavailable, detail: "\(failure).")
    }
  }
}

extension KeptSnapshot {
  /// The snapshot as the API tells it.
  var members: [JSONMember] {
    [
      JSONMember("name", .string(name)),
      JSONMember("created", .integer(Int(createdSeconds))),
      JSONMember("objects", .integer(objectCount)),
      JSONMember("stored_bytes", .integer(storedBytes)),
    ]
  }
}
