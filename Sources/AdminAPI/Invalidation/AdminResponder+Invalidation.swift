import CacheStore
import HTTPTypes
import Hummingbird

extension AdminResponder {
  /// Most jobs on one page.
  static let mostListedJobs = 1000
  private static let defaultListed = 100
  /// Keys that a dry run names.
  private static let mostSamples = 10

  /// `POST /v1/invalidations`.
  func invalidate(_ call: AdminCall) async throws(Problem) -> Response {
    let mediaType = call.request.headers[.contentType]?.prefix { $0 != ";" }
    // A missing type is refused too: a form or a typeless fetch from a foreign page is sent with
    // the browser's stored password and without asking, application/json only after asking.
    guard let mediaType, mediaType.lowercased().filter({ $0 != " " }) == "application/json" else {
      throw Problem(
        status: .unsupportedMediaType,
        detail: "Send the invalidation as JSON, with the header Content-Type: application/json.")
    }
    let request = try InvalidationRequest(
      json: try await call.content.read(), nowSeconds: nowSeconds())
    if request.isDryRun { return try await count(request.order) }
    return try await make(request.order, reference: request.callerReference, call)
  }

  /// Makes a job of an order and answers with it.
  func make(
    _ order: InvalidationOrder, reference: String?, _ call: AdminCall
  ) async throws(Problem) -> Response {
    let selectors = try order.selectors(routeNames: backend.routeNames)
    let outcome: InvalidationRegistry.Outcome
    do throws(InvalidationRegistry.Refusal) {
      outcome = try await registry.make(order, selectors, reference: reference)
    } catch {
      switch error {
      case .referenceInUse(let id):
        throw Problem(
          status: .conflict,
          detail: "The job \(id) has this callerReference and another content. Use another "
            + "reference, or GET /v1/invalidations/\(id).")
      case .tooManyInProgress:
        throw Problem(
          status: .tooManyRequests,
          detail: "Too many invalidations are in progress. Try again in a second.",
          headers: [.retryAfter: "1"])
      }
    }
    call.audit.note(outcome)
    var response = Response(json: outcome.job.json, status: outcome.isNew ? .created : .ok)
    response.headers[.location] = "/v1/invalidations/\(outcome.job.id)"
    return response
  }

  private func count(_ order: InvalidationOrder) async throws(Problem) -> Response {
    let selectors = try order.selectors(routeNames: backend.routeNames)
    let found = await backend.countMatches(selectors, sampleLimit: Self.mostSamples)
    let samples = found.samples.map { key -> JSONValue in
      .string(String(decoding: key.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
    return Response(
      json: .object(
        [JSONMember("status", .string("DryRun"))] + order.members + [
          JSONMember(
            "counts", InvalidationJob.Counts(memory: found.memory, disk: found.disk).json),
          JSONMember("samples", .array(samples)),
        ]))
  }

  /// `GET /v1/invalidations`.
  func listJobs(_ call: AdminCall) async throws(Problem) -> Response {
    var limit = Self.defaultListed
    if let text = call.query("limit") {
      guard let count = Int(text), 1...Self.mostListedJobs ~= count else {
        throw .badContent("limit must be a whole number from 1 to \(Self.mostListedJobs).")
      }
      limit = count
    }
    guard let page = await registry.list(after: call.query("after"), limit: limit) else {
      throw .badContent(
        "after must be \"next\" of the page before; that job may be forgotten by now. Begin again "
          + "without it.")
    }
    return Response(
      json: .object([
        JSONMember("invalidations", .array(page.jobs.map(\.json))),
        JSONMember("next", page.next.map { .string($0) } ?? .null),
      ]))
  }

  /// `GET /v1/invalidations/{id}`.
  func getJob(_ call: AdminCall) async throws(Problem) -> Response {
    let id = call.parameter("id")
    guard let job = await registry.job(id) else {
      throw Problem(
        status: .notFound,
        detail: "There is no job \(id.prefix(80)), or it is no longer remembered. "
          + "GET /v1/invalidations lists them.")
    }
    return Response(json: job.json)
  }
}

extension AuditNote {
  /// Entries of a list that a line shows.
  private static let mostEntries = 20

  /// Notes what was to be invalidated, of long lists the first.
  func note(_ order: InvalidationOrder) {
    for member in order.members {
      guard case .array(let entries) = member.value else {
        add(member.name, member.value)
        continue
      }
      add(member.name, .array(Array(entries.prefix(Self.mostEntries))))
      if entries.count > Self.mostEntries {
        add(member.name + "Count", .integer(entries.count))
      }
    }
  }

  /// Notes the job that was made, or found.
  func note(_ outcome: InvalidationRegistry.Outcome) {
    let job = outcome.job
    add("id", .string(job.id))
    add("new", .bool(outcome.isNew))
    note(job.order)
    add("durable", .bool(job.receipt?.isDurable ?? false))
  }
}

extension AdminResponder {
  /// Takes over what the configuration says of invalidations.
  mutating func take(_ configuration: AdminConfiguration) {
    registry = InvalidationRegistry(
      backend: backend, store: configuration.jobsFile.map { JobFile(path: $0) }, logger: logger)
    cloudFront = configuration.cloudFront
    events = Dictionary(configuration.events.map { ($0.name, $0) }) { first, _ in first }
  }
}
