import EdgeProxy
import HTTPTypes
import Hummingbird

extension AdminResponder {
  /// Most header fields that a request to explain may have.
  private static let fieldLimit = 64

  /// `GET /v1/explain?url=...&method=GET&header=Name:%20value`.
  func explain(_ request: Request) async throws(Problem) -> Response {
    let parameters = request.uri.queryParameters
    guard let url = parameters["url"] else {
      throw Problem(
        status: .badRequest,
        detail: "Name the URL to explain, percent-encoded: /v1/explain?url=http://host/path. "
          + "More parameters: method, and header (\"Name: value\"), which may be repeated.")
    }
    let headers = parameters.getAll("header")
    guard headers.count <= Self.fieldLimit else {
      throw Problem(
        status: .badRequest, detail: "At most \(Self.fieldLimit) header parameters are taken.")
    }
    var fields: [(name: String, value: String)] = []
    for header in headers {
      guard let colon = header.firstIndex(of: ":"), colon != header.startIndex else {
        throw Problem(
          status: .badRequest, detail: "A header parameter must be of the form \"Name: value\".")
      }
      let value = header[header.index(after: colon)...].drop { $0 == " " }
      fields.append((String(header[..<colon]), String(value)))
    }
    do {
      return Response(
        json: try await backend.explain(
          method: parameters["method"].map(String.init) ?? "GET", url: String(url), fields: fields
        ).json)
    } catch {
      throw Problem(status: .badRequest, detail: "\(error).")
    }
  }
}

extension Explanation {
  /// The answer of `GET /v1/explain`; members without a value are left out.
  var json: JSONValue {
    var members: [JSONMember] = [
      JSONMember("result", .string(result)), JSONMember("reason", .string(reason)),
    ]
    if let route { members.append(JSONMember("route", .string(route))) }
    if let key { members.append(JSONMember("key", .string(key))) }
    if let keyHash { members.append(JSONMember("key_hash", .string(keyHash))) }
    if let stored { members.append(JSONMember("stored", stored.json)) }
    if let variants {
      members.append(
        JSONMember(
          "variants",
          .object([
            JSONMember("fields", .array(variants.fields.map { .string($0) })),
            JSONMember("count", .integer(variants.count)),
          ])))
    }
    return .object(members)
  }
}

extension Explanation.Stored {
  /// What is stored, in answers.
  var json: JSONValue {
    .object([
      JSONMember("status", .integer(status)), JSONMember("tier", .string(tier)),
      JSONMember("content_bytes", .integer(contentBytes)),
      JSONMember("age_seconds", .integer(Int(ageSeconds))),
      JSONMember("lifetime_seconds", .integer(Int(lifetimeSeconds))),
      JSONMember("remaining_seconds", .integer(Int(remainingSeconds))),
      JSONMember("stale_while_revalidate_seconds", .integer(Int(staleWhileRevalidateSeconds))),
      JSONMember("stale_if_error_seconds", .integer(Int(staleIfErrorSeconds))),
      JSONMember("lifetime_row", lifetimeRow.map { .string($0) } ?? .null),
      JSONMember("clamps", .array(clamps.map { .string($0) })),
      JSONMember("flags", .array(flags.map { .string($0) })),
    ])
  }
}
