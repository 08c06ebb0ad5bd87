import EdgeSecurity
import HTTPMessage

/// What a request asks for with Upgrade, on a route that lets WebSockets through (RFC 6455 section
/// 4.2.1).
///
/// Strict: a request that a WebSocket server might read in another way than this edge is refused
/// and not forwarded. Otherwise a client could have the origin answer what it believes to be an
/// upgrade and this edge an ordinary request, and say to the one behind what the other never reads.
enum WebSocketHandshake: Equatable {
  /// No upgrade, or one that this edge does not know: the request is answered as if it had not
  /// asked (RFC 9110 section 7.8).
  case none
  /// An opening handshake; what Sec-WebSocket-Accept has to say.
  case valid(accept: [UInt8])
  /// An opening handshake that no server should take: 426 for another version, else 400.
  case invalid(status: Int)

  /// Reads the handshake out of a head that has an Upgrade field.
  init(_ head: RequestHead) {
    self = .none
    // HTTP/2 has no Upgrade, and of HTTP/1.0 it means nothing.
    guard head.version == .http11, Self.names("websocket", in: head, .upgrade),
      Self.names("upgrade", in: head, .connection)
    else { return }
    self = .invalid(status: 400)
    let isAlone =
      head.fields.occurrences(of: .upgrade) == 1
      && head.fields.withFirst(.upgrade) { $0.equalsIgnoringCase("websocket") } ?? false
    guard isAlone, head.method == .get, head.framing == .none,
      !head.fields.contains(.contentLength), !head.fields.contains(.transferEncoding),
      !Self.connectionNamesHandshake(head)
    else { return }
    guard let version = Self.only("sec-websocket-version", in: head.fields) else { return }
    guard version == Array("13".utf8) else {
      self = .invalid(status: 426)
      return
    }
    guard head.fields.occurrences(of: .secWebSocketKey) == 1 else { return }
    let accept = head.fields.withFirst(.secWebSocketKey) { key -> [UInt8]? in
      WebSocketKey.isValid(key) ? WebSocketKey.accept(key) : nil
    }
    if let accept = accept ?? nil { self = .valid(accept: accept) }
  }

  /// Whether the origin has accepted: it has read the key, and says so once.
  static func isAccepted(_ accept: [UInt8], by fields: FieldBlock) -> Bool {
    only("sec-websocket-accept", in: fields) == accept
  }

  private static func names(
    _ token: StaticString, in head: RequestHead, _ field: KnownField
  ) -> Bool {
    guard head.fields.contains(field) else { return false }
    var result = false
    ListMembers.forEach(in: head.fields, field) { member in
      if member.equalsIgnoringCase(token) { result = true }
    }
    return result
  }

  /// Whether Connection would take a field of the handshake away on the way to the origin.
  private static func connectionNamesHandshake(_ head: RequestHead) -> Bool {
    var result = false
    ListMembers.forEach(in: head.fields, .connection) { option in
      if option.count >= 14,
        UnsafeRawBufferPointer(rebasing: option[..<14]).equalsIgnoringCase("sec-websocket-")
      {
        result = true
      }
    }
    return result
  }

  /// The value of a field that occurs once; nil when it is missing or repeated.
  private static func only(_ name: StaticString, in fields: FieldBlock) -> [UInt8]? {
    var value: [UInt8]?
    var count = 0
    fields.forEachLine { lineName, lineValue, _ in
      guard lineName.equalsIgnoringCase(name) else { return }
      count += 1
      value = Array(lineValue)
    }
    return count == 1 ? value : nil
  }
}
