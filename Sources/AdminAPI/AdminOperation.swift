import EdgeSecurity
import HTTPTypes
import Hummingbird

/// One operation of the admin API: what is asked for, who may ask, who answers, and what the
/// OpenAPI document says of it. ``AdminOperation/all`` is the one table that requests are
/// dispatched by and the document is made from, so the two cannot differ.
struct AdminOperation: Sendable {
  /// Who may ask.
  enum Access: Sendable, Equatable {
    /// Everybody whom the address lists let in.
    case open
    /// Users and tokens with one of the scopes.
    case scopes(AdminScopes)
    /// Whom the operation itself lets in, by a signature over the request.
    case signature(scheme: String)
  }

  typealias Handler =
    @Sendable (_ responder: AdminResponder, _ call: AdminCall) async throws(Problem) -> Response

  /// The method; GET takes HEAD along.
  var method: HTTPRequest.Method
  /// The path, with `{name}` for a part that varies: `/v1/objects/{hash}`.
  var path: String
  /// Who may ask.
  var access: Access
  /// Whether it changes something, so that the audit log tells of it.
  var isChange: Bool
  /// What the OpenAPI document says.
  var documentation: OperationDocumentation
  /// Answers.
  var handler: Handler

  init(
    _ method: HTTPRequest.Method, _ path: String, access: Access, isChange: Bool = false,
    _ documentation: OperationDocumentation, handler: @escaping Handler
  ) {
    self.method = method
    self.path = path
    self.access = access
    self.isChange = isChange
    self.documentation = documentation
    self.handler = handler
  }

  /// The parts of a path that vary, by name; nil when it is another path. Each stands for one
  /// segment that is not empty.
  func parameters(of path: Substring) -> [String: String]? {
    let pattern = self.path.split(separator: "/", omittingEmptySubsequences: false)
    let segments = path.split(separator: "/", omittingEmptySubsequences: false)
    guard pattern.count == segments.count else { return nil }
    var parameters: [String: String] = [:]
    for (part, segment) in zip(pattern, segments) {
      if part.hasPrefix("{"), part.hasSuffix("}") {
        guard let value = segment.removingURLPercentEncoding(), !value.isEmpty else { return nil }
        parameters[String(part.dropFirst().dropLast())] = value
      } else if part != segment {
        return nil
      }
    }
    return parameters
  }

  /// Whether it answers a request's method.
  func takes(_ method: HTTPRequest.Method) -> Bool {
    method == self.method || (method == .head && self.method == .get)
  }
}

/// A request on its way to its operation.
struct AdminCall: Sendable {
  /// The request.
  let request: Request
  /// Its content.
  let content: AdminContent
  /// Where it arrived.
  let context: AdminRequestContext
  /// Its target, taken apart.
  let target: AdminTarget
  /// The parts of the path that vary, by the names in the operation's path.
  let parameters: [String: String]
  /// The client: the peer, or whom a trusted proxy names.
  let client: NetworkAddress?
  /// Who asks. Operations with ``AdminOperation/Access/signature(scheme:)`` set it in the audit.
  let identity: AdminIdentity
  /// What the audit log tells of it.
  let audit: AuditNote

  /// The parameter of this name, which stands in the operation's path.
  func parameter(_ name: String) -> String { parameters[name] ?? "" }

  /// The query parameter of this name, decoded; nil without one.
  func query(_ name: String) -> String? { request.uri.queryParameters[name[...]].map(String.init) }
}

extension AdminOperation {
  /// Every operation.
  static let all: [AdminOperation] =
    probeOperations + inspectionOperations + objectOperations + invalidationOperations
    + documentOperations

  /// Every path, in the table's order.
  static let paths: [String] = all.reduce(into: []) { paths, operation in
    if !paths.contains(operation.path) { paths.append(operation.path) }
  }

  private static let probeOperations: [AdminOperation] = [
    AdminOperation(
      .get, "/healthz", access: .open,
      OperationDocumentation(
        "Whether the process lives", responses: [.text(200, "It does.", "text/plain")])
    ) { (_, _) async throws(Problem) in
      Response(text: "ok\n", contentType: "text/plain; charset=utf-8")
    },
    AdminOperation(
      .get, "/readyz", access: .open,
      OperationDocumentation(
        "Whether the edge takes requests",
        responses: [
          .text(200, "It does.", "text/plain"),
          .text(503, "It starts, or shuts down.", "text/plain"),
        ])
    ) { (responder, _) async throws(Problem) in
      let isReady = responder.backend.isReady
      return Response(
        text: isReady ? "ready\n" : "not ready\n", contentType: "text/plain; charset=utf-8",
        status: isReady ? .ok : .serviceUnavailable)
    },
  ]
}

extension Substring {
  /// The text that percent-encoding stands for; nil when it is malformed or not UTF-8.
  func removingURLPercentEncoding() -> String? {
    var bytes: [UInt8] = []
    var rest = Array(utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, rest.first != UInt8(ascii: "+"), rest.first != UInt8(ascii: "-"),
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      else { return nil }
      rest = rest.dropFirst(2)
      bytes.append(value)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
