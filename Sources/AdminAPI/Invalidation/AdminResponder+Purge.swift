import CacheStore
import HTTPTypes
import Hummingbird

/// Purges as Varnish, Fastly and nginx Plus have them: one request, one answer, no job to follow.
extension AdminResponder {
  /// `PURGE` of one URL.
  func purge(_ call: AdminCall) async throws(Problem) -> Response {
    try refuseForeignPages(call.request)
    let target = call.target
    let text = String(target.pathAndQuery)
    if text.utf8.contains(UInt8(ascii: "*")) {
      throw Problem(
        status: .badRequest,
        detail: "PURGE takes one URL without \"*\". Send patterns to POST /v1/invalidations.")
    }
    do {
      _ = try InvalidationSelector.parse(text)
    } catch {
      throw Problem(status: .badRequest, detail: "Cannot purge: \(error).")
    }
    let host: String?
    if let authority = target.authority {
      host = AdminTarget.withoutDefaultPort(String(authority))
    } else {
      host = namedHost(
        in: call.request.head.authority ?? "", localPort: call.context.localPort)
    }
    let receipt = await backend.purge(target: text, host: host, kind: kind(of: call.request))
    note(receipt, call)
    call.audit.add("target", .string(String(text.prefix(1024))))
    call.audit.add("host", host.map { .string($0) } ?? .null)
    return answer(
      receipt,
      [
        JSONMember("paths", .array([.string(text)])),
        JSONMember("host", host.map { .string($0) } ?? .null),
      ])
  }

  /// `POST /v1/purge/{tag}`.
  func purgeTag(_ call: AdminCall) async throws(Problem) -> Response {
    try await purge(tags: [call.parameter("tag")], call)
  }

  /// `POST /v1/purge` with the tags in Surrogate-Key.
  func purgeTags(_ call: AdminCall) async throws(Problem) -> Response {
    let names = [HTTPField.Name("Surrogate-Key"), HTTPField.Name("Cache-Tag")].compactMap { $0 }
    let tags = names.flatMap { name in
      call.request.headers[values: name].flatMap { value in
        value.split { $0 == " " || $0 == "\t" || (name.rawName == "Cache-Tag" && $0 == ",") }
          .map(String.init)
      }
    }
    guard !tags.isEmpty else {
      throw .badContent("Name the tags in the header Surrogate-Key, with blanks between them.")
    }
    return try await purge(tags: tags, call)
  }

  /// `POST /service/{service}/purge_all`.
  func purgeEverything(_ call: AdminCall) async throws(Problem) -> Response {
    try refuseForeignPages(call.request)
    let receipt = await backend.invalidate(
      [.everything], kind: kind(of: call.request), isFollowed: false)
    note(receipt, call)
    return answer(receipt, [])
  }

  private func purge(tags: [String], _ call: AdminCall) async throws(Problem) -> Response {
    try refuseForeignPages(call.request)
    var order = InvalidationOrder()
    order[.tags] = tags
    let selectors = try order.selectors(routeNames: [])
    let receipt = await backend.invalidate(
      selectors, kind: kind(of: call.request), isFollowed: false)
    note(receipt, call)
    call.audit.note(order)
    return answer(receipt, [JSONMember("tags", .array(tags.map { .string($0) }))])
  }

  /// A request without content needs no permission to be sent from a foreign page with the
  /// browser's stored password; browsers say in Origin or Sec-Fetch-Site that one does so.
  private func refuseForeignPages(_ request: Request) throws(Problem) {
    let site = HTTPField.Name("Sec-Fetch-Site").flatMap { request.headers[$0] }
    let isForeignSite = site.map { $0 != "same-origin" && $0 != "none" } ?? false
    let origin = request.headers[.origin]
    let isForeignOrigin = origin.map { origin in
      guard let start = origin.firstRange(of: "://")?.upperBound else { return true }
      return origin[start...].lowercased() != request.head.authority?.lowercased()
    }
    if isForeignSite || isForeignOrigin == true {
      throw Problem(
        status: .forbidden, detail: "A page of another origin may not purge through a browser.")
    }
  }

  /// Fastly's header for purges that mark stale.
  private func kind(of request: Request) -> InvalidationKind {
    HTTPField.Name("Fastly-Soft-Purge").flatMap { request.headers[$0] } == "1" ? .soft : .hard
  }

  private func note(_ receipt: InvalidationReceipt, _ call: AdminCall) {
    call.audit.add("id", .string("\(receipt.sequence)"))
    call.audit.add("durable", .bool(receipt.isDurable))
  }

  private func answer(_ receipt: InvalidationReceipt, _ members: [JSONMember]) -> Response {
    var all = [
      JSONMember("status", .string("ok")), JSONMember("id", .string("\(receipt.sequence)")),
    ]
    all += members
    all.append(JSONMember("durable", .bool(receipt.isDurable)))
    if let failure = receipt.failure { all.append(JSONMember("failure", .string(failure))) }
    return Response(json: .object(all))
  }

  /// The host that a Host field's value names; nil when it names this listener, whose own address
  /// says nothing about the site: an IP address, `localhost`, the listener's own port, or one of
  /// the names that the configuration gives it.
  private func namedHost(in authority: String, localPort: Int?) -> String? {
    let (host, port) = AdminTarget.split(authority.lowercased())
    let isAddress = host.hasPrefix("[") || host.allSatisfy { $0.isNumber || $0 == "." }
    if host.isEmpty || host == "localhost" || isAddress { return nil }
    if let localPort, (port ?? "80") == "\(localPort)" { return nil }
    if ownNames.contains(where: { $0.lowercased() == host }) { return nil }
    return AdminTarget.withoutDefaultPort(authority)
  }
}
