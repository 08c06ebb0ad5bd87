import EdgeSecurity
import HTTPTypes
import Hummingbird
import Logging

extension AdminResponder {
  private static let basicChallenge = "Basic realm=\"edge admin\", charset=\"UTF-8\""
  private static let bearerChallenge = "Bearer realm=\"edge admin\""

  /// Who sent the request, by Basic authentication or a bearer token; waits where guesses are
  /// slowed.
  func authenticate(
    _ request: Request, client: NetworkAddress?
  ) async throws(Problem) -> AdminIdentity {
    guard let value = request.headers[.authorization] else {
      throw AdminResponder.unauthorized(
        "Send the name and password of one of admin.users with Basic authentication (curl -u "
          + "name:password), or a token (Authorization: Bearer edge_...).")
    }
    let basic = BasicCredentials(authorization: value)
    let bearer = BearerToken(authorization: value)
    guard basic != nil || bearer != nil else {
      throw AdminResponder.unauthorized(
        "The Authorization field is neither \"Basic\" and base 64 of name:password in UTF-8, nor "
          + "\"Bearer\" and a token.")
    }
    try await waitForTurn(client)
    let verdict: AdminAuthenticator.Verdict
    if let basic {
      verdict = await authenticator.verify(basic, from: client, now: now())
    } else if let bearer {
      verdict = authenticator.verify(bearer, from: client, now: now(), nowSeconds: nowSeconds())
    } else {
      verdict = .wrong
    }
    switch verdict {
    case .accepted(let identity):
      warnOfExpiry(identity)
      return identity
    case .wrong:
      noteFailure(client, isToken: basic == nil, reason: "wrong")
      throw basic == nil
        ? AdminResponder.unauthorized(
          "The token is nobody's, or was revoked. Make one with 'edge token create'.",
          tokenFault: "unknown token")
        : AdminResponder.unauthorized("The name or the password is wrong.")
    case .expired(let name, let seconds):
      noteFailure(client, isToken: true, reason: "expired", name: name)
      throw AdminResponder.unauthorized(
        "The token '\(name)' expired at \(UTCTime.text(seconds)). Make another with 'edge token "
          + "create'.", tokenFault: "expired token")
    case .busy:
      throw Problem(
        status: .serviceUnavailable,
        detail: "Too many logins wait for their password to be checked. Try again in 5 seconds.",
        headers: [.retryAfter: "5"])
    }
  }

  /// Waits for the turn of an address that failed before.
  private func waitForTurn(_ client: NetworkAddress?) async throws(Problem) {
    switch authenticator.admit(from: client, now: now()) {
    case .now: return
    case .after(let wait):
      do { try await pause(wait) } catch {
        throw Problem(status: .serviceUnavailable, detail: "The edge is shutting down.")
      }
    case .refused(let wait):
      let seconds = wait.components.seconds + 1
      throw Problem(
        status: .tooManyRequests,
        detail: "Too many failed logins from this address. Try again in \(seconds) seconds.",
        headers: [.retryAfter: "\(seconds)"])
    }
  }

  private static func unauthorized(_ detail: String, tokenFault: String? = nil) -> Problem {
    var headers = HTTPFields()
    // Basic first: what knows only one challenge takes the first.
    let bearer = tokenFault.map {
      "\(bearerChallenge), error=\"invalid_token\", error_description=\"\($0)\""
    }
    headers[values: .wwwAuthenticate] = [basicChallenge, bearer ?? bearerChallenge]
    return Problem(status: .unauthorized, detail: detail, headers: headers)
  }

  /// To the log and the audit log. Not the name that was sent: people type passwords into the
  /// wrong field. The name of an expired token is the edge's own.
  private func noteFailure(
    _ client: NetworkAddress?, isToken: Bool, reason: String, name: String? = nil
  ) {
    let place = client.map { "\($0)" } ?? "unknown"
    logger.warning(
      "A login to the admin API failed.",
      metadata: ["client": "\(place)", "reason": "\(reason)", "token": "\(name ?? "-")"])
    auditLog.write(
      [
        JSONMember("event", .string("login refused")),
        JSONMember("by", .string(isToken ? "token" : "password")),
        JSONMember("reason", .string(reason)), JSONMember("client", .string(place)),
        JSONMember("user", name.map { .string($0) } ?? .null), JSONMember("status", .integer(401)),
      ], nowSeconds: nowSeconds())
  }

  private func warnOfExpiry(_ identity: AdminIdentity) {
    guard authenticator.mustWarn(of: identity, nowSeconds: nowSeconds()),
      let expiry = identity.expirySeconds
    else { return }
    logger.warning(
      "an admin token expires soon; make another with 'edge token create'",
      metadata: ["token": "\(identity.name)", "expiry": "\(UTCTime.text(expiry))"])
  }
}
