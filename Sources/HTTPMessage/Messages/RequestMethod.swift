/// A request method (RFC 9110 section 9). Methods the edge treats alike are ``other``; the name
/// itself stays in the head, so that any method passes through.
///
/// | method | safe | idempotent | cacheable |
/// |---|---|---|---|
/// | GET, HEAD | yes | yes | yes |
/// | QUERY | yes | yes | yes, with its content in the key |
/// | OPTIONS, TRACE, PROPFIND, REPORT, SEARCH | yes | yes | no |
/// | POST | no | no | only as RFC 9110 section 9.3.3 says |
/// | PUT, DELETE | no | yes | no |
/// | PATCH, CONNECT, PURGE and all others | no | no | no |
///
/// Safe are those that the IANA registry of methods calls so; what is not known is not safe.
public enum RequestMethod: UInt8, Sendable, CaseIterable {
  case get, head, post, put, delete, patch, options, trace, connect, query, purge, other
  case propfind, report, search

  /// Names a method; methods are case-sensitive (RFC 9110 section 9.1).
  public init(_ name: UnsafeRawBufferPointer) {
    switch name.count {
    case 3: self = name.equals("GET") ? .get : name.equals("PUT") ? .put : .other
    case 4: self = name.equals("HEAD") ? .head : name.equals("POST") ? .post : .other
    case 5:
      self =
        name.equals("PATCH")
        ? .patch
        : name.equals("TRACE")
          ? .trace : name.equals("QUERY") ? .query : name.equals("PURGE") ? .purge : .other
    case 6:
      self =
        name.equals("DELETE")
        ? .delete : name.equals("SEARCH") ? .search : name.equals("REPORT") ? .report : .other
    case 7: self = name.equals("OPTIONS") ? .options : name.equals("CONNECT") ? .connect : .other
    case 8: self = name.equals("PROPFIND") ? .propfind : .other
    default: self = .other
    }
  }

  /// Whether the method is known to be safe: read-only for the client (RFC 9110 section 9.2.1).
  public var isSafe: Bool {
    switch self {
    case .get, .head, .options, .trace, .query, .propfind, .report, .search: true
    default: false
    }
  }

  /// Whether repeating the request has the effect of sending it once (RFC 9110 section 9.2.2).
  public var isIdempotent: Bool { isSafe || self == .put || self == .delete }

  /// Whether a stored response may answer such a request (RFC 9110 section 9.2.3); for QUERY only
  /// when its content is part of the key.
  public var isAnsweredFromCache: Bool { self == .get || self == .head || self == .query }

  /// Whether a response to such a request may be stored (RFC 9110 section 9.2.3); to POST only
  /// one with explicit freshness and a Content-Location that names the target (section 9.3.3).
  public var isCacheable: Bool { isAnsweredFromCache || self == .post }
}

/// A protocol version that a message came in.
public enum HTTPVersion: UInt8, Sendable {
  case http10, http11, http2

  /// As it stands in Via and the access log: `1.0`, `1.1`, `2`.
  public var text: StaticString {
    switch self {
    case .http10: "1.0"
    case .http11: "1.1"
    case .http2: "2"
    }
  }
}

/// How a message's content is delimited once transfer coding is taken off.
public enum BodyFraming: Sendable, Equatable {
  /// No content.
  case none
  /// Exactly this many bytes.
  case length(Int)
  /// Unknown until its end, which the protocol marks (chunked, or HTTP/2's END_STREAM).
  case streamed
}
