import NIOCore

/// One request to an origin, already decided: everything here goes out as it stands.
public struct OriginRequest: Sendable {
  /// Which of the configured origins: an index into their list.
  public var origin: Int
  /// The method's kind.
  public var method: RequestMethod
  /// The method's name as it goes on the wire.
  public var methodName: ByteBuffer
  /// Path and query as they go on the wire.
  public var target: ByteBuffer
  /// The Host field's value; empty for the origin server's own host and port.
  public var authority: ByteBuffer
  /// The end-to-end fields to send: no Host, Content-Length, Transfer-Encoding or Connection.
  public var fields: FieldBlock
  /// How the content is delimited; the transport writes the framing fields.
  public var framing: BodyFraming
  /// Whether the request asks for a WebSocket (RFC 6455): the transport writes Connection and
  /// Upgrade, and sends no byte behind the head before the origin's 101. After that, what is sent
  /// and received are bytes as they are.
  public var asksForWebSocket = false

  /// A request as it goes out.
  public init(
    origin: Int, method: RequestMethod, methodName: ByteBuffer, target: ByteBuffer,
    authority: ByteBuffer, fields: FieldBlock, framing: BodyFraming
  ) {
    self.origin = origin
    self.method = method
    self.methodName = methodName
    self.target = target
    self.authority = authority
    self.fields = fields
    self.framing = framing
  }
}

/// A final response head from an origin: checked, transfer coding and connection fields taken off
/// by the transport (the fields that Connection names included).
public struct OriginResponseHead: Sendable {
  /// Status code, 200 to 999; 101 only where the request asked for a WebSocket.
  public var status: Int
  /// The fields, a built block: its bytes are field lines. Content-Length is among them.
  public var fields: FieldBlock
  /// The content's length where the origin declared it; nil when it is delimited by chunks or by
  /// the connection's end. 0 for a response that has no content by definition.
  public var contentLength: Int?

  /// A head with these parts.
  public init(status: Int, fields: FieldBlock, contentLength: Int?) {
    self.status = status
    self.fields = fields
    self.contentLength = contentLength
  }
}

/// Who gets the events of one fetch. Confined to the event loop that the fetch was started on.
///
/// Order: any number of informational heads, one head, any number of chunks, one end; a failure may
/// come at any point and is then the last event. After ``OriginFetch/cancel()`` nothing comes.
public protocol OriginReceiver: AnyObject {
  /// An interim response (100 excepted).
  func originInformational(status: Int, fields: FieldBlock)
  /// The final head.
  func originHead(_ head: OriginResponseHead)
  /// Some content, within the bytes granted (a last chunk may exceed them by at most 64 KiB).
  func originChunk(_ chunk: ByteBuffer)
  /// The response is complete, as its framing says.
  func originEnd(trailers: FieldBlock?)
  /// The fetch failed; content that came before is incomplete.
  func originFailed(_ failure: OriginFailure)
  /// The transport takes another piece of the request's content: answer once with
  /// ``OriginFetch/sendBody(_:)`` or ``OriginFetch/endBody(trailers:)``, now or later.
  func originWantsBody()
}

/// The handle of a fetch under way. Its methods may be called from any thread.
public protocol OriginFetch: AnyObject, Sendable {
  /// Lets the origin deliver `bytes` more bytes of content. A fetch starts with 64 KiB granted.
  func grant(_ bytes: Int)
  /// Sends one piece of the request's content.
  func sendBody(_ chunk: ByteBuffer)
  /// Ends the request's content.
  func endBody(trailers: FieldBlock?)
  /// Abandons the fetch: no event follows on the receiver's loop after this call returns when it
  /// is made on that loop.
  func cancel()
}

/// Why a fetch failed.
public struct OriginFailure: Error, Sendable, Equatable {
  /// The kinds of failure, each with one answer and one name in log and metrics.
  public enum Kind: String, Sendable, CaseIterable {
    case refused = "connection refused"
    case unresolved = "host name not resolved"
    case unreachable = "network unreachable"
    case connectTimeout = "connect timeout"
    case tls = "TLS failure"
    case reset = "connection reset"
    case firstByteTimeout = "first byte timeout"
    case idleTimeout = "idle timeout"
    case truncated = "response cut short"
    case malformed = "malformed response"
    case headTooLarge = "response head too large"
    case queueTimeout = "pool queue timeout"
    case queueFull = "pool queue full"
    case badRequestBody = "request content failed"
    case shutdown = "shutting down"
    case other = "transport failure"
  }

  /// The kind.
  public var kind: Kind
  /// What the transport said, for the log; no secret, no client data.
  public var detail: String
  /// Whether no byte of the request can have been acted on, so that it may be sent again.
  public var mayRetry: Bool

  /// A failure of `kind`.
  public init(_ kind: Kind, detail: String = "", mayRetry: Bool = false) {
    self.kind = kind
    self.detail = detail
    self.mayRetry = mayRetry
  }

  /// The status the client gets: 504 for a time-out, 503 for a full pool, else 502.
  public var status: Int {
    switch kind {
    case .connectTimeout, .firstByteTimeout, .idleTimeout: 504
    case .queueTimeout, .queueFull, .shutdown: 503
    default: 502
    }
  }
}
