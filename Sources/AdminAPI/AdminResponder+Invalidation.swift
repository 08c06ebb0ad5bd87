import CacheStore
import HTTPTypes
import Hummingbird

extension AdminResponder {
  /// `POST /v1/invalidations`.
  func invalidate(_ call: AdminCall) async throws(Problem) -> Response {
    try requireJSON(call.request)
    let order = try InvalidationOrder(json: try await call.content.read())
    let receipt = await backend.invalidate(order.selectors, kind: order.kind)
    call.audit.add("id", .string("\(receipt.sequence)"))
    call.audit.add("paths", .array(order.paths.prefix(20).map { .string($0) }))
    call.audit.add("path_count", .integer(order.paths.count))
    call.audit.add("host", order.host.map { .string($0) } ?? .null)
    call.audit.add("tags", .array(order.tags.prefix(20).map { .string($0) }))
    call.audit.add("tag_count", .integer(order.tags.count))
    call.audit.add("soft", .bool(order.kind == .soft))
    call.audit.add("durable", .bool(receipt.isDurable))
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
  func purge(_ call: AdminCall) async throws(Problem) -> Response {
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
    let receipt = await backend.purge(target: text, host: host)
    call.audit.add("id", .string("\(receipt.sequence)"))
    call.audit.add("target", .string(String(text.prefix(1024))))
    call.audit.add("host", host.map { .string($0) } ?? .null)
    call.audit.add("durable", .bool(receipt.isDurable))
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
