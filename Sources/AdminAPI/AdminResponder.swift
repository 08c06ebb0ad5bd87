import EdgeSecurity
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// Answers the admin API's requests: address, login, operation, scope, action, each with its own
/// refusal.
///
/// Without a login everything but the open operations is refused alike, so that nobody learns which
/// paths exist.
struct AdminResponder: HTTPResponder {
  typealias Context = AdminRequestContext

  let backend: any AdminBackend
  let authenticator: AdminAuthenticator
  let ownNames: [String]
  let logger: Logger
  /// Invalidations that are followed.
  var registry: InvalidationRegistry
  /// CloudFront's API; nil when it is not offered.
  var cloudFront: CloudFrontConfiguration?
  /// Events that other systems report, by name.
  var events: [String: EventConfiguration] = [:]
  let seenSignatures = SeenSignatures()
  var addresses = AdminAddressPolicy()
  var auditLog: AuditLog
  /// Seams for tests: the clocks, and the pause that a guesser has to wait.
  var now: @Sendable () -> ContinuousClock.Instant = { .now }
  var nowSeconds: @Sendable () -> Int64 = { UTCTime.nowSeconds }
  var pause: @Sendable (Duration) async throws -> Void = { pause in
    try await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) }
  }

  init(
    backend: any AdminBackend, authenticator: AdminAuthenticator, ownNames: [String] = [],
    auditLog: AuditLog? = nil, logger: Logger
  ) {
    self.backend = backend
    self.authenticator = authenticator
    self.ownNames = ownNames
    self.logger = logger
    registry = InvalidationRegistry(backend: backend, store: nil, logger: logger)
    self.auditLog = auditLog ?? AuditLog(.off, logger: logger)
  }

  func respond(to request: Request, context: AdminRequestContext) async throws -> Response {
    var response: Response
    let content = AdminContent(request)
    do throws(Problem) {
      response = try await answer(request, content, context)
    } catch {
      response = error.response
    }
    if await content.isMuchLeft() {
      // The server framework would read all of it, however much that is, before the next request.
      response.headers[.connection] = "close"
      context.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
    return request.method == .head ? response.createHeadResponse() : response
  }

  private func answer(
    _ request: Request, _ content: AdminContent, _ context: AdminRequestContext
  ) async throws(Problem) -> Response {
    let target = AdminTarget(request.head.path ?? "")
    let client = addresses.client(
      peer: context.client, forwardedFor: request.headers[values: .xForwardedFor])
    guard addresses.admits(client) else {
      throw Problem(
        status: .forbidden,
        detail: "This address may not use the admin API; see admin.allow and admin.deny.")
    }
    let found = AdminResponder.find(target, request.method)
    var identity = AdminIdentity(name: "", credential: .none, scopes: [])
    if found?.operation.access.needsLogin ?? true {
      identity = try await authenticate(request, client: client)
    }
    guard let found else { throw AdminResponder.refusal(target, request.method) }
    let call = AdminCall(
      request: request, content: content, context: context, target: target,
      parameters: found.parameters, client: client, identity: identity, audit: AuditNote())
    var response = try await run(found.operation, call)
    if let expiry = identity.expirySeconds,
      expiry - nowSeconds() < AdminTokenTable.warningSeconds
    {
      response.headers[.tokenExpires] = UTCTime.text(expiry)
    }
    return response
  }

  /// Runs an operation for whoever may; the audit log tells of changes, and of refused ones.
  private func run(
    _ operation: AdminOperation, _ call: AdminCall
  ) async throws(Problem) -> Response {
    do throws(Problem) {
      if case .scopes(let scopes) = operation.access, !call.identity.scopes.allow(anyOf: scopes) {
        throw missingScope(scopes, call.identity)
      }
      let response = try await operation.handler(self, call)
      audit(operation, call, status: response.status.code)
      return response
    } catch {
      audit(operation, call, status: error.status.code)
      throw error
    }
  }

  private func missingScope(_ scopes: AdminScopes, _ identity: AdminIdentity) -> Problem {
    let wanted = scopes.union(.admin).names.joined(separator: " or ")
    let had = identity.scopes.names.joined(separator: ", ")
    return Problem(
      status: .forbidden,
      detail: "This needs the scope \(wanted); '\(identity.name)' has \(had). Use another login, "
        + "or give it the scope.",
      headers: [
        .wwwAuthenticate: "Bearer realm=\"edge admin\", error=\"insufficient_scope\", "
          + "scope=\"\(scopes.names.joined(separator: " "))\""
      ])
  }

  private func audit(_ operation: AdminOperation, _ call: AdminCall, status: Int) {
    guard operation.isChange else { return }
    let identity = call.audit.identity ?? call.identity
    auditLog.write(
      [
        JSONMember("user", .string(identity.name)),
        JSONMember("by", .string(identity.credential.rawValue)),
        JSONMember("client", call.client.map { .string("\($0)") } ?? .null),
        JSONMember("method", .string(call.request.method.rawValue)),
        JSONMember("path", .string(String(call.target.path.prefix(1024)))),
        JSONMember("status", .integer(status)),
      ] + call.audit.members, nowSeconds: nowSeconds())
  }

  /// The operation of a request with the parts of its path that vary.
  static func find(
    _ target: AdminTarget, _ method: HTTPRequest.Method
  ) -> (operation: AdminOperation, parameters: [String: String])? {
    if method == .purge { return (AdminOperation.purgeMethod, [:]) }
    for operation in AdminOperation.all where operation.takes(method) {
      if let parameters = operation.parameters(of: target.path) { return (operation, parameters) }
    }
    return nil
  }

  /// Why there is no operation.
  private static func refusal(_ target: AdminTarget, _ method: HTTPRequest.Method) -> Problem {
    let others = AdminOperation.all.filter { $0.parameters(of: target.path) != nil }
    guard let other = others.first else {
      return Problem(
        status: .notFound,
        detail: "There is no such path. The admin API has "
          + AdminOperation.paths.joined(separator: ", ")
          + ", and PURGE with the path of the URL to purge.")
    }
    let allowed = others.flatMap { $0.method == .get ? ["GET", "HEAD"] : [$0.method.rawValue] }
      .joined(separator: ", ")
    return Problem(
      status: .methodNotAllowed, detail: "\(other.path) takes only \(allowed).",
      headers: [.allow: allowed])
  }
}

extension AdminOperation.Access {
  /// Whether the responder asks for a user or a token.
  var needsLogin: Bool {
    if case .scopes = self { true } else { false }
  }
}

extension AdminOperation {
  /// `PURGE` with any path: the URL to purge. OpenAPI has no such method, so it stands apart.
  static let purgeMethod = AdminOperation(
    .purge, "/", access: .scopes(.purge), isChange: true,
    OperationDocumentation("Purge a URL", responses: [])
  ) { (responder, call) async throws(Problem) in
    try await responder.purge(call)
  }
}

extension HTTPRequest.Method {
  /// Removes one URL; no standard, but what caches have long understood.
  static var purge: HTTPRequest.Method { HTTPRequest.Method("PURGE") ?? .delete }
}
