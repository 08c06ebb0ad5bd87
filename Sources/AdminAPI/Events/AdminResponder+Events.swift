import CacheStore
import EdgeSecurity
import HTTPTypes
import Hummingbird
import Logging

/// `POST /v1/events/{name}`: somebody's data changed. The content is theirs, mapped to tags, paths
/// and URLs by the event's templates in edge.conf; the signature says that it is them.
extension AdminOperation {
  static let eventOperations: [AdminOperation] = [
    AdminOperation(
      .post, "/v1/events/{name}", access: .signature(scheme: "hmac-sha256"), isChange: true,
      OperationDocumentation(
        "Report that data has changed, as the event's mapping in edge.conf reads it",
        content: .json(.object),
        responses: [
          .json(200, "Nothing to invalidate follows from it.", .object),
          .json(201, "The job that was made.", .object), .problem(400), .problem(401),
          .problem(413), .problem(429),
        ])
    ) { (responder, call) async throws(Problem) in
      try await responder.takeEvent(call)
    }
  ]
}

extension AdminResponder {
  fileprivate func takeEvent(_ call: AdminCall) async throws(Problem) -> Response {
    let content = try await call.content.read()
    let name = call.parameter("name")
    // An unknown event and a wrong signature are answered alike: names are not to be found out.
    let event = events[name]
    let signature = EventSignature(
      form: event?.signature ?? .content,
      secret: event?.secret ?? "\(UInt64.random(in: 0 ... .max))")
    let field = HTTPField.Name(event?.signatureField ?? "x-hub-signature-256")
    do throws(EventSignature.Refusal) {
      try signature.verify(
        field.flatMap { call.request.headers[$0] }, content: content, nowSeconds: nowSeconds(),
        seen: seenSignatures)
    } catch {
      logger.warning(
        "A report of an event was refused.",
        metadata: ["client": "\(call.client.map { "\($0)" } ?? "unknown")"])
      throw Problem(
        status: .unauthorized,
        detail: "\(error.message) Sign the content with the secret of one of admin.events.",
        headers: [.wwwAuthenticate: "HMAC-SHA256"])
    }
    guard let event else { throw Problem(status: .unauthorized, detail: "Unknown event.") }
    call.audit.setIdentity(
      AdminIdentity(name: "event:\(name)", credential: .signature, scopes: .purge))
    return try await carryOut(event, content, call)
  }

  private func carryOut(
    _ event: EventConfiguration, _ content: [UInt8], _ call: AdminCall
  ) async throws(Problem) -> Response {
    let document: JSONValue
    do throws(JSONError) {
      document = try JSONReader.read(content)
    } catch {
      throw .badContent(
        "Malformed JSON at line \(error.line), column \(error.column): \(error.message).")
    }
    let order = event.order(from: document)
    guard order.count > 0 else {
      return Response(json: .object([JSONMember("status", .string("Ignored"))]))
    }
    return try await make(order, reference: nil, call)
  }
}

extension EventConfiguration {
  /// What the content invalidates.
  func order(from content: JSONValue) -> InvalidationOrder {
    func texts(_ templates: [String], _ use: EventTemplate.Use) -> [String] {
      templates.flatMap { EventTemplate($0, use: use)?.texts(from: content) ?? [] }
    }
    var order = InvalidationOrder()
    order[.tags] = texts(tags, .tag)
    order[.paths] = texts(paths, .path)
    order[.urls] = texts(urls, .url)
    order.host = host
    order.kind = InvalidationOrder.Kind(rawValue: kind) ?? .soft
    return order
  }
}
