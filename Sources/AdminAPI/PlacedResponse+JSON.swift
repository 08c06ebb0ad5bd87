import EdgeProxy
import EdgeSecurity

extension PlacedResponse {
  /// What the OpenAPI document says of it.
  static let schema = JSONSchema.members(
    [
      .init("url", .text(pattern: "^(https?://[^/?#]+)?/", minimum: 1, maximum: 8192)),
      .init("status", .integer(minimum: 200, maximum: 599), isRequired: false),
      .init("headers", .map(.string), isRequired: false),
      .init("request_headers", .map(.string), isRequired: false),
      .init("ttl", .integer(minimum: 0, maximum: longestSeconds), isRequired: false),
      .init("body", .string, isRequired: false),
      .init("body_base64", .string, isRequired: false),
    ], isClosed: true)

  private static let longestSeconds = 10 * 365 * 86_400

  /// Reads and checks the content of `PUT /v1/objects`.
  init(json bytes: [UInt8]) throws(Problem) {
    let members = try PlacedResponse.members(of: bytes)
    var url: String?
    var ttl: Int?
    var content: [UInt8]?
    self.init(url: "", fields: [], content: [])
    for member in members {
      switch (member.name, member.value) {
      case ("url", .string(let text)): url = text
      case ("status", .integer(let number)) where 200...599 ~= number: status = number
      case ("headers", .object(let members)): fields = try PlacedResponse.fields(members)
      case ("request_headers", .object(let members)):
        requestFields = try PlacedResponse.fields(members)
      case ("ttl", .integer(let number)) where 0...PlacedResponse.longestSeconds ~= number:
        ttl = number
      case ("body", .string(let text)) where content == nil: content = Array(text.utf8)
      case ("body_base64", .string(let text)) where content == nil:
        guard let bytes = Base64.decode(Array(text.utf8)) else {
          throw PlacedResponse.fault("\"body_base64\" is no base 64 with padding.")
        }
        content = bytes
      default:
        throw PlacedResponse.fault(
          "\"\(member.name.prefix(80))\" is unknown, there a second time, or of a wrong value. An "
            + "object has \"url\" and, if need be, \"status\" (200 to 599), \"headers\" and "
            + "\"request_headers\" (names and texts), \"ttl\" (seconds) and one of \"body\" and "
            + "\"body_base64\".")
      }
    }
    guard let url else {
      throw PlacedResponse.fault("\"url\" is missing, such as http://www.example.com/a.")
    }
    self.url = url
    self.content = content ?? []
    guard let ttl else { return }
    let setsLifetime = ["cache-control", "expires", "cdn-cache-control", "surrogate-control"]
    if let name = fields.first(where: { setsLifetime.contains($0.name.lowercased()) })?.name {
      throw PlacedResponse.fault("\"ttl\" and the header \(name) contradict each other: keep one.")
    }
    fields.append(("Cache-Control", "s-maxage=\(ttl)"))
  }

  private static func members(of bytes: [UInt8]) throws(Problem) -> [JSONMember] {
    do throws(JSONError) {
      guard case .object(let members) = try JSONReader.read(bytes) else {
        throw JSONError(line: 1, column: 1, message: "the content must be an object")
      }
      return members
    } catch {
      throw fault(
        "Malformed JSON at line \(error.line), column \(error.column): \(error.message).")
    }
  }

  private static func fields(
    _ members: [JSONMember]
  ) throws(Problem) -> [(name: String, value: String)] {
    var fields: [(name: String, value: String)] = []
    for member in members {
      guard case .string(let value) = member.value else {
        throw fault("The header \"\(member.name.prefix(80))\" must have a text.")
      }
      fields.append((member.name, value))
    }
    return fields
  }

  private static func fault(_ detail: String) -> Problem {
    Problem(status: .badRequest, detail: detail)
  }
}
