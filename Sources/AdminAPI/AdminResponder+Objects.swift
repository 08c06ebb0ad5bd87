import CacheStore
import EdgeProxy
import EdgeSecurity
import HTTPTypes
import Hummingbird

/// What a listing of objects asks for.
public struct ObjectQuery: Sendable, Equatable {
  /// By what a listing is ordered.
  public enum Order: String, Sendable, CaseIterable {
    /// The largest first.
    case bytes
    /// Those with most hits first.
    case hits
    /// The newest first.
    case newest
    /// The oldest first.
    case oldest
  }

  /// What the URL begins with, as `http://host/path`; empty for all.
  public var prefix = ""
  /// The host; without a port, on every port; nil for all.
  public var host: String?
  /// A cache tag; nil for all.
  public var tag: String?
  /// Objects to list, at most.
  public var limit = 100
  /// The order of all that is stored, of which the first are listed; nil lists page by page in the
  /// store's own.
  public var order: Order?
  /// Where the page begins.
  public var cursor: ObjectCursor = .start

  /// All objects, in the store's order.
  public init() {}
}

/// Objects as a listing names them.
public struct ObjectListing: Sendable {
  /// One object.
  public struct Row: Sendable {
    /// Its hash, 32 hexadecimal digits.
    public var hash: String
    /// What the store tells of it.
    public var summary: ObjectSummary

    /// An object under this hash.
    public init(hash: String, summary: ObjectSummary) {
      self.hash = hash
      self.summary = summary
    }
  }

  /// The objects.
  public var rows: [Row]
  /// Where to go on; nil at the end, and in an ordered listing.
  public var next: ObjectCursor?
  /// Whether all that is stored was looked at.
  public var isComplete: Bool
  /// The wall clock, by which ages count.
  public var nowSeconds: Int64

  /// A listing of these rows.
  public init(rows: [Row], next: ObjectCursor?, isComplete: Bool, nowSeconds: Int64) {
    self.rows = rows
    self.next = next
    self.isComplete = isComplete
    self.nowSeconds = nowSeconds
  }
}

extension AdminResponder {
  /// `GET /v1/objects`.
  func listObjects(_ call: AdminCall) async throws(Problem) -> Response {
    let query = try ObjectQuery(call)
    return Response(json: await backend.objects(query).json)
  }

  /// `GET /v1/objects/{hash}`.
  func showObject(_ call: AdminCall) async throws(Problem) -> Response {
    guard let detail = await backend.object(hash: call.parameter("hash")) else {
      throw AdminResponder.noObject
    }
    return Response(json: detail.json)
  }

  /// `PUT /v1/objects`.
  func placeObject(_ call: AdminCall) async throws(Problem) -> Response {
    try requireJSON(call.request)
    let response = try PlacedResponse(json: try await call.content.read())
    call.audit.add("url", .string(String(response.url.prefix(1024))))
    call.audit.add("content_bytes", .integer(response.content.count))
    do {
      let detail = try await backend.place(response)
      call.audit.add("id", .string(detail.hash))
      return Response(json: detail.json, status: .created)
    } catch {
      let status: HTTPResponse.Status =
        if case .notStored = error { .conflict } else { .badRequest }
      throw Problem(status: status, detail: "\(error).")
    }
  }

  /// `DELETE /v1/objects/{hash}`.
  func removeObject(_ call: AdminCall) async throws(Problem) -> Response {
    call.audit.add("id", .string(call.parameter("hash")))
    guard await backend.removeObject(hash: call.parameter("hash")) else {
      throw AdminResponder.noObject
    }
    return Response(status: .noContent)
  }

  private static let noObject = Problem(
    status: .notFound,
    detail: "Nothing is stored under this hash. GET /v1/objects lists what is, GET /v1/explain "
      + "tells the hash of a URL.")

  /// Refuses content of another type. A missing one is refused too: a form or a typeless fetch from
  /// a foreign page is sent with the browser's stored password and without asking,
  /// application/json only after asking.
  func requireJSON(_ request: Request) throws(Problem) {
    let mediaType = request.headers[.contentType]?.prefix { $0 != ";" }
    guard let mediaType, mediaType.lowercased().filter({ $0 != " " }) == "application/json" else {
      throw Problem(
        status: .unsupportedMediaType,
        detail: "Send the content as JSON, with the header Content-Type: application/json.")
    }
  }
}

extension ObjectQuery {
  /// Most objects on a page.
  static let mostListed = 1000

  /// Reads the query's parameters.
  fileprivate init(_ call: AdminCall) throws(Problem) {
    prefix = call.query("prefix") ?? ""
    host = call.query("host").map { AdminTarget.withoutDefaultPort($0) }
    tag = call.query("tag")
    if let text = call.query("limit") {
      guard let number = Int(text), 1...ObjectQuery.mostListed ~= number else {
        throw Problem(
          status: .badRequest,
          detail: "\"limit\" must be a number from 1 to \(ObjectQuery.mostListed).")
      }
      limit = number
    }
    if let text = call.query("sort") {
      guard let order = Order(rawValue: text) else {
        throw Problem(
          status: .badRequest,
          detail: "\"sort\" must be one of "
            + Order.allCases.map(\.rawValue).joined(separator: ", ") + ".")
      }
      self.order = order
    }
    if let text = call.query("cursor") {
      guard order == nil else {
        throw Problem(
          status: .badRequest,
          detail: "A sorted listing has no pages: leave out \"cursor\" or \"sort\".")
      }
      guard let cursor = ObjectCursor(text) else {
        throw Problem(
          status: .badRequest, detail: "\"cursor\" must be the \"next\" of the page before.")
      }
      self.cursor = cursor
    }
  }
}

extension ObjectListing {
  /// What the OpenAPI document says of it.
  static let schema = JSONSchema.members(
    [
      .init(
        "objects",
        .array(
          .members(
            [
              .init("hash", .text(pattern: "^[0-9a-f]{32}$", minimum: nil, maximum: nil)),
              .init("url", .string), .init("tier", .choice(["memory", "disk", "both"])),
              .init("bytes", .integer(minimum: 0, maximum: nil)),
              .init("status", .optional(.integer(minimum: 0, maximum: 999))),
              .init("age_seconds", .optional(.integer(minimum: nil, maximum: nil))),
              .init("hits", .optional(.integer(minimum: 0, maximum: 3))),
              .init("tags", .optional(.integer(minimum: 0, maximum: nil))),
              .init("stale", .boolean),
            ], isClosed: true), minimum: nil, maximum: ObjectQuery.mostListed)),
      .init("next", .optional(.string)), .init("complete", .boolean),
    ], isClosed: true)

  /// The answer of `GET /v1/objects`.
  var json: JSONValue {
    .object([
      JSONMember("objects", .array(rows.map { $0.json(nowSeconds: nowSeconds) })),
      JSONMember("next", next.map { .string("\($0)") } ?? .null),
      JSONMember("complete", .bool(isComplete)),
    ])
  }
}

extension ObjectListing.Row {
  fileprivate func json(nowSeconds: Int64) -> JSONValue {
    func integer(_ number: Int?) -> JSONValue { number.map { .integer($0) } ?? .null }
    return .object([
      JSONMember("hash", .string(hash)), JSONMember("url", .string(summary.url)),
      JSONMember("tier", .string(summary.tier.rawValue)),
      JSONMember("bytes", .integer(summary.bytes)),
      JSONMember("status", integer(summary.status.map(Int.init))),
      JSONMember(
        "age_seconds", integer(summary.responseTimeSeconds.map { Int(nowSeconds - $0) })),
      JSONMember("hits", integer(summary.hits)), JSONMember("tags", integer(summary.tagCount)),
      JSONMember("stale", .bool(summary.isMarkedStale)),
    ])
  }
}

extension ObjectDetail {
  /// The answer of `GET /v1/objects/{hash}`.
  var json: JSONValue {
    .object([
      JSONMember("hash", .string(hash)), JSONMember("url", .string(url)),
      JSONMember("kind", .string(kind)), JSONMember("stored", stored.json),
      JSONMember(
        "headers",
        .array(
          fields.map { field in
            .object([
              JSONMember("name", .string(field.name)), JSONMember("value", .string(field.value)),
            ])
          })),
      JSONMember("tag_hashes", tags.map { .array($0.map { .string($0) }) } ?? .null),
      JSONMember("stale", .bool(isMarkedStale)), JSONMember("hits", .integer(hits)),
    ])
  }

  /// What the OpenAPI document says of it.
  static let schema = JSONSchema.members(
    [
      .init("hash", .text(pattern: "^[0-9a-f]{32}$", minimum: nil, maximum: nil)),
      .init("url", .string), .init("kind", .choice(["response", "variants", "parts"])),
      .init("stored", .object),
      .init(
        "headers",
        .array(
          .members([.init("name", .string), .init("value", .string)], isClosed: true),
          minimum: nil, maximum: nil)),
      .init("tag_hashes", .optional(.array(.string, minimum: nil, maximum: nil))),
      .init("stale", .boolean), .init("hits", .integer(minimum: 0, maximum: 3)),
    ], isClosed: true)
}
