import Hummingbird
import HTTPTypes

/// An error as the client sees it (RFC 9457): which status, what was wrong and what to do.
struct Problem: Error {
  var status: HTTPResponse.Status
  /// What was wrong and what to do about it; holds nothing secret.
  var detail: String
  /// Further header fields of the answer.
  var headers: HTTPFields = [:]

  /// The answer.
  var response: Response {
    let body = JSONValue.object([
      JSONMember("type", .string("about:blank")),
      JSONMember("title", .string(status.reasonPhrase)),
      JSONMember("status", .integer(status.code)), JSONMember("detail", .string(detail)),
    ])
    var response = Response(json: body, status: status)
    response.headers[.contentType] = "application/problem+json"
    for field in headers { response.headers.append(field) }
    return response
  }
}

extension Response {
  /// A response with a JSON text, which caches and browsers keep nothing of.
  init(json: JSONValue, status: HTTPResponse.Status = .ok) {
    self.init(text: json.text + "\n", contentType: "application/json", status: status)
  }

  /// A response with text.
  init(text: String, contentType: String, status: HTTPResponse.Status = .ok) {
    var headers = HTTPFields()
    headers[.contentType] = contentType
    headers[.cacheControl] = "no-store"
    headers[.xContentTypeOptions] = "nosniff"
    self.init(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: text)))
  }
}
