import CacheStore
import HTTPTypes
import Hummingbird
import Logging

extension AdminResponder {
  /// `POST /v1/invalidations`.
  func invalidate(_ request: Request, user: String) async throws(Problem) -> Response {
    let mediaType = request.headers[.contentType]?.prefix { $0 != ";" }
    // A missing type is refused too: a form or a typeless fetch from a foreign page is sent with
    // the browser's stored password and without asking, application/json only after asking.
    guard let mediaType, mediaType.lowercased().filter({ $0 != " " }) == "application/json" else {
      throw Problem(
        status: .unsupportedMediaType,
        detail: "Send the invalidation as JSON, with the header Content-Type: application/json.")
    }
    let order = try InvalidationOrder(json: try await content(of: request))
    let receipt = await backend.invalidate(order.selectors, kind: order.kind)
    logger.notice(
      "An invalidation was made.",
      metadata: [
        "user": "\(user)", "sequence": "\(receipt.sequence)", "paths": "\(order.paths.count)",
        "first": "\(order.paths.first ?? "")", "host": "\(order.host ?? "*")",
        "tags": "\(order.tags.count)", "soft": "\(order.kind == .soft)",
        "durable": "\(receipt.isDurable)",
      ])
    return Response(
      json: .object(
        receipt.members(paths: order.paths, host: order.host)
          + [
            JSONMember("tags", .array(order.tags.map { .string($0) })),
            JSONMember("soft", .bool(order.kind == .soft)),
            JSONMember("status", .string("Completed")),
          ]), status: .created)
  }

  /// `PURGE` of one URL.
  func purge(
    _ target: AdminTarget, _ request: Request, _ context: AdminRequestContext, user: String
  ) async throws(Problem) -> Response {
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
      host = namedHost(in: request.head.authority ?? "", localPort: context.localPort)
    }
    let receipt = await backend.purge(target: text, host: host)
    logger.notice(
      "A URL was purged.",
      metadata: [
        "user": "\(user)", "sequence": "\(receipt.sequence)", "target": "\(text)",
        "host": "\(host ?? "*")", "durable": "\(receipt.isDurable)",
      ])
    return Response(
      json: .object(
        receipt.members(paths: [text], host: host) + [JSONMember("status", .string("Completed"))]))
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

  /// The request's content, up to the limit.
  private func content(of request: Request) async throws(Problem) -> [UInt8] {
    let limit = AdminConfiguration.contentLimitBytes
    let tooLarge = Problem(
      status: .contentTooLarge,
      detail: "The content is larger than \(limit) bytes. Send several smaller invalidations, or "
        + "a pattern with \"*\".")
    if let declared = request.headers[.contentLength].flatMap({ Int($0) }), declared > limit {
      throw tooLarge
    }
    var content: [UInt8] = []
    do {
      for try await chunk in request.body {
        content.append(contentsOf: chunk.readableBytesView)
        if content.count > limit { break }
      }
    } catch {
      throw Problem(
        status: .badRequest, detail: "The content broke off before its end. Send it again.")
    }
    if content.count > limit { throw tooLarge }
    return content
  }
}

extension InvalidationReceipt {
  fileprivate func members(paths: [String], host: String?) -> [JSONMember] {
    var members = [
      JSONMember("id", .string("\(sequence)")),
      JSONMember("sequence", .integer(Int(clamping: sequence))),
      JSONMember("paths", .array(paths.map { .string($0) })),
      JSONMember("host", host.map { .string($0) } ?? .null),
      JSONMember("durable", .bool(isDurable)),
    ]
    if let failure { members.append(JSONMember("failure", .string(failure))) }
    return members
  }
}
