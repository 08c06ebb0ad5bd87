import EdgeSecurity
import HTTPTypes
import Hummingbird
import Logging
import ServiceLifecycle

/// Answers the admin API's requests: password, route, action, each with its own refusal.
///
/// Without a password everything but the probes is refused alike, so that nobody learns which
/// paths exist.
struct AdminResponder: HTTPResponder {
  typealias Context = AdminRequestContext

  let backend: any AdminBackend
  let authenticator: AdminAuthenticator
  let ownNames: [String]
  let logger: Logger
  /// Seams for tests: the clock, and the pause that a guesser has to wait.
  var now: @Sendable () -> ContinuousClock.Instant = { .now }
  var pause: @Sendable (Duration) async throws -> Void = { pause in
    try await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) }
  }

  func respond(to request: Request, context: AdminRequestContext) async throws -> Response {
    var response: Response
    do throws(Problem) {
      response = try await answer(request, context)
    } catch {
      response = error.response
    }
    return request.method == .head ? response.createHeadResponse() : response
  }

  private func answer(
    _ request: Request, _ context: AdminRequestContext
  ) async throws(Problem) -> Response {
    let target = AdminTarget(request.head.path ?? "")
    if request.method == .purge {
      let user = try await authenticate(request, context)
      return try await purge(target, request, context, user: user)
    }
    let route = AdminRoute(rawValue: String(target.path))
    var user = ""
    if route?.isOpen != true { user = try await authenticate(request, context) }
    guard let route else {
      throw Problem(
        status: .notFound,
        detail: "There is no such path. The admin API has "
          + AdminRoute.allCases.map(\.rawValue).joined(separator: ", ")
          + ", and PURGE with the path of the URL to purge.")
    }
    guard route.methods.contains(request.method) else {
      let allowed = route.methods.map(\.rawValue).joined(separator: ", ")
      throw Problem(
        status: .methodNotAllowed, detail: "\(route.rawValue) takes only \(allowed).",
        headers: [.allow: allowed])
    }
    return try await answer(route, request, user: user)
  }

  private func answer(
    _ route: AdminRoute, _ request: Request, user: String
  ) async throws(Problem) -> Response {
    switch route {
    case .health:
      return Response(text: "ok\n", contentType: "text/plain; charset=utf-8")
    case .ready:
      let isReady = backend.isReady
      return Response(
        text: isReady ? "ready\n" : "not ready\n", contentType: "text/plain; charset=utf-8",
        status: isReady ? .ok : .serviceUnavailable)
    case .metrics:
      return Response(
        text: await backend.metricsText(), contentType: "text/plain; version=0.0.4; charset=utf-8")
    case .status:
      return Response(json: await backend.status().json(isReady: backend.isReady))
    case .invalidations:
      return try await invalidate(request, user: user)
    case .explain:
      return try await explain(request)
    case .snapshots:
      return try await snapshots(request, user: user)
    }
  }

  /// The name of the user who sent the request; waits where guesses are slowed.
  private func authenticate(
    _ request: Request, _ context: AdminRequestContext
  ) async throws(Problem) -> String {
    let challenge = HTTPFields([
      HTTPField(name: .wwwAuthenticate, value: "Basic realm=\"edge admin\", charset=\"UTF-8\"")
    ])
    guard let value = request.headers[.authorization] else {
      throw Problem(
        status: .unauthorized,
        detail: "Send the name and password of one of admin.users with Basic authentication "
          + "(curl -u name:password).", headers: challenge)
    }
    guard let credentials = BasicCredentials(authorization: value) else {
      throw Problem(
        status: .unauthorized,
        detail: "The Authorization field is not of the form \"Basic\" and base 64 of "
          + "name:password in UTF-8.", headers: challenge)
    }
    switch authenticator.admit(from: context.client, now: now()) {
    case .now: break
    case .after(let wait):
      do { try await pause(wait) } catch {
        throw Problem(status: .serviceUnavailable, detail: "The edge is shutting down.")
      }
    case .refused(let wait):
      let seconds = wait.components.seconds + 1
      throw Problem(
        status: .tooManyRequests,
        detail: "Too many wrong passwords from this address. Try again in \(seconds) seconds.",
        headers: [.retryAfter: "\(seconds)"])
    }
    if let user = authenticator.verify(credentials, from: context.client, now: now()) {
      return user
    }
    // Not the name: people type passwords into the wrong field.
    logger.warning(
      "A login to the admin API failed.",
      metadata: ["client": "\(context.client.map { "\($0)" } ?? "unknown")"])
    throw Problem(
      status: .unauthorized, detail: "The name or the password is wrong.", headers: challenge)
  }
}
