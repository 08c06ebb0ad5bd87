import CacheStore
import HTTPTypes
import Hummingbird
import Logging

extension AdminResponder {
  /// `GET /v1/snapshots` lists the kept snapshots, `POST` keeps one of now.
  func snapshots(_ request: Request, user: String) async throws(Problem) -> Response {
    guard request.method == .post else {
      let kept = try snapshotResult(await backend.keptSnapshots())
      return Response(
        json: .object([JSONMember("snapshots", .array(kept.map { .object($0.members) }))]))
    }
    let mediaType = request.headers[.contentType]?.prefix { $0 != ";" }
    // As for an invalidation: a form of a foreign page must not do this with a stored password.
    guard let mediaType, mediaType.lowercased().filter({ $0 != " " }) == "application/json" else {
      throw Problem(
        status: .unsupportedMediaType,
        detail: "Send Content-Type: application/json with the content {}.")
    }
    let snapshot = try snapshotResult(await backend.keepSnapshot())
    logger.notice(
      "A snapshot was kept.",
      metadata: [
        "user": "\(user)", "name": "\(snapshot.name)", "objects": "\(snapshot.objectCount)",
      ])
    return Response(json: .object(snapshot.members), status: .created)
  }

  private func snapshotResult<Value>(
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
